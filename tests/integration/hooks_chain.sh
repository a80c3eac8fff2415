#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-hooks with appvssd: what the history says of scripts, what the
# configuration grants, who runs when, and appvssd started anew while frozen.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh
. tests/integration/broker_lib.sh

APPVSS_SOCKET=$TEST_DIR/socket
APPVSS_HISTORY=$TEST_DIR/history.db
export APPVSS_SOCKET APPVSS_HISTORY
ctl=appvssd/appvssctl/appvssctl
user=$(id -un)

# make_timed NAME DIRECTIVES CODE: notes when each call began and ended.
make_timed() {
	cat >"$TEST_DIR/new" <<-SCRIPT
		#!/bin/sh
		${2:+# appvss: $2}
		echo "$1 \$1 begins" >>"\$CALLS"
		case \$1 in
		freeze) $3 ;;
		esac
		echo "$1 \$1 ends" >>"\$CALLS"
	SCRIPT
	chmod 755 "$TEST_DIR/new"
	mv "$TEST_DIR/new" "$VSS_D/$1"
}

hooks_with_appvssd() {
	start_bg hooks "$HOOKS" --foreground --dir "$VSS_D" \
		--socket "$APPVSS_SOCKET" --runtime-dir "$RUN_DIR"
}

registered() {
	wait_for "$TEST_DIR/appvssd.log" "event=registered name=$1 " 15 "${2:-1}"
}

# The line of a participant in the state of appvssd.
status_shows() {
	tries=200
	until $ctl status | grep -Eq "$1"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "no '$1' in: $($ctl status)"
		sleep 0.05
	done
}

# Of the last transaction; its end is written a moment after it is told.
history_shows() {
	tries=200
	until $ctl show last >"$TEST_DIR/show" &&
		grep -Eq "$1" "$TEST_DIR/show"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "no '$1' in: $(cat "$TEST_DIR/show")"
		sleep 0.05
	done
}

# Each waits for the other: only together do they end.
both='touch $TEST_DIR/met.$$; while [ $(ls $TEST_DIR | grep -c "^met") -lt 2 ]; do sleep 0.05; done'
make_timed 10-first '' :
make_timed pair-a '' "$both"
make_timed pair-b '' "$both"
make_timed granted 'order=70 required' 'echo checkpoint done'
make_timed wanted 'order=71 required' :

say "orders and being required: by the configuration's leave"
broker_start \
	"participant \"10-first\" { user = \"$user\" order = 10 }" \
	"participant \"granted\" { user = \"$user\" order = 70 required = true }"
hooks_with_appvssd
for name in 10-first pair-a pair-b granted; do registered "$name"; done
wait_for "$TEST_DIR/hooks.log" \
	'event=order_refused name=wanted order=71 required=1 used=50' 15
registered wanted
grep 'event=registered name=granted ' "$TEST_DIR/appvssd.log" |
	grep -q 'order=70 required=1' || die "granted was not granted"
grep 'event=registered name=wanted ' "$TEST_DIR/appvssd.log" |
	grep -q 'order=50 required=0' || die "wanted is not optional"
status_shows 'wanted.*'

say "lower orders first, the same order together, thaw in reverse"
$ctl run true >"$TEST_DIR/ctl.out" 2>&1 || die "$(cat "$TEST_DIR/ctl.out")"
python3 - "$CALLS" <<'CHECK' || die "the order is wrong: $(cat "$CALLS")"
import sys
at = {line.strip(): n for n, line in enumerate(open(sys.argv[1]))}
assert at["10-first freeze ends"] < at["pair-a freeze begins"]
assert at["10-first freeze ends"] < at["pair-b freeze begins"]
assert at["pair-a freeze begins"] < at["pair-b freeze ends"]
assert at["pair-b freeze begins"] < at["pair-a freeze ends"]
assert max(at["pair-a freeze ends"], at["pair-b freeze ends"]) < at["granted freeze begins"]
assert at["granted thaw ends"] < at["pair-a thaw begins"]
assert at["pair-a thaw ends"] < at["10-first thaw begins"]
CHECK

say "the history has status, output and time of each script"
history_shows 'exit status 0: checkpoint done'
for name in 10-first pair-a pair-b granted wanted; do
	history_shows "$name"
done
history_shows 'not granted: required, order 71'
$ctl --json show last >"$TEST_DIR/show.json"
python3 - "$TEST_DIR/show.json" <<'CHECK' || die "times are missing: $(cat "$TEST_DIR/show.json")"
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
found = [line for line in lines if line["kind"] == "participant" and line["name"] == "granted"]
assert found, lines
for line in found:
    assert line["text"].startswith("exit status 0: checkpoint done"), line
    assert 0 < line["told_at_ms"] <= line["ready_at_ms"], line
assert any(0 < line["thaw_told_at_ms"] <= line["thawed_at_ms"]
    for line in found if line.get("thawed_at_ms")), found
CHECK

say "a failure is there with its number, and lowers the consistency"
make_timed pair-a '' 'echo no room; exit 23'
make_timed pair-b '' :
rm "$TEST_DIR"/met.*
$ctl run true >"$TEST_DIR/ctl.out" 2>&1 || :
history_shows 'exit status 23: no room'
grep -q 'event=transaction id=2 .*consistency=filesystem' \
	"$TEST_DIR/appvssd.log" || die "the consistency was not lowered"
grep -q '^pair-a thaw ends' "$CALLS" || die "its thaw was not run"

say "a required one vetoes; a reload grants what was refused"
make_timed pair-a '' :
printf 'participant "wanted" { user = "%s" required = true order = 71 }\n' \
	"$user" >>"$TEST_DIR/appvssd.conf"
$ctl reload || die "reload"
make_timed wanted 'order=71 required' 'exit 1'
$ctl run true >"$TEST_DIR/ctl.out" 2>&1 && die "no veto by wanted"
grep -q 'wanted' "$TEST_DIR/ctl.out" || die "$(cat "$TEST_DIR/ctl.out")"
make_timed wanted 'order=71 required' :
# The last one thaws after the veto was told.
wait_for "$TEST_DIR/appvssd.log" 'event=transaction id=3 ' 15

say "appvssd is killed while frozen: scripts thaw, and register again"
: >"$CALLS"
start_bg run $ctl run sleep 300
called '^wanted freeze ends' 15
kill -9 "$(broker_pid)"
for name in wanted granted pair-a pair-b 10-first; do
	called "^$name thaw ends" 15
done
kill -9 "$(pid_of run)" 2>/dev/null || :
gone "$LIST" 15
registered granted 2
stop_bg hooks TERM || die "exit status $? on SIGTERM"
say "passed"
