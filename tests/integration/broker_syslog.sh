#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# syslog(3) as the log: the parent's lines and, by way of it, the broker's.  With
# a /dev/log of the test's own.
set -eu
. tests/integration/lib.sh

[ "$(id -u)" -eq 0 ] || skip "a mount namespace needs root"
unshare -m true 2>/dev/null || skip "there are no mount namespaces here"
DEV=$TEST_DIR/fakedev
mkdir "$DEV"
printf '%s\n' 'user = "root"' 'log_path = "syslog"' \
	"history_program = \"$PWD/appvssd/appvssd-history\"" \
	>"$TEST_DIR/appvssd.conf"
# shellcheck disable=SC2016 # the inner shell expands them
start_bg namespace unshare -m sh -c '
	mount -t tmpfs tmpfs "$1" &&
	for node in null zero urandom; do
		touch "$1/$node" && mount --bind "/dev/$node" "$1/$node"
	done &&
	mount --rbind "$1" /dev &&
	exec python3 tests/integration/broker_log.py syslog "$2"' \
	sh "$DEV" "$TEST_DIR"
wait_for "$TEST_DIR/namespace.log" \
	'^<30>.* appvssd\[[0-9]+\]: program=appvssd-broker pid=[0-9]+ level=info event=registered name=to_syslog ' 20
wait_for "$TEST_DIR/namespace.log" \
	'^<30>.* appvssd\[[0-9]+\]: level=info event=ready ' 10
! grep -q 'time=' "$TEST_DIR/namespace.log" || die "two times in a line"
wait_bg namespace 20 || die "appvssd did not end well"
