#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The device goes while a snapshot is under way, and another one comes.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

[ -d /proc/self/fd ] || skip "seeing a process end needs Linux's /proc"
# Enough time to thaw for a busy machine to make another device meanwhile.
DRIVER_MS=90000
broker_start 'driver_ms = 90000' 'thaw_ms = 80000'
broker_case faults lost_answer
rm -f "$TEST_DIR/sim.in" "$TEST_DIR/sim.log"
stop_bg daemon || :
start_sim "$TEST_DIR/dev" --limit-ms "$DRIVER_MS"
start_bg daemon kernel/hv_vss_daemon/hv_vss_daemon --no-freeze -n \
	--device "$TEST_DIR/dev/hv_fsvss_dev"
host wait-openers 10000
wait_for "$TEST_DIR/sim.log" '^openers' 12
host negotiate
broker_case faults new_device
broker_stop
