#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The history on disks that are full, frozen and read-only: nothing is lost,
# nobody hangs, and what is read is what was committed.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh

need_root_loop

ctl() {
	timeout 20 appvssd/appvssctl/appvssctl "$@"
}

# A history process fed through descriptor 8; its answers in FEED.log.
start_feed() {
	mkfifo "$TEST_DIR/$1.in"
	exec 8<>"$TEST_DIR/$1.in"
	BG_STDIN=$TEST_DIR/$1.in
	: >"$TEST_DIR/$1.log" # wait_for takes a file that is not there for good
	start_bg "$1" python3 tests/integration/history_feed.py \
		appvssd/appvssd-history "$2"
	BG_STDIN=/dev/null
}

events() {
	number=$1
	while [ "$number" -le "$2" ]; do
		echo "EVENT seq=$number at_ms=1 kind=k text=number-$number-$TEXT"
		number=$((number + 1))
	done >&8
}

expect_value() {
	value=$(sqlite3 "$1" "$2")
	[ "$value" = "$3" ] || die "$2 says $value, not $3"
}

TEXT=$(printf '%0200d' 0)

say "a full disk: rows wait, and are complete afterwards"
mkdir "$TEST_DIR/small"
mount -t tmpfs -o size=1m tmpfs "$TEST_DIR/small"
start_feed full "$TEST_DIR/small/history.db"
echo "RUN run=1 at_ms=1 boot_id=b" >&8
events 1 10
wait_for "$TEST_DIR/full.log" '^ACK seq=10$' 10
dd if=/dev/zero of="$TEST_DIR/small/filler" bs=4k 2>/dev/null || :
# No more than the socket takes: the process reads nothing meanwhile.
events 11 60
wait_for "$TEST_DIR/full.log" 'event=history_waits' 10
grep -q '^ACK seq=60$' "$TEST_DIR/full.log" &&
	die "acknowledged on a full disk"
rm "$TEST_DIR/small/filler"
wait_for "$TEST_DIR/full.log" '^ACK seq=60$' 15
wait_for "$TEST_DIR/full.log" 'event=history_recovered' 5
expect_value "$TEST_DIR/small/history.db" \
	"SELECT count(DISTINCT text) || '/' || count(*) FROM event" 60/60
expect_value "$TEST_DIR/small/history.db" "PRAGMA integrity_check" ok
kill -9 "$(pid_of full)"
exec 8>&-

say "a disk that is full from the start: the first rows wait as well"
# The process ends a little after its feed, and has the old file until then.
tries=200
while pgrep -f -- "$TEST_DIR/small/history.db" >/dev/null; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "the history process does not end"
	sleep 0.05
done
rm "$TEST_DIR/small/history.db"
dd if=/dev/zero of="$TEST_DIR/small/filler" bs=4k 2>/dev/null || :
start_feed first "$TEST_DIR/small/history.db"
echo "RUN run=1 at_ms=1 boot_id=b" >&8
events 1 10
wait_for "$TEST_DIR/first.log" 'event=history_waits' 10
wait_for "$TEST_DIR/first.log" '^READY last_id=0$' 10
rm "$TEST_DIR/small/filler"
wait_for "$TEST_DIR/first.log" '^ACK seq=10$' 15
expect_value "$TEST_DIR/small/history.db" \
	"SELECT count(DISTINCT text) || '/' || count(*) FROM event" 10/10
kill -9 "$(pid_of first)"
exec 8>&-

say "a frozen disk: it is read, and the rows of that time come after the thaw"
mounted=$(make_mount ext4 64 disk)
history=$mounted/history.db
start_feed frozen "$history"
cat >&8 <<'ROWS'
RUN run=1 at_ms=1000 boot_id=some-other-boot
BEGIN seq=1 id=1 op=freeze source=device msgid=9 at_ms=2000
PART seq=2 id=1 phase=held name=db program=Base result=ready required=1 told_at_ms=1 ready_at_ms=8
STATE seq=3 id=1 at_ms=2009 state=held consistency=application elapsed_ms=9
COMMIT
ROWS
wait_for "$TEST_DIR/frozen.log" '^ACK seq=3$' 10
[ ! -e "$history-journal" ] || die "a journal is left after the commit"
fsfreeze -f "$mounted"
cp "$TEST_DIR/disk.img" "$TEST_DIR/copy.img"
ctl --history "$history" show last >"$TEST_DIR/show.out"
grep -q 'transaction 1: freeze, held' "$TEST_DIR/show.out" ||
	die "no held transaction: $(cat "$TEST_DIR/show.out")"
ctl --history "$history" provenance >/dev/null
# The process sleeps in its write now; the reader does not.
echo "STATE seq=4 id=1 at_ms=3000 state=done consistency=application" >&8
status=0
ctl --history "$history" history >"$TEST_DIR/list.out" 2>&1 || status=$?
[ "$status" -eq 0 ] || [ "$status" -eq 75 ] ||
	die "history on a frozen disk: exit status $status"
fsfreeze -u "$mounted"
wait_for "$TEST_DIR/frozen.log" '^ACK seq=4$' 10
ctl --history "$history" history | grep -q ' done ' || die "not done"
kill -9 "$(pid_of frozen)"
exec 8>&-

say "the copy says what it is"
mkdir "$TEST_DIR/image"
mount -o ro,loop "$TEST_DIR/copy.img" "$TEST_DIR/image"
ctl --history "$TEST_DIR/image/history.db" provenance >"$TEST_DIR/prove.out" ||
	die "no proof: $(cat "$TEST_DIR/prove.out")"
grep -q 'transaction 1,' "$TEST_DIR/prove.out" || die "which transaction?"
grep -q '^ready  *db$' "$TEST_DIR/prove.out" || die "who was ready?"
grep -q 'lost power' "$TEST_DIR/prove.out" || die "that cannot be known"
umount "$TEST_DIR/image"

say "a writer that sleeps in its commit on a frozen disk: a message, no hang"
start_bg writer python3 -u -c '
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
db.execute("UPDATE run SET last_seq = last_seq")
print("locked")
time.sleep(600)
' "$history"
wait_for "$TEST_DIR/writer.log" '^locked' 10
fsfreeze -f "$mounted"
for command in history last provenance; do
	status=0
	ctl --history "$history" "$command" >"$TEST_DIR/busy.out" 2>&1 ||
		status=$?
	[ "$status" -eq 75 ] || die "$command: exit status $status"
	grep -q 'disk that is frozen: try again' "$TEST_DIR/busy.out" ||
		die "it does not say so: $(cat "$TEST_DIR/busy.out")"
done
status=0
ctl --history "$history" check --socket /nonexistent >"$TEST_DIR/busy.out" ||
	status=$?
[ "$status" -ge 2 ] || die "check: exit status $status"
fsfreeze -u "$mounted"
stop_bg writer KILL || :
ctl --history "$history" last >/dev/null || die "not readable afterwards"

say "a hot journal on a frozen disk and on a read-only copy"
: >"$TEST_DIR/hot.img.before"
python3 tests/integration/history_crash.py "$history" && die "it lives"
[ -s "$history-journal" ] || die "no journal is left"
fsfreeze -f "$mounted"
cp "$TEST_DIR/disk.img" "$TEST_DIR/hot.img"
ctl --json --history "$history" history >"$TEST_DIR/hot.out"
fsfreeze -u "$mounted"
grep -q '"outcome":"done"' "$TEST_DIR/hot.out" ||
	die "not what was committed: $(cat "$TEST_DIR/hot.out")"
mount -o ro,loop "$TEST_DIR/hot.img" "$TEST_DIR/image"
ctl --json --history "$TEST_DIR/image/history.db" last >"$TEST_DIR/hot2.out"
grep -q forged "$TEST_DIR/hot2.out" && die "the journal was ignored"
grep -q '"outcome":"done"' "$TEST_DIR/hot2.out" || die "lost on the copy"
[ -s "$TEST_DIR/image/history.db-journal" ] || die "the copy was changed"
# Others on this machine may be reading a history as well, for a moment.
copies() {
	find /dev/shm -maxdepth 1 -name 'appvss-history.*' \
		-newer "$TEST_DIR/hot.img.before" 2>/dev/null
}
tries=100
while [ -n "$(copies)" ]; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "copies are left behind: $(copies)"
	sleep 0.05
done
say "ok"
