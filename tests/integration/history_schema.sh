#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-history(5) describes the tables that there are, and its queries run;
# files of the older version are read by every command, and what is no history
# is said to be none.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/ctl_lib.sh
. tests/integration/ctl_lib.sh

page=appvssd/appvssctl/appvss-history.5
now_ms=$(($(date +%s) * 1000))
feed <<ROWS
RUN run=1 at_ms=$now_ms boot_id=b1 version=0.1.0
KNOWN seq=1 at_ms=$now_ms name=db program=db uid=7
EVENT seq=2 at_ms=$now_ms kind=gap text="snapshots=2 taken while appvssd was not there"
BEGIN seq=3 id=1 op=freeze source=device msgid=5 at_ms=$now_ms
HELD seq=4 id=1 proof=1 parts="[[\\"db\\",50,1,0,250,7,8]]"
STATE seq=5 id=1 at_ms=$now_ms state=held consistency=application elapsed_ms=300
PART seq=6 id=1 phase=final name=db result=ready thaw=ok told_at_ms=0 ready_at_ms=250 thaw_told_at_ms=800 thawed_at_ms=850
PART seq=7 id=1 phase=final name=web result=failed thaw=ok told_at_ms=0 text=full
STATE seq=8 id=1 at_ms=$now_ms state=done consistency=application host=success elapsed_ms=900
END seq=9 at_ms=$now_ms
ROWS

say "the page has every table and column, and no other"
sqlite3 "$history" "SELECT m.name || '.' || c.name FROM sqlite_schema AS m
    JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table'
    ORDER BY 1" | LC_ALL=C sort >"$TEST_DIR/there"
awk '/^\.Sh FILES/ { exit }
    /^\.Ss / { table = $2 }
    table != "" && /^\.It Va / { gsub(/^\.It|Va|,/, "")
	for (i = 1; i <= NF; i++) print table "." $i }' "$page" |
	LC_ALL=C sort >"$TEST_DIR/described"
diff "$TEST_DIR/there" "$TEST_DIR/described" || die "not what is described (>)"
version=$(sqlite3 "$history" 'PRAGMA user_version')
grep -q "what is described here, $version\\.\$" "$page" ||
	die "the page is of another version than $version"

say "its queries"
awk '/^\.Bd -literal/ { inside = 1; next } /^\.Ed/ { inside = 0 }
    inside' "$page" | sed 's/\\e/\\/g' >"$TEST_DIR/queries"
sqlite3 -readonly "$history" <"$TEST_DIR/queries" >"$out" 2>&1 ||
	die "$(cat "$out")"
expect '^1\|20[0-9-]+ '
expect '^web\|failed\|1$'
expect '^db\|250$'
expect '^db$'

read_old() {
	sum=$(cksum "$history")
	ctl 0 history
	expect '^1 .* done +application '
	ctl 0 history --consistency application --app db --since 1h
	expect '^1 '
	ctl 0 last
	expect 'consistency application'
	ctl 0 history --app db --stats
	expect ' 250 ms '
	ctl 1 provenance
	expect 'last finished transaction 1,'
	ctl 2 --socket "$TEST_DIR/none" check
	expect 'application-consistent snapshot is .* old'
	ctl 0 --socket "$TEST_DIR/none" metrics
	expect '^appvss_history_readable 1$'
	[ "$(cksum "$history")" = "$sum" ] || die "reading changed the file"
	# As it was while held: the proof is in part then.
	cp "$history" "$TEST_DIR/held.db"
	sqlite3 "$TEST_DIR/held.db" "DELETE FROM part WHERE name <> 'db';
	    UPDATE part SET phase = 'held'; DELETE FROM state
	    WHERE state <> 'held'; DELETE FROM event"
	history=$TEST_DIR/held.db ctl 0 provenance
	expect '^ready +db$'
}

say "version 2"
sqlite3 "$history" "DROP TABLE held; PRAGMA user_version = 2"
read_old
say "version 1"
sqlite3 "$history" "DROP INDEX txn_freeze; DROP INDEX state_held;
    DROP INDEX state_interrupted; DROP INDEX event_txn; DROP INDEX event_free;
    DROP TABLE driver; ALTER TABLE known DROP COLUMN uid;
    PRAGMA user_version = 1"
read_old

say "names that SQLite would take apart"
for name in 'file:history.db?immutable=1' 'a b%20.db' '-dash.db'; do
	cp "$history" "$TEST_DIR/$name"
	(
		cd "$TEST_DIR"
		"$OLDPWD/appvssd/appvssctl/appvssctl" "--history=$name" last
	) >"$out" 2>&1 || die "$name: $(cat "$out")"
	expect '^transaction 1: '
done

say "no history at all"
# The status, what is said, and the file.
refused() {
	history=$TEST_DIR/$3 ctl "$1" history
	[ "$(wc -l <"$out")" -eq 1 ] || die "more than a line: $(cat "$out")"
	expect "$2"
}
: >"$TEST_DIR/empty.db"
refused 66 'nothing was recorded' empty.db
echo "this is no database, but long enough to be looked at" >"$TEST_DIR/text.db"
refused 65 'not a database' text.db
sqlite3 "$TEST_DIR/other.db" 'CREATE TABLE a(b)'
refused 65 'not a history of appvssd' other.db
mkdir "$TEST_DIR/dir.db"
refused 65 'not a file' dir.db
cp "$history" "$TEST_DIR/wal.db"
sqlite3 "$TEST_DIR/wal.db" 'PRAGMA journal_mode = WAL' >/dev/null
refused 65 'write-ahead log' wal.db
# It is SQLite's byte for reading that decides.
cp "$history" "$TEST_DIR/half.db"
printf '\002' | dd of="$TEST_DIR/half.db" bs=1 seek=19 conv=notrunc 2>/dev/null
refused 65 'write-ahead log' half.db
ls "$TEST_DIR"/*-wal "$TEST_DIR"/*-shm 2>/dev/null &&
	die "something was written beside a file"
cp "$history" "$TEST_DIR/new.db"
sqlite3 "$TEST_DIR/new.db" 'PRAGMA user_version = 9'
refused 65 'version 9, this program knows up to' new.db
head -c 3000 "$history" >"$TEST_DIR/cut.db"
refused 65 'malformed|not a database|disk image' cut.db
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 600 "$history"
	got=0
	setpriv --reuid 65534 --regid 65534 --clear-groups \
		appvssd/appvssctl/appvssctl --history "$history" last \
		>"$out" 2>&1 || got=$?
	[ "$got" -eq 77 ] || die "not allowed: exit status $got: $(cat "$out")"
fi
say "ok"
