#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A new configuration for the running broker: all or nothing, between
# transactions, by RELOAD, appvssctl and SIGHUP.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh
[ "$(id -u)" -eq 0 ] || skip "being somebody else needs root"

# fresh [CONFIG LINE...]: the same host, and an appvssd that knows nobody
fresh() {
	broker_stop
	rm -f "$TEST_DIR/history.db"
	{
		sed -n 1,2p "$TEST_DIR/appvssd.conf"
		for line; do
			printf '%s\n' "$line"
		done
	} >"$TEST_DIR/fresh.conf"
	mv "$TEST_DIR/fresh.conf" "$TEST_DIR/appvssd.conf"
	broker_appvssd
	wait_for "$TEST_DIR/appvssd.log" 'event=device_open ' 10
}

anyone='access "all" { user = "*" roles = {observe, participate} }'
broker_start 'socket_mode = 0666' "$anyone" \
	'participant "pg" { user = 65001 }'
broker_case config good
fresh
broker_case config bad
fresh
broker_case config restart_only
fresh
broker_case config held
fresh
broker_case config hangup
fresh
broker_case config short
fresh 'socket_mode = 0666' "$anyone"
broker_case config owing
fresh 'socket_mode = 0666' "$anyone"
broker_case config rebound
fresh 'socket_mode = 0666' \
	'access "all" { user = "*" roles = {observe, request} }'
broker_case config demoted
fresh

# ctl STATUS WORDS COMMAND
ctl() {
	status=0
	appvssd/appvssctl/appvssctl --socket "$TEST_DIR/socket" "$3" \
		>"$TEST_DIR/out" 2>&1 || status=$?
	[ "$status" -eq "$1" ] || die "$3: status $status: $(cat "$TEST_DIR/out")"
	grep -q -- "$2" "$TEST_DIR/out" || die "$3 said: $(cat "$TEST_DIR/out")"
}
ctl 0 '^the configuration is reloaded' reload
printf 'nonsense = 1\n' >>"$TEST_DIR/appvssd.conf"
ctl 65 'appvssd.conf:3: no such word' reload
sed -i '$d' "$TEST_DIR/appvssd.conf"
broker_case config restarted
stop_bg appvssd || die "appvssd did not end well"
