#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A thousand participants in three orders, on few connections and on many.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

# The time that a thousand take on a slow machine is not what is tested.
DRIVER_MS=120000
limits='driver_ms = 120000
freeze_ms = 60000
slice_ms = 60000
commit_ms = 20000
thaw_ms = 60000
max_clients_per_uid = 2000'
sections=$(awk -v user="$(id -un)" 'BEGIN {
	for (i = 0; i < 1000; i++)
		printf("participant \"m%d\" { user = \"%s\" order = %d }\n",
		    i, user, 20 + 30 * (i % 3))
}')
broker_start "$limits" "$sections"
broker_case many orders_on_few
broker_case many orders_on_many
broker_stop
