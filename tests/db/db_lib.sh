# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# For the tests of the database scripts: a real server with its data on a disk of
# the test's own, clients that commit all the time, and snapshots through the
# whole chain.  Sourced, from the root of the tree.
#
#	db_need PROGRAM...		skips the test without them
#	db_start KIND			disk, chain, and the script KIND in vss.d
#	db_config LINE...		the script's configuration, from now on
#	db_load [KEY=VALUE...]		starts the clients
#	db_snapshot exact|prefix	freeze, copy, thaw, restore, compare
#	db_veto | db_hang | db_kill	the faults
# The test defines, for its database:
#	server_start DATADIR NAME	starts a server, whose process is in
#					server-NAME.pid; returns when it answers
#	server_rows NAME		prints "CLIENT NUMBER" lines
# and what of these has to differ:
#	server_stop NAME
#	server_kill NAME		at once, with SIGKILL: the disk is frozen
#	server_died NAME		waits for its end: the disk has thawed
#	server_verify_copy DATADIR	its own consistency check: of the copy
#	server_verify DATADIR NAME	... of the server that runs on it
#	server_verify_stopped DATADIR	... and when that was stopped

. tests/integration/lib.sh
. tests/integration/chain_lib.sh

CLIENTS=4
ACKS=$TEST_DIR/acknowledged
LIMIT_MS=5000 # of a freeze script
# Debian keeps the servers' programs here.
for programs in /usr/lib/postgresql/*/bin; do
	PATH=$PATH:$programs
done
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

db_need() {
	need_root_loop
	for program in python3 "$@"; do
		command -v "$program" >/dev/null ||
			skip "$program is not installed: make deps-test"
	done
}

server_stop() {
	stopped=$(cat "$TEST_DIR/server-$1.pid")
	kill "$stopped"
	gone "$stopped"
	rm "$TEST_DIR/server-$1.pid"
}

server_kill() {
	kill -9 "$(cat "$TEST_DIR/server-$1.pid")"
}

server_died() {
	gone "$(cat "$TEST_DIR/server-$1.pid")"
}

server_verify_copy() {
	:
}

server_verify() {
	:
}

server_verify_stopped() {
	:
}

now() {
	date +%s.%N
}

# The script in vss.d is what is installed, but that it says when it is done.
db_start() {
	DB=$1
	DATA_MB=${DATA_MB:-256}
	# shellcheck disable=SC2034
	chain_start "$(chain_bound "$DB" 'required = true')" \
		"$(chain_bound 90-veto 'required = true order = 90')"
	VSS_D=$TEST_DIR/vss.d
	mkdir "$VSS_D" "$TEST_DIR/hooks.d" "$SHM/hooks"
	cat >"$VSS_D/$DB" <<-SCRIPT
		#!/bin/sh
		"$PWD/hooks/databases/$DB" "\$1" "\${0##*/}"
		status=\$?
		date +%s.%N >"$TEST_DIR/\$1.ended"
		echo "\$1 \$status" >>"$TEST_DIR/calls"
		exit \$status
	SCRIPT
	cat >"$VSS_D/90-veto" <<-SCRIPT
		#!/bin/sh
		[ "\$1" = freeze ] || exit 0
		[ ! -e "$TEST_DIR/veto" ] || exit 1
		# What nothing holds is committed before file systems freeze.
		exec sleep 0.5
	SCRIPT
	chmod 755 "$VSS_D"/*
	APPVSS_HOLD=$PWD/hooks/appvss-hold
	APPVSS_HOOKS_D=$TEST_DIR/hooks.d
	export APPVSS_HOLD APPVSS_HOOKS_D
	start_bg hooks hooks/appvss-hooks --foreground --dir "$VSS_D" \
		--socket "$SOCKET" --runtime-dir "$SHM/hooks" \
		--freeze-ms "$LIMIT_MS"
	wait_for "$TEST_DIR/appvssd.log" "event=registered name=$DB " 10
	wait_for "$TEST_DIR/appvssd.log" "event=registered name=90-veto " 10
	DATA=$MOUNT/$DB
	: >"$TEST_DIR/calls"
}

db_config() {
	for line; do
		printf '%s\n' "$line"
	done >"$TEST_DIR/hooks.d/$DB.conf"
}

db_load() {
	start_bg load python3 tests/db/load.py "$DB" "$CLIENTS" "$ACKS" "$@"
	goes_on
}

# Every client has another commit acknowledged, sent from now on.
goes_on() {
	sent_after=$(now)
	goes_tries=600
	until awk -v after="$sent_after" -v clients="$CLIENTS" '
		$3 > after && $4 != "-" { told[$1] = 1 }
		END { for (i in told) n++; exit n < clients }' "$ACKS" \
		2>/dev/null; do
		goes_tries=$((goes_tries - 1))
		[ "$goes_tries" -gt 0 ] || die "clients do not go on"
		sleep 0.05
	done
}

calls() {
	grep -c "^$1 $2\$" "$TEST_DIR/calls" || :
}

# The thaw of the script has come to its end, with that status.
await_thaw() {
	wait_for "$TEST_DIR/calls" "^thaw $1\$" 15 $(($2 + 1))
}

# A holder would keep its sessions, and those the disk.
test_cleanup() {
	for holder in $(holders_of "$SHM/hooks"); do
		kill -9 "$holder"
	done
	[ -z "${SHM:-}" ] || rm -rf "$SHM"
}

# Nothing that holds is left, nor a trace of it.
is_free() {
	for left in "$SHM/hooks/"*.hold "$SHM/hooks/"*.paused; do
		[ ! -e "$left" ] || die "$left is left"
	done
	free_tries=200
	while [ -n "$(holders_of "$SHM/hooks")" ]; do
		free_tries=$((free_tries - 1))
		[ "$free_tries" -gt 0 ] || die "a holder is left"
		sleep 0.05
	done
}

gone() {
	gone_tries=600
	while is_alive "$1"; do
		gone_tries=$((gone_tries - 1))
		[ "$gone_tries" -gt 0 ] || die "process $1 is still there"
		sleep 0.05
	done
}

db_restore() {
	restored=$TEST_DIR/restored
	mkdir -p "$restored"
	mount -o loop "$TEST_DIR/copy.img" "$restored"
	server_verify_copy "$restored/$DB"
	server_start "$restored/$DB" second
	server_rows second >"$TEST_DIR/rows"
	server_verify "$restored/$DB" second
	server_stop second
	server_verify_stopped "$restored/$DB"
	umount "$restored"
	rm "$TEST_DIR/copy.img"
}

db_snapshot() {
	say "a snapshot: $1"
	goes_on
	thawed=$(calls thaw 0)
	chain_reply check '^reply op=.* status=0x00000000'
	asked_at=$(now)
	chain_reply freeze '^reply op=FREEZE status=0x00000000'
	ready_at=$(cat "$TEST_DIR/freeze.ended")
	cp --sparse=always "$TEST_DIR/data.img" "$TEST_DIR/copy.img"
	thaw_at=$(now)
	chain_reply thaw '^reply op=THAW status=0x00000000'
	await_thaw 0 "$thawed"
	goes_on
	chain_await_state 'done'
	expect consistency "$(chain_state consistency)" application
	is_free
	db_restore
	python3 tests/db/compare.py "$ACKS" "$TEST_DIR/rows" "$asked_at" \
		"$ready_at" "$thaw_at" "$1" >"$TEST_DIR/compare.out" ||
		die "the copy is not what it must be"
	say "$(cat "$TEST_DIR/compare.out")"
}

# From the time $1 on nobody waited for longer than $2 ms, on account of $3.
stalled_at_most() {
	stall=$(python3 tests/db/compare.py stall "$ACKS" "$1" "$(now)")
	say "$3: clients stalled for at most $stall ms"
	[ "$stall" -le "$2" ] || die "that is more than $2 ms"
}

db_veto() {
	say "somebody else vetoes"
	goes_on
	begun_at=$(now)
	thawed=$(calls thaw 0)
	touch "$TEST_DIR/veto"
	chain_reply freeze '^reply op=FREEZE status=0x80004005'
	await_thaw 0 "$thawed"
	rm "$TEST_DIR/veto"
	goes_on
	chain_unfrozen
	is_free
	stalled_at_most "$begun_at" $((LIMIT_MS + 5000)) "veto"
}

# A program for a script to call: it runs the lines and then never ends, as long as
# the test lasts.
db_hangs() {
	{
		echo '#!/bin/sh'
		printf '%s\n' "$@"
		echo "while [ -e '$TEST_DIR' ]; do sleep 0.2; done"
	} >"$TEST_DIR/hangs"
	chmod 755 "$TEST_DIR/hangs"
}

# The lines are a configuration with which the script never ends its freeze.
db_hang() {
	say "the script hangs in its freeze"
	goes_on
	db_config "$@"
	begun_at=$(now)
	thawed=$(calls thaw 0)
	chain_reply freeze '^reply op=FREEZE status=0x80004005'
	await_thaw 0 "$thawed"
	goes_on
	chain_unfrozen
	is_free
	stalled_at_most "$begun_at" $((LIMIT_MS + 5000)) "script hangs"
}

# What holds has seen it, and appvss-hooks has told the broker: while frozen, with
# no log.
await_loss() {
	loss_tries=300
	until APPVSS_SOCKET=$SOCKET appvssd/appvssctl/appvssctl status |
		grep -q "^$DB .* holds no more"; do
		loss_tries=$((loss_tries - 1))
		[ "$loss_tries" -gt 0 ] || die "nobody noticed the loss"
		sleep 0.05
	done
}

# The server is called first while it is killed, and second when it is back.
db_kill() {
	say "the server is killed while frozen"
	goes_on
	begun_at=$(now)
	lost=$(calls thaw 1)
	thawed=$(calls thaw 0)
	chain_reply freeze '^reply op=FREEZE status=0x00000000'
	server_kill first
	await_loss
	chain_reply thaw '^reply op=THAW status=0x80004005'
	await_thaw 1 "$lost"
	await_thaw 0 "$thawed"
	chain_await_state aborted
	expect consistency "$(chain_state consistency)" none
	is_free
	server_died first
	server_start "$DATA" first
	goes_on
	stalled_at_most "$begun_at" 60000 "server killed and started again"
	stop_bg load TERM >/dev/null 2>&1 || :
	asked_at=$(now)
	server_rows first >"$TEST_DIR/rows"
	python3 tests/db/compare.py "$ACKS" "$TEST_DIR/rows" "$asked_at" \
		"$asked_at" "$asked_at" prefix >"$TEST_DIR/compare.out" ||
		die "what was acknowledged is lost"
}
