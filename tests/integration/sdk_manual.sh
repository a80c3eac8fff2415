#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The examples of the library's manual pages compile as they are printed, and the
# manuals describe every function of the header, every member of its structures,
# every error, and every verb of the protocol.
set -eu

dir=$(mktemp -d /tmp/sdk_manual.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

pages='sdk/appvss.3 sdk/appvss_run.3 sdk/appvss_ask.3'
for page in $pages; do
	sed -n '/^\.Bd -literal$/,/^\.Ed$/p' "$page" | sed -e '/^\./d' \
		-e 's/\\e/\\/g' >"$dir/example.c"
	grep -q '^main' "$dir/example.c"
	# shellcheck disable=SC2086
	${CC:-cc} -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -Isdk \
		-o "$dir/example" "$dir/example.c" sdk/libappvss.so \
		${SANFLAGS:-} || {
		echo "the example in $page does not build"
		exit 1
	}
done

sed -e '/^#/d' sdk/appvss.h | ${CC:-cc} -E -P -x c - >"$dir/declared"
for function in $(grep -o 'appvss_[a-z_]*(' "$dir/declared" | tr -d '(' |
	sort -u); do
	# shellcheck disable=SC2086
	grep -Eqh "^\\.F[no] $function( |\$)" $pages || {
		echo "no manual page describes $function"
		exit 1
	}
	# shellcheck disable=SC2086
	grep -qh "^\\.Nm $function" $pages || {
		echo "no manual page names $function"
		exit 1
	}
done
# The callbacks' names, too: a member ends with ; or with ) of its pointer.
members=$(sed -n '/^struct appvss_[a-z_]* {/,/^}/p' "$dir/declared" |
	sed -nE -e 's/^ .*[ *]([a-z_]+);.*/\1/p' \
		-e 's/.*\(\*([a-z_]+)\)\(.*/\1/p' | sort -u)
[ "$(echo "$members" | wc -l)" -gt 40 ]
for word in $members $(grep -oE 'APPVSS_(E|REASON|ASK|ROW)_[A-Z_]+' \
	"$dir/declared" | sort -u); do
	# shellcheck disable=SC2086
	grep -Eqh "(^|[^A-Za-z_])$word([^A-Za-z_]|\$)" $pages || {
		echo "no manual page has $word"
		exit 1
	}
done
verbs=$(sed -n 's/.*\[P[CB]_[A-Z]*\] = { "\([A-Z]*\)".*/\1/p' sdk/proto.c)
for verb in $verbs; do
	grep -q "^\\.It Li $verb" sdk/appvss-protocol.7 || {
		echo "appvss-protocol(7) does not describe $verb"
		exit 1
	}
done
echo "manual: complete, and its examples build"
