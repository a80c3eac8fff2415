#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A whole snapshot: two orders of participants, the history on the frozen file
# system, and the copy restored: it ends exactly where the ledgers froze, and the
# history in it proves what it is.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

chain_start "$(chain_bound early 'required = true order = 10')" \
	"$(chain_bound late 'expect = true order = 60')"
chain_ledger early --order 10 --required
chain_ledger late --order 60
chain_reply dm-info '^reply op=DM_INFO status=0x00000000'
chain_reply check '^reply op=.* status=0x00000000'
chain_reply freeze '^reply op=FREEZE status=0x00000000'
is_frozen "$MOUNT" || die "$MOUNT is not frozen"
cp --sparse=always "$TEST_DIR/data.img" "$TEST_DIR/copy.img"
APPVSS_SOCKET=$SOCKET appvssd/appvssctl/appvssctl status >"$TEST_DIR/status.log"
grep -q held "$TEST_DIR/status.log" || die "status does not say held"
chain_reply thaw '^reply op=THAW status=0x00000000'
chain_unfrozen
chain_goes_on early
chain_goes_on late
chain_await_state 'done'
expect consistency "$(chain_state consistency)" application
expect host "$(chain_state host)" success

dumpe2fs -h "$TEST_DIR/copy.img" 2>/dev/null | grep -q needs_recovery &&
	die "the copy needs its journal replayed"
mkdir "$TEST_DIR/restored"
mount -o loop,ro "$TEST_DIR/copy.img" "$TEST_DIR/restored"
for name in early late; do
	cp "$TEST_DIR/restored/$name.db"* "$TEST_DIR"
	expect "integrity of $name" \
		"$(sqlite3 "$TEST_DIR/$name.db" 'PRAGMA integrity_check')" ok
	expect "rows of $name" \
		"$(sqlite3 "$TEST_DIR/$name.db" 'SELECT max(number) FROM ledger')" \
		"$(sed -n 's/^frozen //p' "$TEST_DIR/$name.out")"
done
appvssd/appvssctl/appvssctl --history "$TEST_DIR/restored/appvss/history.db" \
	provenance >"$TEST_DIR/provenance.log" ||
	die "no provenance in the copy"
grep -q early "$TEST_DIR/provenance.log" || die "early is not in the proof"
HISTORY=$TEST_DIR/restored/appvss/history.db
expect "state in the copy" "$(chain_state state)" held
