# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# appvssd without a device, and the scripts for other hypervisors' agents as they
# are installed.  Sourced after lib.sh.
#
#	agents_start [CONFIG LINE...]	everything but participants
#	agents_app NAME [WORD [TEXT]]	one that answers what it is asked
#	agents_state			state, consistency, reason of the last freeze

agents_start() {
	${MAKE:-make} install-agents DESTDIR="$TEST_DIR/root" PREFIX=/usr/local \
		>"$TEST_DIR/install.log" 2>&1 || die "make install-agents"
	# shellcheck disable=SC2034
	SHARE=$TEST_DIR/root/usr/local/share/appvss
	APPVSS_AGENT=$TEST_DIR/root/usr/local/libexec/appvss-agent
	APPVSSCTL=$PWD/appvssd/appvssctl/appvssctl
	APPVSS_AGENT_DIR=$TEST_DIR/agent
	APPVSS_AGENT_CONF=$TEST_DIR/agents.conf
	APPVSS_SOCKET=$TEST_DIR/socket
	APPVSS_HISTORY=$TEST_DIR/history.db
	PYTHONDONTWRITEBYTECODE=1
	export APPVSS_AGENT APPVSSCTL APPVSS_AGENT_DIR APPVSS_AGENT_CONF
	export APPVSS_SOCKET APPVSS_HISTORY PYTHONDONTWRITEBYTECODE
	{
		printf 'user = "%s"\n' "$(id -un)"
		printf 'device = "none"\n'
		printf 'history_program = "%s/appvssd/appvssd-history"\n' "$PWD"
		for line; do
			printf '%s\n' "$line"
		done
	} >"$TEST_DIR/appvssd.conf"
	start_bg appvssd appvssd/appvssd --foreground \
		--config "$TEST_DIR/appvssd.conf" --socket "$APPVSS_SOCKET" \
		--history "$APPVSS_HISTORY"
	wait_for "$TEST_DIR/appvssd.log" 'event=ready' 10
}

agents_app() {
	start_bg "$1" python3 tests/integration/broker_app.py \
		"$APPVSS_SOCKET" "$@"
	wait_for "$TEST_DIR/$1.log" '^registered' 10
}

agents_state() {
	sqlite3 -readonly -cmd '.timeout 5000' "$APPVSS_HISTORY" "SELECT state,
	    consistency, reason FROM state WHERE id = (SELECT max(id) FROM txn
	    WHERE op = 'freeze') ORDER BY n DESC LIMIT 1"
}

agents_expect() {
	tries=200
	while [ "$(agents_state 2>/dev/null)" != "$1" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "$(agents_state), expected $1"
		sleep 0.05
	done
}
