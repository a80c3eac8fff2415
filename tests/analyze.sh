#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Static analysis: gcc -fanalyzer, the analyzer of clang (that scan-build runs),
# clang-tidy and cppcheck, on every source file of this system.
# usage: [ANALYZE_FILES="FILE..."] analyze.sh PREPROCESSOR FLAGS...
#
# What they say is an error, unless a comment that begins with "analyze:" and
# gives the reason is in that line or in one of the two before it.
set -eu

one() {
	tool=$1
	shift
	for file; do :; done
	case $file in
	kernel/sim/sim_* | kernel/hv_appvss/* | kernel/hv_appvss_sim/*)
		set -- -Ikernel/sim/include "$@"
		;;
	esac
	# At -O0 gcc knows the lines of what it says.
	case $tool in
	gcc) gcc -std=c17 -O0 -fanalyzer -S -o /dev/null "$@" ;;
	clang) clang -std=c17 --analyze -Xclang -analyzer-output=text \
		-o /dev/null "$@" ;;
	tidy) clang-tidy --quiet "$file" -- -std=c17 "$@" ;;
	esac 2>&1
}

if [ "${1:-}" = --one ]; then
	shift
	one "$@"
	exit 0
fi

dir=.build/analyze
rm -rf "$dir"
mkdir -p "$dir"
jobs=$(getconf _NPROCESSORS_ONLN)
case $(uname -s) in
FreeBSD) others='_Linux\.c|_linux\.c|thawlist|guard\.c' ;;
*) others='_FreeBSD\.c|_freebsd\.c|_ufs\.c|zfs_pools|_none\.c' ;;
esac
find appvssd hooks kernel sdk examples -name '*.c' | grep -Ev "$others" |
	sort >"$dir/files"
find tests -name '*.c' >"$dir/test-files"
if [ -n "${ANALYZE_FILES:-}" ]; then
	echo "$ANALYZE_FILES" | tr ' ' '\n' >"$dir/files"
	: >"$dir/test-files"
fi

for tool in gcc clang tidy; do
	echo "analyze: $tool"
	xargs -P "$jobs" -n 1 sh tests/analyze.sh --one "$tool" "$@" \
		<"$dir/files" >"$dir/$tool.log"
done
echo "analyze: cppcheck"
# It knows no header of the system, but the lists' loops have to be understood.
queue=$(echo '#include <sys/queue.h>' | cc -E -M - | tr ' ' '\n' |
	grep 'sys/queue\.h$')
# shellcheck disable=SC2046
cppcheck -q -j "$jobs" --std=c11 --enable=warning,performance,portability \
	--include="$queue" --template='{file}:{line}:1: warning: {message} [{id}]' \
	--template-location='' -I. -Isdk -D__linux__ \
	$(cat "$dir/files" "$dir/test-files") >"$dir/cppcheck.log" 2>&1

status=0
cat "$dir"/*.log | sed "s|^$PWD/||" |
	grep -E '^([^ ]+\.[ch]:[0-9]+:[0-9]+|cc1|clang.*): .*(warning|error):' |
	sort -u >"$dir/said" || :
: >"$dir/kept"
: >"$dir/justified"
while IFS= read -r said; do
	file=${said%%:*}
	rest=${said#*:}
	line=${rest%%:*}
	case $line in
	*[!0-9]* | '') ;;
	*)
		from=$((line > 2 ? line - 2 : 1))
		if sed -n "${from},${line}p" "$file" | grep -q 'analyze: '; then
			echo "$said" >>"$dir/justified"
			continue
		fi
		;;
	esac
	echo "$said" | tee -a "$dir/kept"
done <"$dir/said"
[ ! -s "$dir/kept" ] || status=1
[ "$status" -ne 0 ] || echo "analyze: clean, but for $(wc -l \
	<"$dir/justified") lines that are justified where they are"
exit "$status"
