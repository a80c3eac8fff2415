# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# For parent_*.sh: an appvssd with a broker that only tells what it was given,
# and a history process that only reads.  Sourced after lib.sh.
#
#	write_config [LINE...]	TEST_DIR/appvssd.conf, for the test's own paths;
#				a LINE replaces the one of the same word
#	start_parent NAME [OPTION...]	in the foreground; waits until it is ready
#	ask			one line of the broker, in answer
#	field NAME LINE		the value of NAME= in it
#	wait_field NAME VALUE	asks until NAME is VALUE; prints the line

APPVSSD=tests/unit/parent_with_fake_broker
RUN_DIR=$TEST_DIR/run
SOCKET=$RUN_DIR/appvssd.sock
ME=$(id -un)

# shellcheck disable=SC2016 # the script expands them
printf '%s\n' '#!/bin/sh' \
	'echo "history started pid=$$ uid=$(id -u) args=$*" >&2' \
	'cat <&3 >/dev/null' \
	'echo "history ends pid=$$" >&2' >"$TEST_DIR/history"
chmod 755 "$TEST_DIR/history"

write_config() {
	{
		for config_line in "user = \"$ME\"" "device = none" \
			"socket_path = \"$SOCKET\"" \
			"history_path = \"$TEST_DIR/history.db\"" \
			"history_program = \"$TEST_DIR/history\""; do
			for config_other; do
				[ "${config_other%% *}" != "${config_line%% *}" ] ||
					config_line=
			done
			printf '%s\n' "$config_line"
		done
		for config_line; do
			printf '%s\n' "$config_line"
		done
	} >"$TEST_DIR/appvssd.conf"
	chmod 644 "$TEST_DIR/appvssd.conf"
}

start_parent() {
	parent_name=$1
	shift
	start_bg "$parent_name" "$APPVSSD" --foreground \
		--config "$TEST_DIR/appvssd.conf" "$@"
	wait_for "$TEST_DIR/$parent_name.log" 'event=ready' 10
}

ask() {
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
data = b""
while True:
    part = s.recv(4096)
    if not part:
        break
    data += part
sys.stdout.write(data.decode())
' "$SOCKET"
}

field() {
	printf '%s\n' "$2" | tr ' ' '\n' | sed -n "s/^$1=//p"
}

wait_field() {
	field_tries=200
	while :; do
		field_line=$(ask) || die "no answer"
		[ "$(field "$1" "$field_line")" = "$2" ] && break
		field_tries=$((field_tries - 1))
		[ "$field_tries" -gt 0 ] || die "$1 is not $2: $field_line"
		sleep 0.05
	done
	printf '%s\n' "$field_line"
}
