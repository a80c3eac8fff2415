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
# Exit status 0 only if the proof held, 1 if it did not, and 128 plus the number
# of the signal that ended it.  What it makes is below $TMPDIR (or /tmp) and
# /dev/shm, in a directory appvss-demo.XXXXXX each.
set -u
cd "$(dirname "$0")/.." || exit 1

size_mb=256
room_mb=128 # what the sparse image, its copy and the notes fill at most
run_s=${DEMO_SECONDS:-2} # the ledger writes this long before and after

started_ms=$(date +%s%3N)
dir=
shm=
sweeper=
why=
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
	for log in "$dir"/*.out "$dir"/*.log; do
		[ -s "$log" ] || continue
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

# start NAME INPUT COMMAND...: in the background, and away from the terminal,
# whose Ctrl-C is for this script.  A program is on the list before it lets go of
# the lifeline (9), so the sweeper misses none.
# shellcheck disable=SC2016,SC2086
start() {
	name=$1
	input=$2
	shift 2
	$setsid sh -c 'echo $$ >>"$0" && exec "$@" 8>&- 9>&-' "$dir/pids" \
		"$@" >"$dir/$name.out" 2>"$dir/$name.log" <"$input" &
	await "$dir/pids" "^$!\$"
}

is_alive() {
	case $(ps -o stat= -p "$1" 2>/dev/null) in
	'' | Z*) return 1 ;;
	esac
}

thaw_image() {
	if mountpoint -q "$dir/data"; then
		fsfreeze -u "$dir/data" 2>/dev/null &&
			echo "demo: thawed $dir/data"
	fi
	return 0
}

# Ends one of them.
stop() {
	kill "$1" 2>/dev/null
	tries=100
	while is_alive "$1"; do
		tries=$((tries - 1))
		if [ "$tries" -eq 0 ]; then
			# It may sleep on the disk that this thaws.
			thaw_image
			kill -9 "$1" 2>/dev/null
			return
		fi
		sleep 0.1
	done
}

# The last that was started is the first to end.
stop_all() {
	[ -e "$dir/pids" ] || return 0
	awk '{ pids = $1 "\n" pids } END { printf "%s", pids }' "$dir/pids" |
		while read -r pid; do
			stop "$pid"
		done
}

# False if something is still there.
clean() {
	stop_all
	thaw_image
	for mounted in "$dir/restored" "$dir/data"; do
		tries=50
		while mountpoint -q "$mounted"; do
			umount "$mounted" 2>/dev/null && break
			tries=$((tries - 1))
			if [ "$tries" -eq 0 ]; then
				echo "demo: $mounted is still mounted" >&2
				return 1
			fi
			sleep 0.1
		done
	done
	rm -rf "$dir" "$shm"
}

# Reads the lifeline until the demo is gone, and cleans up if that could not:
# it was killed with SIGKILL.
sweep() {
	trap '' INT TERM HUP
	trap - EXIT
	cat >/dev/null
	[ ! -d "$dir" ] || clean
}

cleanup() {
	status=$?
	trap '' INT TERM HUP
	trap - EXIT
	if [ -n "$dir" ]; then
		clean || status=1
	fi
	exec 8>&- 9>&-
	[ -z "$sweeper" ] || wait "$sweeper"
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
	lines=$(wc -l <"$dir/hv_vss_sim.out")
	echo "$1" >&8
	tries=600
	while [ "$(wc -l <"$dir/hv_vss_sim.out")" = "$lines" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || fail "the host says nothing to: $1"
		sleep 0.05
	done
	answer=$(tail -n +$((lines + 1)) "$dir/hv_vss_sim.out" | head -n 1)
	step "host: $1: $answer"
	case $answer in
	"reply "*status=0x00000000*) ;;
	"reply "* | noreply*) fail "the host was refused: $answer" ;;
	esac
}

committed() {
	grep -E '^[0-9]+$' "$dir/committed" | tail -n 1
}

refuse() {
	echo "demo: $*" >&2
	exit 1
}

command -v setsid >/dev/null && setsid=setsid || setsid=
if [ "${1:-}" = --sweep ]; then
	dir=$2
	shm=$3
	sweep
	exit 0
fi

trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

[ -x examples/ledger ] ||
	refuse "the programs are not there yet: run make"
dir=$(mktemp -d "${TMPDIR:-/tmp}/appvss-demo.XXXXXX") || exit 1
shm=$(mktemp -d /dev/shm/appvss-demo.XXXXXX 2>/dev/null) || shm=$dir/run
mkdir -p "$shm" "$dir/vss.d" "$dir/data"
mkfifo "$dir/lifeline" "$dir/host.in" || exit 1
chmod 755 "$dir" "$shm"
exec 9<>"$dir/lifeline"
$setsid sh examples/demo.sh --sweep "$dir" "$shm" <"$dir/lifeline" 9>&- &
sweeper=$!
room_kb=$(df -Pk "$dir" | awk 'NR == 2 { print $4 }')
[ "$room_kb" -ge $((room_mb * 1024)) ] ||
	refuse "$((room_kb / 1024)) MiB are free in ${TMPDIR:-/tmp}," \
		"$room_mb are needed: TMPDIR can name another directory"

if [ "$(id -u)" -ne 0 ]; then
	why="not root"
elif ! losetup -f >/dev/null 2>&1; then
	why="no loop device"
fi
data=$dir/data
if [ -z "$why" ]; then
	step "a $size_mb MiB ext4 file system on a loop device"
	truncate -s "${size_mb}M" "$dir/image"
	mkfs.ext4 -q -F "$dir/image" || fail "mkfs.ext4"
	mount -o loop "$dir/image" "$data" 2>"$dir/mount.log" ||
		why="a loop device cannot be mounted"
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
exec 8<>"$dir/host.in"
# For the host's commands, which sh(1) reads: the directory may have any name.
DEMO_DIR=$dir
export DEMO_DIR
start hv_vss_sim "$dir/host.in" kernel/sim/hv_vss_sim -d "$shm"
await "$dir/hv_vss_sim.out" '^ready'

step "appvssd, appvss-hooks, ledger, hv_vss_daemon"
start appvssd /dev/null appvssd/appvssd --foreground \
	--config "$dir/appvssd.conf" --device "$shm/hv_appvss_dev" \
	--socket "$shm/appvssd.sock" --history "$data/appvss/history.db"
start appvss-hooks /dev/null hooks/appvss-hooks --foreground \
	--dir "$dir/vss.d" --socket "$shm/appvssd.sock" --runtime-dir "$shm"
start ledger /dev/null examples/ledger --db "$data/ledger.db" \
	--out "$dir/committed" --socket "$shm/appvssd.sock" --required
# The last, to be the first to end: what it froze, the others may wait for.
start hv_vss_daemon /dev/null kernel/hv_vss_daemon/hv_vss_daemon -n \
	--device "$shm/hv_fsvss_dev" --runtime-dir "$shm" "$@"
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
# shellcheck disable=SC2016
if [ -z "$why" ]; then
	host 'run cd "$DEMO_DIR" && cp --sparse=always image copy && echo copied'
else
	host 'run cd "$DEMO_DIR" && cp -a data copy && echo copied'
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
	features=$(dumpe2fs -h "$dir/copy" 2>/dev/null |
		sed -n 's/^Filesystem features: *//p')
	case " $features " in
	*" needs_recovery "*) journal=yes ;;
	*" has_journal "*) journal=no ;;
	*) journal=unknown ;;
	esac
	prove "a journal in the copy to be replayed" "$journal" no
	restored=$dir/restored
	mkdir "$restored"
	mount -o loop,ro "$dir/copy" "$restored" || fail "mount of the copy"
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
