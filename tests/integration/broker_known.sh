#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What the history knows of participants, when it is late, and when it stands
# still while they come and go.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

cat >"$TEST_DIR/late-history" <<EOF
#!/bin/sh
[ ! -e "$TEST_DIR/late" ] || sleep 4
exec "$PWD/appvssd/appvssd-history" "\$@"
EOF
chmod +x "$TEST_DIR/late-history"
HISTORY_PROGRAM=$TEST_DIR/late-history
broker_start 'history_queue_rows = 64'
broker_case faults known
broker_stop
touch "$TEST_DIR/late"
broker_appvssd
wait_for "$TEST_DIR/appvssd.log" 'event=history_slow' 10
broker_case faults late_history
broker_stop

rm -f "$TEST_DIR/late" "$TEST_DIR/history.db"
broker_appvssd
wait_for "$TEST_DIR/appvssd.log" 'event=device_open ' 10
history=$(pgrep -P "$(pid_of appvssd)" -f appvssd-history)
kill -STOP "$history"
broker_case faults flood
kill -CONT "$history"
broker_case faults flooded
broker_stop
