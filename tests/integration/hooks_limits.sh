#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-hooks: a freeze is killed as a group at its limit and thawed all the
# same; a thaw is never killed, and never runs twice at a time.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh

# The first sleeps in a child of the script and minds no SIGTERM.
make_script 50-hangs \
	'trap "" TERM; echo waiting; sleep 300 & echo $! >$TEST_DIR/sleeper; wait; sleep 300' :
make_script 50-slow-thaw : \
	'while [ ! -e $TEST_DIR/go ]; do sleep 0.05; done; echo "50-slow-thaw woke" >>$CALLS'
make_script 50-bad-thaw : '[ -e $TEST_DIR/go ] || { echo no; exit 9; }'

start_broker
start_hooks hooks --freeze-ms 700
received '^REGISTER name=50-hangs .*freeze_ms=700' 10
received '^REGISTER name=50-slow-thaw ' 10
received '^REGISTER name=50-bad-thaw ' 10

say "a freeze that hangs is reported in time, and killed with its group"
freeze 50-hangs 1 5000
called '^50-hangs freeze .*deadline=700' 10
received '^FAIL .*name=50-hangs .*op=freeze.*killed after .*waiting' 5
thaw 50-hangs 1 aborted
called '^50-hangs thaw .*result=aborted' 10
received '^READY .*name=50-hangs .*op=thaw' 10
sleeper=$(cat "$TEST_DIR/sleeper")
if kill -0 "$sleeper" 2>/dev/null &&
	! grep -q '^State:[[:space:]]*Z' "/proc/$sleeper/status"; then
	die "the script's child outlived the kill"
fi
gone "$LIST" 5

say "the broker's time counts if it is shorter"
freeze 50-hangs 2 300
called '^50-hangs freeze .*transaction=2 .*deadline=2[0-9][0-9]$' 10
received '^FAIL .*name=50-hangs .*killed after' 5 2

say "a thaw that comes while the freeze runs ends it first"
thaw 50-hangs 2 aborted
received '^READY .*name=50-hangs .*op=thaw' 10 2
freeze 50-hangs 3 60000
called '^50-hangs freeze .*transaction=3 ' 10
thaw 50-hangs 3 aborted
called '^50-hangs thaw .*transaction=3 ' 10
received '^READY .*name=50-hangs .*op=thaw' 10 3

say "a late thaw is reported, not killed, and not started twice"
freeze 50-slow-thaw 4
received '^READY .*name=50-slow-thaw .*op=freeze' 10
thaw 50-slow-thaw 4 'done' 300
received '^FAIL .*name=50-slow-thaw .*op=thaw.*still running' 5
thaw 50-slow-thaw 4 'done' 300
received '^FAIL .*name=50-slow-thaw .*op=thaw.*still running' 5 2
[ "$(grep -c '^50-slow-thaw thaw' "$CALLS")" -eq 1 ] ||
	die "a second thaw was started while one ran"
grep -q '^50-slow-thaw ' "$LIST" || die "off the list before it was thawed"

say "a thaw that fails is tried again by itself"
freeze 50-bad-thaw 4
received '^READY .*name=50-bad-thaw .*op=freeze' 10
thaw 50-bad-thaw 4 'done'
received '^FAIL .*name=50-bad-thaw .*op=thaw.*exit status 9: no' 10
called '^50-bad-thaw thaw' 15 3
tell say "CHECK name=50-bad-thaw id=5 remaining_ms=1000"
received '^FAIL .*name=50-bad-thaw .*op=check.*' 10

: >"$TEST_DIR/go"
called '^50-slow-thaw woke' 10
thaw 50-slow-thaw 4 'done' 5000
received '^READY .*name=50-slow-thaw .*op=thaw' 10
gone "$LIST" 15
thaw 50-bad-thaw 4 'done'
received '^READY .*name=50-bad-thaw .*op=thaw' 10
[ "$(grep -c '^50-slow-thaw thaw' "$CALLS")" -eq 1 ] ||
	die "thawed again though the first thaw succeeded"
stop_bg hooks TERM || die "exit status $? on SIGTERM"
say "passed"
