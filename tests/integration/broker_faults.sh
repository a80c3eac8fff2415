#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What clients do wrong reaches neither the records nor the other participants.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

broker_start
broker_case faults texts
broker_case faults deadlines
broker_case faults slow_lines
broker_case faults slow_thaw
broker_case faults unread
broker_case faults output
broker_stop
