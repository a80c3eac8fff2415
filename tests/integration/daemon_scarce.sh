#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# hv_vss_daemon where something is scarce: descriptors, room for the list of what
# is frozen, time; and where a list was left that is not whole.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/daemon_lib.sh
. tests/integration/daemon_lib.sh
need_root_loop
make_runtime_dir
a=$(make_mount ext4 16 a)
b=$(make_mount ext4 16 b)
start_device
list=$runtime_dir/hv_vss_daemon.frozen

say "a daemon that was killed before its list was written has frozen nothing"
: >"$list"
"$daemon" --thaw --runtime-dir "$runtime_dir" >"$TEST_DIR/thaw.log"
grep -q '^0 file systems listed' "$TEST_DIR/thaw.log" || die "it was not read"
list_exists && die "the list is left"
printf 'pid 12' >"$list"
start_daemon --mount "$a" --mount "$b"
ask freeze 0
ask thaw 0
say "but what nobody of ours has written is not thrown away"
stop_bg daemon || die "the daemon ended with $?"
echo nonsense >"$list"
status=0
"$daemon" --thaw --runtime-dir "$runtime_dir" 2>"$TEST_DIR/thaw.log" ||
	status=$?
[ "$status" -eq 71 ] || die "--thaw ended with $status"
grep -q 'the list is damaged' "$TEST_DIR/thaw.log" || die "it does not say so"
list_exists || die "the list has gone"
rm "$list"

say "its threads cannot be counted: nothing is frozen"
# A sanitizer that looks for leaks would want to know them, too.
cat >"$TEST_DIR/uncounted" <<-END
	#!/bin/sh
	export ASAN_OPTIONS=detect_leaks=0
	mount -t tmpfs tmpfs "/proc/\$\$/task" && exec "$daemon" "\$@"
END
chmod 755 "$TEST_DIR/uncounted"
start_bg daemon unshare --mount --propagation private "$TEST_DIR/uncounted" \
	-n --device "$device" --runtime-dir "$runtime_dir" --mount "$a"
wait_for "$TEST_DIR/daemon.log" 'event=started' 10
ask check 1
ask freeze 1
wait_for "$TEST_DIR/daemon.log" \
	'event=freeze_failed reason="how many threads this process has' 5
must_be_thawed "$a"
stop_bg daemon || die "the daemon ended with $?"

say "no room for the list: nothing is frozen"
start_daemon --mount "$a" --mount "$b"
dd if=/dev/zero of="$runtime_dir/full" bs=64k 2>/dev/null || :
ask freeze 1
wait_for "$TEST_DIR/daemon.log" \
	'event=freeze_failed .*the list cannot be written" error="No space' 5
must_be_thawed "$a" "$b"
list_exists && die "the list is left"
rm "$runtime_dir/full"
ask freeze 0
ask thaw 0
must_be_thawed "$a" "$b"

say "no descriptor is left: nothing is frozen"
daemon_pid=$(pid_of daemon)
fds=$(find "/proc/$daemon_pid/fd" -type l | wc -l)
idle() {
	start_bg idle python3 -u -c '
import socket, sys, time
many = [socket.socket(socket.AF_UNIX) for _ in range(int(sys.argv[2]))]
for s in many:
    s.connect(sys.argv[1])
    s.sendall(b"STATUS\n")
    s.recv(1)
print("connected")
time.sleep(600)
' "$runtime_dir/hv_vss_daemon.sock" "$1"
	wait_for "$TEST_DIR/idle.log" '^connected' 10
}
# poll(2) itself wants as many as there could be connections.
idle 6
prlimit --pid "$daemon_pid" --nofile=$((fds + 6))
ask check 1
ask freeze 1
wait_for "$TEST_DIR/daemon.log" \
	'event=freeze_failed .*error="Too many open files"' 5
must_be_thawed "$a" "$b"
say "but a new connection is taken in place of an idle one"
"$daemon" --status --runtime-dir "$runtime_dir" | grep -qx state=idle ||
	die "it was not answered"
stop_bg idle KILL || :

say "none is left by a drill: who asks meanwhile waits, and it does not spin"
ticks() {
	awk '{ print $14 + $15 }' "/proc/$daemon_pid/stat"
}
# Its connection, two file systems, the list.
prlimit --pid "$daemon_pid" --nofile=$((fds + 4))
start_bg drill "$daemon" --drill 3000 --runtime-dir "$runtime_dir"
tries=200
until list_exists; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "no drill"
	sleep 0.05
done
before=$(ticks)
start_bg status "$daemon" --status --runtime-dir "$runtime_dir"
# Without a descriptor for the mount table nobody can say what was mounted.
status=0
wait_bg drill 15 || status=$?
[ "$status" -eq 69 ] || die "the drill ended with $status"
must_be_thawed "$a" "$b"
wait_bg status 15 || die "--status ended with $?"
grep -qx state=idle "$TEST_DIR/status.log" || die "it was not answered so late"
used=$(($(ticks) - before))
[ "$used" -lt 50 ] || die "it used $used ticks in three seconds"

say "not even poll(2) works: it can be ended all the same"
prlimit --pid "$daemon_pid" --nofile=3
tell_device check
wait_for "$TEST_DIR/daemon.log" 'event=poll_failed' 10
# A sanitizer that looks for leaks at the end would want descriptors, too.
stop_bg daemon || :
grep -q 'event=ended status=0' "$TEST_DIR/daemon.log" || die "it did not end"
