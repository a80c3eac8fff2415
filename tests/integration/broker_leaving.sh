#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a thousand participants cost, those that go away in each state, and one
# that wants ten thousand names.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

broker_start 'max_names_per_uid = 1000
max_clients_per_uid = 2000'
broker_case many small
broker_case many leaving
broker_case many burst
broker_case many ten_thousand_names
broker_stop
