#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The socket: a stale one is replaced, one that is answered is not; nothing else
# is ever removed; a directory that others can write to is refused.
set -eu
. tests/integration/lib.sh
. tests/integration/parent_common.sh

# Must fail with this status, and these words.
refused() {
	refused_status=0
	timeout -k 5 20 "$APPVSSD" --foreground \
		--config "$TEST_DIR/appvssd.conf" \
		>"$TEST_DIR/refused.log" 2>&1 || refused_status=$?
	[ "$refused_status" -eq "$1" ] ||
		die "exit status $refused_status instead of $1, for: $2"
	grep -q -- "$2" "$TEST_DIR/refused.log" ||
		die "not said: $2; but: $(cat "$TEST_DIR/refused.log")"
}

write_config 'socket_mode = 0600'
start_parent first
[ "$(stat -c %a "$RUN_DIR")" = 755 ] || die "mode of the directory"
[ "$(stat -c %a "$SOCKET")" = 600 ] || die "mode of the socket"
inode=$(ls -i "$SOCKET")

refused 69 "another appvssd serves $SOCKET: process $(pid_of first)\$"
[ "$(ls -i "$SOCKET")" = "$inode" ] || die "the socket was replaced"
ask >/dev/null || die "the first does not answer any more"
# Nor if it is too busy to answer, or its socket's name was removed.
mv "$SOCKET" "$SOCKET.away"
refused 69 "another appvssd serves $SOCKET"
mv "$SOCKET.away" "$SOCKET"

# Killed: it leaves a socket that nobody answers on.  Its broker sees that the
# parent has gone, and ends, before anybody can call the socket stale.
broker=$(field pid "$(ask)")
kill -9 "$(pid_of first)"
wait_bg first 10 || :
tries=200
while kill -0 "$broker" 2>/dev/null; do
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "a broker without a parent goes on"
	sleep 0.05
done
[ -S "$SOCKET" ] || die "no stale socket to test with"
start_parent second
ask >/dev/null || die "the second does not answer"

# Somebody else's socket in its place survives its end.
rm "$SOCKET"
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$SOCKET"
stop_bg second || die "SIGTERM: exit status $?"
[ -S "$SOCKET" ] || die "a socket that was not ours was removed"

# Somebody who answers there, with no lock, is left alone as well.
rm "$SOCKET"
start_bg stranger python3 -c 'import socket, sys, time
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(8)
print("listens", flush=True)
time.sleep(600)' "$SOCKET"
wait_for "$TEST_DIR/stranger.log" listens 10
refused 69 "another appvssd serves $SOCKET"
[ -S "$SOCKET" ] || die "a socket that is answered was removed"
stop_bg stranger KILL || :

# A file is not touched.
rm "$SOCKET"
echo precious >"$SOCKET"
refused 73 "$SOCKET is not a socket"
[ "$(cat "$SOCKET")" = precious ] || die "a file was changed"
rm "$SOCKET"

chmod 777 "$RUN_DIR"
refused 77 "socket directory $RUN_DIR has mode 0777"
chmod 1777 "$RUN_DIR"
refused 77 "socket directory $RUN_DIR has mode 1777"
chmod 755 "$RUN_DIR"
if [ "$(id -u)" -eq 0 ]; then
	chown nobody "$RUN_DIR"
	refused 77 "socket directory $RUN_DIR belongs to user"
	chown 0 "$RUN_DIR"
fi
mv "$RUN_DIR" "$RUN_DIR.real"
ln -s "$RUN_DIR.real" "$RUN_DIR"
refused 77 "socket directory $RUN_DIR is a symbolic link"
rm "$RUN_DIR"
mv "$RUN_DIR.real" "$RUN_DIR"

# The same holds for the history, and its file, and the journal that is put into
# it.
HISTORY_DIR=$TEST_DIR/kept
mkdir "$HISTORY_DIR"
sed -i.bak "s|^history_path = .*|history_path = \"$HISTORY_DIR/h.db\"|" \
	"$TEST_DIR/appvssd.conf"
chmod 775 "$HISTORY_DIR"
refused 77 "history directory $HISTORY_DIR has mode 0775"
chmod 755 "$HISTORY_DIR"
mv "$HISTORY_DIR" "$HISTORY_DIR.real"
ln -s "$HISTORY_DIR.real" "$HISTORY_DIR"
refused 77 "history directory $HISTORY_DIR is a symbolic link"
rm "$HISTORY_DIR"
mv "$HISTORY_DIR.real" "$HISTORY_DIR"
for file in h.db h.db-journal; do
	echo precious >"$HISTORY_DIR/$file"
	chmod 620 "$HISTORY_DIR/$file"
	refused 77 "$HISTORY_DIR/$file has mode 0620"
	chmod 600 "$HISTORY_DIR/$file"
	if [ "$(id -u)" -eq 0 ]; then
		chown nobody "$HISTORY_DIR/$file"
		refused 77 "$HISTORY_DIR/$file belongs to user"
		chown nobody "$HISTORY_DIR"
		refused 77 "history directory $HISTORY_DIR belongs to user"
		chown 0 "$HISTORY_DIR" "$HISTORY_DIR/$file"
	fi
	mv "$HISTORY_DIR/$file" "$TEST_DIR/elsewhere"
	ln -s "$TEST_DIR/elsewhere" "$HISTORY_DIR/$file"
	refused 77 "$HISTORY_DIR/$file is a symbolic link"
	rm "$HISTORY_DIR/$file"
	mkfifo "$HISTORY_DIR/$file"
	refused 77 "$HISTORY_DIR/$file is not a file"
	rm "$HISTORY_DIR/$file"
done
[ "$(cat "$TEST_DIR/elsewhere")" = precious ] || die "a file was changed"
[ ! -e "$SOCKET" ] || die "a refused one left its socket"
start_parent third
ask >/dev/null || die "the third does not answer"
stop_bg third || die "SIGTERM: exit status $?"
