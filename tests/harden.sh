#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Prints those hardening flags that this compiler takes without a warning.
# usage: harden.sh cc|ld COMPILER AND ITS FLAGS
#
# It is run by every make: so all flags are tried at once first.
set -u

kind=$1
shift
tmp=$(mktemp -d "${TMPDIR:-/tmp}/appvss-harden.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
printf '#include <string.h>\nint main(void) { return (0); }\n' >"$tmp/try.c"

takes_cc() {
	"$@" -Werror -c -o "$tmp/try.o" "$tmp/try.c" >/dev/null 2>&1
}

takes_ld() {
	"$@" -Werror -fPIC -o "$tmp/try" "$tmp/try.c" >/dev/null 2>&1
}

# The sanitizers watch the plain functions of the C library, not the checked
# ones.  Without an optimizer these are refused by some systems' headers.
fortify='-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3'
weaker='-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2'
case " $* " in
*-fsanitize=*)
	fortify=
	weaker=
	;;
esac

case $kind in
cc) set -- "$@" -- -fstack-clash-protection -fcf-protection ;;
ld) set -- "$@" -- -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack ;;
*) exit 64 ;;
esac

compiler=
while [ "$1" != -- ]; do
	compiler="$compiler $1"
	shift
done
shift

# The flags are words without blanks.
# shellcheck disable=SC2086
{
	[ "$kind" = cc ] || fortify=
	if "takes_$kind" $compiler "$@" $fortify; then
		echo "$@" $fortify
		exit 0
	fi
	taken=
	for flag; do
		"takes_$kind" $compiler $flag && taken="$taken $flag"
	done
	if [ -n "$fortify" ]; then
		if takes_cc $compiler $fortify; then
			taken="$taken $fortify"
		elif takes_cc $compiler $weaker; then
			taken="$taken $weaker"
		fi
	fi
	echo $taken
}
