#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A broker or a history process that dies is replaced; clients keep the same
# socket; SIGTERM ends all in order.
set -eu
. tests/integration/lib.sh
. tests/integration/parent_common.sh

log=$TEST_DIR/appvssd.log
write_config
start_parent appvssd

# What a broker is given: one history, no device, a run number of its own.
first=$(wait_field histories 1)
[ "$(field devices "$first")" = 0 ] || die "a device: $first"
# Standard descriptors, socket, channel, log, history: no more.
[ "$(field fds "$first")" -eq 7 ] || die "too many descriptors: $first"
inode=$(ls -i "$SOCKET")

# The history process is killed: the same broker gets another.
wait_for "$log" 'history started' 10
history_pid=$(sed -n 's/.*"history started pid=\([0-9]*\).*/\1/p' "$log")
kill -9 "$history_pid"
second=$(wait_field histories 2)
[ "$(field pid "$first")" = "$(field pid "$second")" ] ||
	die "the broker was replaced too"
wait_for "$log" 'event=history_ended child_pid=[0-9]+ signal=9' 10

# The broker is killed: the history process sees the end of its input and ends,
# and both are replaced.
kill -9 "$(field pid "$second")"
wait_for "$log" 'event=ready' 10 2
third=$(wait_field histories 1)
[ "$(field pid "$third")" != "$(field pid "$second")" ] || die "not replaced"
[ "$(field run "$third")" != "$(field run "$second")" ] || die "same run"
[ "$(ls -i "$SOCKET")" = "$inode" ] || die "the socket was replaced"
wait_for "$log" 'event=broker_ended child_pid=[0-9]+ signal=9' 10
wait_for "$log" 'history ends' 10

# ^C and a service manager's SIGTERM reach the children too: they go on.
kill -TERM "$(field pid "$third")"
kill -INT "$(field pid "$third")"
kill -HUP "$(pid_of appvssd)"
wait_for "$log" 'event=reload by=signal' 10
[ "$(field pid "$(ask)")" = "$(field pid "$third")" ] ||
	die "a signal to the group ended the broker"

stop_bg appvssd || die "SIGTERM: exit status $?"
[ ! -e "$SOCKET" ] || die "the socket is still there"
wait_for "$log" 'event=stopped status=0' 1
# Every history process had the time to end by itself, but the killed one.
[ "$(grep -c 'history ends' "$log")" -eq 2 ] || die "a history was cut off"
if kill -0 "$(field pid "$third")" 2>/dev/null; then
	die "the broker still runs"
fi

# A first broker that cannot start ends appvssd.
FAKE_FAIL_START=1
export FAKE_FAIL_START
status=0
timeout -k 5 20 "$APPVSSD" --foreground --config "$TEST_DIR/appvssd.conf" \
	>"$TEST_DIR/fail.log" 2>&1 || status=$?
[ "$status" -eq 70 ] || die "a failed start: exit status $status"
[ ! -e "$SOCKET" ] || die "a failed start left its socket"
unset FAKE_FAIL_START

# Of one that has ended, what it said last is read; nobody is killed for it: its
# number may be another process's by then.
FAKE_LAST_WORDS=1
export FAKE_LAST_WORDS
start_parent talker
log=$TEST_DIR/talker.log
kill -STOP "$(pid_of talker)"
talker=$(field pid "$(ask)")
while ! ps -o stat= -p "$talker" | grep -q '^Z'; do
	sleep 0.05
done
kill -CONT "$(pid_of talker)"
wait_for "$log" "event=broker_ended child_pid=$talker status=0" 10
! grep -q 'event=broker_kill' "$log" || die "killed after its end: $(cat "$log")"
wait_for "$log" 'event=ready broker_pid=[0-9]+' 10 26
unset FAKE_LAST_WORDS
stop_bg talker || die "SIGTERM: exit status $?"
