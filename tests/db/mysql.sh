#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# MariaDB in snapshots, with either of the two locks.
set -eu
. tests/db/db_lib.sh
db_need mariadbd mariadb mariadb-install-db mariadb-check
DATA_MB=384

sql() {
	instance=$1
	shift
	mariadb --no-defaults -B -N --user=root \
		--socket="$SHM/$instance/socket" "$@"
}

server_start() {
	mkdir -p "$SHM/$2"
	chown mysql "$SHM/$2"
	mariadbd --no-defaults --user=mysql --datadir="$1" \
		--socket="$SHM/$2/socket" --pid-file="$SHM/$2/pid" \
		--skip-networking --log-error="$SHM/$2/log" \
		--innodb-buffer-pool-size=24M --innodb-log-file-size=16M \
		>/dev/null 2>&1 &
	echo $! >"$TEST_DIR/server-$2.pid"
	start_tries=600
	until sql "$2" -e 'SELECT 1' >/dev/null 2>&1; do
		start_tries=$((start_tries - 1))
		[ "$start_tries" -gt 0 ] ||
			die "MariaDB: $(tail -n 5 "$SHM/$2/log")"
		sleep 0.1
	done
}

server_rows() {
	sql "$1" app -e "SELECT concat(client, ' ', number) FROM ledger"
}

server_verify() {
	mariadb-check --no-defaults --user=root --socket="$SHM/$2/socket" \
		--check --extended --all-databases >"$TEST_DIR/check.log" 2>&1 ||
		die "CHECK TABLE"
	# One line a table.
	! grep -v -E ' OK$' "$TEST_DIR/check.log" || die "CHECK TABLE"
}

db_start mysql
mkdir "$DATA"
chown mysql "$DATA"
chmod 755 "$SHM" "$MOUNT"
mariadb-install-db --no-defaults --user=mysql --datadir="$DATA" \
	--skip-test-db --innodb-log-file-size=16M \
	--auth-root-authentication-method=socket >"$TEST_DIR/install.log" 2>&1 ||
	die "mariadb-install-db"
server_start "$DATA" first
sql first -e 'CREATE DATABASE app;
	CREATE TABLE app.ledger (client int, number int,
	PRIMARY KEY (client, number)) ENGINE=InnoDB'

db_config "socket=$SHM/first/socket"
db_load "socket=$SHM/first/socket" database=app
db_snapshot exact
# What is acknowledged has not left the server's memory yet.
sql first -e 'SET GLOBAL innodb_flush_log_at_trx_commit = 0'
db_config "socket=$SHM/first/socket" lock=stage
db_snapshot exact
db_veto
# Holds, and does not say so.
# shellcheck disable=SC2016
db_hangs 'mariadb "$@" >/dev/null'
db_hang "socket=$SHM/first/socket" "client=$TEST_DIR/hangs"
db_config "socket=$SHM/first/socket"
db_kill
say "passed"
