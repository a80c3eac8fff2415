#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvssctl history: its filters, times as people write them, colours.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/ctl_lib.sh
. tests/integration/ctl_lib.sh

now_ms=$(($(date +%s) * 1000))
hour_ms=3600000
feed <<ROWS
RUN run=1 at_ms=1763676000000 boot_id=b1 version=0.1.0
BEGIN seq=1 id=1 op=check source=device msgid=4 at_ms=1763676000000
STATE seq=2 id=1 at_ms=1763676000002 state=done consistency=none host=success elapsed_ms=2
BEGIN seq=3 id=2 op=freeze source=device msgid=5 at_ms=1763676001000
PART seq=4 id=2 phase=final name=ledger result=ready thaw=ok told_at_ms=0 ready_at_ms=250
STATE seq=5 id=2 at_ms=1763676002000 state=done consistency=application host=success elapsed_ms=1000
BEGIN seq=6 id=3 op=freeze source=requestor at_ms=1763679600000
PART seq=7 id=3 phase=final name=ledger result=ready thaw=ok told_at_ms=0 ready_at_ms=250
PART seq=8 id=3 phase=final name=web result=failed thaw=ok told_at_ms=0 text=full
STATE seq=9 id=3 at_ms=1763679601000 state=done consistency=filesystem reason=failed culprit=web elapsed_ms=1000
BEGIN seq=10 id=4 op=freeze source=device at_ms=$((now_ms - 50 * hour_ms))
STATE seq=11 id=4 at_ms=$((now_ms - 50 * hour_ms)) state=expired consistency=none reason=no_thaw host=fail elapsed_ms=60000
BEGIN seq=12 id=5 op=freeze source=device at_ms=$((now_ms - hour_ms))
STATE seq=13 id=5 at_ms=$((now_ms - hour_ms)) state=done consistency=application host=success elapsed_ms=1
BEGIN seq=14 id=6 op=freeze source=device at_ms=$((now_ms - 1000))
END seq=15 at_ms=$now_ms
ROWS

say "filters"
ctl 0 history
expect_ids 6 5 4 3 2 1
# What a check found is not how consistent a snapshot is.
expect '^1 .* check .* done +- +success '
ctl 0 history --app web
expect_ids 3
ctl 0 history --app nobody
expect '^no such transaction is recorded$'
ctl 0 history --source requestor
expect_ids 3
ctl 0 history --outcome expired
expect_ids 4
ctl 0 history --outcome unfinished
expect_ids 6
ctl 0 history --consistency application
expect_ids 5 2
ctl 0 history --consistency none
expect_ids 4
ctl 0 history --consistency application --app ledger --source device -n 5
expect_ids 2
ctl 0 history --json --consistency application -n 1
expect_json
expect '^\{"id":5,.*"outcome":"done","consistency":"application"'
ctl 0 history --json --app nobody
[ ! -s "$out" ] || die "JSON of nothing: $(cat "$out")"

say "times"
ctl 0 history --since 2h
expect_ids 6 5
ctl 0 history --since 2d1h
expect_ids 6 5
ctl 0 history --since 2d3h --until 90m
expect_ids 4
ctl 0 history --since 2025-11-20 --until '2025-11-20 22:00:01'
expect_ids 2 1
ctl 0 history --since 2025-11-20T22:00:00.001Z --until 2025-11-20T22:59:59.999
expect_ids 2
ctl 0 history --until '2025-11-21 00:00:00 +0200'
expect_ids 1
TZ=Asia/Kolkata ctl 0 history --since '2025-11-21 03:30:01' \
	--until '2025-11-21 04:00'
expect_ids 2
# As the list shows it.
ctl 0 history --until "$(sed -n 's/^2 *\(2.*+[0-9]*\)  freeze.*/\1/p' "$out")" \
	--since '2025-11-20 22:00:01 +0000'
expect_ids 2
for bad in yesterday 0 0h h 2x -3d 2025-02-30 2025-13-01 '2025-11-20 25:00' \
	'2025-11-20 22:00 +99:00' 2025-11-20x 20251120-1 99999999999999999999d; do
	ctl 64 history "--since=$bad"
	expect '^appvssctl: --since does not take: '
done
ctl 64 history --outcome good
ctl 64 history --consistency best
ctl 64 history --source host
ctl 64 last --app ledger
expect 'is no option of last'

say "a history that is looked at in pieces"
kept=$history
history=$TEST_DIR/large.db
cp "$kept" "$history"
sqlite3 "$history" "WITH RECURSIVE c(i) AS (SELECT 10 UNION ALL
    SELECT i + 1 FROM c WHERE i < 45000) INSERT INTO txn(run, id, op, source,
    msgid, at_ms) SELECT 1, i, 'freeze', 'device', 0, $now_ms FROM c;
    INSERT INTO state(run, id, by_run, state, consistency, reason, culprit,
    host, at_ms, elapsed_ms, late_ms) SELECT run, id, 1, 'done', 'filesystem',
    '', '', 'success', at_ms, 1, 0 FROM txn WHERE id >= 10;
    UPDATE state SET consistency = 'none' WHERE id IN (44999, 25000, 24999)"
ctl 0 history --consistency none
expect_ids 44999 25000 24999 4
ctl 0 history --consistency none -n 3
expect_ids 44999 25000 24999
ctl 0 history --app ledger
expect_ids 3 2
ctl 0 history -n 40001
[ "$(wc -l <"$out")" -eq 40002 ] || die "rows are lost: $(wc -l <"$out")"
ctl 0 metrics --socket "$TEST_DIR/none"
expect 'outcome="done",consistency="filesystem"} 44988$'
ctl 0 history --app ledger --stats --since 2025-01-01
expect '^2025-11-20  2 +0 '
ctl 2 check --socket "$TEST_DIR/none"
expect 'application-consistent snapshot is (59 m|1 h|60 m|[0-9]+ m)'
history=$kept

say "colours only on a terminal, and not with NO_COLOR"
# Runs appvssctl on a terminal of its own.
on_terminal() {
	TERM=xterm python3 -c '
import os, pty, sys
os.environ.update(dict(pair.split("=", 1) for pair in sys.argv[2:]))
status = pty.spawn(["appvssd/appvssctl/appvssctl", "--history", sys.argv[1],
    "history"])
sys.exit(os.waitstatus_to_exitcode(status))
' "$history" "$@" >"$out" </dev/null
}
escape=$(printf '\033')
on_terminal
expect "freeze  device +${escape}\\[32mdone${escape}\\[0m +${escape}\\[32mapplication${escape}\\[0m +success"
expect "${escape}\\[31mexpired${escape}\\[0m +${escape}\\[31mnone${escape}\\[0m"
expect "${escape}\\[33mfilesystem${escape}"
# The same columns as without.
sed -e "s/$escape\\[[0-9]*m//g" -e 's/\r$//' "$out" >"$TEST_DIR/plain"
ctl 0 history
cmp -s "$out" "$TEST_DIR/plain" || die "colours move columns"
expect_not "$escape"
for no in NO_COLOR=1 TERM=dumb; do
	on_terminal "$no"
	expect_not "$escape"
done
say "ok"
