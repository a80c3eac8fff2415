#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Steps of the wall clock move no deadline and mix up no record.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

[ "$(uname -s)" = Linux ] || skip "the clock is moved by a Linux shim"
CLOCK_SHIM=$TEST_DIR/offset
head -c 8 /dev/zero >"$CLOCK_SHIM"
APPVSSD_ENV="env CLOCK_SHIM=$CLOCK_SHIM
	LD_PRELOAD=$PWD/tests/integration/clock_shim.so
	ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0"
broker_start
broker_case clock steps
broker_stop
