#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# hv_vss_daemon killed while frozen: its guardian thaws, THAW fails, and the
# snapshot is worth nothing.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

chain_start
chain_ledger ledger
chain_reply freeze '^reply op=FREEZE status=0x00000000'
kill -9 "$(pid_of daemon)"
wait_bg daemon 10 || :
chain_reply thaw '^reply op=THAW status=0x80004005' 15
chain_unfrozen
chain_goes_on ledger
chain_await_state aborted
expect consistency "$(chain_state consistency)" none
expect reason "$(chain_state reason)" fs_failed
expect host "$(chain_state host)" fail

chain_start_daemon
host wait-openers 10000
wait_for "$TEST_DIR/sim.log" '^openers' 12 2
chain_reply freeze '^reply op=FREEZE status=0x00000000'
chain_reply thaw '^reply op=THAW status=0x00000000'
chain_await_state 'done'
expect consistency "$(chain_state consistency)" application
