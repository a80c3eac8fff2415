#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# PostgreSQL in snapshots: with a checkpoint only, and with commits held out.
set -eu
. tests/db/db_lib.sh
db_need initdb pg_ctl psql pg_amcheck pg_checksums
DATA_MB=384

as_postgres() {
	(cd / && setpriv --reuid postgres --regid postgres --init-groups "$@")
}

sql() {
	as_postgres psql -X -q -A -t -h "$SHM/$1" -v ON_ERROR_STOP=1 -d "$2" \
		-c "$3"
}

server_start() {
	# Of the machine that was copied.
	[ "$2" = first ] || rm -f "$1/postmaster.pid"
	mkdir -p "$SHM/$2"
	chown postgres "$SHM/$2"
	as_postgres pg_ctl -s -w -t 60 -D "$1" -l "$SHM/$2/log" -o "-k $SHM/$2" \
		start || die "PostgreSQL: $(tail -n 3 "$SHM/$2/log")"
	head -n 1 "$1/postmaster.pid" >"$TEST_DIR/server-$2.pid"
}

server_stop() {
	stopped=$(cat "$TEST_DIR/server-$1.pid")
	kill -INT "$stopped"
	gone "$stopped"
	rm "$TEST_DIR/server-$1.pid"
}

# With its children: those of a postmaster that is gone end by themselves, but not
# on a frozen disk.
server_kill() {
	killed="$(cat "$TEST_DIR/server-$1.pid")"
	killed="$killed $(pgrep -P "$killed" | tr '\n' ' ')"
	# shellcheck disable=SC2086
	kill -9 $killed
	rm "$TEST_DIR/server-$1.pid"
}

server_died() {
	for each in $killed; do
		gone "$each"
	done
	# init(8) may not have collected it yet, which PostgreSQL takes for alive.
	rm -f "$DATA/postmaster.pid" "$SHM/$1/".s.PGSQL.*
}

# Clients above 10 make tables.
server_rows() {
	sql "$1" app "SELECT client || ' ' || number FROM ledger"
	sql "$1" "other one" "SELECT split_part(relname, '_', 2) || ' ' ||
		split_part(relname, '_', 3) FROM pg_class
		WHERE relname LIKE 'made%'"
}

server_verify() {
	as_postgres pg_amcheck -h "$SHM/$2" --install-missing --all \
		--heapallindexed || die "pg_amcheck"
	expect "half transactions" "$(sql "$2" app "SELECT count(*)
		FROM ledger FULL JOIN second USING (client, number)
		WHERE ledger IS NULL OR second IS NULL")" 0
}

server_verify_stopped() {
	as_postgres pg_checksums -D "$1" --check >/dev/null ||
		die "pg_checksums"
}

db_start postgresql
mkdir "$DATA"
chown postgres "$DATA"
chmod 755 "$SHM" "$MOUNT"
as_postgres initdb -D "$DATA" --auth=peer --data-checksums -N >/dev/null
cat >>"$DATA/postgresql.conf" <<CONF
listen_addresses = ''
shared_buffers = 16MB
max_wal_size = 64MB
min_wal_size = 32MB
CONF
server_start "$DATA" first
sql first postgres 'CREATE DATABASE app'
sql first postgres 'CREATE DATABASE "other one"'
for table in second ledger; do
	sql first app "CREATE TABLE $table (client int, number int,
		PRIMARY KEY (client, number))"
done

db_config "socket_dir=$SHM/first"
start_bg load-tables python3 tests/db/load.py postgresql 1 "$ACKS" first=11 \
	"socket=$SHM/first" "database=other one" user=postgres does=tables \
	pause=0.02
CLIENTS=4
db_load "socket=$SHM/first" database=app user=postgres does=rows
CLIENTS=5
# What making the tables has left for the first checkpoint is not what is timed.
sql first postgres CHECKPOINT
db_snapshot prefix

# What is acknowledged is not on disk yet.
sql first postgres "ALTER SYSTEM SET synchronous_commit = off"
sql first postgres "SELECT pg_reload_conf()" >/dev/null
db_config "socket_dir=$SHM/first" mode=hold
db_snapshot exact
db_veto
# Holds, and does not say so.
# shellcheck disable=SC2016
db_hangs 'case $* in *"-c"*) exec psql "$@" ;; esac' 'psql "$@" >/dev/null'
db_hang "socket_dir=$SHM/first" mode=hold "psql=$TEST_DIR/hangs"
db_config "socket_dir=$SHM/first" mode=hold
db_kill
say "passed"
