#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a person meets: options, mistakes in the configuration, the daemon.
set -eu
. tests/integration/lib.sh
. tests/integration/parent_common.sh

conf=$TEST_DIR/appvssd.conf

# expect STATUS WORDS OPTION...
expect() {
	wanted_status=$1
	words=$2
	shift 2
	status=0
	timeout -k 5 20 "$APPVSSD" "$@" >"$TEST_DIR/out.log" 2>&1 || status=$?
	[ "$status" -eq "$wanted_status" ] ||
		die "$*: exit status $status instead of $wanted_status"
	grep -q -- "$words" "$TEST_DIR/out.log" ||
		die "$*: not said: $words; but: $(cat "$TEST_DIR/out.log")"
}

expect 0 '^usage: appvssd' --help
expect 0 '^appvssd [0-9]' --version
expect 64 'unrecognized option' --no-such-option
expect 64 'stray: not understood' --foreground stray
expect 64 'requires an argument' --config
expect 64 '--socket: the argument is empty' --foreground --socket=
expect 78 'no/such: No such file' --config /no/such --check-config

write_config
expect 0 'configuration is good' --check-config --config "$conf"
write_config 'freeze_ms = 12000'
expect 78 'freeze_ms 12000 + commit_ms 500 + fs_ms 4000 = 16500 does not fit' \
	--check-config --config "$conf"
write_config 'freezems = 12000'
expect 78 "$conf:6: no such word: \"freezems\"" --check-config --config "$conf"
# The same without --check-config: nothing is started, no socket is made.
expect 78 "$conf:6: no such word: \"freezems\"" --foreground --config "$conf"
[ ! -e "$RUN_DIR" ] || die "something was made all the same"
write_config 'socket_group = "no-such-group"'
expect 67 'socket_group "no-such-group"' --check-config --config "$conf"
if [ "$(id -u)" -eq 0 ]; then
	write_config 'user = "no-such-user"'
	expect 67 'useradd.*no-such-user.*user = "root"' --check-config \
		--config "$conf"
fi

# The sample: as it is, and with every word switched on.
expect_sample() {
	chmod 644 "$conf"
	expect 0 'configuration is good' --check-config --config "$conf"
}
sed "1i user = \"$ME\"" appvssd/appvssd.conf.sample >"$conf"
expect_sample
# What is printed is a configuration, and prints the same.
grep -v '^#' "$TEST_DIR/out.log" >"$TEST_DIR/printed"
cp "$TEST_DIR/printed" "$conf"
expect_sample
grep -v '^#' "$TEST_DIR/out.log" | cmp - "$TEST_DIR/printed" ||
	die "what is printed is not what was read"
sed -e '/^#participant/,/^#}/s/^#//' -e '/^#access/,/^#}/s/^#//' \
	-e "s/group = {.*/group = $(id -g)/" -e 's/^#\([a-z]\)/\1/' \
	-e "s/user = .*/user = \"$ME\"/" appvssd/appvssd.conf.sample >"$conf"
[ "$(grep -c '^[^#].* = ' "$conf")" -gt 20 ] || die "not switched on"
expect_sample

# As a daemon: the caller returns when the broker listens; options win over the
# file; the pidfile lies beside the socket.
write_config "log_path = \"$TEST_DIR/daemon.log\"" \
	'socket_path = "/nonexistent/s"'
"$APPVSSD" --config "$conf" --socket "$SOCKET" || die "the daemon: status $?"
cp "$RUN_DIR/appvssd.pid" "$TEST_DIR/daemon.pid"
[ "$(cat "$SOCKET.lock")" = "$(cat "$RUN_DIR/appvssd.pid")" ] ||
	die "the lock names another process"
ask >/dev/null || die "the daemon does not answer"
daemon=$(pid_of daemon)
kill -TERM "$daemon"
wait_for "$TEST_DIR/daemon.log" 'event=stopped status=0' 15
tries=200
while kill -0 "$daemon" 2>/dev/null; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "the daemon still runs"
	sleep 0.05
done
rm "$TEST_DIR/daemon.pid"
[ -z "$(ls "$RUN_DIR")" ] || die "left behind: $(ls "$RUN_DIR")"
# What it says on its standard error is a line of the log too.
grep -q 'event=child_says text="history started' "$TEST_DIR/daemon.log" || die "history is mute"

# The caller of a daemon that cannot start hears of it.
expect 78 'must begin with /' --config "$conf" --socket relative.sock
status=0
FAKE_FAIL_START=1 "$APPVSSD" --config "$conf" --socket "$SOCKET" 2>/dev/null ||
	status=$?
[ "$status" -eq 70 ] || die "a failed start: exit status $status"
