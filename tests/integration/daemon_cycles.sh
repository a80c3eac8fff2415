#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A thousand times frozen and thawed: hv_vss_daemon and its guardian have not a
# descriptor nor a byte more than after the first fifty.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/daemon_lib.sh
. tests/integration/daemon_lib.sh
need_root_loop
make_runtime_dir
a=$(make_mount ext4 16 a)
start_device

# What the process PID has: descriptors, data, heap.  A sanitizer's allocator
# keeps what was freed, and has its own way to find a leak at the end.
footprint() {
	find "/proc/$1/fd" -type l | wc -l
	[ -n "${SANFLAGS:-}" ] || {
		grep -E '^(VmData|VmLck|Threads)' "/proc/$1/status"
		awk '/\[heap\]/ { print $1, $NF }' "/proc/$1/maps"
	}
}

cycles() {
	done_before=$(count_lines "$TEST_DIR/device.log" '^cycles done')
	tell_device cycles "$1"
	wait_for "$TEST_DIR/device.log" '^(cycles done|reply)' "$2" \
		$((done_before + 1))
	grep '^reply' "$TEST_DIR/device.log" && die "a cycle failed"
	return 0
}

# What others mount meanwhile would change how much memory the mount table takes;
# and what other tests have mounted must not be kept here when they are done.
cat >"$TEST_DIR/alone" <<-END
	#!/bin/sh
	awk -v mine="$TEST_DIR/" '\$5 ~ /^\/tmp\/appvss-test/ &&
	    index(\$5, mine) != 1 { print \$5 }' /proc/self/mountinfo |
		xargs -r umount -l 2>/dev/null
	exec "$daemon" "\$@"
END
chmod 755 "$TEST_DIR/alone"
plain=$daemon
cat >"$TEST_DIR/private" <<-END
	#!/bin/sh
	exec unshare --mount --propagation private "$TEST_DIR/alone" "\$@"
END
chmod 755 "$TEST_DIR/private"
daemon=$TEST_DIR/private

# Else a leak of some bytes each time could hide in what is allocated ahead.
export MALLOC_TOP_PAD_=0
start_daemon --mount "$a"
daemon_pid=$(pid_of daemon)
guardian=$(guardian_pid)
cycles 50 60
footprint "$daemon_pid" >"$TEST_DIR/daemon.before"
footprint "$guardian" >"$TEST_DIR/guardian.before"
cycles 950 120
footprint "$daemon_pid" >"$TEST_DIR/daemon.after"
footprint "$guardian" >"$TEST_DIR/guardian.after"
for who in daemon guardian; do
	diff "$TEST_DIR/$who.before" "$TEST_DIR/$who.after" >&2 ||
		die "the $who has grown"
done
"$plain" --status --runtime-dir "$runtime_dir" >"$TEST_DIR/status.log"
grep -qx freezes=1000 "$TEST_DIR/status.log" || die "not as many freezes"
must_be_thawed "$a"
list_exists && die "the list is left"
stop_bg daemon || die "the daemon ended with $?"
