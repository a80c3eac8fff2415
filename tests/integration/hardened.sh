#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The programs and the library are built with the hardening that this compiler
# has: read from the files, not from the Makefile.
set -eu

fail() {
	echo "FAILED: $*"
	exit 1
}

command -v readelf >/dev/null || { echo "no readelf here"; exit 77; }
[ "$(uname -s)" = Linux ] || { echo "only the files of Linux are known"; exit 77; }

# A sanitizer's build has a place of its own, and no _FORTIFY_SOURCE.
sanitized=
readelf -W --dyn-syms appvssd/appvssd | grep -q ' __[a-z]*san_init' &&
	sanitized=yes

# $1 is matched by a line of what the rest prints.
shows() {
	pattern=$1
	shift
	"$@" 2>/dev/null | grep -E "$pattern" >/dev/null
}

check_file() {
	shows 'GNU_RELRO' readelf -W -l "$1" || fail "$1: no RELRO"
	shows 'GNU_STACK .* RW ' readelf -W -l "$1" ||
		fail "$1: an executable stack"
	shows '\(FLAGS_1\).* NOW' readelf -W -d "$1" ||
		fail "$1: symbols are bound late"
	shows 'Type: *DYN' readelf -W -h "$1" || fail "$1: has one fixed place"
	! shows 'TEXTREL' readelf -W -d "$1" || fail "$1: writes to its text"
}

programs='appvssd/appvssd appvssd/appvssd-history appvssd/appvssctl/appvssctl
	hooks/appvss-hooks hooks/appvss-hold kernel/hv_vss_daemon/hv_vss_daemon
	kernel/sim/hv_vss_sim'
for file in $programs sdk/libappvss.so; do
	check_file "$file"
	shows '__stack_chk_fail' readelf -W --dyn-syms "$file" ||
		fail "$file: no stack protector"
	[ -n "$sanitized" ] || shows '__[a-z]+_chk@' readelf -W --dyn-syms "$file" ||
		fail "$file: no checked functions of the C library"
done
for file in $programs; do
	shows '\(FLAGS_1\).* PIE' readelf -W -d "$file" || fail "$file: no PIE"
done

case $(uname -m) in
x86_64)
	# One object: the programs have parts of the C library's that lack it.
	shows 'IBT, SHSTK' readelf -W -n appvssd/broker.o ||
		fail "appvssd/broker.o: jumps are not protected"
	# gcc writes its flags down; clang does not.
	producer=$(readelf -W --debug-dump=info appvssd/broker.o 2>/dev/null |
		grep -m 1 DW_AT_producer || :)
	case $producer in
	*-fstack-clash-protection* | *clang* | '') ;;
	*) fail "appvssd/broker.o: the stack may jump its guard page" ;;
	esac
	;;
esac
echo "passed"
