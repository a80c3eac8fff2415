#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The C examples, one for each way to use the library: a loop of poll(2), a loop
# of libevent, a thread.  While a snapshot is held they write nothing, before and
# after they do; and the example that asks what it was worth is told.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

APPVSS_SOCKET=$TEST_DIR/socket
export APPVSS_SOCKET

replies=0
# host_step COMMAND: asks, waits for the reply, and expects success.
host_step() {
	replies=$((replies + 1))
	host "$1"
	wait_for "$TEST_DIR/sim.log" '^reply op=(FREEZE|THAW|CHECK)' 20 $replies
	grep -E '^reply op=(FREEZE|THAW|CHECK)' "$TEST_DIR/sim.log" |
		tail -n 1 | grep -q 'status=0x00000000' || die "$1 failed"
}

lines() {
	wc -l <"$TEST_DIR/$1.out"
}

# await_more NAME LINES: it has written more lines than that.
await_more() {
	tries=400
	until [ "$(lines "$1")" -gt "$2" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "$1 writes nothing"
		sleep 0.05
	done
}

# await_known NAME
await_known() {
	tries=400
	until appvssd/appvssctl/appvssctl status | grep -q "^$1 "; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "$1 is not registered"
		sleep 0.05
	done
}

# What is written before a freeze is on disk then, line by line.
check_whole() {
	awk '$0 != NR { exit 1 }' "$TEST_DIR/$1.out" ||
		die "$1: the file is not whole"
}

# Nobody to ask: it says so and ends.
status=0
examples/ask_history 2>"$TEST_DIR/ask.log" || status=$?
[ "$status" -eq 1 ] || die "without a broker ask_history ends with $status"
grep -q 'not available' "$TEST_DIR/ask.log" || die "it does not say why"

# They are there before the broker is, and do not mind.
start_bg minimal examples/minimal
for name in with_libevent with_thread; do
	start_bg $name examples/$name "$TEST_DIR/$name.out"
done
broker_start
await_known minimal
for name in with_libevent with_thread; do
	await_known $name
done

host_step freeze
for name in with_libevent with_thread; do
	held=$(lines $name)
	[ "$held" -gt 0 ] || die "$name has flushed nothing"
	check_whole $name
	eval "held_$name=$held"
done
# As long as ten of their lines take: nobody writes one.
sleep 0.1
for name in with_libevent with_thread; do
	eval "held=\$held_$name"
	[ "$(lines $name)" -eq "$held" ] || die "$name writes while frozen"
done
host_step thaw

tries=400
until appvssd/appvssctl/appvssctl --history "$TEST_DIR/history.db" \
	show last >"$TEST_DIR/last" 2>/dev/null &&
	grep -q 'freeze, done, consistency application' "$TEST_DIR/last"; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "not recorded: $(cat "$TEST_DIR/last")"
	sleep 0.05
done
examples/ask_history >"$TEST_DIR/ask.log" || die "ask_history ends with $?"
for pattern in 'participant minimal: idle' 'participant with_thread: idle' \
	'participant with_libevent: idle' \
	'transaction [0-9]*: freeze, done, application'; do
	grep -q "^$pattern\$" "$TEST_DIR/ask.log" ||
		die "no '$pattern' in: $(cat "$TEST_DIR/ask.log")"
done

# The broker is killed while it holds: they go on by themselves.
for name in with_libevent with_thread; do
	eval "held_$name=\$(lines $name)"
done
host_step freeze
kill -9 "$(broker_pid)"
for name in with_libevent with_thread; do
	stop_bg $name || die "$name did not end well"
	eval "held=\$held_$name"
	await_more $name "$held"
	check_whole $name
done
