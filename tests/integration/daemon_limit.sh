#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The limit while frozen: hv_vss_daemon thaws by itself, a THAW after that is a
# failure; a daemon that hangs is outlived by its guardian; a machine that was
# paused gets a little more time.
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

# Seconds.  Nothing that has to happen before it passes takes nearly so long,
# even on a busy machine.
limit=4

say "the limit passes"
start_daemon --mount "$a" --limit-ms ${limit}000
ask freeze 0
wait_for "$TEST_DIR/daemon.log" 'event=thawed_unasked reason="the limit' 30
must_be_thawed "$a"
ask thaw 1
say "and the next snapshot is a good one"
ask freeze 0
ask thaw 0

# What holds its image is frozen by hand: so long it cannot finish.
# What holds its image is frozen by hand: so long neither can finish.
say "a CHECK that writes longer than the driver waits is a failure"
dd if=/dev/urandom of="$a/dirty" bs=64k count=32 2>/dev/null
fsfreeze -f "$outer"
replies=$(count_lines "$TEST_DIR/device.log" '^reply')
tell_device check
sleep 15
fsfreeze -u "$outer"
wait_for "$TEST_DIR/device.log" '^reply' 15 $((replies + 1))
tail -n 1 "$TEST_DIR/device.log" | grep -q '^reply op=CHECK status=1 ' ||
	die "the CHECK succeeded"
wait_for "$TEST_DIR/daemon.log" \
	"event=check_failed mount=$a reason=\"syncing took too long" 5
ask check 0

say "a freeze that takes longer than the limit is none"
dd if=/dev/urandom of="$a/dirty" bs=64k count=32 2>/dev/null
fsfreeze -f "$outer"
replies=$(count_lines "$TEST_DIR/device.log" '^reply')
tell_device freeze
wait_in_freeze "$(pid_of daemon)"
sleep $((limit + 1))
fsfreeze -u "$outer"
wait_for "$TEST_DIR/device.log" '^reply' 15 $((replies + 1))
tail -n 1 "$TEST_DIR/device.log" | grep -q '^reply op=FREEZE status=1 ' ||
	die "the FREEZE succeeded"
wait_for "$TEST_DIR/daemon.log" \
	"event=freeze_failed mount=$a reason=\"freezing took too long" 5
must_be_thawed "$a"
ask thaw 0

say "the daemon hangs: the guardian thaws"
ask freeze 0
kill -STOP "$(pid_of daemon)"
# Blocked until the guardian has thawed, and that is its only helper.  Not
# waited for as a child in the foreground: nothing could end it.
start_bg blocked touch "$a/blocked"
wait_bg blocked 30
say "the machine was paused: the daemon waits once more, then learns the truth"
kill -CONT "$(pid_of daemon)"
ask thaw 1
wait_for "$TEST_DIR/daemon.log" 'event=paused' 5
wait_for "$TEST_DIR/daemon.log" 'was thawed by someone else' 5
must_be_thawed "$a"

say "both were paused beyond their limits: a THAW that comes then is in time"
ask freeze 0
guardian=$(guardian_pid)
kill -STOP "$(pid_of daemon)" "$guardian"
# The guardian's is two seconds after the daemon's; one more is called late.
sleep $((limit + 4))
replies=$(count_lines "$TEST_DIR/device.log" '^reply')
tell_device thaw
kill -CONT "$guardian" "$(pid_of daemon)"
wait_for "$TEST_DIR/device.log" '^reply' 15 $((replies + 1))
tail -n 1 "$TEST_DIR/device.log" | grep -q '^reply op=THAW status=0 ' ||
	die "the THAW failed"
wait_for "$TEST_DIR/daemon.log" 'event=paused' 5 2
must_be_thawed "$a"
stop_bg daemon || die "the daemon ended with $?"
