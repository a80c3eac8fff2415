#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The running broker and history process are confined, and nothing that they do
# in all their life, with a thousand clients, is what the kernel refuses.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

[ "$(uname -s)" = Linux ] || skip "seccomp is Linux's"
command -v strace >/dev/null || skip "strace is not installed"
# Under strace on a busy machine all of this takes a while.
DRIVER_MS=120000
broker_start 'driver_ms = 120000' 'freeze_ms = 60000' 'slice_ms = 60000' \
	'thaw_ms = 60000' 'max_clients = 1200' 'max_clients_per_uid = 1200' \
	'max_names = 1200' 'max_names_per_uid = 1200' 'log_level = "debug"'
! grep -q 'event=not_confined text="Operation not supported"' \
	"$TEST_DIR/appvssd.log" || skip "this build is not confined"
! grep -q 'event=not_confined' "$TEST_DIR/appvssd.log" ||
	skip "the kernel refuses to confine"

history_pid() {
	pgrep -P "$(pid_of appvssd)" -f appvssd-history
}

broker_case confined settle
for process in "$(broker_pid)" "$(history_pid)"; do
	grep -q '^Seccomp:[[:space:]]*2' "/proc/$process/status" ||
		die "process $process has no filter"
	grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$process/status" ||
		die "process $process may gain privileges"
	[ "$(id -u)" -ne 0 ] ||
		grep -q '^Max core file size *0 ' "/proc/$process/limits" ||
		die "process $process may write a core"
done
# Locked, or it was said that it could not be.
grep -q 'event=not_protected against=paging' "$TEST_DIR/appvssd.log" ||
	[ "$(awk '/^VmLck:/ { print $2 }' "/proc/$(broker_pid)/status")" -gt 0 ] ||
	die "the broker's memory is not locked"

# From the very start of another broker to its end.
start_bg strace strace -ff -o "$TEST_DIR/calls" -p "$(pid_of appvssd)"
wait_for "$TEST_DIR/strace.log" attached 10
kill -9 "$(broker_pid)"
wait_for "$TEST_DIR/appvssd.log" 'event=ready' 60 2
broker_case confined thousand
kill -9 "$(history_pid)"
wait_for "$TEST_DIR/appvssd.log" 'event=history_started' 60 3
kill -HUP "$(pid_of appvssd)"
broker_case confined settle
kill -TERM "$(pid_of appvssd)"
wait_bg appvssd 60 || die "appvssd did not end well"
wait_bg strace 60 || :

confined=0
for calls in "$TEST_DIR"/calls.*; do
	grep -q 'PR_SET_SECCOMP' "$calls" || continue
	confined=$((confined + 1))
	! sed '1,/PR_SET_SECCOMP/d' "$calls" |
		grep -E '= -1 (EPERM|ENOSYS|EACCES)|SIGSYS' \
			>"$TEST_DIR/refused.log" || die "refused to $calls"
done
[ "$confined" -ge 3 ] || die "$confined processes were seen"
