#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Random faults under whole snapshots on two frozen file systems: see
# tests/integration/campaign/campaign.py.  What has failed once is run first.
# SCHEDULES, SEED and STATE are those of "make campaign".
set -eu
. tests/integration/lib.sh

need_root_loop
mkdir "$TEST_DIR/shm"
mount -t tmpfs -o size=512m tmpfs "$TEST_DIR/shm"
export TEST_DIR
PYTHONDONTWRITEBYTECODE=1 python3 tests/integration/campaign/campaign.py \
	--dir "$TEST_DIR/shm" --shim "$PWD/tests/integration/clock_shim.so" \
	--schedules "${SCHEDULES:-100}" --seed "${SEED:-appvss}" \
	--state "${STATE:-}" ${CAMPAIGN_OPTIONS:-} \
	${FILES:-$(ls tests/integration/campaign.d/*.schedule 2>/dev/null || :)}
