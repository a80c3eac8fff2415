#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# HISTORY on the socket; whose a name is after a restart; a damaged history.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

history_pid() {
	pgrep -P "$(pid_of appvssd)" -f appvssd-history
}

history_case() {
	PYTHONDONTWRITEBYTECODE=1 python3 tests/integration/broker_history.py \
		"$1" "$TEST_DIR" "$(history_pid)" || die "$1"
}

cat >"$TEST_DIR/late-history" <<LATE
#!/bin/sh
[ ! -e "$TEST_DIR/late" ] || sleep 4
exec "$PWD/appvssd/appvssd-history" "\$@"
LATE
chmod +x "$TEST_DIR/late-history"
HISTORY_PROGRAM=$TEST_DIR/late-history
broker_start 'socket_mode = 0666' 'stall_ms = 3000' \
	'access "all" { user = "*" roles = {observe, participate} }'
history_case pages
history_case frozen
history_case deaf
kill -STOP "$(history_pid)"
history_case stopped
kill -CONT "$(history_pid)"
history_case continued
kill -STOP "$(history_pid)"
history_case killed
broker_stop

if [ "$(id -u)" -eq 0 ]; then
	say "whose a name is"
	broker_appvssd
	wait_for "$TEST_DIR/appvssd.log" 'event=device_open ' 10
	history_case owner
	broker_stop
	broker_appvssd
	history_case stranger
	broker_stop
	touch "$TEST_DIR/late"
	broker_appvssd
	history_case hasty
	broker_stop
	rm "$TEST_DIR/late"
fi

say "few transactions are kept, from a reload on, and by the next process"
broker_appvssd
echo 'history_keep_count = 3' >>"$TEST_DIR/appvssd.conf"
history_case kept
sed 's/history_keep_count = 3/history_keep_count = 2/' \
	"$TEST_DIR/appvssd.conf" >"$TEST_DIR/new.conf"
mv "$TEST_DIR/new.conf" "$TEST_DIR/appvssd.conf"
history_case fewer
broker_stop

for number in id n; do
	say "the last number that there is: $number"
	sqlite3 "$TEST_DIR/history.db" "UPDATE txn SET $number =
		9223372036854775807 WHERE n = (SELECT max(n) FROM txn)"
	broker_appvssd
	history_case last
	broker_stop
done

say "a damaged history"
dd if=/dev/urandom of="$TEST_DIR/history.db" bs=4096 seek=1 count=3 \
	conv=notrunc 2>/dev/null
broker_appvssd
history_case damaged
appvssd/appvssctl/appvssctl --socket "$TEST_DIR/socket" status |
	grep -q 'notice .*history\.db\.corrupt-' || die "no notice in status"
broker_stop
