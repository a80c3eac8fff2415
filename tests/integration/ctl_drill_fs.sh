#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvssctl drill --fs: the file system thaws before the applications, also when
# appvssctl is killed while all is frozen.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/broker_lib.sh
. tests/integration/broker_lib.sh
# shellcheck source=tests/integration/ctl_lib.sh
. tests/integration/ctl_lib.sh
need_root_loop

runtime_dir=$TEST_DIR/run
daemon=kernel/hv_vss_daemon/hv_vss_daemon
mkdir "$runtime_dir"
mount -t tmpfs -o size=1m tmpfs "$runtime_dir"
a=$(make_mount ext4 16 a)
b=$(make_mount ext4 16 b)
APPVSS_SOCKET=$TEST_DIR/socket
export APPVSS_SOCKET

ctl 69 drill --fs "$a" --runtime-dir "$runtime_dir"
expect 'is it running'
ctl 64 drill --fs relative --runtime-dir "$runtime_dir"

printf 'user = "root"\nhistory_program = "%s/appvssd/appvssd-history"\n' \
	"$PWD" >"$TEST_DIR/appvssd.conf"
start_sim "$TEST_DIR/dev"
start_daemon() {
	start_bg daemon "$daemon" -n --device "$TEST_DIR/dev/hv_fsvss_dev" \
		--runtime-dir "$runtime_dir" --mount "$a"
	wait_for "$TEST_DIR/daemon.log" 'event=started' 10
}

# What doctor says of writers, of a daemon that runs already.
doctor_writers() {
	PATH=$PWD/kernel/hv_vss_daemon:$PWD/appvssd:$PATH timeout 60 \
		appvssd/appvssctl/appvssctl --history "$history" "$@" doctor \
		--config "$TEST_DIR/appvssd.conf" \
		--runtime-dir "$runtime_dir" >"$TEST_DIR/doctor" 2>&1 || :
	grep -A 1 writers "$TEST_DIR/doctor" >"$out" ||
		die "nothing of writers: $(cat "$TEST_DIR/doctor")"
}

start_daemon
broker_appvssd

# What state the daemon is in when the participant is told to thaw.
start_bg app python3 -u -c '
import re, socket, sys
sys.path.insert(0, "tests/integration")
from broker_rig import Client
app = Client(sys.argv[1])
app.sock.settimeout(None)
app.register("app", "")
print("registered")
while True:
    line = app.line()
    if line is None:
        break
    verb, keys = line.split(" ", 1)
    request = dict(re.findall(r"([a-z_]+)=(\S+)", keys))
    op = verb.lower()
    if op == "thaw":
        control = socket.socket(socket.AF_UNIX)
        control.connect(sys.argv[2] + "/hv_vss_daemon.sock")
        control.sendall(b"STATUS\n")
        print("thaw", re.search("state=([a-z]+)",
            control.recv(4096).decode()).group(1))
    else:
        print(op)
    app.answer("READY", op, request, "")
' "$APPVSS_SOCKET" "$runtime_dir"
wait_for "$TEST_DIR/app.log" '^registered' 10

say "it goes well"
ctl 0 drill --fs "$a" --runtime-dir "$runtime_dir" --require-application
expect "^  file system    $a frozen in [0-9.]+ m?s, thawed after [0-9.]+ m?s, before the applications\$"
expect 'freeze, done, consistency application$'
is_thawed "$a" || die "it stays frozen"
grep -q 'event=drill_ok' "$TEST_DIR/daemon.log" || die "the daemon froze nothing"
wait_for "$TEST_DIR/app.log" '^thaw idle$' 5
ctl 0 drill --json --fs "$a" --runtime-dir "$runtime_dir"
expect_json
expect "^\\{\"kind\":\"filesystem\",\"mount\":\"$a\",\"freeze_ms\":[0-9]+,\"frozen_ms\":[0-9]+,\"error\":\"\"\\}\$"

say "what is open for writing there"
doctor_writers
expect '^ok +writers +.*nothing open for writing on what is frozen .file systems: 1.$'
doctor_writers --json
expect '^\{"severity":"ok","about":"writers",'

say "one that no snapshot would freeze"
ctl 69 drill --fs "$b" --runtime-dir "$runtime_dir"
expect 'would not be frozen'
wait_for "$TEST_DIR/app.log" '^thaw idle$' 5 3

# appvssctl and the daemon in the middle of a drill: both are stopped, the
# applications are held.  Then the daemon goes on, and freezes.
start_frozen() {
	kill -STOP "$(pid_of daemon)"
	thaws=$(grep -c '^thaw' "$TEST_DIR/app.log" || :)
	start_bg drill appvssd/appvssctl/appvssctl --history "$history" drill \
		--fs "$a" --runtime-dir "$runtime_dir"
	wait_for "$TEST_DIR/app.log" '^freeze' 10 $((thaws + 1))
	# Its second process is there, so it waits for the daemon soon.
	tries=200
	until [ -n "$(pgrep -P "$(pid_of drill)")" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "no second process"
		sleep 0.05
	done
	tries=200
	until grep -q 'poll' "/proc/$(pid_of drill)/wchan" 2>/dev/null ||
		[ "$(cut -d ' ' -f 1 "/proc/$(pid_of drill)/syscall")" = 7 ] ||
		grep -Eq '^(271|73) ' "/proc/$(pid_of drill)/syscall"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "it does not wait for the daemon"
		sleep 0.05
	done
}

no_thaw_yet() {
	[ "$(grep -c '^thaw' "$TEST_DIR/app.log")" -eq "$thaws" ] ||
		die "applications thawed first: $(cat "$TEST_DIR/app.log")"
}

thawed_in_order() {
	wait_for "$TEST_DIR/app.log" '^thaw' 20 $((thaws + 1))
	[ "$(tail -n 1 "$TEST_DIR/app.log")" = "thaw idle" ] ||
		die "applications thawed first: $(cat "$TEST_DIR/app.log")"
	is_thawed "$a" || die "it stays frozen"
}

say "killed before the daemon has frozen"
start_frozen
kill -9 "$(pid_of drill)"
wait_bg drill 10 || :
sleep 1 # a thaw that came too early would come at once
no_thaw_yet
kill -CONT "$(pid_of daemon)"
thawed_in_order

say "killed while all is frozen"
start_frozen
kill -STOP "$(pid_of drill)"
kill -CONT "$(pid_of daemon)"
tries=200
until "$daemon" --status --runtime-dir "$runtime_dir" | grep -qx 'state=drill'; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "nothing is frozen"
	sleep 0.05
done
is_frozen "$a" || die "it is not frozen"
no_thaw_yet
kill -9 "$(pid_of drill)"
wait_bg drill 10 || :
thawed_in_order
grep -q 'reason="the connection has ended"' "$TEST_DIR/daemon.log" ||
	die "not because of the connection"

say "the daemon killed while all is frozen"
start_frozen
kill -STOP "$(pid_of drill)"
kill -CONT "$(pid_of daemon)"
until "$daemon" --status --runtime-dir "$runtime_dir" | grep -qx 'state=drill'; do
	sleep 0.05
done
stop_bg daemon KILL || :
is_thawed "$a" || die "the guardian does not thaw"
kill -CONT "$(pid_of drill)"
status=0
wait_bg drill 20 || status=$?
[ "$status" -eq 69 ] || die "exit status $status"
grep -q 'not thawed in good order' "$TEST_DIR/drill.log" ||
	die "it does not say so: $(cat "$TEST_DIR/drill.log")"
broker_stop

say "the daemon logs to what it freezes, and so does the broker"
start_bg daemon sh -c "exec $daemon -n --device $TEST_DIR/dev/hv_fsvss_dev \
	--runtime-dir $runtime_dir --mount $a 2>$a/daemon.log"
wait_for "$a/daemon.log" 'event=started' 10
echo "ITEM kind=broker state=idle pid=$(pid_of daemon)
END verb=STATUS" >"$TEST_DIR/answer"
start_bg server python3 tests/integration/history_server.py \
	"$TEST_DIR/played" "$TEST_DIR/answer"
wait_for "$TEST_DIR/server.log" '^listening' 10
doctor_writers --socket "$TEST_DIR/played"
pid=$(pid_of daemon)
expect "^error +writers +hv_vss_daemon .pid $pid. has descriptor 2 open for writing on $a .$a/daemon.log.: it refuses to freeze there, so every snapshot fails\$"
expect '^ +-> let it write elsewhere.* restart'
expect "^warning +writers +the guardian of .* descriptor 2 open for writing on $a "
expect "^warning +writers +appvssd's broker .pid $pid. has descriptor 2 open"
# It does refuse.
! "$daemon" --drill 100 --runtime-dir "$runtime_dir" >"$out" 2>&1 ||
	die "it freezes all the same"
expect 'descriptor 2 of this program is open for writing there'
stop_bg daemon TERM || :
say "ok"
