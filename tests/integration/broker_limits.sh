#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Descriptors and memory run out in the broker: it keeps the clients that it has,
# goes on with them, does not turn in circles, and takes new ones when there is
# room again.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

[ "$(uname -s)" = Linux ] || skip "limits of a running process: Linux only"
command -v prlimit >/dev/null || skip "prlimit is not installed"
broker_start 'max_names = 100000' 'max_names_per_uid = 100000' \
	'history_queue_rows = 64' 'stall_ms = 900000' 'socket_mode = 0666' \
	'access "all" { user = "*" roles = observe }'
if [ "$(id -u)" -eq 0 ]; then
	say "output that nobody reads"
	broker_case limits unread
fi
say "descriptors"
broker_case limits descriptors
say "descriptors, all of them"
broker_case limits exhausted
if grep -q __asan_init appvssd/appvssd; then
	say "memory: not under a sanitizer, which needs more than any limit"
else
	say "memory"
	broker_case limits memory
fi
broker_stop
