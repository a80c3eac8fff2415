#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Clients that ask for a freeze by themselves, and those that watch.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

broker_start 'hold_max_ms = 30000'
broker_case requestor good
broker_case requestor watched
broker_case requestor talkative
broker_case requestor vetoed
broker_case requestor busy
broker_case requestor leaves
broker_case requestor detached
broker_case requestor thawed_by_another
broker_case requestor expired
broker_case requestor checks
broker_case requestor denied
broker_stop
