#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Whoever dies, thaws: hv_vss_daemon killed, its guardian killed, both killed,
# told to end, without its device, too late, and where another froze first.
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

# Both are thawed within the time that is left to the guardian's second try.
wait_thawed() {
	tries=100
	while list_exists; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "the list is left"
		sleep 0.05
	done
	must_be_thawed "$a" "$b"
}

say "frozen by someone else: all or nothing, and by name"
start_daemon --mount "$a" --mount "$b"
fsfreeze -f "$a"
ask freeze 1
must_be_thawed "$b"
must_be_frozen "$a"
wait_for "$TEST_DIR/daemon.log" \
	"event=freeze_failed mount=$a reason=\"frozen by someone else\"" 5
list_exists && die "the list is left"
say "the host knows: a THAW after that is no failure, and thaws no other's"
ask thaw 0
must_be_frozen "$a"
fsfreeze -u "$a"

say "thawed by someone else: never a success"
ask freeze 0
fsfreeze -u "$b"
ask thaw 1
wait_for "$TEST_DIR/daemon.log" \
	"event=thaw_failed mount=$b reason=\"was thawed by someone else\"" 5
must_be_thawed "$a" "$b"

say "an answer that came too late is undone at once"
tell_device refuse 110
ask freeze 0
wait_for "$TEST_DIR/daemon.log" 'event=answer_refused op=freeze' 5
must_be_thawed "$a" "$b"
ask thaw 0

say "the device goes while frozen"
ask freeze 0
tell_device hangup
wait_for "$TEST_DIR/daemon.log" 'event=device_opened' 5
must_be_thawed "$a" "$b"
ask thaw 1

say "told to end while frozen"
ask freeze 0
stop_bg daemon || die "the daemon ended with $?"
must_be_thawed "$a" "$b"
list_exists && die "the list is left"

say "told to end while there is always something to do"
start_daemon --mount "$a" --mount "$b"
tell_device cycles 1000000
wait_for "$TEST_DIR/daemon.log" 'event=thaw_ok' 10 20
stop_bg daemon || die "the daemon ended with $?"
must_be_thawed "$a" "$b"
list_exists && die "the list is left"

say "the daemon is killed while frozen"
start_daemon --mount "$a" --mount "$b"
ask freeze 0
guardian=$(guardian_pid)
stop_bg daemon KILL || :
wait_thawed
wait_for "$TEST_DIR/daemon.log" 'event=guardian_ended .*thawed=all' 5
tries=100
while is_alive "$guardian"; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "the guardian is left"
	sleep 0.05
done

say "the guardian takes no notice of signals"
start_daemon --mount "$a" --mount "$b"
ask freeze 0
guardian=$(guardian_pid)
for signal in HUP INT QUIT TERM USR1 USR2 ALRM PIPE VTALRM PROF IO XCPU; do
	kill -$signal "$guardian"
done
is_alive "$guardian" || die "it has ended"
must_be_frozen "$a" "$b"
ask thaw 0
is_alive "$guardian" || die "it has ended"
stop_bg daemon || die "the daemon ended with $?"

say "a daemon that crashes while frozen does not wait for its core file"
# shellcheck disable=SC3045 # sh(1) of both systems has it.
ulimit -c unlimited 2>/dev/null || :
start_daemon --mount "$a" --mount "$b"
for pid in $(pid_of daemon) $(guardian_pid); do
	grep -q '^Max core file size *0 ' "/proc/$pid/limits" ||
		die "process $pid may write one"
done
ask freeze 0
kill -ABRT "$(pid_of daemon)"
status=0
wait_bg daemon 10 || status=$?
[ "$status" -eq 134 ] || die "the daemon ended with $status"
must_be_thawed "$a" "$b"

say "the guardian is killed while frozen"
start_daemon --mount "$a" --mount "$b"
ask freeze 0
kill -9 "$(guardian_pid)"
status=0
wait_bg daemon 10 || status=$?
[ "$status" -eq 70 ] || die "the daemon ended with $status"
must_be_thawed "$a" "$b"
list_exists && die "the list is left"

say "a guardian that does not answer is none"
start_daemon --mount "$a" --mount "$b"
kill -STOP "$(guardian_pid)"
ask check 1
status=0
wait_bg daemon 10 || status=$?
[ "$status" -eq 70 ] || die "the daemon ended with $status"

if command -v strace >/dev/null; then
	say "what cannot be thawed is tried again, and is told of"
	start_daemon --mount "$a" --mount "$b"
	ask freeze 0
	start_bg strace strace -o /dev/null -e trace=ioctl \
		-e inject=ioctl:error=EIO -p "$(pid_of daemon)"
	wait_for "$TEST_DIR/strace.log" 'attached' 10
	ask thaw 1
	must_be_frozen "$a" "$b"
	"$daemon" --status --runtime-dir "$runtime_dir" >"$TEST_DIR/status.log"
	grep -q '^state=stuck$' "$TEST_DIR/status.log" || die "it is not stuck"
	ask check 1
	ask freeze 1
	# It lets go of the daemon.
	stop_bg strace INT || :
	must_be_thawed "$a" "$b"
	wait_for "$TEST_DIR/daemon.log" 'event=thaw_failed mount=.*error=' 10
	wait_for "$TEST_DIR/daemon.log" 'event=still_frozen' 1
	wait_for "$TEST_DIR/daemon.log" 'event=thawed_at_last' 1
	[ "$(count_lines "$TEST_DIR/daemon.log" 'event=still_frozen')" -eq 1 ] ||
		die "said at every try"
	list_exists && die "the list is left"
	ask freeze 0
	ask thaw 0
	stop_bg daemon || die "the daemon ended with $?"
fi

# kill takes both before either runs again.
kill_both() {
	kill -STOP "$(pid_of daemon)"
	kill -9 "$(guardian_pid)" "$(pid_of daemon)"
	wait_bg daemon 10 || :
}

say "both are killed while frozen: --thaw"
start_daemon --mount "$a" --mount "$b"
ask freeze 0
kill_both
must_be_frozen "$a" "$b"
"$daemon" --thaw --runtime-dir "$runtime_dir" >"$TEST_DIR/thaw.log"
wait_for "$TEST_DIR/thaw.log" '^2 file systems listed: 2 thawed' 1
must_be_thawed "$a" "$b"
list_exists && die "the list is left"
"$daemon" --thaw --runtime-dir "$runtime_dir" | grep -q '^nothing' ||
	die "--thaw twice"

say "both are killed while frozen: the next start, whose log is on one of them"
start_daemon --mount "$a" --mount "$b"
exec 7>>"$a/log"
ask freeze 0
kill_both
opened=$(count_lines "$TEST_DIR/device.log" '^opened')
start_bg daemon sh -c 'exec "$@" 2>&7' sh "$daemon" -n --device "$device" \
	--runtime-dir "$runtime_dir" --mount "$a" --mount "$b"
exec 7>&-
wait_for "$TEST_DIR/device.log" '^opened' 10 $((opened + 1))
must_be_thawed "$a" "$b"
wait_for "$a/log" 'event=left_frozen' 10
wait_for "$a/log" 'event=left_thawed listed=2 thawed=2 not_frozen=0' 10
stop_bg daemon || die "the daemon ended with $?"
start_daemon --mount "$a" --mount "$b"
ask freeze 0
ask thaw 0

say "--thaw while the daemon holds: its snapshot fails"
ask freeze 0
"$daemon" --thaw --runtime-dir "$runtime_dir" >"$TEST_DIR/thaw.log"
grep -q 'still there' "$TEST_DIR/thaw.log" || die "the owner is not named"
ask thaw 1
stop_bg daemon || die "the daemon ended with $?"

say "both are killed, and the file system is mounted nowhere any more"
start_daemon --mount "$a" --mount "$b"
ask freeze 0
a_device=$(findmnt -no SOURCE "$a")
umount -l "$a"
kill_both
status=0
"$daemon" --thaw --runtime-dir "$runtime_dir" 2>"$TEST_DIR/thaw.log" ||
	status=$?
[ "$status" -eq 71 ] || die "--thaw ended with $status"
numbers=$(lsblk -dno MAJ:MIN "$a_device" | tr -d ' ')
grep -q "mount=$a reason=\"is not mounted: mount device $numbers " \
	"$TEST_DIR/thaw.log" || die "it does not say what to do"
must_be_thawed "$b"
list_exists || die "the list has gone"
mount "$a_device" "$a"
must_be_frozen "$a"
"$daemon" --thaw --runtime-dir "$runtime_dir" >"$TEST_DIR/thaw.log"
must_be_thawed "$a"
list_exists && die "the list is left"

say "a guardian that comes late leaves the list of the next daemon alone"
start_daemon --mount "$a" --mount "$b"
ask freeze 0
guardian=$(guardian_pid)
kill -STOP "$guardian"
stop_bg daemon KILL || :
"$daemon" --thaw --runtime-dir "$runtime_dir" >"$TEST_DIR/thaw.log"
must_be_thawed "$a" "$b"
printf 'pid 1\n' >"$runtime_dir/hv_vss_daemon.frozen"
kill -CONT "$guardian"
tries=200
while is_alive "$guardian"; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "the guardian is left"
	sleep 0.05
done
list_exists || die "it has removed a list that is not its daemon's"
