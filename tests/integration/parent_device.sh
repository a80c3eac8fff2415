#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The device: missing at first, opened when it appears, and again when it was
# lost.  The parent keeps no descriptor of it.
set -eu
. tests/integration/lib.sh
. tests/integration/parent_common.sh

device=$TEST_DIR/device
log=$TEST_DIR/appvssd.log
write_config
start_parent appvssd --device "$device"
missing=$(wait_field device_errno 2)
[ "$(field devices "$missing")" = 0 ] || die "a device: $missing"

start_bg device1 python3 tests/integration/fake_device.py "$device"
opened=$(wait_field devices 1)
[ "$(field device_errno "$opened")" = 0 ] || die "still missing: $opened"
# Only once in the log, however often it was tried.
[ "$(grep -c event=device_unavailable "$log")" -eq 1 ] || die "a chatty log"

# It goes: the broker says so and gets the next one.
stop_bg device1 KILL || :
rm "$device"
wait_field device_errno 2 >/dev/null
start_bg device2 python3 tests/integration/fake_device.py "$device"
wait_field devices 2 >/dev/null

# Only the broker holds it: when the broker dies the device sees the end.
kill -9 "$(field pid "$(ask)")"
wait_for "$TEST_DIR/device2.log" '^closed' 10
wait_for "$TEST_DIR/device2.log" '^opened' 10 2
wait_field devices 1 >/dev/null
stop_bg appvssd || die "SIGTERM: exit status $?"
