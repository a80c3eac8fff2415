#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The Python examples, which use no library of appvss: a participant and a
# requestor written from appvss-protocol(7) alone.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

PYTHONDONTWRITEBYTECODE=1
APPVSS_SOCKET=$TEST_DIR/socket
export PYTHONDONTWRITEBYTECODE APPVSS_SOCKET

# Each freeze and thaw of a participant leaves a line in the file of its name.
# participant NAME FREEZE [OPTION...]: starts it and waits until it is known.
participant() {
	participant_name=$1
	participant_freeze=$2
	shift 2
	: >"$TEST_DIR/$participant_name"
	start_bg "$participant_name" examples/participant.py \
		--socket "$APPVSS_SOCKET" --name "$participant_name" \
		--freeze "echo freeze >>$TEST_DIR/$participant_name
			$participant_freeze" \
		--thaw "echo thaw >>$TEST_DIR/$participant_name" "$@"
	wait_for "$TEST_DIR/$participant_name.log" ': registered$' 10
}

requestor() {
	examples/requestor.py --socket "$APPVSS_SOCKET" "$@"
}

ctl() {
	appvssd/appvssctl/appvssctl "$@"
}

replies=0
# host_step COMMAND STATUS: asks and waits for the reply.
host_step() {
	replies=$((replies + 1))
	host "$1"
	wait_for "$TEST_DIR/sim.log" '^reply op=(FREEZE|THAW|CHECK)' 20 $replies
	grep -E '^reply op=(FREEZE|THAW|CHECK)' "$TEST_DIR/sim.log" |
		tail -n 1 | grep -q "status=$2" || die "$1: not $2"
}

snapshot() {
	host_step freeze 0x00000000
	host_step thaw 0x00000000
}

# expect_last PATTERN: in what the history says of the last transaction.
expect_last() {
	tries=200
	until ctl --history "$TEST_DIR/history.db" show last \
		>"$TEST_DIR/last" 2>/dev/null && grep -Eq "$1" "$TEST_DIR/last"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "no '$1' in: $(cat "$TEST_DIR/last")"
		sleep 0.05
	done
}

# await_registered NAME COUNT
await_registered() {
	wait_for "$TEST_DIR/$1.log" ': registered$' 20 "$2"
}

broker_start 'hold_max_ms = 30000'

# A snapshot of the host's with a participant that is good at it.
participant good 'echo all is on disk' --check 'true'
host_step check 0x00000000
snapshot
expect_last 'freeze, done, consistency application'
grep -q 'participant.py: all is on disk' "$TEST_DIR/last" ||
	die "the text is not in the history"
[ "$(tr '\n' ' ' <"$TEST_DIR/good")" = 'freeze thaw ' ] ||
	die "good was told: $(cat "$TEST_DIR/good")"

# One that fails, and one that does not end in its time: the snapshot is made,
# without their word for it, and both are thawed.
participant bad 'echo not now; exit 1'
participant slow 'sleep 1000' --freeze-ms 300
snapshot
expect_last 'freeze, done, consistency filesystem'
grep -q 'bad .*failed' "$TEST_DIR/last" || die "bad did not fail"
wait_for "$TEST_DIR/bad" '^thaw' 10
wait_for "$TEST_DIR/slow" '^thaw' 10
for name in bad slow; do
	stop_bg $name || die "$name did not end well"
	! ctl status | grep -q "^$name " || die "$name is still known"
done

# What a participant says arrives byte by byte, and harms no terminal.
cat >"$TEST_DIR/say" <<'END'
printf 'say "no" \\ or \\x41\n\tfine: \303\244\342\202\254 \377 \033[31mred\033[0m\r \177='
END
participant talks "sh $TEST_DIR/say"
snapshot
expect_last 'freeze, done, consistency application'
ctl status >"$TEST_DIR/status"
for file in last status; do
	grep -F 'say "no" ' "$TEST_DIR/$file" >"$TEST_DIR/line" ||
		die "the text is not in $file"
	grep -Fq '\x1b[31mred' "$TEST_DIR/line" || die "$file escapes nothing"
	! LC_ALL=C grep -q '[[:cntrl:]]' "$TEST_DIR/line" ||
		die "control characters in $file"
done
sh "$TEST_DIR/say" >"$TEST_DIR/said"
PYTHONPATH=examples python3 - "$APPVSS_SOCKET" "$TEST_DIR/said" <<'END' ||
import sys
from appvss_line import Connection, Signals

with Connection(sys.argv[1], "test", Signals()) as broker, \
        open(sys.argv[2], "rb") as said:
    broker.send("STATUS")
    item = broker.await_line(lambda l: l.keys.get("name") == "talks", 10)
    text = item.keys["text"].encode("utf-8", "surrogateescape")
    sys.exit(not text.startswith(said.read()))
END
	die "another text arrived than was said"
stop_bg talks || die "talks did not end well"

# Nobody to thaw it: the broker is killed while it holds.
lines=$(grep -c thaw "$TEST_DIR/good")
host_step freeze 0x00000000
kill -9 "$(broker_pid)"
wait_for "$TEST_DIR/good" '^thaw' 20 $((lines + 1))
wait_for "$TEST_DIR/good.log" 'thawed by itself: the connection ended' 10
await_registered good 2
wait_for "$TEST_DIR/appvssd.log" 'event=device_open ' 20 2
host_step thaw 0x
snapshot
expect_last 'freeze, done, consistency application'

# A requestor ends as its command does, and the command runs while it holds.
lines=$(grep -c freeze "$TEST_DIR/good")
status=0
requestor -- sh -c "[ \$(grep -c freeze '$TEST_DIR/good') -eq $((lines + 1)) ] &&
	[ \$(tail -n 1 '$TEST_DIR/good') = freeze ] && exit 7" || status=$?
[ "$status" -eq 7 ] || die "the command's status was 7, the requestor's $status"
[ "$(tail -n 1 "$TEST_DIR/good")" = thaw ] || die "it is not thawed"
expect_last 'freeze, done, consistency application'
status=0
requestor -- sh -c 'kill -TERM $$' || status=$?
[ "$status" -eq 143 ] || die "the command was killed, the status is $status"
status=0
requestor -- "$TEST_DIR/nonexistent" 2>"$TEST_DIR/out" || status=$?
[ "$status" -eq 127 ] || die "no such command, the status is $status"

# 75: the hold was over before the command was.
lines=$(grep -c thaw "$TEST_DIR/good")
status=0
requestor --hold-ms 200 -- sh -c "
	until [ \$(grep -c thaw '$TEST_DIR/good') -gt $lines ]; do
		sleep 0.05
	done" 2>"$TEST_DIR/out" || status=$?
[ "$status" -eq 75 ] || die "the hold expired, the status is $status"
grep -q 'the hold was lost: .*no_thaw' "$TEST_DIR/out" || die "it does not say so"

# 69: nothing was frozen, and the command did not run.
for holds in 30001 86400001; do
	status=0
	requestor --hold-ms $holds -- touch "$TEST_DIR/ran" \
		2>"$TEST_DIR/out" || status=$?
	[ "$status" -eq 69 ] || die "it was refused, the status is $status"
done
[ ! -e "$TEST_DIR/ran" ] || die "the command ran though nothing was frozen"

# Whoever ends while something is frozen leaves nothing frozen: a requestor,
lines=$(grep -c thaw "$TEST_DIR/good")
: >"$TEST_DIR/holding.pid"
start_bg holder examples/requestor.py --socket "$APPVSS_SOCKET" -- \
	sh -c "echo \$\$ >$TEST_DIR/holding.pid; exec sleep 1000"
wait_for "$TEST_DIR/holding.pid" '^[0-9]+$' 20
kill -9 "$(pid_of holder)"
wait_for "$TEST_DIR/good" '^thaw' 20 $((lines + 1))
stop_bg holding || :
expect_last 'freeze, lost'

# a participant that is killed, and one that is told to end.
participant killed ''
participant ended ''
host_step freeze 0x00000000
kill -9 "$(pid_of killed)"
wait_for "$TEST_DIR/killed" '^thaw' 20
stop_bg ended || die "ended did not end well"
grep -q thaw "$TEST_DIR/ended" || die "it left something frozen"
host_step thaw 0x00000000
expect_last 'freeze, done, consistency filesystem'

PYTHONPATH=examples python3 - "$APPVSS_SOCKET" <<'END' || die "no FORGET"
import sys
from appvss_line import Connection, Signals

with Connection(sys.argv[1], "test", Signals()) as broker:
    broker.send("FORGET", name="killed")
    line = broker.await_line(lambda l: l.keys.get("verb") == "FORGET", 10)
    sys.exit(line.verb != "OK")
END

# The broker stands still while it holds: the participant's own limit, which is
# longer than all that the broker may take, ends that.
stop_bg appvssd || die "appvssd did not end well"
printf 'freeze_ms = 2000\nthaw_ms = 2000\n' >>"$TEST_DIR/appvssd.conf"
broker_appvssd
await_registered good 3
lines=$(grep -c thaw "$TEST_DIR/good")
stopped=$(broker_pid)
cat >"$TEST_DIR/stop" <<END
kill -STOP $stopped
tries=1200
until [ \$(grep -c thaw '$TEST_DIR/good') -gt $lines ] || [ \$tries -eq 0 ]; do
	tries=\$((tries - 1))
	sleep 0.05
done
kill -CONT $stopped
# What the participant said is heard before what the requestor says.
appvssd/appvssctl/appvssctl status
END
requestor --hold-ms 500 -- sh "$TEST_DIR/stop" >"$TEST_DIR/out" 2>&1 ||
	die "the host came back in time: $(cat "$TEST_DIR/out")"
grep -q 'consistency filesystem' "$TEST_DIR/out" ||
	die "it is not told: $(cat "$TEST_DIR/out")"
wait_for "$TEST_DIR/good.log" 'thawed by itself: no THAW came' 10

stop_bg good || die "good did not end well"
broker_stop
