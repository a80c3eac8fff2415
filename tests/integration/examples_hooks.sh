#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The example scripts, run by appvss-hooks: each stops its application between READY
# and thaw, and no longer; and what is refused as a configuration of a database.
# shellcheck disable=SC2119
set -eu
. tests/integration/hooks_env.sh
command -v flock >/dev/null || skip "no flock(1) here"

EXAMPLE_LOCK=$TEST_DIR/lock
EXAMPLE_SOCKET=$TEST_DIR/control
APPVSS_HOLD=$PWD/hooks/appvss-hold
WRITTEN=$TEST_DIR/written
PATH=$TEST_DIR/bin:$PATH
export EXAMPLE_LOCK EXAMPLE_SOCKET APPVSS_HOLD WRITTEN PATH
mkdir "$TEST_DIR/bin"
for name in hook.sh hook.py hook-rndc.sh; do
	install -m 755 "examples/$name" "$VSS_D/$name"
done

# The applications: a writer with a lock, ...
cat >"$TEST_DIR/bin/writer" <<'SCRIPT'
#!/bin/sh
while :; do
	flock "$EXAMPLE_LOCK" sh -c 'echo line >>"$WRITTEN"'
	sleep 0.02
done
SCRIPT
# ... one with a control socket, ...
cat >"$TEST_DIR/bin/server" <<'SCRIPT'
import os, socket
listener = socket.socket(socket.AF_UNIX)
listener.bind(os.environ["EXAMPLE_SOCKET"])
listener.listen(4)
print("listening", flush=True)
while True:
    client, _ = listener.accept()
    line = client.makefile().readline().strip()
    print(line, flush=True)
    client.sendall(b"ok\n" if line in ("pause", "resume") else b"what?\n")
    client.close()
SCRIPT
# ... and one with an admin command.
cat >"$TEST_DIR/bin/rndc" <<'SCRIPT'
#!/bin/sh
[ -e "$EXAMPLE_LOCK.rndc" ] || exit 1
echo "rndc $1" >>"$CALLS"
SCRIPT
chmod 755 "$TEST_DIR/bin/"*
touch "$EXAMPLE_LOCK.rndc" "$WRITTEN"
start_bg writer "$TEST_DIR/bin/writer"
start_bg server python3 "$TEST_DIR/bin/server"
wait_for "$TEST_DIR/server.log" '^listening' 10
start_broker
start_hooks hooks
for name in hook.sh hook.py hook-rndc.sh; do
	received "^REGISTER name=$name " 10
done

lines() {
	wc -l <"$WRITTEN"
}

writes() {
	before=$(lines)
	wait_for "$WRITTEN" line 10 $((before + 3))
}

say "each stops its application"
writes
for name in hook.sh hook.py hook-rndc.sh; do
	freeze "$name" 1 10000
	received "^READY name=$name id=1 op=freeze" 15
done
before=$(lines)
sleep 0.3
[ "$(lines)" -eq "$before" ] || die "it writes while frozen"
wait_for "$TEST_DIR/server.log" '^pause' 1
called '^rndc freeze' 1
grep -q 'resume' "$TEST_DIR/server.log" && die "resumed too early"

say "and lets it go on"
for name in hook.sh hook.py hook-rndc.sh; do
	thaw "$name" 1 'done' 10000
	received "^READY name=$name id=1 op=thaw" 15
done
writes
wait_for "$TEST_DIR/server.log" '^resume' 1
called '^rndc thaw' 1

say "an application that does not run"
stop_bg server KILL || :
rm "$EXAMPLE_LOCK.rndc" "$EXAMPLE_SOCKET"
freeze hook-rndc.sh 2
received '^READY name=hook-rndc.sh id=2 op=freeze' 15
freeze hook.py 2 10000
received '^FAIL name=hook.py id=2 op=freeze .*No such file' 15
for name in hook.py hook-rndc.sh; do
	thaw "$name" 2 aborted 10000
	received "^READY name=$name id=2 op=thaw" 15
done

say "the configuration of a database script has to be root's"
mkdir "$TEST_DIR/hooks.d"
refused() {
	APPVSS_HOOKS_D=$TEST_DIR/hooks.d APPVSS_RUNTIME_DIR=$RUN_DIR \
		hooks/databases/sqlite freeze >"$TEST_DIR/refused" 2>&1 &&
		die "a freeze with $1"
	wait_for "$TEST_DIR/refused" "$2" 1
}
refused "no configuration" 'names no files'
echo "files=$TEST_DIR/no.db" >"$TEST_DIR/hooks.d/sqlite.conf"
refused "a file that is not there" 'no such file'
chmod 666 "$TEST_DIR/hooks.d/sqlite.conf"
refused "a file that all can write" "is not root's"
chmod 644 "$TEST_DIR/hooks.d/sqlite.conf"
chmod 777 "$TEST_DIR/hooks.d"
refused "a directory that all can write" "is not root's"
[ ! -e "$RUN_DIR/sqlite.hold" ] || die "something is held"
say "passed"
