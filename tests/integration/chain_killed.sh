#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A participant that is killed while it is frozen: a required one makes THAW fail
# and the snapshot worthless, an optional one makes it file-system consistent.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

chain_start "$(chain_bound dies 'required = true')"
chain_ledger other
chain_ledger dies --required
chain_reply freeze '^reply op=FREEZE status=0x00000000'
kill -9 "$(pid_of dies)"
wait_bg dies 10 || :
chain_reply thaw '^reply op=THAW status=0x80004005' 14
chain_unfrozen
chain_goes_on other
chain_await_state aborted
expect consistency "$(chain_state consistency)" none
expect reason "$(chain_state reason)" disconnected
expect culprit "$(chain_state culprit)" dies

# It is absent now, and required: nothing is frozen until it is back.
chain_reply freeze '^reply op=FREEZE status=0x80004005' 5
chain_await_state aborted
expect reason "$(chain_state reason)" absent
chain_ledger dies --required
chain_reply freeze '^reply op=FREEZE status=0x00000000'
kill -9 "$(pid_of other)"
wait_bg other 10 || :
chain_reply thaw '^reply op=THAW status=0x00000000' 14
chain_await_state 'done'
expect consistency "$(chain_state consistency)" filesystem
expect result "$(chain_sql "SELECT result FROM part WHERE name = 'other'
    AND phase = 'final' ORDER BY n DESC LIMIT 1")" lost
