#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# hv_vss_daemon and mount points with names that would break a line, a field or a
# value apart: they are frozen and thawed, and told as one value.
set -eu
# shellcheck source=tests/integration/lib.sh
. tests/integration/lib.sh
# shellcheck source=tests/integration/daemon_lib.sh
. tests/integration/daemon_lib.sh
need_root_loop
make_runtime_dir
names='space\0040d mount=x
line\0012end
back\0134slash
quote\0042d
tab\0011d #
\0303\0251 - ext4'
quoted='"DIR/space d mount=x"
"DIR/line\x0aend"
"DIR/back\x5cslash"
"DIR/quote\x22d"
"DIR/tab\x09d #"
"DIR/\xc3\xa9 - ext4"'

n=0
printf '%s\n' "$names" >"$TEST_DIR/names"
while read -r name; do
	n=$((n + 1))
	truncate -s 8M "$TEST_DIR/$n.img"
	mkfs.ext4 -q -F "$TEST_DIR/$n.img"
	point=$(printf '%b' "$TEST_DIR/$name")
	mkdir -p "$point"
	mount -o loop "$TEST_DIR/$n.img" "$point"
done <"$TEST_DIR/names"
printf '%s\n' "$quoted" | sed "s|DIR|$TEST_DIR|" >"$TEST_DIR/quoted"

config=$TEST_DIR/test.conf
cat >"$config" <<-END
	type "*" { policy = ignore }
	mount "$TEST_DIR/*" { policy = freeze }
	mount "$runtime_dir" { policy = ignore }
END
start_device
start_daemon --config "$config"

say "--check, plain and as JSON"
"$daemon" --check --config "$config" >"$TEST_DIR/check.log"
"$daemon" --check --json --config "$config" >"$TEST_DIR/json.log"
while read -r value; do
	grep -F -- "$value" "$TEST_DIR/check.log" |
		grep -q '"  *ext4 *freeze ' ||
		die "--check does not say $value"
done <"$TEST_DIR/quoted"
grep -q "possible: $n file systems" "$TEST_DIR/check.log" || die "not $n"
python3 - "$TEST_DIR" <<-'END' || die "not in the JSON"
	import json, sys
	rows = [json.loads(line) for line in open(sys.argv[1] + "/json.log")]
	points = {row["mount"] for row in rows[:-1]}
	for name in open(sys.argv[1] + "/names").read().splitlines():
	    name = name.replace("\\0", "\\").encode().decode("unicode_escape")
	    name = name.encode("latin-1").decode()
	    assert sys.argv[1] + "/" + name in points, name
END

say "frozen, and told by the socket"
ask check 0
ask freeze 0
"$daemon" --mounts --runtime-dir "$runtime_dir" >"$TEST_DIR/mounts.log"
while read -r value; do
	grep -qF -- "mount=$value type=ext4 policy=freeze frozen=yes " \
		"$TEST_DIR/mounts.log" || die "--mounts does not say $value"
done <"$TEST_DIR/quoted"

say "and thawed by the guardian"
must_be_frozen "$TEST_DIR/space d mount=x"
stop_bg daemon KILL || :
wait_for "$TEST_DIR/daemon.log" 'event=guardian_ended .*thawed=all' 10
while read -r value; do
	grep -qF -- "event=guardian_thawed mount=$value" "$TEST_DIR/daemon.log" ||
		die "the guardian does not say $value"
done <"$TEST_DIR/quoted"
list_exists && die "the list is left"
must_be_thawed "$TEST_DIR/space d mount=x"
