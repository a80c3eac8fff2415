#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The demo: its proof holds, also in a directory with a strange name, and whatever
# ends it at its worst moment, nothing of it is left.
set -eu
. tests/integration/lib.sh

need_root_loop
command -v setsid >/dev/null || skip "no setsid here"
TMPDIR="$TEST_DIR/a directory"
DEMO_SECONDS=0.1
export TMPDIR DEMO_SECONDS
mkdir "$TMPDIR"

# A group of its own, in which SIGINT is not ignored as in the background.
demo_in_group() {
	start_bg "$1" python3 -c '
import os, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.setsid()
os.execlp("sh", "sh", "examples/demo.sh")
'
}

demo_is_gone() {
	tries=400
	while [ -n "$(ls -A "$TMPDIR")" ] || pgrep -f "$TMPDIR" >/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || die "left: $(ls -A "$TMPDIR")
$(pgrep -fa "$TMPDIR" || :)"
		sleep 0.05
	done
	[ -z "$(test_mounts)" ] || die "still mounted: $(test_mounts)"
}

sh examples/demo.sh >"$TEST_DIR/whole.log" 2>&1 || die "the proof"
grep -q 'the proof held$' "$TEST_DIR/whole.log" || die "what was proved?"
demo_is_gone

# Ctrl-C while frozen: quietly, and at once.
demo_in_group ctrl-c
wait_for "$TEST_DIR/ctrl-c.log" 'frozen at row' 20
kill -s INT -- "-$(pid_of ctrl-c)"
status=0
wait_bg ctrl-c 15 || status=$?
[ "$status" -eq 130 ] || die "Ctrl-C: exit status $status, expected 130"
! grep -Eq 'FAILED|---' "$TEST_DIR/ctrl-c.log" || die "Ctrl-C is no failure"
demo_is_gone

# Killed while frozen, together with all that a terminal would end.
demo_in_group killed
wait_for "$TEST_DIR/killed.log" 'frozen at row' 20
kill -s KILL -- "-$(pid_of killed)"
wait_bg killed 15 || :
demo_is_gone
