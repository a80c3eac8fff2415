#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Redis in snapshots, with an append-only file and with dumps only.
set -eu
. tests/db/db_lib.sh
db_need redis-server redis-cli redis-check-aof redis-check-rdb

redis() {
	instance=$1
	shift
	redis-cli -s "$SHM/$instance/socket" "$@"
}

server_start() {
	mkdir -p "$SHM/$2"
	chown redis "$SHM/$2" "$1"
	setpriv --reuid redis --regid redis --init-groups \
		redis-server --dir "$1" --port 0 --unixsocket "$SHM/$2/socket" \
		--appendonly "$AOF" --appendfsync everysec --save "$SAVE" \
		>"$TEST_DIR/redis-$2.log" 2>&1 &
	echo $! >"$TEST_DIR/server-$2.pid"
	start_tries=600
	until [ "$(redis "$2" PING 2>/dev/null)" = PONG ]; do
		start_tries=$((start_tries - 1))
		[ "$start_tries" -gt 0 ] ||
			die "redis: $(tail -n 5 "$TEST_DIR/redis-$2.log")"
		sleep 0.05
	done
}

server_rows() {
	row_client=1
	while [ "$row_client" -le "$CLIENTS" ]; do
		redis "$1" --raw LRANGE "client:$row_client" 0 -1 |
			sed "s/^/$row_client /"
		row_client=$((row_client + 1))
	done
}

# Before the second server has written to them.
server_verify_copy() {
	if [ "$AOF" = yes ]; then
		redis-check-aof "$1"/appendonlydir/*.manifest \
			>"$TEST_DIR/check.log" || die "redis-check-aof"
		grep -q 'AOF.*is valid' "$TEST_DIR/check.log" ||
			die "redis-check-aof: not valid"
	else
		redis-check-rdb "$1/dump.rdb" >"$TEST_DIR/check.log" ||
			die "redis-check-rdb"
	fi
}

AOF=yes
# It may save by itself as well, even while frozen.
SAVE='1 1'
db_start redis
mkdir "$DATA"
chmod 755 "$SHM" "$MOUNT"
server_start "$DATA" first
db_config "socket=$SHM/first/socket"
db_load "socket=$SHM/first/socket"
db_snapshot exact
db_veto
# Pauses, and then nothing any more.
# shellcheck disable=SC2016
db_hangs 'case $* in *INFO*) ;; *) exec redis-cli "$@" ;; esac'
db_hang "socket=$SHM/first/socket" "cli=$TEST_DIR/hangs"

say "no append-only file any more"
redis first CONFIG SET appendonly no save '' >/dev/null
AOF=no
SAVE=
db_config "socket=$SHM/first/socket"
db_snapshot exact
redis first CONFIG SET appendonly yes appendfsync always >/dev/null
AOF=yes
db_kill
say "passed"
