#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-hooks on a disk that freezes: program, scripts and log lie on it, and
# neither a killed runner nor a thaw that writes to it gets stuck for good.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh
need_root_loop

DISK=$(make_mount ext4 32 disk)
VSS_D=$DISK/vss.d
mkdir -m 755 "$VSS_D"
cp "$HOOKS" "$DISK/appvss-hooks"
HOOKS=$DISK/appvss-hooks
# start_bg follows the link.
ln -s "$DISK/hooks.log" "$TEST_DIR/hooks.log"
export DISK

make_script 50-plain : :
make_script 60-writes : 'date >$DISK/resumed && echo "60-writes resumed" >>$CALLS'

start_broker
start_hooks hooks
received '^REGISTER name=60-writes ' 10

freeze_all() {
	freeze 50-plain "$1"
	freeze 60-writes "$1"
	received "^READY name=50-plain id=$1 op=freeze" 10
	received "^READY name=60-writes id=$1 op=freeze" 10
	sync -f "$DISK"
	fsfreeze -f "$DISK"
}

say "a thaw that writes is late, and is let finish when the disk thaws"
freeze_all 1
thaw 60-writes 1 'done' 300
called '^60-writes thaw ' 10
received '^FAIL name=60-writes id=1 op=thaw .*still running' 10
grep -q resumed "$CALLS" && die "the disk was not frozen"
fsfreeze -u "$DISK"
called '^60-writes resumed' 10
thaw 60-writes 1 'done'
thaw 50-plain 1 'done'
received '^READY name=60-writes id=1 op=thaw' 10
received '^READY name=50-plain id=1 op=thaw' 10
gone "$LIST" 10

say "the runner is killed while all is frozen"
freeze_all 2
kill -9 "$(runner_pid hooks)"
called '^60-writes thaw .*transaction=2 result=lost' 10
fsfreeze -u "$DISK"
called '^60-writes resumed' 10 2
called '^50-plain thaw .*transaction=2 result=lost' 10
gone "$LIST" 10
received '^REGISTER name=60-writes ' 15 2

say "the same with no script that writes: all thaw on the frozen disk"
freeze 50-plain 3
received '^READY name=50-plain id=3 op=freeze' 10
fsfreeze -f "$DISK"
kill -9 "$(runner_pid hooks)"
called '^50-plain thaw .*transaction=3 result=lost' 10
gone "$LIST" 10
received '^REGISTER name=50-plain ' 15 3
fsfreeze -u "$DISK"

say "both are killed, and the next start finds the disk frozen"
freeze 50-plain 4
received '^READY name=50-plain id=4 op=freeze' 10
fsfreeze -f "$DISK"
runner=$(runner_pid hooks)
kill -STOP "$(pid_of hooks)"
kill -9 "$runner" "$(pid_of hooks)"
wait_bg hooks 10 || :
# It has the lock until it has died, which a busy machine may put off.
while is_alive "$runner"; do sleep 0.05; done
start_hooks again
called '^50-plain thaw .*transaction=4 result=lost' 10
received '^REGISTER name=50-plain ' 15 4
fsfreeze -u "$DISK"
stop_bg again TERM || die "exit status $? on SIGTERM"
wait_for "$TEST_DIR/again.log" 'event=recover scripts=1' 5
say "passed"
