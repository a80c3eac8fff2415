#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# One whole snapshot, end to end, proved good by restoring it.  Run by
# "make demo" from the root of the tree.
#
# A ledger commits rows to a database on an ext4 file system of its own.  A
# simulated Hyper-V host runs the real driver, has it freeze applications and
# file system, copies the image while all is frozen, and thaws.  The copy is then
# mounted and compared with what the ledger had committed when it froze.
#
# Exit status 0 only if the proof held.
set -u

size_mb=256
run_s=${DEMO_SECONDS:-2} # the ledger writes this long before and after

started_ms=$(date +%s%3N)
dir=
image_mount=
copy_mount=
pids=
proof_failed=

now() {
	ms=$(($(date +%s%3N) - started_ms))
	printf '%d.%03d' $((ms / 1000)) $((ms % 1000))
}

step() {
	printf '[%8s s] %s\n' "$(now)" "$*"
}

fail() {
	step "FAILED: $*"
	for log in "$dir"/*.log; do
		[ -e "$log" ] || continue
		echo "--- the end of $(basename "$log")"
		tail -n 15 "$log"
	done
	exit 1
}

# One line of the proof: what is shown, and whether it is so.
prove() {
	if [ "$2" = "$3" ]; then
		printf '             ok      %-50s %s\n' "$1" "$2"
	else
		printf '             NOT SO  %-50s %s, not %s\n' "$1" "$2" "$3"
		proof_failed=yes
	fi
}

# Programs in the order of their start; they end in the reverse order.
start() {
	name=$1
	shift
	"$@" >"$dir/$name.log" 2>&1 </dev/null &
	echo $! >"$dir/$name.pid"
	pids="$name $pids"
}

stop_all() {
	for name in $pids; do
		kill "$(cat "$dir/$name.pid")" 2>/dev/null
		tries=100
		while kill -0 "$(cat "$dir/$name.pid")" 2>/dev/null; do
			tries=$((tries - 1))
			if [ "$tries" -eq 0 ]; then
				# It may sleep on the disk that this thaws.
				thaw_image
				kill -9 "$(cat "$dir/$name.pid")" 2>/dev/null
				break
			fi
			sleep 0.1
		done
		wait "$(cat "$dir/$name.pid")" 2>/dev/null
	done
	pids=
}

thaw_image() {
	if [ -n "$image_mount" ] && mountpoint -q "$image_mount"; then
		fsfreeze -u "$image_mount" 2>/dev/null &&
			echo "demo: thawed $image_mount"
	fi
	return 0
}

cleanup() {
	status=$?
	trap - EXIT
	trap '' INT TERM HUP
	[ -n "$dir" ] || exit "$status"
	exec 9>&-
	stop_all
	thaw_image
	for mounted in "$copy_mount" "$image_mount"; do
		tries=50
		while [ -n "$mounted" ] && mountpoint -q "$mounted"; do
			umount "$mounted" 2>/dev/null && break
			tries=$((tries - 1))
			if [ "$tries" -eq 0 ]; then
				echo "demo: $mounted is still mounted" >&2
				exit 1
			fi
			sleep 0.1
		done
	done
	rm -rf "$dir" "$shm"
	exit "$status"
}

# Waits for a line of a log; fails after a while.
await() {
	tries=$((${3:-20} * 20))
	while ! grep -Eq -- "$2" "$1" 2>/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "no '$2' in $(basename "$1")"
		sleep 0.05
	done
}

# Gives the host a command and shows what it says to it.
host() {
	lines=$(wc -l <"$dir/host.log")
	echo "$1" >&9
	tries=600
	while [ "$(wc -l <"$dir/host.log")" -le "$lines" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "the host says nothing to: $1"
		sleep 0.05
	done
	answer=$(tail -n +$((lines + 1)) "$dir/host.log" | head -n 1)
	step "host: $1: $answer"
	case $answer in
	"reply "*status=0x00000000*) ;;
	"reply "* | noreply*) fail "the host was refused: $answer" ;;
	esac
}

committed() {
	grep -E '^[0-9]+$' "$dir/committed" | tail -n 1
}

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

dir=$(mktemp -d "${TMPDIR:-/tmp}/appvss-demo.XXXXXX") || exit 1
shm=$(mktemp -d /dev/shm/appvss-demo.XXXXXX 2>/dev/null) || shm=$dir/run
mkdir -p "$shm" "$dir/vss.d"
chmod 755 "$dir" "$shm"

why=
if [ "$(id -u)" -ne 0 ]; then
	why="not root"
elif ! losetup -f >/dev/null 2>&1; then
	why="no loop device"
fi
data=$dir/data
mkdir -p "$data"
if [ -z "$why" ]; then
	step "a $size_mb MiB ext4 file system on a loop device"
	truncate -s "${size_mb}M" "$dir/image"
	mkfs.ext4 -q -F "$dir/image" || fail "mkfs.ext4"
	if mount -o loop "$dir/image" "$data" 2>"$dir/mount.log"; then
		image_mount=$data
	else
		why="mounting is not permitted"
	fi
fi
if [ -n "$why" ]; then
	step "NOT A FILE-SYSTEM FREEZE: $why, so a plain directory is used"
	set -- --no-freeze
else
	set -- --mount "$data"
fi
mkdir -p "$data/appvss"

cat >"$dir/appvssd.conf" <<EOF
user = "$(id -un)"
history_program = "$PWD/appvssd/appvssd-history"
participant "ledger" {
	user = "$(id -un)"
	required = true
	expect = true
}
EOF
cat >"$dir/vss.d/20-notes" <<EOF
#!/bin/sh
echo "\$1 transaction \$APPVSS_TRANSACTION \${APPVSS_RESULT:-}" >>"$shm/notes"
EOF
chmod 755 "$dir/vss.d/20-notes"
cat >>"$dir/appvssd.conf" <<EOF
participant "20-notes" {
	user = "$(id -un)"
	order = 20
}
EOF

step "hv_vss_sim: the driver, unmodified, and a simulated Hyper-V host"
mkfifo "$dir/host.in"
exec 9<>"$dir/host.in"
kernel/sim/hv_vss_sim -d "$shm" >"$dir/host.log" 2>"$dir/hv_vss_sim.log" \
	<"$dir/host.in" 9>&- &
echo $! >"$dir/host.pid"
pids=host
await "$dir/host.log" '^ready'

step "hv_vss_daemon, appvssd, appvss-hooks, ledger"
start hv_vss_daemon kernel/hv_vss_daemon/hv_vss_daemon -n \
	--device "$shm/hv_fsvss_dev" --runtime-dir "$shm" "$@"
start appvssd appvssd/appvssd --foreground --config "$dir/appvssd.conf" \
	--device "$shm/hv_appvss_dev" --socket "$shm/appvssd.sock" \
	--history "$data/appvss/history.db"
start appvss-hooks hooks/appvss-hooks --foreground --dir "$dir/vss.d" \
	--socket "$shm/appvssd.sock" --runtime-dir "$shm"
start ledger examples/ledger --db "$data/ledger.db" --out "$dir/committed" \
	--socket "$shm/appvssd.sock" --required
await "$dir/appvssd.log" 'event=registered name=ledger'
await "$dir/appvssd.log" 'event=registered name=20-notes'
host "wait-openers 10000"
sleep "$run_s"
step "ledger: $(committed) rows committed"

host negotiate
host check
host freeze
before=$(committed)
frozen=$(sed -n 's/^frozen //p' "$dir/committed" | tail -n 1)
step "ledger: frozen at row $frozen"
if [ -z "$why" ]; then
	host "run cp --sparse=always $dir/image $dir/copy && echo copied"
else
	host "run cp -a $data $dir/copy && echo copied"
fi
[ -e "$dir/copy" ] || fail "the copy was not made"
step "the copy is made; ledger stands at row $(committed)"
held_still=$(committed)
host thaw
await "$dir/committed" '^thawed' 10
sleep "$run_s"
after=$(committed)
step "ledger: $after rows committed"

step "proof: the copy is restored"
if [ -z "$why" ]; then
	prove "journal of the copy to be replayed" "$(
		dumpe2fs -h "$dir/copy" 2>/dev/null |
			grep -c 'needs_recovery'
	)" 0
	copy_mount=$dir/restored
	mkdir "$copy_mount"
	mount -o loop,ro "$dir/copy" "$copy_mount" || fail "mount of the copy"
	restored=$copy_mount
else
	restored=$dir/copy
fi
cp "$restored"/ledger.db* "$dir/" || fail "no ledger.db in the copy"
prove "PRAGMA integrity_check" \
	"$(sqlite3 "$dir/ledger.db" 'PRAGMA integrity_check')" ok
prove "last row in the copy" \
	"$(sqlite3 "$dir/ledger.db" 'SELECT max(number) FROM ledger')" "$frozen"
prove "rows in the copy, without a gap" \
	"$(sqlite3 "$dir/ledger.db" 'SELECT count(*) FROM ledger')" "$frozen"
prove "last commit before the freeze was acknowledged" "$before" "$frozen"
prove "last commit when the copy was complete" "$held_still" "$frozen"
[ "$after" -gt "$frozen" ] && went_on=yes || went_on=no
prove "the ledger went on after the thaw" "$went_on" yes
prove "the hook's calls" "$(awk '{ print $1, $4 }' "$shm/notes" |
	tr '\n' ',')" "freeze ,thaw done,"

APPVSS_SOCKET=$shm/appvssd.sock
export APPVSS_SOCKET
echo
echo "\$ appvssctl show last"
appvssd/appvssctl/appvssctl --history "$data/appvss/history.db" show last ||
	proof_failed=yes
echo
echo "\$ appvssctl --history COPY/appvss/history.db provenance"
appvssd/appvssctl/appvssctl --history "$restored/appvss/history.db" \
	provenance || proof_failed=yes
echo
if [ -n "$proof_failed" ]; then
	step "the proof did NOT hold"
	exit 1
fi
if [ -n "$why" ]; then
	step "the proof held, for applications only ($why): no file system was frozen"
else
	step "the proof held"
fi
