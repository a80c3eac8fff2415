#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# hv_vss_daemon freezes and thaws: ext4, xfs and btrfs; writers block and go on;
# bind mounts and subvolumes once; a file system in a file of another; and a
# THAW's answer is worth something.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/daemon_lib.sh
. tests/integration/daemon_lib.sh
need_root_loop
make_runtime_dir
start_device

# Writes numbered files to a mount, and each number, once written, elsewhere.
# shellcheck disable=SC2016 # for the inner shell
writer='n=0
while :; do
	n=$((n + 1))
	echo "$n" >"$1/n.new" && mv "$1/n.new" "$1/n" && echo "$n" >"$2"
done'

progress() {
	cat "$TEST_DIR/progress" 2>/dev/null || echo 0
}

wait_progress_beyond() {
	progress_from=$1
	tries=200
	while [ "$(progress)" -le "$progress_from" ] 2>/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "the writer does not go on"
		sleep 0.05
	done
}

say "a writer blocks while frozen, and goes on after"
a=$(make_mount ext4 16 a)
start_daemon --mount "$a"
start_bg writer sh -c "$writer" writer "$a" "$TEST_DIR/progress"
wait_progress_beyond 0
ask check 0
ask freeze 0
must_be_frozen "$a"
list_exists || die "no list while frozen"
# The writer has settled by now: a second of is_frozen has passed.
before=$(progress)
must_be_frozen "$a"
[ "$(progress)" = "$before" ] || die "the writer went on while frozen"
grep -q event=freeze_ok "$TEST_DIR/daemon.log" && die "it logged while frozen"
ask thaw 0
wait_progress_beyond "$before"
wait_for "$TEST_DIR/daemon.log" event=freeze_ok 5
list_exists && die "the list is left"
stop_bg writer KILL || :

say "a THAW without its FREEZE, and a second one, are failures"
ask thaw 1
wait_for "$TEST_DIR/daemon.log" 'event=thaw_failed reason="thawed before"' 5
say "a second FREEZE is a failure, and what is frozen stays so"
ask freeze 0
ask freeze 1
ask check 1
must_be_frozen "$a"
ask thaw 0
must_be_thawed "$a"
stop_bg daemon || die "the daemon ended with $?"
start_daemon --mount "$a"
ask thaw 1
stop_bg daemon || die "the daemon ended with $?"

say "no descriptor is left over by many cycles"
start_daemon --mount "$a"
ask freeze 0
ask thaw 0
fds=$(find "/proc/$(pid_of daemon)/fd" "/proc/$(guardian_pid)/fd" -type l |
	wc -l)
for _ in 1 2 3 4 5 6 7 8 9 10; do
	ask check 0
	ask freeze 0
	ask thaw 0
done
[ "$(find "/proc/$(pid_of daemon)/fd" "/proc/$(guardian_pid)/fd" -type l |
	wc -l)" -eq "$fds" ] || die "descriptors were lost"
stop_bg daemon || die "the daemon ended with $?"

say "xfs, btrfs and its subvolumes, a bind mount, an image in an image"
mounts="--mount $a"
mkdir "$TEST_DIR/bound" "$a/sub"
mount --bind "$a/sub" "$TEST_DIR/bound"
mounts="$mounts --mount $TEST_DIR/bound"
# The holder of the inner image is mounted again later: order by mounting alone
# would freeze it first.
outer=$(make_mount ext4 32 outer)
inner=$(IMAGE_DIR=$outer make_mount ext4 8 inner)
mkdir "$TEST_DIR/again"
mount --bind "$outer" "$TEST_DIR/again"
mounts="$mounts --mount $TEST_DIR/again --mount $inner"
wanted=3
if command -v mkfs.xfs >/dev/null && grep -qw xfs /proc/filesystems; then
	mounts="$mounts --mount $(make_mount xfs 320 x)"
	wanted=$((wanted + 1))
fi
if command -v mkfs.btrfs >/dev/null && grep -qw btrfs /proc/filesystems; then
	btrfs=$(make_mount btrfs 128 b)
	mkdir "$TEST_DIR/subvolume"
	btrfs subvolume create "$btrfs/v" >/dev/null
	mount -t btrfs -o subvol=v "$(findmnt -no SOURCE "$btrfs")" \
		"$TEST_DIR/subvolume"
	mounts="$mounts --mount $btrfs --mount $TEST_DIR/subvolume"
	wanted=$((wanted + 1))
fi
# shellcheck disable=SC2086 # options
start_daemon $mounts
ask check 0
ask freeze 0
must_be_frozen "$a" "$outer" "$inner"
awk '{ print $2 }' "$runtime_dir/hv_vss_daemon.frozen" >"$TEST_DIR/order"
ask thaw 0
wait_for "$TEST_DIR/daemon.log" "event=freeze_ok filesystems=$wanted" 5
awk -v inner="$inner" -v outer="$TEST_DIR/again" '
	$0 == inner { i = NR } $0 == outer { o = NR }
	END { exit !(i > 0 && o > i) }' "$TEST_DIR/order" ||
	die "the inner one was not frozen before the outer one"
must_be_thawed "$a" "$outer" "$inner"
ask freeze 0
ask thaw 0
say "what was frozen can be unmounted at once"
umount "$inner"
stop_bg daemon || die "the daemon ended with $?"

say "a btrfs whose second device lies in a file of another one"
if command -v mkfs.btrfs >/dev/null && grep -qw btrfs /proc/filesystems; then
	holder=$(make_mount ext4 160 holder)
	truncate -s 128M "$TEST_DIR/first.img" "$holder/second.img"
	first=$(losetup -f --show "$TEST_DIR/first.img")
	second=$(losetup -f --show "$holder/second.img")
	mkfs.btrfs -q -f -d raid1 -m raid1 "$first" "$second" 2>/dev/null
	mkdir "$TEST_DIR/both"
	mount "$first" "$TEST_DIR/both"
	# Both go with the last that uses them.
	losetup -d "$first"
	losetup -d "$second"
	# The order of mounting alone would freeze the holder first.
	mkdir "$TEST_DIR/later"
	mount --bind "$holder" "$TEST_DIR/later"
	start_daemon --mount "$TEST_DIR/both" --mount "$TEST_DIR/later"
	ask freeze 0
	awk '{ print $2 }' "$runtime_dir/hv_vss_daemon.frozen" | tail -n 1 |
		grep -qx "$TEST_DIR/later" || die "the holder was not the last"
	must_be_frozen "$holder"
	ask thaw 0
	must_be_thawed "$holder" "$TEST_DIR/both"
	stop_bg daemon || die "the daemon ended with $?"
fi
