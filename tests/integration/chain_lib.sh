# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# The whole chain on a real file system: host, driver, hv_vss_daemon, appvssd and
# a ledger.  Sourced after lib.sh.
#
#	chain_start [CONFIG LINE...]	everything but participants
#	chain_ledger NAME [OPTION...]	a ledger, registered when it returns
#	chain_reply COMMAND PATTERN [S]	tells the host, waits for its reply
#	chain_state FIELD		of the last transaction in the history
#	chain_unfrozen			fails unless the file system can be written

chain_start() {
	need_root_loop
	SHM=$(mktemp -d /dev/shm/appvss-test.XXXXXX)
	MOUNT=$(make_mount ext4 "${DATA_MB:-64}" data)
	mkdir "$MOUNT/appvss"
	HISTORY=$MOUNT/appvss/history.db
	SOCKET=$SHM/appvssd.sock
	CONF=$TEST_DIR/appvssd.conf
	{
		printf 'user = "root"\n'
		printf 'history_program = "%s/appvssd/appvssd-history"\n' "$PWD"
		for line; do
			printf '%s\n' "$line"
		done
	} >"$CONF"
	start_sim "$SHM" --limit-ms "${DRIVER_MS:-15000}"
	chain_start_daemon
	chain_start_appvssd
	host wait-openers 10000
	wait_for "$TEST_DIR/sim.log" '^openers' 12
	chain_reply negotiate '^reply op=NEGOTIATE status=0x00000000'
}

chain_start_daemon() {
	start_bg daemon kernel/hv_vss_daemon/hv_vss_daemon -n \
		--device "$SHM/hv_fsvss_dev" --mount "$MOUNT" \
		--runtime-dir "$SHM" --limit-ms 50000
}

chain_start_appvssd() {
	start_bg appvssd appvssd/appvssd --foreground --config "$CONF" \
		--device "$SHM/hv_appvss_dev" --socket "$SOCKET" \
		--history "$HISTORY"
	wait_for "${APPVSSD_LOG:-$TEST_DIR/appvssd.log}" 'event=ready' 10
}

test_cleanup() {
	[ -z "${SHM:-}" ] || rm -rf "$SHM"
}

# A participant that the configuration may make required: bound to root.
chain_bound() {
	printf 'participant "%s" { user = "root" %s }\n' "$1" "$2"
}

chain_ledger() {
	ledger=$1
	shift
	log=${APPVSSD_LOG:-$TEST_DIR/appvssd.log}
	# It may have been there before.
	times=$(grep -c "event=registered name=$ledger " "$log" || :)
	start_bg "$ledger" examples/ledger --db "$MOUNT/$ledger.db" \
		--out "$TEST_DIR/$ledger.out" --socket "$SOCKET" \
		--name "$ledger" --rate 200 "$@"
	wait_for "$log" "event=registered name=$ledger " 10 $((times + 1))
	wait_for "$TEST_DIR/$ledger.out" '^3$' 10
}

chain_reply() {
	replies=$(grep -Ec "$2" "$TEST_DIR/sim.log" || :)
	host "$1"
	wait_for "$TEST_DIR/sim.log" "$2" "${3:-20}" $((replies + 1))
}

chain_sql() {
	sqlite3 -readonly -cmd '.timeout 5000' "$HISTORY" "$1"
}

# The last state row of the last FREEZE.
chain_state() {
	chain_sql "SELECT $1 FROM state WHERE id = (SELECT max(id) FROM txn
	    WHERE op = 'freeze') ORDER BY n DESC LIMIT 1"
}

# Waits until the last FREEZE has this state in the history.
chain_await_state() {
	tries=200
	while [ "$(chain_state state 2>/dev/null)" != "$1" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] ||
			die "state $(chain_state state), expected $1"
		sleep 0.05
	done
}

expect() {
	[ "$2" = "$3" ] || die "$1: $2, expected $3"
}

chain_unfrozen() {
	is_thawed "$MOUNT" || die "$MOUNT is frozen"
}

# The last of the numbers that the ledger has committed.
chain_committed() {
	grep -E '^[0-9]+$' "$TEST_DIR/$1.out" | tail -n 1
}

# The ledger goes on: another row is committed.
chain_goes_on() {
	last=$(chain_committed "$1")
	wait_for "$TEST_DIR/$1.out" "^$((last + 1))\$" 10
}

chain_broker_pid() {
	pgrep -P "$(pid_of appvssd)" -x appvssd-broker
}

chain_history_pid() {
	pgrep -P "$(pid_of appvssd)" -f appvssd-history
}
