#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# How many branches of the pure modules the unit tests, the models and the
# corpora take, from a copy of the tree that gcc has instrumented.  Lists the
# branches of the named files that were never taken.  Fails if a module has less
# than COV_MIN per cent; the default of a switch over all of an enum, which
# nothing can take, counts like any other.
# usage: cov.sh "SOURCES" "TESTS" [SOURCE TO LIST...]
set -eu

sources=$1
tests=$2
shift 2
copy=.build/cov
rm -rf "$copy"
mkdir -p "$copy"
tar cf - --exclude=./.build --exclude=./.git --exclude='*.o' . |
	tar xf - -C "$copy"
cd "$copy"
find . -type f -name '*.d' -exec rm {} +
${MAKE:-make} clean >/dev/null
# Assertions are branches that nothing may take.
# shellcheck disable=SC2086
${MAKE:-make} -j"$(getconf _NPROCESSORS_ONLN)" CC=gcc HARDEN= HARDEN_LD= \
	OPTFLAGS="-O0 -g" CFLAGS="-DNDEBUG -Wno-error" SANFLAGS="--coverage" \
	all $tests >build.log 2>&1 || { tail -n 40 build.log; exit 1; }
TXN_EXPLORE_MAX=${TXN_EXPLORE_MAX:-3}
export TXN_EXPLORE_MAX
# shellcheck disable=SC2086
sh tests/run.sh $tests

for source in $sources; do
	gcov -b -c -o "${source%.c}.o" "$source" 2>/dev/null |
		grep -A 4 "^File '$source'" >>gcov.log || :
	# A module of tables alone has none.
	[ ! -e "$(basename "$source").gcov" ] ||
		mv "$(basename "$source").gcov" "${source%.c}.gcov"
done
echo
status=0
awk -v min="${COV_MIN:-95}" '
/^File / { file = $2; gsub("\047", "", file) }
/^Taken at least once:/ {
	split($0, words, /[:%]/)
	total = $NF
	taken = int(words[2] * total / 100 + 0.5)
	low = taken * 100 < min * total
	printf("%-44s %5d of %5d  %6.2f %%%s\n", file, taken, total, words[2],
	    low ? "  TOO LOW" : "")
	failed += low
	all += total
	all_taken += taken
}
END {
	if (all == 0)
		exit 1
	printf("%-44s %5d of %5d  %6.2f %%\n", "all branches", all_taken, all,
	    100 * all_taken / all)
	if (failed)
		printf("%d of less than %d %%\n", failed, min)
	exit failed > 0
}' gcov.log || status=1
for source; do
	[ -e "${source%.c}.gcov" ] || continue
	echo "$source:"
	awk '
	/^ *[0-9#=*-]+: *[0-9]+:/ { line = $0 }
	/^branch/ && (/taken 0/ || /never executed/) {
		if (line != last)
			print line
		last = line
	}' "${source%.c}.gcov"
done
exit "$status"
