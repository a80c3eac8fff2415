#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The host never thaws: the limits thaw the file system, then the participants;
# a THAW that comes later is refused.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

chain_start 'hold_ms = 1500'
chain_ledger ledger
chain_reply freeze '^reply op=FREEZE status=0x00000000'
wait_for "$TEST_DIR/ledger.out" '^thawed expired' 10
stop_bg daemon
chain_unfrozen
chain_goes_on ledger
chain_await_state expired
expect consistency "$(chain_state consistency)" none
chain_start_daemon
host wait-openers 10000
wait_for "$TEST_DIR/sim.log" '^openers' 12 2
chain_reply thaw '^reply op=THAW status=0x80004005' 14
