#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Makes a file system for snapshot.py, and a qemu-ga that sees no other one.
# Whatever happens, nothing stays frozen.  Options go to snapshot.py.
set -eu
. tests/integration/lib.sh

need_root_loop
SHM=$(mktemp -d /dev/shm/appvss-test.XXXXXX)
test_cleanup() {
	rm -rf "$SHM"
}

MOUNT=$(make_mount ext4 "${DATA_MB:-256}" data)
# Something to copy.
dd if=/dev/urandom of="$MOUNT/data" bs=1M count=64 2>/dev/null
sync "$MOUNT/data"
mkdir "$SHM/hook.d"
cat >"$SHM/hook" <<HOOK
#!/bin/sh
# As the sample that comes with QEMU: one after the other.
for script in $SHM/hook.d/*; do
	[ -x "\$script" ] && "\$script" "\$1"
done
HOOK
chmod 755 "$SHM/hook"
if command -v qemu-ga >/dev/null; then
	# Its thaw tries every file system that it sees.
	# shellcheck disable=SC2016
	start_bg qga unshare --mount --propagation private sh -c '
		mount=$1
		shift
		awk -v own="$mount" "\$5 != \"/\" && \$5 != own { print \$5 }" \
			/proc/self/mountinfo | grep "^/tmp/appvss-test" |
			sort -r | while read -r other; do
				umount "$other" || umount -l "$other"
			done
		exec "$@"' qga "$MOUNT" qemu-ga --method=unix-listen \
		--path="$SHM/qga.sock" --statedir="$SHM" \
		--pidfile="$SHM/qga-own.pid" --logfile="$SHM/qga.log" \
		--fsfreeze-hook="$SHM/hook"
	tries=200
	until [ -S "$SHM/qga.sock" ]; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "qemu-ga does not listen"
		sleep 0.05
	done
fi
PYTHONDONTWRITEBYTECODE=1 python3 tests/bench/snapshot.py "$@" "$SHM" \
	"$MOUNT" "$TEST_DIR/data.img"
