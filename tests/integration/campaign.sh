#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Random faults under whole snapshots on two frozen file systems: see
# tests/integration/campaign/campaign.py.  What has failed once is run first.
# It ends after SECONDS_MAX, 60, however many there were on a slow machine.
# SCHEDULES, SEED, STATE and FILES (schedules, instead of those that have failed)
# are those of "make campaign"; CAMPAIGN_OPTIONS are the program's.
set -eu
. tests/integration/lib.sh

# Whatever it has started, also what is stopped and what was left by its parent.
test_cleanup() {
	for environ in /proc/[0-9]*/environ; do
		grep -azqs "^CAMPAIGN=$TEST_DIR/" "$environ" || continue
		environ=${environ#/proc/}
		kill -9 "${environ%/environ}" 2>/dev/null
	done
}

need_root_loop
mkdir "$TEST_DIR/shm"
mount -t tmpfs -o size=512m tmpfs "$TEST_DIR/shm"
export TEST_DIR
[ -n "${FILES+set}" ] || FILES=$(ls tests/integration/campaign.d/*.schedule)
# shellcheck disable=SC2086
PYTHONDONTWRITEBYTECODE=1 python3 tests/integration/campaign/campaign.py \
	--dir "$TEST_DIR/shm" --shim "$PWD/tests/integration/clock_shim.so" \
	--schedules "${SCHEDULES:-100}" --seconds "${SECONDS_MAX:-60}" \
	--seed "${SEED:-appvss}" \
	--state "${STATE:-}" ${CAMPAIGN_OPTIONS:-} $FILES
