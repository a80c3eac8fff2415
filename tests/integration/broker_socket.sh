#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The running broker and clients that speak well and badly: each gets the answer
# that the protocol says, and the broker serves the next.
set -eu
. tests/integration/lib.sh

# Bound to another user than the one that claims it.
if [ "$(id -u)" -eq 0 ]; then
	other=daemon
	chmod 711 "$TEST_DIR"
else
	other=root
fi
cat >"$TEST_DIR/appvssd.conf" <<EOF
user = "$(id -un)"
history_program = "$PWD/appvssd/appvssd-history"
socket_mode = 0666
stall_ms = 2000
participant "expected" {
	user = "$(id -un)"
	expect = true
}
participant "theirs" {
	user = "$other"
	required = true
	expect = true
}
EOF
start_bg appvssd appvssd/appvssd --foreground --device none \
	--config "$TEST_DIR/appvssd.conf" --socket "$TEST_DIR/socket" \
	--history "$TEST_DIR/history.db"
wait_for "$TEST_DIR/appvssd.log" 'event=ready' 10
python3 tests/integration/broker_socket.py "$TEST_DIR/socket"

# Who was there without UNREGISTER is absent after a restart, not unknown.
printf 'HELLO version=1\nREGISTER name=stays\nREGISTER name=leaves\nUNREGISTER name=leaves\n' |
	python3 -c '
import socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
sock.sendall(sys.stdin.buffer.read())
seen = b""
while seen.count(b"\n") < 4:
    seen += sock.recv(4096)
' "$TEST_DIR/socket"
stop_bg appvssd || die "appvssd did not end well"
start_bg appvssd appvssd/appvssd --foreground --device none \
	--config "$TEST_DIR/appvssd.conf" --socket "$TEST_DIR/socket" \
	--history "$TEST_DIR/history.db"
wait_for "$TEST_DIR/appvssd.log" 'event=ready' 10
tries=100
until APPVSS_SOCKET=$TEST_DIR/socket appvssd/appvssctl/appvssctl status \
	>"$TEST_DIR/status" && grep -q 'stays.*absent' "$TEST_DIR/status"; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "stays is not known: $(cat "$TEST_DIR/status")"
	sleep 0.05
done
grep -q leaves "$TEST_DIR/status" && die "leaves is still known"
stop_bg appvssd || die "appvssd did not end well"

# Each line of the manual, byte by byte, with limits that are near.
cat >"$TEST_DIR/table.conf" <<EOF
user = "$(id -un)"
history_program = "$PWD/appvssd/appvssd-history"
participant "must" {
	user = "$(id -un)"
	expect = true
}
max_names = 4
max_clients = 6
hold_max_ms = 5000
driver_ms = 6000
fs_ms = 1000
freeze_ms = 3000
check_ms = 3000
thaw_ms = 2000
EOF
start_bg appvssd appvssd/appvssd --foreground --device none \
	--config "$TEST_DIR/table.conf" --socket "$TEST_DIR/socket" \
	--history "$TEST_DIR/table.db"
wait_for "$TEST_DIR/appvssd.log" 'event=ready' 10
PYTHONDONTWRITEBYTECODE=1 python3 tests/integration/broker_table.py \
	"$TEST_DIR/socket" "$(pid_of appvssd)" "$TEST_DIR/table.conf"
wait_bg appvssd 15 || die "appvssd did not end well"
