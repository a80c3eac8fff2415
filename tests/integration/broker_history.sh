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
broker_start 'socket_mode = 0666' \
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

say "few transactions are kept"
echo 'history_keep_count = 2' >>"$TEST_DIR/appvssd.conf"
broker_appvssd
history_case kept
broker_stop

say "the last number that there is"
sqlite3 "$TEST_DIR/history.db" "UPDATE txn SET id = 9223372036854775806
	WHERE id = (SELECT max(id) FROM txn)"
broker_appvssd
history_case last
broker_stop

say "a damaged history"
dd if=/dev/urandom of="$TEST_DIR/history.db" bs=4096 seek=1 count=3 \
	conv=notrunc 2>/dev/null
broker_appvssd
history_case damaged
appvssd/appvssctl/appvssctl --socket "$TEST_DIR/socket" status |
	grep -q 'notice .*history\.db\.corrupt-' || die "no notice in status"
broker_stop
