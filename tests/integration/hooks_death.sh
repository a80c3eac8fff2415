#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-hooks: whoever dies while scripts are frozen, they are thawed.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh

make_script 20-outer : :
make_script 50-inner : :
make_script 60-hangs 'echo $$ >$TEST_DIR/hanging; sleep 300' :

freeze_both() {
	freeze 20-outer "$1"
	freeze 50-inner "$1"
	received '^READY .*name=20-outer .*op=freeze' 10 "$2"
	received '^READY .*name=50-inner .*op=freeze' 10 "$2"
}

# thawed_in_order ID NAME...: what was frozen last thaws first.
thawed_in_order() {
	id=$1
	shift
	for name; do
		called "^$name thaw .*transaction=$id result=lost" 15
	done
	[ "$(sed -n "s/ thaw .*transaction=$id .*//p" "$CALLS" | tr '\n' ' ')" = \
		"$* " ] || die "thawed in disorder"
	gone "$LIST" 10
}

is_alive() {
	kill -0 "$1" 2>/dev/null &&
		! grep -q '^State:[[:space:]]*Z' "/proc/$1/status"
}

start_broker
start_hooks hooks
received '^REGISTER name=60-hangs ' 10

say "the broker vanishes"
freeze_both 1 1
tell hangup
called '^20-outer thaw .*transaction=1 result=lost' 10
called '^50-inner thaw .*transaction=1 result=lost' 10
gone "$LIST" 10
received '^REGISTER name=60-hangs ' 10 2

say "the runner is killed: its parent thaws, and starts another"
freeze_both 2 2
freeze 60-hangs 2
called '^60-hangs freeze .*transaction=2 ' 10
kill -9 "$(runner_pid hooks)"
called '^60-hangs thaw .*transaction=2 result=lost' 15
is_alive "$(cat "$TEST_DIR/hanging")" &&
	die "thawed although its freeze still runs"
thawed_in_order 2 60-hangs 50-inner 20-outer
received '^REGISTER name=60-hangs ' 15 3

say "both are killed: the next start thaws"
freeze_both 3 3
runner=$(runner_pid hooks)
kill -STOP "$(pid_of hooks)"
kill -9 "$runner" "$(pid_of hooks)"
wait_bg hooks 10 || :
[ -s "$LIST" ] || die "the list is gone"
start_hooks again
thawed_in_order 3 50-inner 20-outer
received '^REGISTER name=60-hangs ' 15 4

say "the parent alone is killed: the runner goes on until all is thawed"
freeze_both 4 4
runner=$(runner_pid again)
kill -9 "$(pid_of again)"
wait_bg again 10 || :
is_alive "$runner" || die "the runner died with its parent"
thaw 50-inner 4 'done'
thaw 20-outer 4 'done'
called '^50-inner thaw .*transaction=4 result=done' 10
called '^20-outer thaw .*transaction=4 result=done' 10
gone "/proc/$runner" 10
! grep -q '^UNREGISTER' "$BROKER_LOG" ||
	die "it took its leave: snapshots would count as complete without it"

say "told to stop while frozen, it thaws first"
start_hooks third
received '^REGISTER name=60-hangs ' 15 5
freeze_both 5 5
stop_bg third TERM || die "exit status $? on SIGTERM"
thawed_in_order 5 50-inner 20-outer
received '^UNREGISTER name=20-outer' 10

say "a list of somebody's making runs nothing but a script"
{
	echo "../../../bin/touch 1 - 0 0"
	echo "50-absent 1 - 0 0"
	echo "50-inner 6 - 0 0"
	echo "rubbish"
} >"$LIST"
start_hooks fourth
called '^50-inner thaw .*transaction=6 result=lost' 10
received '^REGISTER name=60-hangs ' 15 6
gone "$LIST" 10
stop_bg fourth TERM || die "exit status $? on SIGTERM"
say "passed"
