#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# hv_vss_daemon's control socket: status, mounts and drills; and that a drill and
# a host never hold a freeze at the same time.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/daemon_lib.sh
. tests/integration/daemon_lib.sh
need_root_loop
make_runtime_dir
outer=$(make_mount ext4 64 outer)
a=$(IMAGE_DIR=$outer make_mount ext4 16 a)
start_device
socket=$runtime_dir/hv_vss_daemon.sock

tell() {
	"$daemon" "$@" --runtime-dir "$runtime_dir"
}

status_is() {
	tell --status >"$TEST_DIR/status.log"
	for pair; do
		grep -qx -- "$pair" "$TEST_DIR/status.log" ||
			die "status is not $pair"
	done
}

# Speaks to the socket by itself: a connection that stays, fed through talk.
start_talk() {
	[ ! -e "$TEST_DIR/talk.pid" ] || stop_bg talk KILL || :
	rm -f "$TEST_DIR/talk.in"
	mkfifo "$TEST_DIR/talk.in"
	exec 7<>"$TEST_DIR/talk.in"
	BG_STDIN=$TEST_DIR/talk.in
	start_bg talk python3 -u -c '
import os, socket, sys, threading
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
def out():
    try:
        for line in s.makefile():
            print(line, end="")
    finally:
        print("closed")
        os._exit(0)
threading.Thread(target=out, daemon=True).start()
for line in sys.stdin:
    s.sendall(line.encode())
' "$socket"
	BG_STDIN=/dev/null
}

talk() {
	answers=$(count_lines "$TEST_DIR/talk.log" '^(OK|ERROR)')
	printf '%s\n' "$1" >&7
	wait_for "$TEST_DIR/talk.log" '^(OK|ERROR)' 15 $((answers + 1))
	grep -E '^(OK|ERROR)' "$TEST_DIR/talk.log" | tail -n 1 |
		grep -Eq -- "$2" || die "$1 was answered: $(tail -n 1 \
			"$TEST_DIR/talk.log")"
}

say "nobody is there"
status=0
tell --status 2>"$TEST_DIR/none.log" || status=$?
[ "$status" -eq 69 ] || die "--status without a daemon ended with $status"
grep -q 'no daemon is there' "$TEST_DIR/none.log" || die "it does not say so"

start_daemon --mount "$a"
[ "$(stat -c %a:%u "$socket")" = 600:0 ] || die "anybody may ask"
status_is state=idle last_freeze=none device_open=yes frozen=0
tell --mounts >"$TEST_DIR/mounts.log"
grep -q "^mount=$a type=ext4 policy=freeze frozen=no" "$TEST_DIR/mounts.log" ||
	die "$a is not listed"

say "a drill from beginning to end"
tell --drill 300 >"$TEST_DIR/drill.log" || die "the drill ended with $?"
grep -Eq '^freeze: frozen=1 synced=0 elapsed_ms=[0-9]+ ' "$TEST_DIR/drill.log" ||
	die "it does not say what it froze"
frozen_ms=$(sed -n 's/^thaw: frozen_ms=//p' "$TEST_DIR/drill.log")
[ "$frozen_ms" -ge 300 ] || die "it was over after $frozen_ms ms"
must_be_thawed "$a"

# It goes on until somebody ends it, so that there is time for all this.
start_bg drill "$daemon" --drill 45000 --runtime-dir "$runtime_dir"
tries=100
until tell --status | grep -qx state=drill; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "no drill"
	sleep 0.05
done
status_is frozen=1
tell --mounts >"$TEST_DIR/mounts.log"
grep -q "^mount=$a .* frozen=yes" "$TEST_DIR/mounts.log" || die "not frozen"
must_be_frozen "$a"
say "the host is told that it cannot be now, and the drill goes on"
ask check 1
ask freeze 1
ask thaw 0
must_be_frozen "$a"
status_is state=drill
status=0
tell --drill 200 2>/dev/null || status=$?
[ "$status" -eq 75 ] || die "a second drill ended with $status"
say "anybody may end it"
start_talk
talk THAW '^OK frozen_ms='
must_be_thawed "$a"
stop_bg drill || :
status_is state=idle last_freeze=refused
ask freeze 0
status_is state=frozen last_freeze=frozen

say "no drill while the host holds, and no thaw by hand"
start_talk
talk FREEZE '^ERROR reason=busy$'
talk THAW '^ERROR reason=busy$'
must_be_frozen "$a"
ask thaw 0
talk THAW '^ERROR reason=no_drill$'

say "a drill ends with its connection"
talk 'FREEZE hold_ms=60000' '^OK frozen=1 synced=0 .*hold_ms=50000$'
must_be_frozen "$a"
stop_bg talk KILL || :
wait_for "$TEST_DIR/daemon.log" \
	'event=drill_failed reason="the connection has ended"' 5
must_be_thawed "$a"

say "and with its limit"
start_talk
talk 'FREEZE hold_ms=300' '^OK '
wait_for "$TEST_DIR/daemon.log" \
	'event=drill_failed reason="the limit has passed"' 15
must_be_thawed "$a"
talk THAW '^ERROR reason=no_drill$'

# What holds its image is frozen by hand: so long it cannot finish.
say "one that is slow to freeze is held no less, and not thawed by the guardian"
daemon_pid=$(pid_of daemon)
dd if=/dev/urandom of="$a/dirty" bs=64k count=32 2>/dev/null
fsfreeze -f "$outer"
answers=$(count_lines "$TEST_DIR/talk.log" '^OK')
printf 'FREEZE hold_ms=300\n' >&7
wait_in_freeze "$daemon_pid"
sleep 0.5 # any time would do
fsfreeze -u "$outer"
wait_for "$TEST_DIR/talk.log" '^OK' 15 $((answers + 1))
wait_for "$TEST_DIR/daemon.log" \
	'event=drill_failed reason="the limit has passed"' 15 2
freeze_ms=$(sed -n 's/^OK .*elapsed_ms=\([0-9]*\).*/\1/p' \
	"$TEST_DIR/talk.log" | tail -n 1)
frozen_ms=$(sed -n 's/.*the limit has passed" frozen_ms=//p' \
	"$TEST_DIR/daemon.log" | tail -n 1)
[ "$frozen_ms" -ge $((freeze_ms + 300)) ] ||
	die "it took $freeze_ms ms to freeze, and was over after $frozen_ms"
grep -q 'thawed by someone else' "$TEST_DIR/daemon.log" &&
	die "the guardian thawed it"
must_be_thawed "$a"

say "a client that was stopped is told why its drill is no success"
start_bg drill "$daemon" --drill 4000 --runtime-dir "$runtime_dir"
tries=100
until tell --status | grep -qx state=drill; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "no drill"
	sleep 0.01
done
kill -STOP "$(pid_of drill)"
wait_for "$TEST_DIR/daemon.log" \
	'event=drill_failed reason="the limit has passed"' 30 3
kill -CONT "$(pid_of drill)"
status=0
wait_bg drill 10 || status=$?
[ "$status" -eq 69 ] || die "the stopped drill ended with $status"
grep -q 'ended before its time' "$TEST_DIR/drill.log" || die "it is not told"

say "and with the daemon"
talk FREEZE '^OK .*hold_ms=10000$'
stop_bg daemon || die "the daemon ended with $?"
must_be_thawed "$a"
[ -e "$socket" ] && die "the socket is left"
wait_for "$TEST_DIR/talk.log" '^closed' 5

say "killed in a drill: the guardian thaws, the next start takes the socket over"
start_daemon --mount "$a"
start_talk
talk FREEZE '^OK '
stop_bg daemon KILL || :
tries=100
while list_exists; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "the list is left"
	sleep 0.05
done
must_be_thawed "$a"
start_daemon --mount "$a"

say "what is no request is told so, and closed"
for line in nonsense status 'STATUS x=1' 'FREEZE hold_ms=' \
	'FREEZE hold_ms=1x' 'FREEZE hold_ms=0' 'FREEZE  hold_ms=5'; do
	start_talk
	talk "$line" '^ERROR reason=(unknown_verb|unknown_key|bad_value)$'
	wait_for "$TEST_DIR/talk.log" '^closed' 5
done
start_talk
talk "$(head -c 300 /dev/zero | tr '\0' x)" '^ERROR reason=too_long$'
wait_for "$TEST_DIR/talk.log" '^closed' 5
say "a connection may say several things at once, or one in pieces"
python3 - "$socket" <<-'END'
	import socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	s.sendall(b"STA")
	s.sendall(b"TUS\nSTATUS\nMOUNTS\n")
	got = b""
	while got.count(b"\nOK ") + got.startswith(b"OK ") < 3:
	    got += s.recv(65536)
END

say "connections that say nothing are in nobody's way, not even in a drill's"
start_talk
talk 'FREEZE hold_ms=50000' '^OK '
mkfifo "$TEST_DIR/many.in"
exec 6<>"$TEST_DIR/many.in"
BG_STDIN=$TEST_DIR/many.in
start_bg many python3 -u -c '
import socket, sys
many = [socket.socket(socket.AF_UNIX) for _ in range(20)]
for s in many:
    s.connect(sys.argv[1])
    s.settimeout(15)
# All but eight, with the one that is not among these, have been closed.
closed = sum(1 for s in many[:13] if s.recv(1) == b"")
print("closed", closed)
sys.stdin.readline()
' "$socket"
BG_STDIN=/dev/null
wait_for "$TEST_DIR/many.log" '^closed 13$' 15
status_is state=drill
talk THAW '^OK frozen_ms='
must_be_thawed "$a"
exec 6>&-
stop_bg many KILL || :
ask freeze 0
ask thaw 0
status_is state=idle
stop_bg daemon || die "the daemon ended with $?"

say "one file system alone, and only what a snapshot would freeze"
start_daemon --mount "$a"
start_talk
talk "FREEZE hold_ms=40000 mount=$outer" '^ERROR .*would not be frozen'
talk 'FREEZE mount=relative' '^ERROR reason=bad_value$'
stop_bg daemon || die "the daemon ended with $?"
start_daemon --mount "$a" --mount "$outer"
start_talk
talk "FREEZE hold_ms=40000 mount=$a" '^OK frozen=1 '
must_be_frozen "$a"
must_be_thawed "$outer"
talk THAW '^OK frozen_ms='
must_be_thawed "$a"
talk "FREEZE hold_ms=40000 mount=$TEST_DIR/none" '^ERROR .*not mounted'
# It was for that drill only.
talk FREEZE '^OK frozen=2 '
must_be_frozen "$a" "$outer"
talk THAW '^OK frozen_ms='
must_be_thawed "$a" "$outer"
stop_bg daemon || die "the daemon ended with $?"
