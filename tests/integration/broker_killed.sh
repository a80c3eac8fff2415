#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Parent and broker are killed together, in each state of a transaction.  Clients
# and host learn of it, and the next start is as good as any: it replaces the
# socket, says in the history what was cut off, and serves a snapshot.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

[ -d /proc/self/fd ] || skip "seeing a process end needs Linux's /proc"
broker_start
openers=1
for state in idle checking freezing held thawing detached; do
	say "killed while $state"
	broker_case killed "$state"
	wait_bg appvssd 10 || :
	[ -S "$TEST_DIR/socket" ] || die "no stale socket to test with"
	broker_appvssd
	host wait-openers 10000
	openers=$((openers + 1))
	wait_for "$TEST_DIR/sim.log" '^openers' 12 "$openers"
	broker_case killed next
done
broker_stop
