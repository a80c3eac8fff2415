# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# appvssctl on a history that the test prepares.  Sourced after lib.sh.
#
#	ctl STATUS ARGUMENT...	runs it; its output is in $out, all of it
#	expect PATTERN		in $out; expect_not PATTERN
#	expect_json		each line of $out is a JSON object with the keys of
#				appvssctl(8)
#	expect_ids ID...	the transactions of history, in this order
#	feed			lines of standard input become $history

history=$TEST_DIR/history.db
out=$TEST_DIR/ctl.out
LC_ALL=C
TZ=UTC
PYTHONDONTWRITEBYTECODE=1
export LC_ALL TZ PYTHONDONTWRITEBYTECODE
unset APPVSS_SOCKET APPVSS_HISTORY NO_COLOR

ctl() {
	wanted=$1
	shift
	got=0
	timeout 60 appvssd/appvssctl/appvssctl --history "$history" "$@" \
		>"$out" 2>&1 || got=$?
	[ "$got" -eq "$wanted" ] ||
		die "appvssctl $*: exit status $got, not $wanted: $(cat "$out")"
}

expect() {
	grep -Eq -- "$1" "$out" || die "no '$1' in: $(cat "$out")"
}

expect_not() {
	! grep -Eq -- "$1" "$out" || die "'$1' in: $(cat "$out")"
}

expect_json() {
	python3 tests/integration/ctl_json.py <"$out" ||
		die "not the JSON of appvssctl(8): $(cat "$out")"
}

expect_ids() {
	ids=$(sed -n 's/^\([0-9][0-9]*\) .*/\1/p' "$out" | tr '\n' ' ')
	[ "$ids" = "${*:+$* }" ] || die "not $*: $(cat "$out")"
}

feed() {
	python3 tests/integration/history_feed.py appvssd/appvssd-history \
		"$history" >"$TEST_DIR/feed.out" ||
		die "the history does not take it: $(cat "$TEST_DIR/feed.out")"
}
