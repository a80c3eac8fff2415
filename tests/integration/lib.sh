# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# For the integration tests: file systems on loop devices, programs in the
# background, and the promise that nothing stays frozen, mounted or running,
# whatever the test did.  Sourced, from the root of the tree:
#
#	. tests/integration/lib.sh
#
# It makes TEST_DIR, a directory of the test's own, and sets the trap on EXIT
# that removes it.  A test that wants something done at its end as well defines
# a function test_cleanup.  Only what is mounted below TEST_DIR is ever touched.
#
#	need_root_loop			skips the test (77) without root and loops
#	make_mount FSTYPE SIZE_MB NAME	prints the mount point of a new one
#	start_bg NAME COMMAND...	log in TEST_DIR/NAME.log, pid by pid_of NAME
#	start_sim DIR [OPTION...]	hv_vss_sim, fed by: host COMMAND...
#	stop_bg NAME [SIGNAL]		signals, waits; the status is its own
#	wait_bg NAME TIMEOUT_S		waits for its end; the status is its own
#	wait_for FILE PATTERN TIMEOUT_S [COUNT]
#	is_alive PID
#	holders_of RUNTIME_DIR		processes of appvss-hold that stay behind
#	is_frozen MOUNT			asks by a write that may hang, harmlessly
#	is_thawed MOUNT			likewise, and gives it more time
#	die MESSAGE			fails the test
# What a start_bg program reads is /dev/null, or the file named in BG_STDIN.

TEST_NAME=$(basename "$0" .sh)
TEST_DIR=$(mktemp -d /tmp/appvss-test.XXXXXX) || exit 1
chmod 755 "$TEST_DIR"
BG_STDIN=/dev/null

say() {
	printf '%s: %s\n' "$TEST_NAME" "$*" >&2
}

# In a subshell, as in $(make_mount ...), this ends the subshell: the tests run
# under set -e, which then ends the rest.
die() {
	say "FAILED: $*"
	exit 1
}

skip() {
	printf '%s\n' "$*"
	exit 77
}

need_root_loop() {
	[ "$(uname -s)" = Linux ] || skip "loop mounts are made on Linux only"
	[ "$(id -u)" -eq 0 ] || skip "freezing file systems needs root"
	[ -e /dev/loop-control ] || skip "no loop devices here"
	losetup -f >/dev/null 2>&1 || skip "no loop device is free"
}

# The mount points below TEST_DIR, in the order of mounting, one word each.
test_mounts() {
	awk -v dir="$TEST_DIR/" 'index($5, dir) == 1 { print $5 }' \
		/proc/self/mountinfo 2>/dev/null
}

# The name of what test_mounts has written as \ooo where it is no word.
mount_name() {
	printf '%b' "$(printf '%s' "$1" | sed 's/\\\([0-7]\)/\\0\1/g')"
}

# In the order of mounting: what holds the image of another thaws before it.
thaw_mounts() {
	for mounted_at in $(test_mounts); do
		fsfreeze -u "$(mount_name "$mounted_at")" 2>/dev/null &&
			say "thawed $mounted_at"
	done
	return 0
}

unmount_all() {
	tries=0
	while [ -n "$(test_mounts)" ]; do
		thaw_mounts
		for mounted_at in $(test_mounts | sort -r); do
			umount "$(mount_name "$mounted_at")" 2>/dev/null
		done
		tries=$((tries + 1))
		if [ "$tries" -ge 100 ]; then
			say "still mounted: $(test_mounts)"
			return 1
		fi
		[ -z "$(test_mounts)" ] || sleep 0.1
	done
}

cleanup() {
	test_status=$?
	trap - EXIT
	trap '' INT TERM HUP
	set +e
	command -v test_cleanup >/dev/null && test_cleanup
	for pid_file in "$TEST_DIR"/*.pid; do
		[ -e "$pid_file" ] && kill -9 "$(cat "$pid_file")" 2>/dev/null
	done
	if ! unmount_all; then
		[ "$test_status" -eq 0 ] && test_status=1
		exit "$test_status"
	fi
	# Whoever slept on a frozen file system has died by now.
	wait
	if [ "$test_status" -ne 0 ] && [ "$test_status" -ne 77 ]; then
		for log in "$TEST_DIR"/*.log; do
			[ -e "$log" ] || continue
			say "the end of $(basename "$log"):"
			tail -n 30 "$log" | sed 's/^/    /' >&2
		done
	fi
	rm -rf "$TEST_DIR"
	exit "$test_status"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The image is TEST_DIR/NAME.img unless IMAGE_DIR names another directory.
make_mount() {
	image=${IMAGE_DIR:-$TEST_DIR}/$3.img
	point=$TEST_DIR/$3
	truncate -s "$2M" "$image" || die "no room for $image"
	case $1 in
	ext4) mkfs.ext4 -q -F "$image" ;;
	xfs | btrfs) "mkfs.$1" -q -f "$image" ;;
	*) die "make_mount: what is $1?" ;;
	esac >&2 || die "mkfs of $1"
	mkdir -p "$point"
	mount -t "$1" -o loop "$image" "$point" >&2 || die "mount of $1"
	printf '%s\n' "$point"
}

start_bg() {
	bg_name=$1
	shift
	# So that nobody waits for a line of a log that is not there yet.
	: >"$TEST_DIR/$bg_name.log"
	"$@" >"$TEST_DIR/$bg_name.log" 2>&1 <"$BG_STDIN" &
	echo $! >"$TEST_DIR/$bg_name.pid"
}

pid_of() {
	cat "$TEST_DIR/$1.pid"
}

# Shell and function share the descriptor 9: the writing end of sim's commands.
start_sim() {
	sim_dir=$1
	shift
	mkdir -p "$sim_dir"
	mkfifo "$TEST_DIR/sim.in"
	exec 9<>"$TEST_DIR/sim.in"
	BG_STDIN=$TEST_DIR/sim.in
	start_bg sim kernel/sim/hv_vss_sim -d "$sim_dir" "$@"
	BG_STDIN=/dev/null
	wait_for "$TEST_DIR/sim.log" '^ready' 10
}

host() {
	printf '%s\n' "$*" >&9
}

# Is there such a process, and not only its remains?
is_alive() {
	kill -0 "$1" 2>/dev/null &&
		! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

holders_of() {
	for holder in $(pgrep -f 'appvss-hold begin' || :); do
		tr '\0' '\n' <"/proc/$holder/environ" 2>/dev/null |
			grep -qx "APPVSS_RUNTIME_DIR=$1" && echo "$holder"
	done
	return 0
}

wait_bg() {
	waited_pid=$(pid_of "$1")
	tries=$(($2 * 20))
	while is_alive "$waited_pid"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "$1 is still running after $2 s"
		sleep 0.05
	done
	rm -f "$TEST_DIR/$1.pid"
	wait "$waited_pid"
}

stop_bg() {
	kill "-${2:-TERM}" "$(pid_of "$1")" 2>/dev/null
	wait_bg "$1" 15
}

wait_for() {
	tries=$(($3 * 20))
	while [ "$(grep -Ec -- "$2" "$1" 2>/dev/null || :)" -lt "${4:-1}" ] \
		2>/dev/null; do
		tries=$((tries - 1))
		if [ "$tries" -le 0 ]; then
			say "the end of $1:"
			tail -n 20 "$1" >&2
			die "no ${4:-1} times '$2' in $1 within $3 s"
		fi
		sleep 0.05
	done
}

# Does a write to MOUNT end before $2 twentieths of a second have passed?
can_write() {
	touch "$1/.frozen-probe" &
	probe_pid=$!
	probe_tries=$2
	while kill -0 "$probe_pid" 2>/dev/null; do
		probe_tries=$((probe_tries - 1))
		[ "$probe_tries" -gt 0 ] || return 1
		sleep 0.05
	done
	wait "$probe_pid" || die "cannot write to $1"
}

# A writer that is still asleep after a second sleeps on a frozen file system.
# It wakes and ends when that thaws.
is_frozen() {
	! can_write "$1" 20
}

# On a busy machine a write may well take a second.
is_thawed() {
	can_write "$1" 200
}
