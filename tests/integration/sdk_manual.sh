#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The example in appvss(3) compiles as it is printed, and the manuals describe
# every function of the header and every verb of the protocol.
set -eu

dir=$(mktemp -d /tmp/sdk_manual.XXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

sed -n '/^\.Bd -literal$/,/^\.Ed$/p' sdk/appvss.3 | sed -e '/^\./d' \
	-e 's/\\e/\\/g' >"$dir/example.c"
grep -q 'appvss_register' "$dir/example.c"
${CC:-cc} -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -Isdk -fsyntax-only \
	"$dir/example.c"

for function in $(sed -e '/^#/d' sdk/appvss.h | ${CC:-cc} -E -P -x c - |
	grep -o 'appvss_[a-z_]*(' | tr -d '(' | sort -u); do
	grep -Eq "^\\.F[no] $function( |\$)" sdk/appvss.3 || {
		echo "appvss(3) does not describe $function"
		exit 1
	}
	grep -q "^\\.Nm $function" sdk/appvss.3 || {
		echo "appvss(3) does not name $function"
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
echo "manual: complete, and its example compiles"
