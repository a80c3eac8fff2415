#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Who may include whom, and that every header compiles alone.
set -eu

mkdir -p .build
failed=
bad() {
	echo "layers: $*"
	failed=yes
}

# Pure modules: their own headers, other pure ones, and freestanding or string
# headers.  The kernel's pure layers see sys/ headers when they are compiled there.
freestanding='assert|ctype|limits|stdarg|stdbool|stddef|stdint|string|inttypes'
pure() {
	files=$1
	own=$2
	for file in $files; do
		sed -n 's/^#include [<"]\(.*\)[>"].*/\1/p' "$file" |
			grep -vE "^($freestanding)\\.h\$|^($own)\$" |
			while read -r header; do
				echo "$file includes $header"
			done
	done
}

report=$(
	pure "appvssd/txn.c appvssd/txn_freeze.c appvssd/txn_thaw.c
	    appvssd/txn_util.c appvssd/txn_words.c appvssd/txn.h
	    appvssd/txn_impl.h" 'txn\.h|txn_impl\.h'
	pure "sdk/wire.c sdk/wire_put.c sdk/wire.h sdk/proto.c sdk/proto.h" \
		'wire\.h|wire_put\.h|proto\.h'
	pure "appvssd/access.c appvssd/access.h" \
		'access\.h|config\.h|sys/types\.h'
	pure "appvssd/config_check.c appvssd/config_words.c
	    appvssd/config_words.h appvssd/config_scan.c appvssd/config_scan.h
	    appvssd/config_token.c appvssd/config_token.h" \
		'config(_words|_scan|_token|_mistakes)?\.h|kernel/vssdev/heldlog\.h|sys/(types|socket|un)\.h|errno\.h|search\.h|stdio\.h|stdlib\.h|strings\.h'
	pure "hooks/directive.c hooks/directive.h" 'directive\.h|stdio\.h'
	pure "hooks/scan.c hooks/scan.h" 'scan\.h|sys/types\.h|sys/stat\.h|stdlib\.h'
	pure "kernel/hv_vss_daemon/mounts.c kernel/hv_vss_daemon/mounts.h
	    kernel/hv_vss_daemon/policy.c kernel/hv_vss_daemon/policy.h
	    kernel/hv_vss_daemon/policy_types.c
	    kernel/hv_vss_daemon/policy_types.h kernel/hv_vss_daemon/geom.c
	    kernel/hv_vss_daemon/geom.h" \
		'(mounts|policy|policy_types|geom)\.h'
	pure "kernel/hv_appvss/hv_appvss_msg.c kernel/hv_appvss/hv_appvss_msg.h
	    kernel/hv_appvss/hv_appvss_queue.c
	    kernel/hv_appvss/hv_appvss_queue.h" \
		'hv_appvss_(msg|queue)\.h|(kernel/)?hv_snapshot\.h|sys/(types|param|systm|stdint|libkern)\.h'
)
[ -z "$report" ] || bad "a pure module sees too much: $report"

grep -lE '#include "(\.\./)?appvssd/' sdk/*.[ch] && bad "sdk/ includes appvssd/"
grep -nE '#include "sdk/' appvssd/*.[ch] appvssd/appvssctl/*.[ch] |
	grep -vE '"sdk/(wire|proto|appvss)\.h"' &&
	bad "appvssd/ uses more of sdk/ than codec, tables and public header"
grep -l 'sqlite3\.h' -r kernel sdk hooks appvssd |
	grep -E '\.[ch]$' | grep -vE '^appvssd/history_?[a-z]*\.[ch]$' &&
	bad "sqlite3.h outside of the history"
for file in appvssd/*.c; do
	case $file in appvssd/broker*.c) continue ;; esac
	seen=0
	for header in participants source_device histq txn; do
		grep -q "#include \"$header\\.h\"" "$file" && seen=$((seen + 1))
	done
	[ "$seen" -le 2 ] || bad "$file sees what only the broker may see"
done

# A path may hold anything: in a line of the log it is quoted.
report=$(find appvssd hooks kernel/hv_vss_daemon kernel/vssdev -name '*.c' \
	-exec awk '
	FNR == 1 { call = "" }
	/heldlog\(/ { call = " " }
	call != "" { call = call $0 }
	call != "" && /;$/ {
		if (call ~ /(path|device|directory|mount|program)=%s/ &&
		    call !~ /quote/)
			print FILENAME ":" FNR
		call = ""
	}' {} +)
[ -z "$report" ] || bad "a path in the log without heldlog_quote: $report"

case $(uname -s) in
Linux) system=Linux other=FreeBSD ;;
*) system=FreeBSD other=Linux ;;
esac
find appvssd hooks sdk kernel/hv_snapshot.h kernel/vssdev \
	kernel/hv_vss_daemon examples tests/model -name '*.h' \
	! -name "*_$other.h" >.build/headers
while read -r header; do
	printf '#include "%s"\n' "$header" |
		${CC:-cc} -std=c17 -D_GNU_SOURCE -I. -Isdk -Wall -Wextra -Werror \
			-fsyntax-only -x c - ||
		bad "$header does not compile alone"
done <.build/headers
[ -z "$failed" ] && echo "layers on $system: clean"
