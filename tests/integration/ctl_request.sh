#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvssctl run, freeze, thaw, watch and drill, against a running appvssd.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

out=$TEST_DIR/ctl.out
APPVSS_SOCKET=$TEST_DIR/socket
APPVSS_HISTORY=$TEST_DIR/history.db
LC_ALL=C
PYTHONDONTWRITEBYTECODE=1
export APPVSS_SOCKET APPVSS_HISTORY LC_ALL PYTHONDONTWRITEBYTECODE

ctl() {
	wanted=$1
	shift
	got=0
	appvssd/appvssctl/appvssctl "$@" >"$out" 2>&1 || got=$?
	[ "$got" -eq "$wanted" ] ||
		die "appvssctl $*: exit status $got, not $wanted: $(cat "$out")"
}

expect() {
	grep -Eq -- "$1" "$out" || die "no '$1' in: $(cat "$out")"
}

expect_json() {
	python3 tests/integration/ctl_json.py <"$out" ||
		die "not the JSON of appvssctl(8): $(cat "$out")"
}

app() {
	start_bg "$1" python3 tests/integration/broker_app.py \
		"$TEST_DIR/socket" "$@"
	wait_for "$TEST_DIR/$1.log" '^registered' 10
}

ctl 69 run true
broker_start
start_bg watch appvssd/appvssctl/appvssctl watch
start_bg watch-json appvssd/appvssctl/appvssctl watch --json
until appvssd/appvssctl/appvssctl status | grep -q 'device         open'; do
	sleep 0.05
done

say "nobody is registered"
ctl 0 run -- sh -c 'echo ran'
expect '^ran$'
ctl 69 run --require-application -- sh -c 'echo ran'
expect 'not application-consistent: filesystem'
! grep -q ran "$out" || die "the command ran all the same"
ctl 69 drill --require-application
expect 'consistency filesystem'
ctl 69 freeze --require-application
expect 'not application-consistent: filesystem'

say "run"
app db
ctl 0 run --require-application -- sh -c 'echo ran'
expect '^ran$'
ctl 3 run -- sh -c 'exit 3'
ctl 143 run -- sh -c 'kill -TERM $$'
ctl 127 run -- "$TEST_DIR/no-such-program"
expect 'no-such-program: No such file'
ctl 64 run
ctl 64 run --hold 0 -- true
ctl 69 run --hold 86400 -- true
expect 'cannot freeze: limit: hold_ms is more'
wait_for "$TEST_DIR/db.log" '^thaw done' 10 4

say "the hold is lost while the command runs"
mkfifo "$TEST_DIR/hang"
ctl 75 run --hold 1 -- cat "$TEST_DIR/hang" &
run_pid=$!
wait_for "$TEST_DIR/db.log" '^thaw expired' 20
echo go >"$TEST_DIR/hang"
wait "$run_pid" || die "run did not say that the hold was lost"
expect 'the hold was lost: no_thaw'
expect 'must not be used'

say "appvssctl killed while its command runs"
start_bg killed appvssd/appvssctl/appvssctl run -- sleep 60
wait_for "$TEST_DIR/db.log" '^freeze' 10 6
until appvssd/appvssctl/appvssctl status | grep -q ': held'; do
	sleep 0.05
done
kill -9 "$(pid_of killed)"
wait_for "$TEST_DIR/db.log" '^thaw lost' 10

say "appvssctl ended before its command runs"
kill -STOP "$(pid_of db)"
start_bg early appvssd/appvssctl/appvssctl run -- touch "$TEST_DIR/early-ran"
until appvssd/appvssctl/appvssctl status | grep -q ': freezing'; do
	sleep 0.05
done
kill -TERM "$(pid_of early)"
got=0
wait_bg early 10 || got=$?
kill -CONT "$(pid_of db)"
[ "$got" -eq 143 ] || die "ended with $got, not by its signal"
[ ! -e "$TEST_DIR/early-ran" ] || die "the command ran all the same"
until appvssd/appvssctl/appvssctl status | grep -q ': idle'; do
	sleep 0.05
done

say "a signal that is ignored is ignored"
(
	trap '' HUP
	# shellcheck disable=SC2016 # the inner shell expands it
	exec appvssd/appvssctl/appvssctl run -- \
		sh -c 'echo began; cat "$0"' "$TEST_DIR/hang"
) >"$TEST_DIR/nohup.log" 2>&1 &
run_pid=$!
wait_for "$TEST_DIR/nohup.log" began 10
kill -HUP "$run_pid"
echo more >"$TEST_DIR/hang"
wait "$run_pid" || die "SIGHUP reached the command: $?"
grep -q more "$TEST_DIR/nohup.log" || die "the command was ended"

say "freeze and thaw"
ctl 0 freeze
id=$(cat "$out")
appvssd/appvssctl/appvssctl status | grep -q ": held, transaction $id," ||
	die "freeze does not hold"
ctl 69 freeze
expect 'cannot freeze: busy'
ctl 0 thaw "$id"
expect "^transaction $id: done, consistency application\$"
ctl 75 thaw "$id"
expect 'the hold was lost: not_frozen'
ctl 64 thaw
ctl 64 thaw x
ctl 0 freeze --json --hold 30
expect '^\{"id":[0-9]+,"consistency":"application","hold_ms":30000\}$'
ctl 0 thaw --json "$(sed 's/.*"id":\([0-9]*\).*/\1/' "$out")"
expect '"outcome":"done","consistency":"application","reason":""\}$'

say "drill"
app shy FAIL 'disk "full"'
ctl 0 drill
expect 'asked by requestor.*, a drill: no snapshot was taken$'
expect 'freeze, done, consistency filesystem$'
expect 'shy .*failed'
expect 'optional.*: disk "full"$'
ctl 0 drill --repeat 2
expect '^drill 2 of 2$'
ctl 69 drill --require-application
kill -9 "$(pid_of shy)"
until appvssd/appvssctl/appvssctl apps | grep -q 'shy.*absent'; do
	sleep 0.05
done
ctl 69 drill --require-application
expect 'shy .*absent'
ctl 0 forget shy
ctl 0 drill --require-application
for command in status apps history last provenance check; do
	status=0
	[ "$command" != provenance ] || status=1
	ctl "$status" "$command"
	ctl "$status" "$command" --json
	expect_json
done
ctl 0 drill --json
expect_json
expect '"kind":"transaction","id":[0-9]+,.*"source":"requestor".*"drill":true'

say "watch"
broker_stop
wait_bg watch 10 && die "watch ends well though appvssd has gone"
cp "$TEST_DIR/watch-json.log" "$out"
grep -v '^appvssctl' "$out" >"$out.json"
mv "$out.json" "$out"
expect_json
expect '"event":"answer",.*"name":"shy","op":"freeze","result":"failed","text":"disk \\"full\\""'
cp "$TEST_DIR/watch.log" "$out"
expect ' begin +freeze requestor$'
expect ' told +db freeze, [0-9.]+ m?s left$'
expect ' answer +db freeze ready in '
expect ' held +application in .*, for up to 1 m 00 s$|for up to 60.000 s$'
expect ' answer +shy freeze failed in .*: disk "full"$'
expect ' end +freeze expired none no_thaw in '
expect ' end +freeze done application in '
expect ' forgotten +shy$'
expect 'appvssctl: .*closed the connection'
