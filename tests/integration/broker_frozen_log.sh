#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The log is a file on the disk that is frozen, and the snapshot ends otherwise
# than by a THAW: the parent may sleep on its log, the broker does not.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh
need_root_loop

MOUNT=$(make_mount ext4 16 disk)
APPVSSD_LOG=$MOUNT/appvssd.log
HISTORY_DB=$MOUNT/history.db
broker_start "log_path = \"$APPVSSD_LOG\"" 'hold_ms = 120000'
say "a requestor, when the disk is frozen already"
broker_case frozen_log requested
say "stopped while held"
broker_case frozen_log stopped
wait_bg appvssd 30 || die "appvssd did not end well"
host thaw
broker_appvssd 2
host wait-openers 10000
wait_for "$TEST_DIR/sim.log" '^openers' 12 2
say "the device is lost while held"
broker_case frozen_log lost
broker_stop
