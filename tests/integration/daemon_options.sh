#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# hv_vss_daemon's options, exit codes, and what it does as a daemon.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/daemon_lib.sh
. tests/integration/daemon_lib.sh
need_root_loop

# The command, its status, and a pattern in what it says.
expect() {
	wanted_status=$1
	wanted_text=$2
	shift 2
	status=0
	"$daemon" "$@" >"$TEST_DIR/out.log" 2>&1 || status=$?
	[ "$status" -eq "$wanted_status" ] || die "$* ended with $status"
	grep -q -- "$wanted_text" "$TEST_DIR/out.log" ||
		die "$* said: $(cat "$TEST_DIR/out.log")"
}

make_runtime_dir
expect 0 '^usage:' -h
expect 0 '^usage:' --help
expect 0 '^hv_vss_daemon [0-9]' --version
expect 64 '^usage:' --nonsense
expect 64 '^usage:' -n stray
expect 64 'not a number' --limit-ms 5x
expect 64 'not a number' --limit-ms 0
mkdir "$TEST_DIR/plain"
expect 66 "$TEST_DIR/plain is not a mount point" --mount "$TEST_DIR/plain"
expect 66 "nowhere" --mount "$TEST_DIR/nowhere"
expect 69 "fsvss: No such file" -n --device "$device" \
	--mount "$runtime_dir" --runtime-dir "$runtime_dir"
# Before it becomes a daemon, too.
expect 69 "fsvss: No such file" --device "$device" \
	--mount "$runtime_dir" --runtime-dir "$runtime_dir"

say "what cannot be frozen vetoes by name"
start_device
start_daemon --mount "$runtime_dir"
ask check 1
wait_for "$TEST_DIR/daemon.log" \
	"event=check_failed mount=$runtime_dir reason=" 5
stop_bg daemon || die "the daemon ended with $?"

say "a mount point that has gone vetoes by name"
a=$(make_mount ext4 16 a)
start_daemon --mount "$a"
ask check 0
umount "$a"
ask check 1
wait_for "$TEST_DIR/daemon.log" \
	"event=check_failed mount=$a reason=\"not a mount point\"" 5
ask freeze 1
stop_bg daemon || die "the daemon ended with $?"

daemonized() {
	pgrep -f "device fsvss --mount $a"
}

# The same in the background; its options are relative to TEST_DIR.
daemonize() {
	opened=$(count_lines "$TEST_DIR/device.log" '^opened')
	"$here/$daemon" --device fsvss --mount "$a" --runtime-dir run
	wait_for "$TEST_DIR/device.log" '^opened' 1 $((opened + 1))
	daemonized | while read -r pid; do
		[ "$(cat "/proc/$pid/comm")" = hv_vss_guardian ] ||
			echo "$pid" >"$TEST_DIR/daemonized.pid"
	done
}

must_end() {
	kill "$(pid_of daemonized)"
	rm "$TEST_DIR/daemonized.pid"
	tries=100
	while daemonized >/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "it is still there"
		sleep 0.05
	done
}

say "as a daemon: the parent ends when it is ready, relative paths hold"
a=$(make_mount ext4 16 again)
here=$PWD
cd "$TEST_DIR"
daemonize
cd "$here"
ask freeze 0
must_be_frozen "$a"
ask thaw 0
say "told to end, it ends, and so does its guardian"
must_end

say "what it opens is never its standard input, output or error"
cd "$TEST_DIR"
daemonize <&- >&- 2>&-
cd "$here"
ask freeze 0
must_be_frozen "$a"
ask thaw 0

say "what cannot be printed is a failure"
for mode in --check --mounts --status; do
	status=0
	"$daemon" "$mode" --runtime-dir "$runtime_dir" >/dev/full \
		2>"$TEST_DIR/out.log" || status=$?
	[ "$status" -eq 74 ] || die "$mode to a full disk ended with $status"
done
must_end

