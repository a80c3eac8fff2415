#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# QEMU's real guest agent freezes a real file system, with the hook of appvss:
# only the one that is named, never all.
set -eu
. tests/integration/lib.sh
. tests/integration/agents_lib.sh

need_root_loop
command -v qemu-ga >/dev/null || skip "qemu-ga is not installed"

# One command of its protocol; the answer.
agent() {
	python3 - "$TEST_DIR/qga.sock" "$1" <<'ASK'
import json, socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(60)
sock.connect(sys.argv[1])
sock.sendall(sys.argv[2].encode() + b"\n")
print(json.dumps(json.loads(sock.makefile().readline())))
ASK
}

MOUNT=$(make_mount ext4 32 data)
# No file system is frozen without its name.
freeze="{\"execute\": \"guest-fsfreeze-freeze-list\",
	\"arguments\": {\"mountpoints\": [\"$MOUNT\"]}}"
agents_start 'participant "db" { user = "root" required = true }'
# Its thaw tries every file system that it sees: let it see no other test's.
# shellcheck disable=SC2016
start_bg qga unshare --mount --propagation private sh -c '
	mount=$1
	shift
	awk -v own="$mount" "\$5 != \"/\" && \$5 != own { print \$5 }" \
		/proc/self/mountinfo | grep "^/tmp/appvss-test" | sort -r |
		while read -r other; do
			umount "$other" || umount -l "$other"
		done
	exec "$@"' qga "$MOUNT" qemu-ga --method=unix-listen --path="$TEST_DIR/qga.sock" \
	--statedir="$TEST_DIR" --pidfile="$TEST_DIR/qga-own.pid" --verbose \
	--logfile="$TEST_DIR/qga-own.log" \
	--fsfreeze-hook="$SHARE/qemu-ga/fsfreeze-hook"
tries=200
until [ -S "$TEST_DIR/qga.sock" ]; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "qemu-ga does not listen"
	sleep 0.05
done

say "a snapshot"
agents_app db
[ "$(agent "$freeze")" = '{"return": 1}' ] || die "qemu-ga does not freeze"
is_frozen "$MOUNT" || die "nothing is frozen"
appvssd/appvssctl/appvssctl status | grep -q ': held' || die "db is not held"
wait_for "$TEST_DIR/db.log" '^freeze' 1
agent '{"execute": "guest-fsfreeze-thaw"}' >"$TEST_DIR/answer"
[ "$(cat "$TEST_DIR/answer")" = '{"return": 1}' ] ||
	die "qemu-ga does not thaw: $(cat "$TEST_DIR/answer")"
! is_frozen "$MOUNT" || die "still frozen"
wait_for "$TEST_DIR/db.log" '^thaw done' 10
agents_expect 'done|application|'

say "a veto"
kill -9 "$(pid_of db)"
agents_app veto
wait_for "$TEST_DIR/appvssd.log" 'event=registered name=veto' 10
agent "$freeze" >"$TEST_DIR/answer"
grep -q '"error"' "$TEST_DIR/answer" || die "frozen in spite of a veto"
! is_frozen "$MOUNT" || die "frozen in spite of a veto"
agents_expect 'aborted|none|absent'
[ "$(agent '{"execute": "guest-fsfreeze-status"}')" = \
	'{"return": "thawed"}' ] || die "qemu-ga believes that it froze"
