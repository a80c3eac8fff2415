#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Freezing and thawing under load: writers that fsync everywhere, on ext4, xfs
# and btrfs, bind mounts and images in images; and a daemon that is killed inside
# of a freeze that takes long.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/daemon_lib.sh
. tests/integration/daemon_lib.sh
need_root_loop
make_runtime_dir
start_device

has() {
	command -v "mkfs.$1" >/dev/null && grep -qw "$1" /proc/filesystems
}

# Writes and fsyncs in place and in new files until it is killed.
# shellcheck disable=SC2016 # for the inner shell
writer='n=0
while :; do
	n=$((n + 1))
	dd if=/dev/zero of="$1/load.$((n % 4))" bs=64k count=4 conv=fsync 2>&1
	mv "$1/load.$((n % 4))" "$1/load.moved"
	echo "$n" >"$2"
done >/dev/null'

progress() {
	cat "$TEST_DIR/$1.progress" 2>/dev/null || echo 0
}

say "an image in an image in an image, and what else there is"
outer=$(make_mount ext4 96 outer)
middle=$(IMAGE_DIR=$outer make_mount ext4 48 middle)
inner=$(IMAGE_DIR=$middle make_mount ext4 16 inner)
mkdir "$TEST_DIR/bound" "$outer/bound"
mount --bind "$outer/bound" "$TEST_DIR/bound"
# Mounted after them, so only what lies on what says that it must freeze last.
mkdir "$TEST_DIR/again"
mount --bind "$outer" "$TEST_DIR/again"
places="inner middle outer bound"
mounts="--mount $TEST_DIR/again --mount $inner --mount $middle"
mounts="$mounts --mount $TEST_DIR/bound"
wanted=3
if has xfs; then
	x=$(make_mount xfs 320 x)
	places="$places x"
	mounts="$mounts --mount $x"
	wanted=$((wanted + 1))
fi
if has btrfs; then
	b=$(make_mount btrfs 128 b)
	btrfs subvolume create "$b/v" >/dev/null
	places="$places b"
	mounts="$mounts --mount $b"
	wanted=$((wanted + 1))
fi
# shellcheck disable=SC2086 # options
start_daemon $mounts
for place in $places; do
	start_bg "load.$place" sh -c "$writer" writer "$TEST_DIR/$place" \
		"$TEST_DIR/$place.progress"
done
for round in 1 2 3 4 5 6 7 8 9 10; do
	# Every writer has written again since the last time.
	for place in $places; do
		before=$(progress "$place")
		tries=400
		while [ "$(progress "$place")" = "$before" ]; do
			tries=$((tries - 1))
			[ "$tries" -gt 0 ] || die "no writing on $place"
			sleep 0.05
		done
	done
	ask check 0
	ask freeze 0
	wait_for "$TEST_DIR/device.log" '^reply op=FREEZE status=0' 1 "$round"
	ask thaw 0
done
wait_for "$TEST_DIR/daemon.log" "event=freeze_ok filesystems=$wanted" 5 10
say "and while it is frozen nobody writes"
ask freeze 0
# is_frozen takes a second: whoever was about to finish has.
must_be_frozen "$inner"
for place in $places; do
	progress "$place"
done >"$TEST_DIR/before"
must_be_frozen "$outer"
for place in $places; do
	progress "$place"
done >"$TEST_DIR/after"
cmp -s "$TEST_DIR/before" "$TEST_DIR/after" || die "somebody wrote"
ask thaw 0
for place in $places; do
	stop_bg "load.$place" KILL || :
done
must_be_thawed "$inner" "$middle" "$outer"
stop_bg daemon || die "the daemon ended with $?"

# The outer one frozen by hand: the inner one's freeze cannot finish its writing
# before that thaws, however long the test takes.
say "killed inside of FIFREEZE"
start_daemon --mount "$inner"
dd if=/dev/urandom of="$inner/dirty" bs=64k count=32 2>/dev/null
fsfreeze -f "$outer"
tell_device freeze
daemon_pid=$(pid_of daemon)
wait_in_freeze "$daemon_pid"
kill -9 "$daemon_pid"
is_alive "$daemon_pid" || die "it was not asleep in FIFREEZE"
list_exists || die "no list"
fsfreeze -u "$outer"
wait_bg daemon 15 || :
tries=200
while list_exists; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "the list is left"
	sleep 0.05
done
must_be_thawed "$inner" "$middle" "$outer"
wait_for "$TEST_DIR/daemon.log" \
	"event=guardian_thawed mount=$inner" 5
wait_for "$TEST_DIR/daemon.log" 'event=guardian_ended .*thawed=all' 5
