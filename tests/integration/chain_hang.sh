#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A required participant that never answers: the host is told FAIL within the
# limit; an optional one that never answers only lowers the consistency.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

chain_start 'freeze_ms = 1500' "$(chain_bound hangs 'required = true')"
chain_ledger other
chain_ledger hangs --required --freeze-hang
chain_reply freeze '^reply op=FREEZE status=0x80004005' 14
chain_unfrozen
chain_goes_on other
chain_goes_on hangs
chain_await_state aborted
expect reason "$(chain_state reason)" timeout
expect culprit "$(chain_state culprit)" hangs

stop_bg hangs
chain_await_absent() {
	wait_for "$TEST_DIR/appvssd.log" "event=forgotten name=$1" 10
}
chain_await_absent hangs
chain_ledger optional --freeze-hang
chain_reply freeze '^reply op=FREEZE status=0x00000000' 14
chain_reply thaw '^reply op=THAW status=0x00000000' 14
chain_unfrozen
chain_goes_on optional
chain_await_state 'done'
expect consistency "$(chain_state consistency)" filesystem
expect result "$(chain_sql "SELECT result FROM part WHERE name = 'optional'
    AND phase = 'final'")" timeout
