#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs the tests that are named, one after the other, and counts.  A test that
# exits with 77 was skipped and says why in its last line.
set -u

passed=0
failed=0
skipped=0
logs=.build/test-logs
mkdir -p "$logs"
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
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
