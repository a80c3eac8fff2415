#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Who may do what: each role, allowed and refused, for other users than root.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh
[ "$(id -u)" -eq 0 ] || skip "being somebody else needs root"

broker_start 'socket_mode = 0666' \
	'access "watch" { user = {65001, 65006} roles = observe }' \
	'access "web" { group = 65002 roles = {participate} names = {"web-*"} }' \
	'access "agent" { user = {65003, 65007} roles = request }' \
	'access "operator" { user = {65004} roles = {admin} }' \
	'participant "pg" { user = 65005 required = true order = 20 }' \
	'participant "pg-*" { user = 65005 order = 30 }'
broker_case config holds
broker_case config roles
broker_case config names
broker_stop

rm -f "$TEST_DIR/history.db"
printf 'user = "%s"\nhistory_program = "%s"\nsocket_mode = 0666\n%s\n' \
	nobody "$PWD/appvssd/appvssd-history" 'max_clients_per_uid = 2' \
	>"$TEST_DIR/appvssd.conf"
broker_appvssd
broker_case config default
broker_case config crowd
broker_stop
