#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The history process stopped: the snapshot does not wait for it, and the record
# is complete when it goes on.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

chain_start
chain_ledger ledger
pid=$(chain_history_pid)
kill -STOP "$pid"
chain_reply check '^reply op=.* status=0x00000000'
chain_reply freeze '^reply op=FREEZE status=0x00000000' 14
chain_reply thaw '^reply op=THAW status=0x00000000' 14
chain_unfrozen
chain_goes_on ledger
APPVSS_SOCKET=$SOCKET appvssd/appvssctl/appvssctl status >"$TEST_DIR/status.log"
grep -q behind "$TEST_DIR/status.log" || die "status does not say behind"
kill -CONT "$pid"
chain_await_state 'done'
expect consistency "$(chain_state consistency)" application
expect "transactions" "$(chain_sql 'SELECT count(*) FROM txn')" 2
expect "states" "$(chain_sql "SELECT group_concat(state) FROM (SELECT state
    FROM state WHERE id = 2 ORDER BY n)")" held,done
expect "unproved" "$(chain_sql "SELECT count(*) FROM event
    WHERE kind = 'held_unproved'")" 1

# Killed while held: a new one gets the rows again, each is there once.
chain_reply freeze '^reply op=FREEZE status=0x00000000' 14
kill -9 "$(chain_history_pid)"
chain_reply thaw '^reply op=THAW status=0x00000000' 14
chain_await_state 'done'
expect "transactions" "$(chain_sql 'SELECT count(*) FROM txn')" 3
expect "parts" "$(chain_sql 'SELECT count(*) FROM part WHERE id = 3')" 1
expect "proofs" "$(chain_sql 'SELECT count(*) FROM held WHERE id = 3')" 1
