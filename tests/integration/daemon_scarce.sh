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

stop_bg daemon || die "the daemon ended with $?"
