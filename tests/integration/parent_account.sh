#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Started by root, broker and history process are somebody else, for good.
set -eu
. tests/integration/lib.sh
. tests/integration/parent_common.sh
[ "$(id -u)" -eq 0 ] || skip "changing the user needs root"

ME=nobody
uid=$(id -u nobody)
gid=$(id -g nobody)
write_config
start_parent appvssd
line=$(wait_field histories 1)
[ "$(field uid "$line")" = "$uid" ] || die "the broker's uid: $line"
[ "$(field gid "$line")" = "$gid" ] || die "the broker's gid: $line"
[ "$(field groups "$line")" = 1 ] || die "groups of root are left: $line"
wait_for "$TEST_DIR/appvssd.log" "history started pid=[0-9]+ uid=$uid " 10
broker=$(field pid "$line")
if [ -e "/proc/$broker/status" ]; then
	grep -q 'NoNewPrivs:[[:space:]]*1' "/proc/$broker/status" ||
		die "the broker may gain privileges"
	[ "$(awk '/^Uid:/ { print $2 $3 $4 $5 }' "/proc/$broker/status")" = \
		"$uid$uid$uid$uid" ] || die "a way back to root"
	grep -q 'CapEff:[[:space:]]*0000000000000000' \
		"/proc/$broker/status" || die "capabilities are left"
	# A container may forbid it: then that is said.
	grep -q 'against=out_of_memory' "$TEST_DIR/appvssd.log" ||
		[ "$(cat "/proc/$broker/oom_score_adj")" = -1000 ] ||
		die "not protected from the out-of-memory killer"
fi
# The directory stays root's: the pidfile is obeyed by root's scripts.
[ "$(stat -c '%u %a' "$RUN_DIR")" = "0 755" ] || die "owner of $RUN_DIR"
[ "$(stat -c '%u %g %a' "$SOCKET")" = "$uid $gid 660" ] ||
	die "owner of the socket: $(stat -c '%u %g %a' "$SOCKET")"
stop_bg appvssd || die "SIGTERM: exit status $?"
