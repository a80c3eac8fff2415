#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Who is ready is told to the history process one by one, and committed together
# with the held state; who is not ready any more is taken back before that, and
# never after it.
set -eu
. tests/integration/lib.sh

db=$TEST_DIR/history.db
feed() {
	python3 tests/integration/history_feed.py \
		"$PWD/appvssd/appvssd-history" "$db"
}

names() {
	sqlite3 "$db" "SELECT group_concat(name) FROM (SELECT name FROM part
	    WHERE phase = 'held' AND id = $1 ORDER BY name)"
}

feed >"$TEST_DIR/answers" <<EOT
RUN run=1 at_ms=1000
!await READY last_id=0
BEGIN seq=1 id=1 at_ms=1000 op=freeze
!await ACK seq=1
PART seq=2 id=1 phase=held name=one result=ready
!open
PART seq=3 id=1 phase=held name=two result=ready
!open
PART seq=4 id=1 phase=held name=three result=ready
!open
WITHDRAW seq=5 id=1 name=two
STATE seq=6 id=1 at_ms=1001 state=held
COMMIT
!await ACK seq=6
WITHDRAW seq=7 id=1 name=one
STATE seq=8 id=1 at_ms=1002 state=done
!await ACK seq=8
BEGIN seq=9 id=2 at_ms=1003 op=freeze
!await ACK seq=9
PART seq=10 id=2 phase=held name=last result=ready
EOT
[ "$(names 1)" = one,three ] || die "ready in the first: $(names 1)"
# The broker went away before the others answered: nothing is lost.
[ "$(names 2)" = last ] || die "ready in the second: $(names 2)"
! grep -Eq '^ACK seq=[2-5]$' "$TEST_DIR/answers" ||
	die "committed one by one: $(cat "$TEST_DIR/answers")"
