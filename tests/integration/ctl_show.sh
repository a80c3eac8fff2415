#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvssctl show: why, who was slow, progress, the picture; history --stats.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/ctl_lib.sh
. tests/integration/ctl_lib.sh

feed <<'ROWS'
RUN run=1 at_ms=1763676000000 boot_id=b1 version=0.1.0
BEGIN seq=1 id=1 op=freeze source=device msgid=5 at_ms=1763676001000
EVENT seq=2 id=1 at_ms=1763676001040 kind=progress text="ledger 40 % 60 ms more \x1b[31mwriting"
EVENT seq=3 id=1 at_ms=1763676001041 kind=progress text="nobody 41 %"
PART seq=4 id=1 phase=final name=ledger program="ledger (SQLite)" result=ready thaw=ok pid=7 uid=8 order=20 required=1 told_at_ms=0 ready_at_ms=100 thaw_told_at_ms=800 thawed_at_ms=850
PART seq=5 id=1 phase=final name=cache result=ready thaw=ok pid=7 uid=8 order=20 told_at_ms=0 ready_at_ms=20 thaw_told_at_ms=800 thawed_at_ms=810
PART seq=6 id=1 phase=final name=slow result=timeout thaw=ok pid=9 uid=8 order=60 told_at_ms=100 thaw_told_at_ms=500 thawed_at_ms=520 text="<&> \x1b[31m \xff"
PART seq=7 id=1 phase=final name=web result=ready thaw=ok pid=9 uid=8 order=60 told_at_ms=100 ready_at_ms=300 thaw_told_at_ms=700 thawed_at_ms=720
PART seq=8 id=1 phase=final name=gone result=absent thaw=none order=60
STATE seq=9 id=1 at_ms=1763676001510 state=held consistency=filesystem elapsed_ms=510
STATE seq=10 id=1 at_ms=1763676002000 state=done consistency=filesystem host=success reason=timeout culprit=slow elapsed_ms=1000
BEGIN seq=11 id=2 op=freeze source=device at_ms=1763676003000
PART seq=12 id=2 phase=final name=ledger result=failed thaw=ok order=20 required=1 told_at_ms=0 ready_at_ms=10 text="disk full"
STATE seq=13 id=2 at_ms=1763676003010 state=aborted consistency=none host=fail reason=failed culprit=ledger elapsed_ms=10
BEGIN seq=14 id=3 op=freeze source=device at_ms=1763676004000
STATE seq=15 id=3 at_ms=1763676004010 state=done consistency=filesystem host=success elapsed_ms=10
BEGIN seq=16 id=4 op=check source=device at_ms=1763676005000
PART seq=17 id=4 phase=final name=ledger result=ready thaw=none order=20 required=1 told_at_ms=0 ready_at_ms=10
STATE seq=18 id=4 at_ms=1763676005010 state=done consistency=none host=success elapsed_ms=10
END seq=19 at_ms=1763676006000
ROWS

say "why, and who"
ctl 0 show 1
expect '^  why +a participant did not answer in its time$'
expect '^ +slow \(optional\) did not answer in its time: <&> \\x1b\[31m \\xff$'
expect '^ +gone \(optional\) is known and was not there: start it, or forget it$'
expect_not '^ +(web|ledger|cache) \((optional|required)\)'
expect '^  worth +NOT application-consistent: only the file systems are in order$'
expect '^  next +slow: see its own log, and how long it takes: appvssctl history'
expect '^ +gone: start it, or if it is gone for good: appvssctl forget NAME$'
expect '^ +rehearse: appvssctl drill; look ahead: appvssctl doctor$'
expect_not '^  since|ready last'
expect '^  critical path  ledger 100 ms -> slow 400 ms$'
expect '^  slowest        slow, 80 % of the 500 ms until all had answered$'
# Progress stands below whose it is, and only once.
grep -A 2 '^  ledger  ' "$out" | grep -q '  at 40 ms: 40 % 60 ms more \\x1b\[31mwriting$' ||
	die "no progress: $(cat "$out")"
[ "$(grep -c writing "$out")" -eq 1 ] || die "twice: $(cat "$out")"
expect ' progress: nobody 41 %$'
LC_ALL=C.UTF-8 ctl 0 show 1
expect 'ledger 100 ms → slow 400 ms'
ctl 0 --json show 1
expect_json
expect '^\{"kind":"critical","name":"ledger","order":20,"told_at_ms":0,"until_ms":100,"elapsed_ms":100,"slowest":false\}$'
expect '^\{"kind":"critical","name":"slow","order":60,"told_at_ms":100,"until_ms":500,"elapsed_ms":400,"slowest":true\}$'
ctl 0 show 2
expect 'host +was told fail: it has no snapshot$'
expect 'ledger \(required\) could not do it: disk full$'
ctl 0 last
expect '^transaction 3: '
expect '^  why +no participant was registered: nobody could say'
ctl 0 show 4
expect '^  why +a check: all could be frozen$'

say "since when"
{
	echo "RUN run=4 at_ms=1763677000000 boot_id=b1 version=0.1.0"
	seq=0
	# Good, a drill, and two that are not: late has failed in both, gone in
	# all.
	for id in 10 11 12 13; do
		at=$((1763678000000 + id * 1000))
		case $id in
		10) late=ready web=ready how=application ;;
		11) late=ready web=ready how=application
			echo "EVENT seq=$((seq += 1)) id=$id at_ms=$at kind=requested_by text=\"uid=0 pid=7 appvssctl-drill 0.1.0\"" ;;
		12) late=failed web=ready how=filesystem ;;
		13) late=timeout web=absent how=none ;;
		esac
		echo "BEGIN seq=$((seq += 1)) id=$id op=freeze source=device at_ms=$at"
		echo "PART seq=$((seq += 1)) id=$id phase=final name=late result=$late told_at_ms=0"
		echo "PART seq=$((seq += 1)) id=$id phase=final name=web result=$web told_at_ms=0"
		[ "$id" -lt 12 ] ||
			echo "PART seq=$((seq += 1)) id=$id phase=final name=never result=lost told_at_ms=0"
		echo "STATE seq=$((seq += 1)) id=$id at_ms=$at state=done consistency=$how elapsed_ms=9"
	done
	echo "END seq=$((seq + 1)) at_ms=1763679000000"
} | feed
ctl 0 last
expect '^  worth +NOT application-consistent: do not rely on it$'
expect '^  since +2 in a row, with this one; the last that was application-consistent is transaction 10, 2025-11-20 22:33:30 \+0000$'
grep -A 1 ' late (optional)' "$out" |
	grep -q '  last ready in transaction 11, 2025-11-20 22:33:31 +0000$' ||
	die "late: $(cat "$out")"
grep -A 1 ' web (optional)' "$out" | grep -q 'transaction 12, ' ||
	die "web: $(cat "$out")"
grep -A 1 ' never (optional)' "$out" |
	grep -Eq 'ready in none of the [0-9]+ freezes before it$' ||
	die "never: $(cat "$out")"
ctl 0 last --json
expect_json
expect '^\{"kind":"why","name":null,.*"good_id":10,"good_at_ms":1763678010000\}$'
expect '^\{"kind":"why","name":"late","text":"did not answer in its time","next":"see its own log.*"good_id":11,'
expect '^\{"kind":"why","name":"never",.*"good_id":null,"good_at_ms":null\}$'
{
	echo "RUN run=5 at_ms=1763678020000 boot_id=b1 version=0.1.0"
	echo "BEGIN seq=1 id=14 op=freeze source=requestor at_ms=1763678021000"
	echo "EVENT seq=2 id=14 at_ms=1763678021000 kind=requested_by text=\"uid=0 pid=7 appvssctl-drill 0.1.0\""
	echo "STATE seq=3 id=14 at_ms=1763678021000 state=done consistency=application elapsed_ms=9"
	echo "END seq=4 at_ms=1763678022000"
} | feed
ctl 0 last
expect '^transaction 13: '
ctl 0 show 14
ctl 0 show 11
expect '^  worth +a drill: no snapshot was taken$'
ctl 0 show 10
expect '^  worth +application-consistent: every participant'
expect_not '^  (since|next) '

say "since when, many before"
{
	echo "RUN run=6 at_ms=1763678030000 boot_id=b1 version=0.1.0"
	seq=0
	for id in $(seq 15 40); do
		at=$((1763678030000 + id * 10))
		echo "BEGIN seq=$((seq += 1)) id=$id op=freeze source=device at_ms=$at"
		echo "STATE seq=$((seq += 1)) id=$id at_ms=$at state=aborted consistency=none elapsed_ms=9"
	done
	echo "END seq=$((seq + 1)) at_ms=1763678032000"
} | feed
ctl 0 last
expect '^  since +28 in a row, with this one; the last that was application-consistent is transaction 10, '

say "a picture"
ctl 0 show 1 --svg "$TEST_DIR/one.svg"
[ ! -s "$out" ] || die "it is printed as well: $(cat "$out")"
ctl 0 show 3 --svg "$TEST_DIR/none.svg"
ctl 0 last --svg "$TEST_DIR/last.svg"
ctl 0 show 4 --svg "$TEST_DIR/check.svg"
ctl 73 last --svg "$TEST_DIR/no/such.svg"
python3 - "$TEST_DIR" <<'END'
import sys
import xml.etree.ElementTree as ET
NS = "{http://www.w3.org/2000/svg}"
def read(name):
    root = ET.parse(sys.argv[1] + "/" + name).getroot()
    assert root.tag == NS + "svg", root.tag
    texts = ["".join(t.itertext()) for t in root.iter(NS + "text")]
    return root, texts
root, texts = read("one.svg")
assert any(t.startswith("Transaction 1: freeze, done, consistency filesystem")
           for t in texts), texts
for name in "ledger", "cache", "slow", "web", "gone":
    assert name in texts, texts
assert any("<&> \ufffd[31m \ufffd" in t for t in texts), texts
bars = {}
for r in root.iter(NS + "rect"):
    title = r.find(NS + "title")
    if title is not None:
        bars.setdefault(r.get("class"), []).append(
            (float(r.get("x")), float(r.get("width")), title.text))
# 740 wide, from 220 on, for 1000 ms.
assert (220 + 74, 740 * .7, "held for 700 ms") == bars["held"][0] or \
    abs(bars["held"][0][0] - 294) < 1 and abs(bars["held"][0][1] - 518) < 1, bars
(x, width, title), = bars["failed slow"]
assert abs(x - 294) < 1 and abs(width - 296) < 1, bars
assert title == "freezing for 400 ms", title
assert len(bars["thawing"]) == 4, bars
read("none.svg")
root, texts = read("check.svg")
assert not any(r.get("class") == "held" for r in root.iter(NS + "rect"))
END
LC_ALL=C.UTF-8 ctl 0 show 1 --svg "$TEST_DIR/utf8.svg"
cmp "$TEST_DIR/one.svg" "$TEST_DIR/utf8.svg" ||
	die "the locale changes the picture"

say "statistics"
{
	echo "RUN run=2 at_ms=1763676010000 boot_id=b1 version=0.1.0"
	seq=0
	# Two days, a hundred freezes each: 1..100 ms, and 11..1010 ms by tens.
	for day in 0 1; do
		number=1
		while [ "$number" -le 100 ]; do
			id=$((1000 + day * 100 + number))
			at=$((1763683200000 + day * 86400000 + number * 60000))
			took=$((number + day * (number * 9 + 10)))
			echo "BEGIN seq=$((seq + 1)) id=$id op=freeze source=device at_ms=$at"
			echo "PART seq=$((seq + 2)) id=$id phase=held name=db result=ready told_at_ms=5 ready_at_ms=9"
			echo "PART seq=$((seq + 3)) id=$id phase=final name=db result=ready told_at_ms=5 ready_at_ms=$((took + 5))"
			echo "STATE seq=$((seq + 4)) id=$id at_ms=$at state=done consistency=application elapsed_ms=9"
			seq=$((seq + 4))
			number=$((number + 1))
		done
	done
	echo "BEGIN seq=$((seq + 1)) id=1999 op=freeze source=device at_ms=1763780000000"
	echo "PART seq=$((seq + 2)) id=1999 phase=final name=db result=timeout told_at_ms=5"
	echo "END seq=$((seq + 3)) at_ms=1763780000000"
} | feed
ctl 0 history --app db --stats --since 2025-11-01
expect '^2025-11-21  100 +0 +50 ms +90 ms +99 ms +100 ms +###$'
expect '^2025-11-22  101 +1 +510 ms +910 ms +1.000 s +1.010 s +#{24}$'
LC_ALL=C.UTF-8 ctl 0 history --app db --stats --since 2025-11-01
expect ' ███$'
ctl 0 history --app db --stats --since 2025-11-01 -n 1
[ "$(wc -l <"$out")" -eq 2 ] || die "-n 1: $(cat "$out")"
expect '^2025-11-22'
ctl 0 history --app db --stats --until 2025-11-22 --json
expect_json
expect '^\{"app":"db","day":"2025-11-21","freezes":100,"ready":100,"p50_ms":50,"p90_ms":90,"p99_ms":99,"max_ms":100\}$'
# A day is that of whoever asks.
TZ=Etc/GMT+5 ctl 0 history --app db --stats --since 2025-11-01
expect '^2025-11-20  100 '
ctl 0 history --app slow --stats --since 2025-11-01
expect '^2025-11-20  1 +1 +- +- +- +- +-$'
ctl 0 history --app nobody --stats
expect '^no freeze with it is recorded in that time$'
ctl 64 history --stats
ctl 64 history --stats --app db --outcome=done
say "ok"
