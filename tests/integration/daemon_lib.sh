# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# For the tests of hv_vss_daemon: the daemon on a fake device, in TEST_DIR, with
# a list of frozen file systems of its own.  Sourced after lib.sh.
#
#	start_device			the fake device; ask COMMAND feeds it
#	start_daemon OPTION...		the daemon, ready to serve
#	ask OP STATUS			a request, and the answer that must come
#	guardian_pid
#	wait_in_freeze PID		it is inside of FIFREEZE

# shellcheck disable=SC2154,SC2034 # TEST_DIR, BG_STDIN: lib.sh's
daemon=kernel/hv_vss_daemon/hv_vss_daemon
device=$TEST_DIR/fsvss
runtime_dir=$TEST_DIR/run

# The list belongs on a tmpfs: a cleanup umounts it with the rest.
make_runtime_dir() {
	mkdir -p "$runtime_dir"
	mount -t tmpfs -o size=1m tmpfs "$runtime_dir"
}

start_device() {
	mkfifo "$TEST_DIR/device.in"
	exec 8<>"$TEST_DIR/device.in"
	BG_STDIN=$TEST_DIR/device.in
	start_bg device tests/integration/fake_fsvss "$device"
	BG_STDIN=/dev/null
	wait_for "$TEST_DIR/device.log" '^ready' 10
}

tell_device() {
	printf '%s\n' "$*" >&8
}

count_lines() {
	grep -Ec -- "$2" "$1" || :
}

start_daemon() {
	opened=$(count_lines "$TEST_DIR/device.log" '^opened')
	start_bg daemon "$daemon" -n -d --device "$device" \
		--runtime-dir "$runtime_dir" "$@"
	wait_for "$TEST_DIR/device.log" '^opened' 10 $((opened + 1))
	wait_for "$TEST_DIR/daemon.log" 'event=started' 10
}

# The request OP, and its answer with STATUS.
ask() {
	replies=$(count_lines "$TEST_DIR/device.log" '^reply')
	tell_device "$1"
	wait_for "$TEST_DIR/device.log" '^reply' 15 $((replies + 1))
	reply=$(grep '^reply' "$TEST_DIR/device.log" | tail -n 1)
	case $reply in
	*" status=$2 "*) ;;
	*) die "$1 was answered: $reply" ;;
	esac
}

guardian_pid() {
	pgrep -P "$(pid_of daemon)" hv_vss_guardian
}

# ioctl(2) with FIFREEZE is where it must be.
wait_in_freeze() {
	tries=200
	until grep -Eqi '^[0-9]+ 0x[0-9a-f]+ 0xc0045877 ' "/proc/$1/syscall"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] ||
			die "not in FIFREEZE: $(cat "/proc/$1/syscall")"
		sleep 0.05
	done
}

must_be_frozen() {
	for mount_point; do
		is_frozen "$mount_point" || die "$mount_point is not frozen"
	done
}

must_be_thawed() {
	for mount_point; do
		is_thawed "$mount_point" || die "$mount_point is frozen"
	done
}

list_exists() {
	[ -e "$runtime_dir/hv_vss_daemon.frozen" ]
}
