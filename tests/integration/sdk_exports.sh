#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Both libraries export what the version map lists, which is what appvss.h
# declares, and nothing else: no inner name can clash with a program's own, not
# even in a static program.
set -eu

dir=$(mktemp -d /tmp/sdk_exports.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

# A declared function's name is followed by "(" at once; a type's is not.
sed -e '/^#/d' sdk/appvss.h | ${CC:-cc} -E -P -x c - |
	grep -o 'appvss_[a-z_]*(' | tr -d '(' | sort -u >"$dir/declared"
[ -s "$dir/declared" ]
# Some systems' linkers show the version's own name and their start and end
# marks: only code and data count.  A sanitizer's own marks are not ours.
nm -D --defined-only sdk/libappvss.so |
	awk '$2 ~ /^[TDRBVW]$/ { sub(/@.*/, "", $3); print $3 }' |
	grep -v '^__' | sort -u >"$dir/shared"
nm -g --defined-only sdk/libappvss.a |
	awk '$2 ~ /^[TDRBVW]$/ { print $3 }' |
	grep -v '^__' | sort -u >"$dir/static"
# Each symbol has the version under which the map lists it.
awk '/^APPVSS_[0-9]* \{/ { version = $1 } /^\tappvss_/ {
	sub(/;.*/, "", $1); print $1 "@@" version }' sdk/libappvss.map |
	sort >"$dir/mapped"
nm -D --defined-only sdk/libappvss.so |
	awk '$2 ~ /^[TDRBVW]$/ { print $3 }' | grep -v '^__' |
	sort >"$dir/versions"
diff "$dir/mapped" "$dir/versions"
diff "$dir/declared" "$dir/shared"
diff "$dir/declared" "$dir/static"

readelf -d sdk/libappvss.so | grep -q 'SONAME.*libappvss\.so\.0\]'
echo "exports: $(wc -l <"$dir/declared") functions, as declared"
