#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Clients that veto, hang, leave, answer twice and lie at random, under a host
# that asks for one snapshot after the other.  CHAOS_SEED repeats a run, as far
# as the scheduler lets it; CHAOS_SECONDS makes it longer.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

[ -d /proc/self/fd ] || skip "counting descriptors needs Linux's /proc"
DRIVER_MS=4000
broker_start 'driver_ms = 4000' 'fs_ms = 500' 'check_ms = 250' \
	'freeze_ms = 600' 'commit_ms = 500' 'hold_ms = 1000' 'thaw_ms = 300' \
	'slice_ms = 200' \
	"participant \"req\" { user = \"$(id -un)\" required = true order = 10 }" \
	"participant \"late60\" { user = \"$(id -un)\" order = 60 }"
say "seed ${CHAOS_SEED:=20261120}"
python3 tests/integration/broker_chaos.py "$TEST_DIR/socket" \
	"$TEST_DIR/sim.in" "$TEST_DIR/sim.log" "$TEST_DIR/history.db" \
	"$(broker_pid)" "$CHAOS_SEED" "${CHAOS_SECONDS:-15}"
broker_stop
