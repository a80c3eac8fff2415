#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs the tests that are named, one after the other, and counts.  A test that
# exits with 77 was skipped and says why in its last line.  Those before a "--"
# run beside those after it, and are told at the end: most of them wait.
set -u

logs=.build/test-logs
mkdir -p "$logs"

run() {
	counts=$1
	shift
	passed=0
	failed=0
	skipped=0
	for test; do
		log=$logs/$(echo "$test" | tr / _).log
		printf '%-52s ' "$test"
		started=$(date +%s)
		case $test in
		*.sh) sh "$test" >"$log" 2>&1 </dev/null ;;
		*) "./$test" >"$log" 2>&1 </dev/null ;;
		esac
		status=$?
		took=$(($(date +%s) - started))
		case $status in
		0)
			passed=$((passed + 1))
			echo "ok (${took} s)"
			;;
		77)
			skipped=$((skipped + 1))
			echo "SKIPPED: $(tail -n 1 "$log")"
			;;
		*)
			failed=$((failed + 1))
			echo "FAILED with $status (${took} s); the end of $log:"
			tail -n 60 "$log" | sed 's/^/    /'
			;;
		esac
	done
	echo "$passed $failed $skipped" >"$counts"
}

before=
for test; do
	if [ "$test" = -- ]; then
		before=$*
		before=${before%% -- *}
		break
	fi
done
rm -f "$logs"/counts.*
beside=
if [ -n "$before" ]; then
	while [ "$1" != -- ]; do
		shift
	done
	shift
	# shellcheck disable=SC2086
	run "$logs/counts.beside" $before >"$logs/beside.out" &
	beside=$!
fi
run "$logs/counts" "$@"
if [ -n "$beside" ]; then
	wait "$beside"
	cat "$logs/beside.out"
fi
set -- "$(cat "$logs"/counts "$logs"/counts.* 2>/dev/null |
	awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')"
# shellcheck disable=SC2086
set -- $1
echo "$1 passed, $2 failed, $3 skipped"
[ "$2" -eq 0 ] && [ "$1" -gt 0 ] &&
	{ [ -z "$beside" ] || [ -f "$logs/counts.beside" ]; }
