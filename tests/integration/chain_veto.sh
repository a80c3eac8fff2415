#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A required participant that cannot freeze: the host is told so at once, nobody
# stays frozen, and the history names it.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

chain_start "$(chain_bound vetoes 'required = true')"
chain_ledger other
chain_ledger vetoes --required --freeze-fail 'disk "full"'
chain_reply freeze '^reply op=FREEZE status=0x80004005' 5
chain_unfrozen
chain_goes_on other
chain_goes_on vetoes
chain_await_state aborted
expect consistency "$(chain_state consistency)" none
expect reason "$(chain_state reason)" failed
expect culprit "$(chain_state culprit)" vetoes
expect host "$(chain_state host)" fail
expect text "$(chain_sql "SELECT text FROM part WHERE name = 'vetoes'")" \
	'disk "full"'
APPVSS_HISTORY=$HISTORY appvssd/appvssctl/appvssctl history \
	>"$TEST_DIR/history.log"
grep -q vetoes "$TEST_DIR/history.log" || die "history does not name it"
