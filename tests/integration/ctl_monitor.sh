#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvssctl check and metrics: on prepared histories, against a server that the
# test plays, and against appvssd itself.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/broker_lib.sh
. tests/integration/broker_lib.sh
# shellcheck source=tests/integration/ctl_lib.sh
. tests/integration/ctl_lib.sh

socket=$TEST_DIR/played
now_ms=$(($(date +%s) * 1000))
hour_ms=3600000

# The line of a plugin: a status, what it found, and numbers.
expect_line() {
	[ "$(wc -l <"$out")" -eq 1 ] || die "not one line: $(cat "$out")"
	expect '^(OK|WARNING|CRITICAL|UNKNOWN): [^|]+ \| age=([0-9]+s|U);[0-9]+;[0-9]+;0( [a-z]+=[0-9]+;;;0)*$'
	expect "$1"
}

metrics() {
	ctl 0 --socket "$socket" metrics
	python3 tests/integration/openmetrics.py "$out" >"$TEST_DIR/samples" ||
		die "not OpenMetrics: $(cat "$out")"
}

expect_sample() {
	grep -Fqx -- "$1" "$TEST_DIR/samples" ||
		die "no '$1' in: $(cat "$TEST_DIR/samples")"
}

say "nothing is there"
ctl 2 --socket "$socket" check
expect_line '^CRITICAL: .*history.db: No such file.*is appvssd running\?'
metrics
expect_sample 'appvss_up 0'
expect_sample 'appvss_history_readable 0'

feed <<ROWS
RUN run=1 at_ms=$((now_ms - 100 * hour_ms)) boot_id=b1 version=0.1.0
EVENT seq=1 at_ms=$((now_ms - 90 * hour_ms)) kind=gap text="snapshots=7 taken while appvssd was not there"
BEGIN seq=2 id=1 op=freeze source=device msgid=5 at_ms=$((now_ms - 30 * hour_ms))
PART seq=3 id=1 phase=final name=ledger result=ready thaw=ok told_at_ms=0 ready_at_ms=250
STATE seq=4 id=1 at_ms=$((now_ms - 30 * hour_ms + 9)) state=done consistency=application host=success elapsed_ms=9
END seq=5 at_ms=$((now_ms - 30 * hour_ms + 10))
ROWS
cat >"$TEST_DIR/answer" <<'ANSWER'
ITEM kind=broker state=idle device=open history=ok queued=3 dropped=1 late=2
ITEM kind=participant name=ledger program=x order=50 required=1 present=1 state=idle result=ready flush_ms=1250
END verb=STATUS
ANSWER
: >"$TEST_DIR/server.log"
start_bg server python3 tests/integration/history_server.py "$socket" \
	"$TEST_DIR/answer"
wait_for "$TEST_DIR/server.log" '^listening' 10

say "the age"
ctl 1 --socket "$socket" check
expect_line '^WARNING: the last application-consistent snapshot is 30 h 0[0-9] m old \| age=10[89][0-9]{3}s;93600;180000;0 participants=1;;;0 missing=0;;;0 failing=0;;;0 missed=0;;;0$'
ctl 0 --socket "$socket" check --warning 2d
expect_line '^OK: '
ctl 2 --socket "$socket" check --critical 1d2h
expect_line '^CRITICAL: .*;93600;93600;0'
ctl 1 --socket "$socket" check --warning 3600 --critical 200000
ctl 2 --socket "$socket" check --source requestor
expect_line 'no application-consistent snapshot is recorded'
for usage in '--warning 0' '--warning soon' '--warning 2 --critical 1' extra \
	'-n 5'; do
	# shellcheck disable=SC2086
	ctl 3 check $usage
	expect '^UNKNOWN: wrong usage$'
done

say "participants"
cat >"$TEST_DIR/answer" <<'ANSWER'
ITEM kind=broker state=idle device=open history=ok queued=3 dropped=1 late=2
ITEM kind=participant name=ledger order=50 required=1 present=1 result=ready flush_ms=1250
ITEM kind=participant name=slow order=50 required=0 present=1 result=timeout text="a | b\n\x1b[31m"
ITEM kind=participant name=cut order=50 required=0 present=1 result=cut_short
ITEM kind=participant name=gone order=50 required=0 present=0
END verb=STATUS
ANSWER
ctl 1 --socket "$socket" check --warning 2d
expect_line '^WARNING: slow: timeout: a / b\\x0a\\x1b\[31m; gone is absent; the last .*participants=4;;;0 missing=1;;;0 failing=1;;;0'
ctl 1 --socket "$socket" check --warning 2d --json
expect_json
expect '^\{"status":"WARNING","exit":1,"age_s":[0-9]+,"warning_s":172800,"critical_s":180000,"participants":4,"missing":1,"failing":1,"missed":0,"messages":\['
metrics
expect_sample 'appvss_up 1'
expect_sample 'appvss_device_open 1'
expect_sample 'appvss_history_rows_waiting 3'
expect_sample 'appvss_history_rows_dropped_total 1'
expect_sample 'appvss_late_answers_total 2'
expect_sample 'appvss_participant_present{name="gone"} 0'
expect_sample 'appvss_participant_required{name="ledger"} 1'
expect_sample 'appvss_participant_ready{name="slow"} 0'
expect_sample 'appvss_participant_flush_seconds{name="ledger"} 1.250'
expect_sample 'appvss_missed_snapshots 0'
expect_sample "appvss_last_application_snapshot_timestamp_seconds $((now_ms / 1000 - 30 * 3600)).000"
sed -i 's/required=0 present=0/required=1 present=0/' "$TEST_DIR/answer"
ctl 2 --socket "$socket" check --warning 2d
expect_line '^CRITICAL: gone is absent; slow'
cat >"$TEST_DIR/answer" <<'ANSWER'
ITEM kind=broker state=idle device=missing history=down
ITEM kind=debt name=ledger text="its thaw is not confirmed"
END verb=STATUS
ANSWER
ctl 2 --socket "$socket" check --warning 2d
expect_line '^CRITICAL: the device is missing.*; ledger may still be frozen; the history is not written; there are no participants; the last'
metrics
expect_sample 'appvss_participant_owes_thaw{name="ledger"} 1'
expect_sample 'appvss_device_open 0'
printf 'ERROR code=denied text="not yours"\n' >"$TEST_DIR/answer"
ctl 3 --socket "$socket" check --warning 2d
expect_line '^UNKNOWN: .*denied: not yours'

say "what came after the last good one"
cat >"$TEST_DIR/answer" <<'ANSWER'
ITEM kind=broker state=idle device=open history=ok
ITEM kind=participant name=ledger order=50 required=0 present=1 result=ready
END verb=STATUS
ANSWER
feed <<ROWS
RUN run=2 at_ms=$((now_ms - 4 * hour_ms)) boot_id=b1 version=0.1.0
EVENT seq=1 at_ms=$((now_ms - 4 * hour_ms)) kind=gap text="snapshots=3 taken while appvssd was not there"
BEGIN seq=2 id=2 op=freeze source=device at_ms=$((now_ms - 3 * hour_ms))
STATE seq=3 id=2 at_ms=$((now_ms - 3 * hour_ms)) state=done consistency=filesystem reason=timeout culprit=slow host=success elapsed_ms=9
BEGIN seq=4 id=3 op=freeze source=requestor at_ms=$((now_ms - 2 * hour_ms))
EVENT seq=5 id=3 at_ms=$((now_ms - 2 * hour_ms)) kind=requested_by text="uid=0 pid=7 appvssctl-drill 0.1.0"
STATE seq=6 id=3 at_ms=$((now_ms - 2 * hour_ms)) state=done consistency=application elapsed_ms=9
END seq=7 at_ms=$now_ms
ROWS
ctl 1 --socket "$socket" check --warning 2d
# A drill is no snapshot, however well it went.
expect_line '^WARNING: the last snapshot \(2\) is done, consistency filesystem: timeout of slow; 3 snapshots since then were taken while appvssd was not there; the last application-consistent snapshot is 30 h'
expect 'missed=3;;;0$'
metrics
expect_sample 'appvss_missed_snapshots 3'
expect_sample 'appvss_last_snapshot_application_consistent 0'
expect_sample 'appvss_day_transactions{op="freeze",source="device",outcome="done",consistency="filesystem"} 1'
feed <<ROWS
RUN run=3 at_ms=$((now_ms - hour_ms)) boot_id=b1 version=0.1.0
BEGIN seq=1 id=4 op=freeze source=device at_ms=$((now_ms + 900 * hour_ms))
STATE seq=2 id=4 at_ms=$((now_ms + 900 * hour_ms)) state=done consistency=application elapsed_ms=9
END seq=3 at_ms=$now_ms
ROWS
ctl 3 --socket "$socket" check --warning 2d
expect_line '^UNKNOWN: .*in the future: the clock is wrong \| age=U;'
cp "$history" "$TEST_DIR/good.db"
sqlite3 "$history" 'PRAGMA user_version = 9'
ctl 3 --socket "$socket" check --warning 2d
expect_line '^UNKNOWN: .*of version 9'
mv "$TEST_DIR/good.db" "$history"

say "a file for a collector, whole or not at all"
umask 077
ctl 0 --socket "$socket" metrics --output "$TEST_DIR/appvss.prom"
[ ! -s "$out" ] || die "it is printed as well"
python3 tests/integration/openmetrics.py "$TEST_DIR/appvss.prom" >/dev/null
[ "$(stat -c %a "$TEST_DIR/appvss.prom" 2>/dev/null || echo 644)" = 644 ] ||
	die "a collector cannot read it"
echo old >"$TEST_DIR/appvss.prom"
ctl 0 --socket "$socket" metrics --output "$TEST_DIR/appvss.prom"
grep -q '^appvss_up 1$' "$TEST_DIR/appvss.prom" || die "the old file is left"
ctl 73 metrics --output "$TEST_DIR/none/appvss.prom"
mkdir "$TEST_DIR/dir.prom"
ctl 74 metrics --output "$TEST_DIR/dir.prom"
mkfifo "$TEST_DIR/pipe"
ln -s pipe "$TEST_DIR/to-pipe"
ctl 73 metrics --output "$TEST_DIR/to-pipe"
expect 'not a file'
[ -L "$TEST_DIR/to-pipe" ] || die "what is no file was replaced"
find "$TEST_DIR" -name '*.tmp' | grep . && die "parts are left"
stop_bg server KILL || :

say "appvssd itself"
rm "$history"
broker_start
socket=$TEST_DIR/socket
start_bg db python3 tests/integration/broker_app.py "$socket" db
wait_for "$TEST_DIR/db.log" '^registered' 10
until appvssd/appvssctl/appvssctl --socket "$socket" status |
	grep -q 'device         open'; do
	sleep 0.05
done
# A drill is none, a run is one.
ctl 0 --socket "$socket" drill --require-application
ctl 2 --socket "$socket" check
expect_line '^CRITICAL: no application-consistent snapshot'
ctl 0 --socket "$socket" run --require-application -- true
tries=200
until timeout 20 appvssd/appvssctl/appvssctl --history "$history" \
	--socket "$socket" check >"$out"; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "not well: $(cat "$out")"
	sleep 0.05
done
expect_line '^OK: .*participants=1;;;0 missing=0;;;0 failing=0;;;0 missed=0;;;0$'
metrics
expect_sample 'appvss_participant_ready{name="db"} 1'
expect_sample 'appvss_last_snapshot_application_consistent 1'
kill -9 "$(pid_of db)"
until appvssd/appvssctl/appvssctl --socket "$socket" apps |
	grep -q 'db.*absent'; do
	sleep 0.05
done
ctl 1 --socket "$socket" check
expect_line '^WARNING: db is absent; '
broker_stop
say "ok"
