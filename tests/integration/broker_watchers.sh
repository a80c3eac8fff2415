#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Many who watch do not hold up a snapshot of many participants.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

command -v strace >/dev/null || skip "strace is not installed"
broker_start
start_bg strace strace -f -e trace=sendto -o "$TEST_DIR/calls" \
	-p "$(broker_pid)"
wait_for "$TEST_DIR/strace.log" attached 10
broker_case watchers all_see_all
# A sanitizer's last check is not made under strace.
stop_bg strace INT || :
broker_stop
