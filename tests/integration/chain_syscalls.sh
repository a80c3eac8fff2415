#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The system calls of the broker from the first FREEZE to the end of THAW, while
# its log and its history lie on the frozen disk, and clients come and go:
# sockets, the event loop and memory, and nothing that names or writes a file.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

command -v strace >/dev/null || skip "strace is not installed"
APPVSSD_LOG=$TEST_DIR/data/appvssd.log
chain_start "log_path = \"$APPVSSD_LOG\"" 'log_level = "debug"'
start_bg strace strace -f -tt -s 300 -o "$TEST_DIR/calls" -p "$(chain_broker_pid)"
wait_for "$TEST_DIR/strace.log" 'attached' 10
chain_ledger one
chain_ledger two
chain_reply freeze '^reply op=FREEZE status=0x00000000'
is_frozen "$MOUNT" || die "$MOUNT is not frozen"
for _ in 1 2 3; do
	APPVSS_SOCKET=$SOCKET appvssd/appvssctl/appvssctl status \
		>"$TEST_DIR/status.log" || die "no STATUS while held"
done
printf 'HELLO version=1\nREGISTER name=late\nUNREGISTER name=late\nREGISTER =\n' |
	python3 -c '
import socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
sock.sendall(sys.stdin.buffer.read())
while sock.recv(4096):
    pass
' "$SOCKET"
chain_reply thaw '^reply op=THAW status=0x00000000'
chain_await_state 'done'
wait_for "$APPVSSD_LOG" 'event=forgotten name=late' 10
stop_bg strace INT || :

awk '
	/sendto\(.*"FREEZE name=/ { frozen = 1 }
	frozen { window[++n] = $0; if (/recvfrom\(.*op=thaw/) last = n }
	END { for (i = 1; i <= last; i++) print window[i] }
' "$TEST_DIR/calls" >"$TEST_DIR/window"
[ "$(grep -c 'sendto(.*"FREEZE name=' "$TEST_DIR/window")" -eq 2 ] ||
	die "the window is not that of the freeze"
[ "$(grep -c 'op=thaw' "$TEST_DIR/window")" -eq 2 ] ||
	die "the window is not that of the thaw"
if grep -vE ' (epoll_(p?wait2?|ctl)|recvfrom|sendto|recvmsg|sendmsg|accept4?|getsockopt|fcntl|close|poll|brk|mmap|munmap|mremap|madvise|clock_gettime|gettimeofday|getpid|getrandom|prlimit64|restart_syscall)\(' \
	"$TEST_DIR/window" >"$TEST_DIR/others.log"; then
	die "the broker did more than that while frozen"
fi
grep -c . "$TEST_DIR/window"
