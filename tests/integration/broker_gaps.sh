#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Snapshots that the host took while appvssd was not there are on record.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

# A snapshot of the host: with whoever is there.
snapshot() {
	replies=$(grep -c '^reply op=THAW' "$TEST_DIR/sim.log" || :)
	host freeze
	host thaw
	wait_for "$TEST_DIR/sim.log" '^reply op=THAW' 20 $((replies + 1))
	! tail -n 2 "$TEST_DIR/sim.log" | grep -q 'status=0x8' ||
		die "the host was told FAIL"
}

# Whatever the host is told of it.
thaw() {
	thaws=$(grep -c '^reply op=THAW' "$TEST_DIR/sim.log" || :)
	host thaw
	wait_for "$TEST_DIR/sim.log" '^reply op=THAW' 20 $((thaws + 1))
}

# Asks, and returns when the driver has the request.
ask() {
	asked=$((${asked:-0} + 1))
	host async "$1"
	host sysctl requests
	wait_for "$TEST_DIR/sim.log" '^sysctl requests=' 10 "$asked"
}

# FREEZE that waits for the file systems: the daemon sleeps.
freeze_sleeping() {
	kill -STOP "$(pid_of daemon)"
	ask freeze
}

# It wakes, and the driver is done with that FREEZE.
wake_daemon() {
	kill -CONT "$(pid_of daemon)"
	replies=$(grep -c '^reply op=FREEZE' "$TEST_DIR/sim.log" || :)
	host wait
	wait_for "$TEST_DIR/sim.log" '^reply op=FREEZE' 20 $((replies + 1))
	! grep -q 'FREEZE status=0x8' "$TEST_DIR/sim.log" ||
		die "the host was told FAIL"
	thaw
}

# All of appvssd at one instant: nobody ends in good order.
kill_all() {
	broker=$(broker_pid)
	history=$(pgrep -P "$(pid_of appvssd)" -f appvssd-history)
	kill -STOP "$(pid_of appvssd)"
	kill -9 "$broker" "$history" "$(pid_of appvssd)"
	wait_bg appvssd 10 2>/dev/null || :
	while is_alive "$broker"; do # it has the socket
		sleep 0.05
	done
}

await_state() {
	PYTHONPATH=tests/integration python3 -c "if True:
		from broker_rig import Client
		Client('$TEST_DIR/socket').await_state('$1')"
}

gaps() {
	sqlite3 -readonly -cmd '.timeout 5000' "$TEST_DIR/history.db" \
		"SELECT text FROM event WHERE kind = 'gap' ORDER BY n"
}

# Waits for the driver's count in the history, then compares the gaps.
expect_gaps() {
	tries=200
	until [ "$(sqlite3 -readonly -cmd '.timeout 5000' \
		"$TEST_DIR/history.db" 'SELECT snapshots FROM driver')" = \
		"$1" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "the count of $1 is not recorded"
		sleep 0.05
	done
	[ "$(gaps)" = "$2" ] || die "gaps: $(gaps), expected: $2"
}

broker_start
expect_gaps 0 ''
snapshot
snapshot
expect_gaps 2 ''
broker_stop

say "three snapshots without appvssd"
wait_for "$TEST_DIR/sim.log" 'reply op=NEGOTIATE' 5
snapshot
snapshot
snapshot
broker_appvssd
one='snapshots=3 taken while appvssd was not there'
expect_gaps 5 "$one"
snapshot
expect_gaps 6 "$one"

say "nothing missed: restarted, or the broker killed"
broker_stop
broker_appvssd
expect_gaps 6 "$one"
wait_for "$TEST_DIR/appvssd.log" 'event=device_open ' 10
kill -9 "$(broker_pid)"
wait_for "$TEST_DIR/appvssd.log" 'event=device_open ' 10 2
died='the run before ended without notice; what it had not yet written is missing'
expect_gaps 6 "$one
$died"

say "killed while held: that snapshot is interrupted, and not missed"
start_bg app python3 tests/integration/broker_app.py "$TEST_DIR/socket" app
wait_for "$TEST_DIR/app.log" '^registered' 10
replies=$(grep -c '^reply op=FREEZE' "$TEST_DIR/sim.log" || :)
host freeze
wait_for "$TEST_DIR/sim.log" '^reply op=FREEZE' 20 $((replies + 1))
kill -9 "$(broker_pid)"
wait_for "$TEST_DIR/appvssd.log" 'event=device_open ' 10 3
expect_gaps 7 "$one
$died
$died"

thaw

say "the driver ends one by itself, while appvssd comes"
stop_bg appvssd || die "appvssd did not end well"
freeze_sleeping
broker_appvssd
wait_for "$TEST_DIR/appvssd.log" 'event=device_open ' 10
wake_daemon
gap='snapshots=1 taken while appvssd was not there'
all="$one
$died
$died
$gap"
expect_gaps 8 "$all"
snapshot
expect_gaps 9 "$all"

say "stopped, and killed, while held and the driver is not done: not missed"
freeze_sleeping
await_state held
stop_bg appvssd || die "appvssd did not end well"
broker_appvssd
wake_daemon
expect_gaps 10 "$all"
freeze_sleeping
await_state held
kill -9 "$(broker_pid)"
wait_for "$TEST_DIR/appvssd.log" 'event=device_open ' 10 2
wake_daemon
all="$all
$died"
expect_gaps 11 "$all"

say "killed while held, that one failed: what came next was missed"
freeze_sleeping
await_state held
kill_all
ask thaw
kill -CONT "$(pid_of daemon)"
host wait
wait_for "$TEST_DIR/sim.log" '^reply op=FREEZE status=0x8' 10
snapshot
broker_appvssd
all="$all
$died
$gap"
expect_gaps 12 "$all"

say "a requestor's hold is none of the driver's"
PYTHONPATH=tests/integration python3 -c "if True:
	from broker_rig import Client
	Client('$TEST_DIR/socket').ask('FREEZE detach=1', 'OK verb=FREEZE')"
kill_all
snapshot
broker_appvssd
all="$all
$died
$gap"
expect_gaps 13 "$all"

say "the history was down all the time"
kill -STOP "$(pgrep -P "$(pid_of appvssd)" -f appvssd-history)"
snapshot
kill_all
broker_appvssd
all="$all
$died
$gap"
expect_gaps 14 "$all"

say "a driver that was loaded anew"
stop_bg appvssd || die "appvssd did not end well"
stop_bg sim || : # it says that requests failed
stop_bg daemon || :
rm -f "$TEST_DIR/sim.in"
start_sim "$TEST_DIR/dev"
start_bg daemon kernel/hv_vss_daemon/hv_vss_daemon --no-freeze -n \
	--device "$TEST_DIR/dev/hv_fsvss_dev"
host negotiate
until grep -q '^sysctl fs_open=1' "$TEST_DIR/sim.log"; do
	host sysctl fs_open
	sleep 0.05
done
snapshot
broker_appvssd
expect_gaps 1 "$all
$gap"
