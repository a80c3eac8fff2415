#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# hv_vss_daemon behind the driver and a simulated host: a snapshot, and the
# host's answers when the daemon is killed or cannot freeze.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/daemon_lib.sh
. tests/integration/daemon_lib.sh
need_root_loop
make_runtime_dir
a=$(make_mount ext4 16 a)
start_sim "$TEST_DIR/vss"

# A host's request, and the status that its reply must have.
host_asks() {
	replies=$(count_lines "$TEST_DIR/sim.log" '^(no)?reply')
	host "$1"
	wait_for "$TEST_DIR/sim.log" '^(no)?reply' 30 $((replies + 1))
	reply=$(grep -E '^(no)?reply' "$TEST_DIR/sim.log" | tail -n 1)
	case $reply in
	"reply op="*" status=$2 "*) ;;
	*) die "the host got: $reply" ;;
	esac
}
ok=0x00000000
failed=0x80004005

start_behind_driver() {
	start_bg daemon "$daemon" -n -d --mount "$a" \
		--device "$TEST_DIR/vss/hv_fsvss_dev" \
		--runtime-dir "$runtime_dir"
	wait_for "$TEST_DIR/daemon.log" 'event=started' 10
}

host_asks negotiate $ok
start_behind_driver
say "a snapshot"
host_asks check $ok
host_asks freeze $ok
must_be_frozen "$a"
host_asks thaw $ok
must_be_thawed "$a"

say "a second daemon is told that the device is taken"
status=0
"$daemon" -n --mount "$a" --device "$TEST_DIR/vss/hv_fsvss_dev" \
	--runtime-dir "$runtime_dir" 2>"$TEST_DIR/second.log" || status=$?
[ "$status" -eq 75 ] || die "the second daemon ended with $status"

say "frozen by someone else: the host is told"
fsfreeze -f "$a"
host_asks freeze $failed
fsfreeze -u "$a"
host_asks freeze $ok
host_asks thaw $ok

say "killed while frozen: THAW is a failure, before and after a new start"
host_asks freeze $ok
stop_bg daemon KILL || :
host_asks thaw $failed
must_be_thawed "$a"
start_behind_driver
host_asks thaw $failed
host_asks freeze $ok
host_asks thaw $ok

say "the host's driver goes while frozen"
host_asks freeze $ok
stop_bg sim KILL || :
wait_for "$TEST_DIR/daemon.log" 'event=thawed_unasked' 10
must_be_thawed "$a"
stop_bg daemon || die "the daemon ended with $?"
