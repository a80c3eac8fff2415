#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvssd killed while held, broker alone and altogether: the host has its answers
# within the limit, everybody is thawed, and the history says interrupted.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

chain_start "$(chain_bound ledger 'required = true')"
chain_ledger ledger --required
chain_reply freeze '^reply op=FREEZE status=0x00000000'
kill -9 "$(chain_broker_pid)"
wait_for "$TEST_DIR/ledger.out" '^thawed lost' 10
chain_reply thaw '^reply op=THAW ' 15
chain_unfrozen
chain_goes_on ledger
chain_await_state interrupted
expect consistency "$(chain_state consistency)" none
expect "held rows" "$(chain_sql "SELECT count(*) FROM state
    WHERE state = 'held'")" 1

# The new broker serves the next snapshot.
wait_for "$TEST_DIR/appvssd.log" 'event=registered name=ledger ' 10 2
host wait-openers 10000
wait_for "$TEST_DIR/sim.log" '^openers' 12 2
chain_reply freeze '^reply op=FREEZE status=0x00000000'
pid=$(chain_broker_pid)
# The broker first, and nobody who starts another: left alone for a moment it
# would end the transaction in good order.
kill -STOP "$(pid_of appvssd)"
kill -9 "$pid"
kill -9 "$(pid_of appvssd)"
wait_bg appvssd 10 || :
chain_reply thaw '^reply op=THAW ' 15
chain_unfrozen
chain_goes_on ledger
chain_start_appvssd
chain_await_state interrupted
host wait-openers 10000
wait_for "$TEST_DIR/sim.log" '^openers' 12 3
wait_for "$TEST_DIR/appvssd.log" 'event=registered name=ledger ' 10
chain_reply freeze '^reply op=FREEZE status=0x00000000'
chain_reply thaw '^reply op=THAW status=0x00000000'
chain_await_state 'done'
expect consistency "$(chain_state consistency)" application
