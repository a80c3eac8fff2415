#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# hv_vss_daemon's policies: what --check and CHECK say of real mounts, a
# configuration with mistakes, what "sync" does, and what a mount that comes
# while the others are frozen means.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/daemon_lib.sh
. tests/integration/daemon_lib.sh
need_root_loop
make_runtime_dir
a=$(make_mount ext4 16 a)
b=$(make_mount ext4 16 b)
mkdir "$TEST_DIR/bound" "$a/sub"
mount --bind "$a/sub" "$TEST_DIR/bound"
config=$TEST_DIR/test.conf

# --check, its status, and its table in check.log.
check() {
	wanted_status=$1
	shift
	status=0
	"$daemon" --check --config "$config" "$@" >"$TEST_DIR/check.log" 2>&1 ||
		status=$?
	[ "$status" -eq "$wanted_status" ] || die "--check $* ended with $status"
}

says() {
	grep -Eq -- "$1" "$TEST_DIR/check.log" || die "--check did not say: $1"
}

# Nothing but what is below TEST_DIR may ever be frozen here.
base='type "*" { policy = ignore }'

say "every mistake is told with its line, and nothing is started"
cat >"$config" <<-'END'
	limit_ms = 5
	type "tmpfs" { policy = freeze }
	type "a*b" { policy = sync }
	mount "/x" { policy = perhaps }
	mount "relative" { }
	speed = 3
END
check 78
says ':1: limit_ms = 5 is not within'
says ':2: type "tmpfs" cannot be frozen'
says ':3: type "a\*b": \* may stand'
says ':4: policy = "perhaps" is none of'
says ':5: mount "relative" needs a policy'
says ':5: mount "relative" must begin'
says ':6: no such option'
check 78 --json
say "behind comments as well; and what is never closed hides nothing"
cat >"$config" <<-'END'
	# one
	limit_ms = 500 // two
	/* three and
	   four */ limit_ms = 5
	type "a" { # five
		policy = perhaps /* six */
	}
	speed = 3
END
check 78
says ':4: limit_ms = 5 is not within'
says ':6: policy = "perhaps" is none of'
says ':8: no such option'
printf '%s\n/* never\nmount "/" { policy = veto }\n' "$base" >"$config"
check 78
says ':2: this comment is never closed'
printf '%s\n\nmount "/x" { policy = veto\n' "$base" >"$config"
check 78
says ':3: this section is never closed'
printf '%s\n' "$base" >"$config"
chmod g+w "$config"
check 78
says 'must belong to root'
chmod g-w "$config"
status=0
"$daemon" -n --config "$TEST_DIR/absent" 2>"$TEST_DIR/check.log" || status=$?
[ "$status" -eq 78 ] || die "without its configuration it ended with $status"
says 'absent: No such file'
say "and what was left frozen is thawed all the same"
echo nonsense >"$config"
"$daemon" --thaw --config "$config" --runtime-dir "$runtime_dir" 2>/dev/null |
	grep -q '^nothing' || die "--thaw with a bad configuration"

say "a table of all mounts, and why"
mkdir "$TEST_DIR/ro-bound" "$TEST_DIR/squash"
# Read-only is one mount of it, not the file system.
mount --bind "$a" "$TEST_DIR/ro-bound"
mount -o remount,bind,ro "$TEST_DIR/ro-bound"
squash=
if command -v mksquashfs >/dev/null && grep -qw squashfs /proc/filesystems; then
	mksquashfs "$a" "$TEST_DIR/squash.img" -quiet >/dev/null
	mount -o loop "$TEST_DIR/squash.img" "$TEST_DIR/squash"
	squash=yes
fi
cat >"$config" <<-END
	$base
	mount "$TEST_DIR/*" { policy = freeze }
	mount "$runtime_dir" { policy = ignore }
	mount "$b" { policy = sync }
	mount "$TEST_DIR/bound" { policy = ignore }
	mount "$TEST_DIR/later" { policy = veto }
END
check 0
says "^/ .*ignore  type \* in line 1"
says "^$a .*freeze  mount $TEST_DIR/\* in line 2"
says "^$TEST_DIR/bound .*freeze  as at $a"
says "^$b .*sync    mount $b in line 4"
says "^$TEST_DIR/ro-bound .*freeze  mount .* in line 2 .*; once, with $a"
[ -z "$squash" ] || says "^$TEST_DIR/squash .*ignore  mounted read-only"
says 'possible: 1 file systems would be frozen, 1 synced'
says "line 6 of the configuration: nothing is mounted"
check 0 --json
# A warning that came along stands on a line of its own, behind the table.
python3 - "$TEST_DIR/check.log" "$a" "$b" <<-'END' || die "not JSON"
	import json, sys
	lines = open(sys.argv[1]).read().splitlines()
	warning = lines.pop(-2)
	assert "nothing is mounted" in warning, warning
	rows = [json.loads(line) for line in lines]
	policy = {row["mount"]: row["policy"] for row in rows if "mount" in row}
	assert policy[sys.argv[2]] == "freeze", policy
	assert policy[sys.argv[3]] == "sync", policy
	assert policy["/"] == "ignore", policy
	assert rows[-1] == {"possible": True, "freeze": 1, "sync": 1}, rows[-1]
	open_ones = [m for m, p in policy.items() if p in ("freeze", "veto")]
	assert all(m.startswith("/tmp/") for m in open_ones), open_ones
END

umount "$TEST_DIR/ro-bound"
[ -z "$squash" ] || umount "$TEST_DIR/squash"
start_device
start_from_config() {
	start_daemon --config "$config"
}

# Puts something new into a file of the mount $1, and its name into marker.  The
# kernel may write it to the image $2 at any time, and then it proves nothing.
write_unsynced() {
	tries=20
	while :; do
		marker=$(printf 'marker-%s-%s-%s' $$ written "$tries")
		echo "$marker" >"$1/file"
		grep -aq "$marker" "$2" || break
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "all is written out at once"
	done
}

say "CHECK writes out what a freeze would have to"
write_unsynced "$a" "$TEST_DIR/a.img"
start_from_config
ask check 0
grep -aq "$marker" "$TEST_DIR/a.img" || die "not written out"

say "sync writes out, and freezes not"
fsfreeze -f "$a" # so that the freeze fails, and nothing but the sync happens
write_unsynced "$b" "$TEST_DIR/b.img"
ask freeze 1
grep -aq "$marker" "$TEST_DIR/b.img" || die "not written out"
fsfreeze -u "$a"
ask check 0
wait_for "$TEST_DIR/daemon.log" 'event=check_ok filesystems=1 synced=1' 5
ask freeze 0
must_be_frozen "$a"
must_be_thawed "$b"
ask thaw 0

say "what becomes writable meanwhile is in no snapshot"
make_mount ext4 16 c >/dev/null
mount -o remount,ro "$TEST_DIR/c"
check 0
says "^$TEST_DIR/c .*ignore  mounted read-only"
ask freeze 0
ask thaw 0
ask freeze 0
mount -o remount,rw "$TEST_DIR/c"
ask thaw 1
wait_for "$TEST_DIR/daemon.log" \
	"event=thaw_failed mount=$TEST_DIR/c reason=\"became writable" 5
must_be_thawed "$a" "$TEST_DIR/c"
ask freeze 0
ask thaw 0
umount "$TEST_DIR/c"
ask freeze 0
mount -o loop "$TEST_DIR/c.img" "$TEST_DIR/c"
ask thaw 1
say "a veto is named"
umount "$TEST_DIR/c"
mkdir "$TEST_DIR/later"
mount -o loop "$TEST_DIR/c.img" "$TEST_DIR/later"
check 69
says "No snapshot is possible: mount=$TEST_DIR/later reason=\"mount .*line 6"
ask check 1
wait_for "$TEST_DIR/daemon.log" \
	"event=check_failed mount=$TEST_DIR/later reason=\"mount" 5
ask freeze 1
check 69 --json
says '"possible":false,"problem":"mount='
say "and it is frozen if it is not named"
check 0 --mount "$a"
says "^$TEST_DIR/later .*not named with --mount"
umount "$TEST_DIR/later"

say "gone while frozen: the file system is there as long as it is frozen"
ask freeze 0
mount -o remount,ro "$a" 2>"$TEST_DIR/remount.log" && die "remounted"
umount "$a" 2>/dev/null && die "unmounted"
umount -l "$TEST_DIR/bound"
umount -l "$a"
ask thaw 0
e2fsck -fn "$TEST_DIR/a.img" >"$TEST_DIR/fsck.log" 2>&1 ||
	die "it was not thawed and closed"
stop_bg daemon || die "the daemon ended with $?"

say "a descriptor that would be in the way is named"
cat >"$config" <<-END
	$base
	mount "$b" { policy = freeze }
END
opened=$(count_lines "$TEST_DIR/device.log" '^opened')
"$daemon" -n --device "$device" --runtime-dir "$runtime_dir" \
	--config "$config" 2>"$b/log" &
echo $! >"$TEST_DIR/daemon.pid"
wait_for "$TEST_DIR/device.log" '^opened' 10 $((opened + 1))
ask check 1
ask freeze 1
wait_for "$b/log" \
	"event=freeze_failed mount=$b .*descriptor 2 .*writing there: $b/log" 5
must_be_thawed "$b"
stop_bg daemon || die "the daemon ended with $?"

say "even one whose mount has been detached"
mkdir "$TEST_DIR/detached"
mount --bind "$b" "$TEST_DIR/detached"
opened=$(count_lines "$TEST_DIR/device.log" '^opened')
"$daemon" -n --device "$device" --runtime-dir "$runtime_dir" \
	--config "$config" 2>"$TEST_DIR/detached/hidden" &
echo $! >"$TEST_DIR/daemon.pid"
wait_for "$TEST_DIR/device.log" '^opened' 10 $((opened + 1))
umount -l "$TEST_DIR/detached"
ask freeze 1
wait_for "$b/hidden" "event=freeze_failed mount=$b .*descriptor 2 " 5
must_be_thawed "$b"
stop_bg daemon || die "the daemon ended with $?"
