#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvssctl doctor: each thing that would spoil a snapshot is found, with what
# mends it.  What is mounted on this machine is not the test's, so findings are
# looked for one by one.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/broker_lib.sh
. tests/integration/broker_lib.sh
# shellcheck source=tests/integration/ctl_lib.sh
. tests/integration/ctl_lib.sh

runtime_dir=$TEST_DIR/run
hooks_dir=$TEST_DIR/vss.d
socket=$TEST_DIR/socket
mkdir -m 755 "$runtime_dir" "$hooks_dir"
PATH=$PWD/appvssd:$PWD/kernel/hv_vss_daemon:$PWD/hooks:$PATH
export PATH

# Its exit status is that of the worst that it says.
doctor() {
	got=0
	timeout 60 appvssd/appvssctl/appvssctl --json --socket "$socket" \
		--history "$history" doctor --config "$TEST_DIR/appvssd.conf" \
		--runtime-dir "$runtime_dir" --hooks-dir "$hooks_dir" "$@" \
		>"$out" 2>&1 || got=$?
	expect_json
	worst=0
	! grep -q '^{"severity":"warning"' "$out" || worst=1
	! grep -q '^{"severity":"error"' "$out" || worst=2
	[ "$got" -eq "$worst" ] || die "exit status $got: $(cat "$out")"
}

# SEVERITY ABOUT PATTERN-OF-TEXT [PATTERN-OF-MEND]
finds() {
	expect "^\\{\"severity\":\"$1\",\"about\":\"$2\",\"text\":\"[^\"]*$3.*\"mend\":${4:-}"
}

say "nothing runs"
printf 'user = "%s"\nfreeze_ms = 14900\nnonsense = 1\n' "$(id -un)" \
	>"$TEST_DIR/appvssd.conf"
doctor
finds error configuration 'no such word'
finds error configuration 'does not fit into driver_ms' '"appvssd --check-config'
finds error appvssd 'is appvssd running' '".*start appvssd"'
finds warning history 'No such file'
printf 'user = "%s"\n' "$(id -un)" >"$TEST_DIR/appvssd.conf"
doctor
finds ok configuration 'driver.s 15000 ms'
finds error device '/dev/hv_appvss_dev: No such file'
printf 'user = "%s"\ndevice = "none"\n' "$(id -un)" >"$TEST_DIR/appvssd.conf"
doctor
finds note device 'only requestors'

say "all is there"
rm "$TEST_DIR/appvssd.conf"
DRIVER_MS=12000
broker_start
printf 'device = "%s"\n' "$TEST_DIR/dev/hv_appvss_dev" \
	>>"$TEST_DIR/appvssd.conf"
doctor
finds ok appvssd 'answers: appvssd '
finds warning participant 'nobody takes part' '"scripts in vss.d'
finds ok driver 'hv_appvss'
finds error driver 'its limit is 12000 ms, but driver_ms is 15000' \
	'"driver_ms = 12000'
finds ok device 'appvssd has '
finds ok device 'file systems is open'
finds ok history 'can be read'
finds ok socket 'mode 0660'
finds ok group 'members of'
printf 'driver_ms = 12000\nfs_ms = 2000\nfreeze_ms = 8000\n' \
	>>"$TEST_DIR/appvssd.conf"
start_bg db python3 tests/integration/broker_app.py "$socket" db
wait_for "$TEST_DIR/db.log" '^registered' 10
start_bg shy python3 tests/integration/broker_app.py "$socket" shy FAIL full
wait_for "$TEST_DIR/shy.log" '^registered' 10
ctl 0 --socket "$socket" drill
doctor
finds ok driver 'its limit is 12000 ms, driver_ms is 12000'
finds ok participant 'db is there, ready last time'
finds warning participant 'shy: failed, when it was asked last: full'
chmod 666 "$socket"
kill -9 "$(pid_of shy)"
until appvssd/appvssctl/appvssctl --socket "$socket" apps |
	grep -q 'shy.*absent'; do
	sleep 0.05
done
doctor
finds warning participant 'shy is known and is not there' \
	'".*appvssctl forget shy"'
finds warning socket 'everybody may connect' '"socket_mode = 0660'

say "hooks"
printf '#!/bin/sh\n' >"$hooks_dir/10-good"
cp "$hooks_dir/10-good" "$hooks_dir/20-open"
chmod 755 "$hooks_dir/10-good"
chmod 777 "$hooks_dir/20-open"
doctor
finds ok hooks 'scripts that would be run: 1'
finds error hooks 'refused.*20-open .writable by' '"mend its owner'

say "as text"
got=0
appvssd/appvssctl/appvssctl --socket "$socket" --history "$history" doctor \
	--config "$TEST_DIR/appvssd.conf" --hooks-dir "$hooks_dir" \
	--runtime-dir "$runtime_dir" >"$out" 2>&1 || got=$?
[ "$got" -eq 2 ] || die "exit status $got: $(cat "$out")"
expect '^ok       participant    db is there, ready last time$'
expect '^error    hooks          refused, '
expect '^ +-> mend its owner and mode'
expect '^[0-9]+ errors, [0-9]+ warnings, [0-9]+ notes, [0-9]+ ok$'
expect '^the next snapshot fails, or is worth less than it says$'

say "somebody else has the device, or nobody"
broker_stop
doctor
finds error device 'nobody has '
start_bg other python3 -c '
import socket, struct, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
s.send(struct.pack("=IIQ64s", 1, 4, 0, struct.pack("=I", 3)))
error, = struct.unpack_from("=i", s.recv(4096))
print("opened", error, flush=True)
time.sleep(600)
' "$TEST_DIR/dev/hv_appvss_dev"
wait_for "$TEST_DIR/other.log" '^opened 0$' 10
doctor
finds error device 'another program than appvssd has '
stop_bg other KILL || :

say "the history"
cp "$history" "$TEST_DIR/later.db"
sqlite3 "$history" 'PRAGMA user_version = 9'
doctor
finds error history 'of version 9'
mv "$TEST_DIR/later.db" "$history"
sqlite3 "$history" "UPDATE txn SET at_ms = at_ms + 86400000;
    DELETE FROM event WHERE kind = 'requested_by'"
doctor
finds error clock 'lies in the future'
if [ "$(id -u)" -eq 0 ] && [ "$(uname -s)" = Linux ]; then
	mkdir "$TEST_DIR/small"
	mount -t tmpfs -o size=512k tmpfs "$TEST_DIR/small"
	kept=$history
	history=$TEST_DIR/small/history.db
	doctor
	finds error history 'kB left'
	mount -o remount,ro "$TEST_DIR/small"
	doctor
	finds error history 'read-only'
	sed "s/^user = .*/user = \"nobody\"/" "$TEST_DIR/appvssd.conf" \
		>"$TEST_DIR/nobody.conf"
	doctor --config "$TEST_DIR/nobody.conf"
	finds error history 'nobody cannot write in' '"chown nobody '
	history=$kept
fi

say "programs that are not there, and one that does not end"
mkdir "$TEST_DIR/bin"
printf '#!/bin/sh\necho $$ >%s\nexec sleep 1000\n' "$TEST_DIR/hanging" \
	>"$TEST_DIR/bin/appvss-hooks"
chmod 755 "$TEST_DIR/bin/appvss-hooks"
PATH=$TEST_DIR/bin:/usr/bin:/bin doctor
finds error hooks 'does not end'
is_alive "$(cat "$TEST_DIR/hanging")" && die "it is left behind"
say "ok"
