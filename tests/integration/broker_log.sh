#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The lines of the three processes in a file that is rotated: one line an event,
# whatever a peer has said.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

LOGS=$TEST_DIR/logs
mkdir "$LOGS"
APPVSSD_LOG=$LOGS/appvssd.log
broker_start "log_path = \"$APPVSSD_LOG\"" 'log_level = "debug"'

# A registration is the broker's line; a new history process says nothing of its
# own, but its standard error is a line too.
say_something() {
	broker_case log "$1"
	kill -9 "$(pgrep -P "$(pid_of appvssd)" -f appvssd-history)"
}

say "a file, rotated"
say_something before
wait_for "$APPVSSD_LOG" 'program=appvssd-broker .* event=registered name=before' 10
wait_for "$APPVSSD_LOG" 'program=appvssd .* event=history_started' 10 2
mv "$APPVSSD_LOG" "$LOGS/old"
kill -HUP "$(pid_of appvssd)"
wait_for "$APPVSSD_LOG" 'event=log_reopened' 10
wc -c <"$LOGS/old" >"$TEST_DIR/size"
say_something after
wait_for "$APPVSSD_LOG" 'program=appvssd-broker .* event=registered name=after' 10
wait_for "$APPVSSD_LOG" 'program=appvssd .* event=history_started' 10
[ "$(wc -c <"$LOGS/old")" -eq "$(cat "$TEST_DIR/size")" ] ||
	die "the old file is still written to"

say "no file to go on in"
mv "$LOGS" "$TEST_DIR/away"
kill -HUP "$(pid_of appvssd)"
wait_for "$TEST_DIR/away/appvssd.log" \
	"event=log_not_reopened path=$APPVSSD_LOG text=" 10
mv "$TEST_DIR/away" "$LOGS"

say "texts of peers stay values"
broker_case log texts
wait_for "$APPVSSD_LOG" 'event=progress name=liar .*level' 10
wait_for "$APPVSSD_LOG" 'event=registered name=end' 10
if grep -vE '^time=[-0-9T:.]+Z program=appvssd(-broker|-history)? pid=[0-9]+ level=(error|warn|info|debug) event=[a-z_]+( [a-z_]+=([^ "\\=]*|"[^"]*"))*$' \
	"$APPVSSD_LOG" >"$TEST_DIR/odd.log"; then
	die "not a line of key=value"
fi
stop_bg appvssd || die "appvssd did not end well"
! grep -q 'level=error event=broker_ended' "$APPVSSD_LOG" ||
	die "the broker ended in between"
