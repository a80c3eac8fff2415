# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# A broker behind a simulated host, with a daemon that freezes nothing: no root
# is needed.  Sourced after lib.sh.
#
#	broker_start [CONFIG LINE...]	host, driver, daemon and appvssd
#	broker_appvssd [TIMES]		appvssd alone, ready so many times by now
#	broker_case FILE CASE		runs a case of broker_FILE.py
#	broker_pid
#	broker_stop			fails if the broker had ended before
# APPVSSD_LOG is where the log is, if the configuration says another file;
# HISTORY_DB is another place for the history.

broker_start() {
	{
		printf 'user = "%s"\n' "$(id -un)"
		printf 'history_program = "%s"\n' \
			"${HISTORY_PROGRAM:-$PWD/appvssd/appvssd-history}"
		for line; do
			printf '%s\n' "$line"
		done
	} >"$TEST_DIR/appvssd.conf"
	start_sim "$TEST_DIR/dev" --limit-ms "${DRIVER_MS:-15000}"
	start_bg daemon kernel/hv_vss_daemon/hv_vss_daemon --no-freeze -n \
		--device "$TEST_DIR/dev/hv_fsvss_dev" --runtime-dir "$TEST_DIR"
	broker_appvssd 1
	host wait-openers 10000
	wait_for "$TEST_DIR/sim.log" '^openers' 12
	host negotiate
	wait_for "$TEST_DIR/sim.log" '^reply op=NEGOTIATE status=0x00000000' 5
}

broker_appvssd() {
	# shellcheck disable=SC2086
	start_bg appvssd ${APPVSSD_ENV:-} appvssd/appvssd --foreground \
		--config "$TEST_DIR/appvssd.conf" \
		--device "$TEST_DIR/dev/hv_appvss_dev" \
		--socket "$TEST_DIR/socket" --history "${HISTORY_DB:-$TEST_DIR/history.db}"
	wait_for "${APPVSSD_LOG:-$TEST_DIR/appvssd.log}" 'event=ready' 10 \
		"${1:-1}"
}

broker_pid() {
	pgrep -P "$(pid_of appvssd)" -x appvssd-broker
}

broker_case() {
	PYTHONDONTWRITEBYTECODE=1 python3 "tests/integration/broker_$1.py" \
		"$2" "$TEST_DIR" || die "$1: $2"
}

broker_stop() {
	stop_bg appvssd || die "appvssd did not end well"
	! grep -q 'event=broker_ended' \
		"${APPVSSD_LOG:-$TEST_DIR/appvssd.log}" ||
		die "the broker ended in between"
}
