#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# With clients connected and nothing to do, none of the three processes wakes.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

command -v strace >/dev/null || skip "strace is not installed"
broker_start 'hold_ms = 2000' 'thaw_ms = 500'
processes="$(pid_of appvssd) $(pgrep -P "$(pid_of appvssd)")"
for process in $processes; do
	start_bg "strace$process" strace -f -o "$TEST_DIR/calls.$process" \
		-p "$process"
	wait_for "$TEST_DIR/strace$process.log" attached 10
done
broker_case idle idle
# A sanitizer's last check is not made under strace.
for process in $processes; do
	stop_bg "strace$process" INT || :
done
broker_stop
