#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Files of SQLite in snapshots: with a WAL and with a rollback journal.  There is no
# server: who is killed while frozen is the process that holds the locks.
set -eu
. tests/db/db_lib.sh
db_need sqlite3

server_start() {
	:
}

server_stop() {
	:
}

# The first that holds: for one file of the two.
server_kill() {
	pkill -9 -P "$(pgrep -o -f "appvss-hold begin .*$DATA")" -f 'wal.db$' ||
		die "no session"
}

server_died() {
	:
}

server_rows() {
	rows_in=$DATA
	[ "$1" = first ] || rows_in=$TEST_DIR/restored/sqlite
	sqlite3 -cmd '.timeout 5000' -separator ' ' "$rows_in/$FILE" \
		'SELECT client, number FROM ledger'
}

server_verify() {
	expect integrity_check \
		"$(sqlite3 "$1/$FILE" 'PRAGMA integrity_check')" ok
}

db_start sqlite
mkdir "$DATA"
chmod 755 "$SHM" "$MOUNT" "$DATA"
chown nobody "$DATA"
for file in wal.db rollback.db; do
	sqlite3 "$DATA/$file" "PRAGMA journal_mode = $(
		[ $file = wal.db ] && echo wal || echo delete);
		CREATE TABLE ledger (client INTEGER, number INTEGER,
		PRIMARY KEY (client, number));" >/dev/null
	chown nobody "$DATA/$file"*
done
db_config "files='$DATA/wal.db" "$DATA/rollback.db'"

FILE=wal.db
db_load "file=$DATA/$FILE" synchronous=normal
db_snapshot exact
db_veto
# Holds, and does not say so.
# shellcheck disable=SC2016
db_hangs 'sqlite3 "$@" >/dev/null'
db_hang "files='$DATA/wal.db" "$DATA/rollback.db'" "sqlite3=$TEST_DIR/hangs"
db_config "files='$DATA/wal.db" "$DATA/rollback.db'"
db_kill

FILE=rollback.db
ACKS=$TEST_DIR/acknowledged-rollback
# Without a pause it would be chance who of so many gets the lock in time.
db_load "file=$DATA/$FILE" synchronous=full pause=0.03
db_config "files='$DATA/wal.db" "$DATA/rollback.db'" lock=exclusive
db_snapshot exact
say "passed"
