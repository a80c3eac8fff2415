# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# For the tests of appvss-hooks: a directory of scripts, a broker that does what
# it is told, and the runner.  Sourced, from the root of the tree.
#
#	make_script NAME FREEZE_CODE THAW_CODE	sh code; each call is in CALLS
#	start_broker [OPTION...]		its log is BROKER_LOG
#	tell COMMAND...				a command for the broker
#	start_hooks NAME [OPTION...]		log in TEST_DIR/NAME.log
#	freeze NAME ID [REMAINING_MS]		sends FREEZE
#	thaw NAME ID REASON [REMAINING_MS]	sends THAW
#	runner_pid				of the child process
#	gone FILE TIMEOUT_S, dead PID TIMEOUT_S	wait for it

. tests/integration/lib.sh

HOOKS=$PWD/hooks/appvss-hooks
VSS_D=$TEST_DIR/vss.d
RUN_DIR=$TEST_DIR/run
CALLS=$TEST_DIR/calls
BROKER_LOG=$TEST_DIR/broker.log
# shellcheck disable=SC2034
LIST=$RUN_DIR/hooks.frozen
mkdir -m 755 "$VSS_D"
mkdir -m 700 "$RUN_DIR"
: >"$CALLS"
export TEST_DIR CALLS

[ "$(id -u)" -eq 0 ] || umask 022
command -v python3 >/dev/null || skip "the test's broker needs python3"

make_script() {
	cat >"$VSS_D/$1" <<-SCRIPT
		#!/bin/sh
		echo "$1 \$1 operation=\$APPVSS_OPERATION" \
		    "transaction=\$APPVSS_TRANSACTION result=\$APPVSS_RESULT" \
		    "deadline=\$APPVSS_DEADLINE_MS" >>"\$CALLS"
		case \$1 in
		freeze) $2 ;;
		thaw) $3 ;;
		esac
	SCRIPT
	chmod 755 "$VSS_D/$1"
}

start_broker() {
	[ -p "$TEST_DIR/broker.in" ] || mkfifo "$TEST_DIR/broker.in"
	exec 8<>"$TEST_DIR/broker.in"
	BG_STDIN=$TEST_DIR/broker.in
	start_bg broker python3 tests/integration/hooks_broker.py \
		"$TEST_DIR/sock" "$@"
	BG_STDIN=/dev/null
	wait_for "$BROKER_LOG" '^listening' 10
}

tell() {
	printf '%s\n' "$*" >&8
}

start_hooks() {
	hooks_name=$1
	shift
	start_bg "$hooks_name" "$HOOKS" --foreground --debug --dir "$VSS_D" \
		--socket "$TEST_DIR/sock" --runtime-dir "$RUN_DIR" "$@"
}

freeze() {
	tell say "FREEZE name=$1 id=$2 remaining_ms=${3:-5000} hold_ms=60000"
}

thaw() {
	tell say "THAW name=$1 id=$2 reason=$3 remaining_ms=${4:-5000}"
}

runner_pid() {
	ps -o pid= --ppid "$(pid_of "$1")" | tr -d ' '
}

# In the calls of the scripts, or in what the broker received.
called() {
	wait_for "$CALLS" "$@"
}

received() {
	wait_for "$BROKER_LOG" "$@"
}

gone() {
	gone_tries=$(($2 * 20))
	while [ -e "$1" ]; do
		gone_tries=$((gone_tries - 1))
		[ "$gone_tries" -gt 0 ] || die "$1 is still there"
		sleep 0.05
	done
}

dead() {
	dead_tries=$(($2 * 20))
	while is_alive "$1"; do
		dead_tries=$((dead_tries - 1))
		[ "$dead_tries" -gt 0 ] || die "process $1 is still there"
		sleep 0.05
	done
}
