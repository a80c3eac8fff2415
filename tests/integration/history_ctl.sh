#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvssctl against a prepared history and against a server that the test plays.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh

history=$TEST_DIR/history.db
socket=$TEST_DIR/sock
out=$TEST_DIR/ctl.out
LC_ALL=C
TZ=UTC
export LC_ALL TZ
unset APPVSS_SOCKET APPVSS_HISTORY

# Runs it and compares the exit status; the output is in $out.
ctl() {
	wanted=$1
	shift
	got=0
	timeout 20 appvssd/appvssctl/appvssctl "$@" >"$out" 2>&1 || got=$?
	[ "$got" -eq "$wanted" ] ||
		die "appvssctl $*: exit status $got, not $wanted: $(cat "$out")"
}

expect() {
	grep -Eq -- "$1" "$out" || die "no '$1' in: $(cat "$out")"
}

expect_not() {
	! grep -Eq -- "$1" "$out" || die "'$1' in: $(cat "$out")"
}

expect_json() {
	python3 tests/integration/ctl_json.py <"$out" ||
		die "not the JSON of appvssctl(8): $(cat "$out")"
}

feed() {
	python3 tests/integration/history_feed.py appvssd/appvssd-history \
		"$history" >/dev/null
}

say "command line"
ctl 0 --help
expect 'provenance'
ctl 0 --version
expect '^appvssctl [0-9]'
ctl 64
expect 'a command is missing'
ctl 64 frobnicate
expect 'unknown command: frobnicate'
ctl 64 --frobnicate status
ctl 64 show
ctl 64 show 0
ctl 64 show 1x
ctl 64 history extra
ctl 64 -n 5 status
ctl 64 -n 0 history
ctl 64 --live last
ctl 64 forget 'no name'
for command in status apps watch 'run true' freeze 'thaw 1' drill 'forget x' \
	reload; do
	# shellcheck disable=SC2086
	ctl 69 --socket "$TEST_DIR/none" $command
	expect '^appvssctl: .*is appvssd running'
done
for command in last history 'history --app x --stats' 'show 1' provenance; do
	# shellcheck disable=SC2086
	ctl 66 --history "$TEST_DIR/none.db" $command
	expect '^appvssctl: .*none.db: No such file'
done
for command in last history show provenance status apps watch doctor metrics \
	drill run freeze thaw forget reload; do
	ctl 64 "$command" --frobnicate
	expect 'try appvssctl --help'
	ctl 0 "$command" --help
	expect "^usage: appvssctl $command"
done
ctl 3 check --frobnicate
ctl 0 check --help
expect 'UNKNOWN'

say "history"
feed <<'ROWS'
RUN run=1 at_ms=1763676000000 boot_id=b1 version=0.1.0
BEGIN seq=1 id=1 op=check source=device msgid=4 at_ms=1763676000000
STATE seq=2 id=1 at_ms=1763676000002 state=done consistency=none host=success elapsed_ms=2
BEGIN seq=3 id=2 op=freeze source=device msgid=5 at_ms=1763676001000
PART seq=4 id=2 phase=held name=ledger program="ledger (SQLite)" result=ready thaw=none pid=7 uid=8 order=50 required=1 told_at_ms=0 ready_at_ms=250
STATE seq=5 id=2 at_ms=1763676001300 state=held consistency=application elapsed_ms=300
EVENT seq=6 id=2 at_ms=1763676001300 kind=note text="x \x1b[31m \xe2\x80\xae y"
PART seq=7 id=2 phase=final name=ledger program="ledger (SQLite)" result=ready thaw=ok pid=7 uid=8 order=50 required=1 told_at_ms=0 ready_at_ms=250 thaw_told_at_ms=750 thawed_at_ms=1000
PART seq=8 id=2 phase=final name=slow result=timeout thaw=ok pid=9 uid=8 order=60 told_at_ms=250 thaw_told_at_ms=500 thawed_at_ms=500 text="still \x1b]0;owned\x07 flushing"
STATE seq=9 id=2 at_ms=1763676002000 state=done consistency=filesystem host=success reason=timeout culprit=slow elapsed_ms=1000
END seq=10 at_ms=1763676003000
ROWS
ctl 0 --history "$history" history
expect '^2 +2025-11-20 22:00:01 \+0000  freeze  device  done +filesystem +success +1.000 s +1/2 +timeout \(slow\)$'
expect '^1 .* check .* 2 ms +0/0 +-$'
[ "$(sed -n 2p "$out" | cut -c1)" = 2 ] || die "not newest first"
ctl 0 --history "$history" -n 1 history
[ "$(wc -l <"$out")" -eq 2 ] || die "-n 1: $(cat "$out")"
ctl 0 history --json --history "$history"
expect_json
expect '^\{"id":2,"at_ms":1763676001000,"op":"freeze",.*"culprit":"slow"'
sqlite3 -separator ,\"at_ms\": "$history" \
	"SELECT '{\"id\":' || id, at_ms || ',' FROM txn ORDER BY n DESC" \
	>"$TEST_DIR/rows"
grep -Eo '^\{"id":[0-9]+,"at_ms":[0-9]+,' "$out" | cmp -s - "$TEST_DIR/rows" ||
	die "numbers and times are not those of the file: $(cat "$TEST_DIR/rows")"

say "the timeline"
ctl 0 --history "$history" last
cp "$out" "$TEST_DIR/last.out"
ctl 0 --history "$history" show last
cmp -s "$out" "$TEST_DIR/last.out" || die "last is not show last"
expect '^transaction 2: freeze, done, consistency filesystem$'
expect 'reason +timeout, because of slow$'
expect 'host +was told success: who is optional stops no snapshot$'
expect '^ +300 ms  held, consistency application$'
# A quarter, a half and a quarter of 48 columns.
expect 'ledger +\|-{12}#{24}={12}\| ready in 250 ms; thaw ok in 250 ms$'
# Never ready: freezing until its thaw, which took no time but is seen.
expect 'slow +\| {12}-{12}= {23}\| timeout; thaw ok in 0 ms$'
expect 'still \\x1b\]0;owned\\x07 flushing$'
expect 'x \\x1b\[31m \\xe2\\x80\\xae y$'
expect_not "$(printf '\033')"
LC_ALL=C.UTF-8 ctl 0 --history "$history" last
grep -q '░░░███' "$out" || die "no blocks: $(cat "$out")"
expect 'x \\x1b\[31m \\xe2\\x80\\xae y$'
ctl 0 --history "$history" --json show 2
expect_json
expect '^\{"kind":"participant","name":"slow".*"ready_at_ms":null'
expect_not "$(printf '\033')"
ctl 0 --history "$history" show 1
expect 'no participants'
ctl 66 --history "$history" show 99
expect 'no transaction has this number'
APPVSS_HISTORY=$history
export APPVSS_HISTORY
ctl 0 history
unset APPVSS_HISTORY

say "provenance"
ctl 1 --history "$history" provenance
expect '^not captured while held; last finished transaction 2, '
feed <<'ROWS'
RUN run=2 at_ms=1763676010000 boot_id=b1 version=0.1.0
BEGIN seq=1 id=3 op=freeze source=device at_ms=1763676011000
STATE seq=2 id=3 at_ms=1763676011300 state=held consistency=filesystem elapsed_ms=300
ROWS
ctl 1 --history "$history" provenance
expect 'file systems only'
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || :)
feed <<ROWS
RUN run=3 at_ms=1763676020000 boot_id=b1 version=0.1.0
BEGIN seq=1 id=4 op=freeze source=device at_ms=1763676021000
PART seq=2 id=4 phase=held name=ledger result=ready told_at_ms=0 ready_at_ms=250
PART seq=3 id=4 phase=held name=web result=ready told_at_ms=0 ready_at_ms=250
STATE seq=4 id=4 at_ms=1763676021300 state=held consistency=application elapsed_ms=300
ROWS
ctl 0 --history "$history" show 3
expect 'interrupted.*, written when appvssd started again'
expect 'what it was told is not known'
ctl 0 --history "$history" show 4
expect '^transaction 4: freeze, held \(no end is recorded\)'
expect 'was told nothing yet'
ctl 0 --history "$history" provenance
expect '^this disk was captured in \(or lost power during\) transaction 4, 2025-11-20 22:00:21.300 \+0000$'
expect '^ready +ledger, web$'
expect 'the history cannot tell'
ctl 0 --history "$history" provenance --live
expect 'this machine was started from it'
ctl 0 --history "$history" --json provenance
expect_json
expect '"captured_while_held":true,"certain":false,"live":false,"id":4,.*"ready":\["ledger","web"\]'
cp "$history" "$TEST_DIR/image.db"
say "provenance, when one failed while the proof was written"
history=$TEST_DIR/failed.db
feed <<ROWS
RUN run=1 at_ms=1763676020000 boot_id=b1 version=0.1.0
BEGIN seq=1 id=4 op=freeze source=device at_ms=1763676021000
PART seq=2 id=4 phase=held name=ledger result=ready told_at_ms=0 ready_at_ms=250
PART seq=3 id=4 phase=held name=web result=ready told_at_ms=0 ready_at_ms=250
STATE seq=4 id=4 at_ms=1763676021300 state=held consistency=application elapsed_ms=300
PART seq=5 id=4 phase=held name=ledger result=failed told_at_ms=0 ready_at_ms=250
STATE seq=6 id=4 at_ms=1763676021400 state=held consistency=filesystem elapsed_ms=400
ROWS
ctl 1 --history "$history" provenance
expect ' transaction 4, 2025-11-20 22:00:21.400 '
expect '^ready +web$'
expect 'file systems only'
ctl 0 --history "$history" --json history
expect '"consistency":"filesystem".*"participants":2,"ready":1'
history=$TEST_DIR/history.db
if [ -n "$boot" ]; then
	feed <<ROWS
RUN run=4 at_ms=1763676030000 boot_id=$boot version=0.1.0
BEGIN seq=1 id=5 op=check source=device at_ms=1763676031000
STATE seq=2 id=5 at_ms=1763676031300 state=done elapsed_ms=300
END seq=3 at_ms=1763676031400
ROWS
	ctl 0 --history "$history" provenance --live
	expect 'transaction 4, '
	expect '^since then +1 transactions began'
	ctl 1 --history "$history" provenance
	expect 'an earlier boot .* came from a disk as of transaction 4'
	feed <<ROWS
RUN run=5 at_ms=1763676040000 boot_id=$boot version=0.1.0
BEGIN seq=1 id=6 op=freeze source=device at_ms=1763676041000
STATE seq=2 id=6 at_ms=1763676041300 state=held consistency=application elapsed_ms=300
ROWS
	ctl 1 --history "$history" provenance --live
	expect 'held at this moment, or'
fi
sqlite3 "$TEST_DIR/image.db" "PRAGMA user_version = 7"
ctl 65 --history "$TEST_DIR/image.db" provenance
expect 'version 7'

say "a slow pipe does not keep the writer waiting"
{
	echo "RUN run=6 at_ms=1763676050000"
	number=1
	while [ "$number" -le 3000 ]; do
		echo "BEGIN seq=$number id=$((number + 100)) op=check" \
			"source=device at_ms=1"
		number=$((number + 1))
	done
} | feed
mkfifo "$TEST_DIR/pipe"
exec 7<>"$TEST_DIR/pipe"
start_bg pipe sh -c "exec appvssd/appvssctl/appvssctl --history '$history' \
	-n 5000 history >'$TEST_DIR/pipe'"
# It is printing, and cannot go on: the pipe is read no further.
read -r heading <&7
[ "${heading%% *}" = ID ] || die "no heading: $heading"
kill -0 "$(pid_of pipe)" || die "the pipe took it all"
sqlite3 -cmd '.timeout 0' "$history" "UPDATE run SET last_seq = last_seq" ||
	die "the history is locked by a reader that prints"
kill -9 "$(pid_of pipe)"
exec 7>&-

say "status"
cat >"$TEST_DIR/answer" <<'ANSWER'
ITEM kind=broker state=idle id=12 device=open history=ok queued=0 dropped=1 late=2 outcome=done consistency=application age_ms=3200 program="appvssd 9.9" pid=42
ITEM kind=participant name=ledger program="ledger \x1b[31m" pid=7 uid=8 order=50 required=1 present=1 state=idle result=ready flush_ms=250
ITEM kind=participant name=gone present=0 state=absent text="line\nbreak"
ITEM kind=debt name=gone text="its thaw is not confirmed"
END verb=STATUS
ANSWER
: >"$TEST_DIR/server.log" # wait_for takes a file that is not there for good
start_bg server python3 tests/integration/history_server.py "$socket" \
	"$TEST_DIR/answer"
wait_for "$TEST_DIR/server.log" '^listening' 10
ctl 0 --socket "$socket" status
expect '^appvssd 9.9 \(pid 42\): idle$'
expect 'transaction 12: done, consistency application, 3.200 s ago$'
expect 'history +ok \(0 rows wait, 1 dropped\)$'
expect '^ledger +idle +50 +yes +yes +7 +8 +ready +250 ms +ledger \\x1b\[31m +-$'
expect '^gone +absent +- +- +no +- +- +- +- +- +line\\x0abreak$'
expect '^not thawed: gone \(its thaw is not confirmed\)'
wait_for "$TEST_DIR/server.log" '^got HELLO version=1 program=' 5
wait_for "$TEST_DIR/server.log" '^got STATUS$' 5
APPVSS_SOCKET=$socket
export APPVSS_SOCKET
ctl 0 apps
expect '^ledger +idle +50 +yes +yes '
expect '^not thawed: gone '
expect_not 'device|9\.9'
ctl 0 --json apps
expect_json
[ "$(wc -l <"$out")" -eq 3 ] || die "apps: $(cat "$out")"
expect_not '"kind":"broker"'
ctl 0 --json status
expect_json
expect '^\{"kind":"participant","name":"gone","text":"line\\u000abreak",.*"pid":null'
printf 'ITEM kind=broker\nEND verb=STATUS\n' >"$TEST_DIR/answer"
ctl 0 status
expect '^- \(pid -\): -$'
expect 'no participants'
cat >"$TEST_DIR/answer" <<'ANSWER'
ERROR code=denied text="not \x1b[1myours"
ANSWER
ctl 77 status
expect 'denied: not \\x1b\[1myours$'
printf 'ERROR code=unknown_name verb=FORGET\n' >"$TEST_DIR/answer"
ctl 65 forget nobody
expect 'unknown_name'
printf 'OK verb=FORGET name=gone\n' >"$TEST_DIR/answer"
ctl 0 forget gone
expect '^gone is forgotten$'
wait_for "$TEST_DIR/server.log" '^got FORGET name=gone$' 5
ctl 0 forget gone --json
expect '^\{"forgotten":"gone"\}$'
printf 'OK verb=RELOAD\n' >"$TEST_DIR/answer"
ctl 0 reload --json
expect_json
expect '^\{"reloaded":true\}$'
printf 'what is this\n' >"$TEST_DIR/answer"
ctl 76 status
printf 'ITEM kind=broker\n' >"$TEST_DIR/answer"
ctl 75 status
expect 'does not answer'
stop_bg server KILL || :

say "a server that never answers"
: >"$TEST_DIR/silent.log"
start_bg silent python3 tests/integration/history_server.py "$socket.2" silent
wait_for "$TEST_DIR/silent.log" '^listening' 10
ctl 75 --socket "$socket.2" status
say "ok"
