#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-hooks: which scripts are registered and how, what they are told, and
# what the broker is told of their end.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh

make_script 10-early : :
make_script plain : :
make_script 70-fails 'echo first; echo "table is locked" >&2; exit 3' :
make_script disabled : :
make_script 60-theirs : :
make_script 80-holder \
	'(while :; do echo tick; sleep 0.1; done) & echo $! >$TEST_DIR/holder' \
	'kill $(cat $TEST_DIR/holder)'
printf '#!/nonexistent/interpreter\n' >"$VSS_D/90-broken"
chmod 755 "$VSS_D/90-broken"
chmod 644 "$VSS_D/disabled"
chmod 777 "$VSS_D/60-theirs"
cp "$VSS_D/plain" "$VSS_D/plain.bak"
ln -s plain "$VSS_D/85-link"

say "--list says what is run and why not"
"$HOOKS" --dir "$VSS_D" --list >"$TEST_DIR/list"
wait_for "$TEST_DIR/list" '^10 run +10-early$' 1
wait_for "$TEST_DIR/list" '^60 refused +60-theirs \(writable' 1
wait_for "$TEST_DIR/list" '^85 refused +85-link .*symbolic link' 1
wait_for "$TEST_DIR/list" '^50 ignored +disabled \(not executable' 1
wait_for "$TEST_DIR/list" '^50 ignored +plain.bak ' 1

"$HOOKS" --dir "$VSS_D" --list stray >"$TEST_DIR/stray.log" 2>&1 &&
	die "a stray word was taken"
wait_for "$TEST_DIR/stray.log" 'stray: not understood' 1

say "each script is a participant; a refused order falls back"
start_broker --deny-order
start_hooks hooks
received '^REGISTER name=10-early .*order=10' 10
received '^REGISTER name=10-early .*order=50' 10
received '^REGISTER name=plain .*order=50' 10
received '^REGISTER name=80-holder .*order=50' 10
received '^REGISTER name=60-theirs ' 10
received '^REGISTER name=90-broken .*order=50' 10
received '^REGISTER name=70-fails .*order=50' 10
wait_for "$TEST_DIR/hooks.log" 'order_refused.*name=10-early' 10
if grep -Eq '^REGISTER name=(disabled|plain.bak)' "$BROKER_LOG"; then
	die "a file that is no script was registered"
fi

say "freeze and thaw, with their environment"
freeze plain 41
received '^READY .*name=plain .*' 10
called '^plain freeze operation=freeze transaction=41 result= deadline=4[0-9]+' 1
[ -s "$LIST" ] || die "no name on the list while frozen"
thaw plain 41 'done'
received '^READY .*id=41 .*op=thaw|^READY .*op=thaw.*id=41' 10
called '^plain thaw operation=thaw transaction=41 result=done' 1
gone "$LIST" 5

say "a failure carries the exit status and the output; its thaw is run"
freeze 70-fails 42
received '^FAIL .*name=70-fails .*exit status 3: first.*table is locked' 10
thaw 70-fails 42 aborted
called '^70-fails thaw .*transaction=42 result=aborted' 10

say "a script that is not trusted fails, and is not run"
tell say "CHECK name=60-theirs id=43 remaining_ms=1000"
received '^FAIL .*name=60-theirs .*writable' 10
freeze 60-theirs 43
received '^FAIL .*name=60-theirs .*op=freeze.*writable' 10
tell say "CHECK name=plain id=43 remaining_ms=1000"
received '^READY .*name=plain .*op=check' 10

say "one that cannot be executed fails, and owes no thaw"
freeze 90-broken 45
received '^FAIL .*name=90-broken .*cannot execute' 10
thaw 90-broken 45 aborted
received '^READY .*name=90-broken .*op=thaw' 10
gone "$LIST" 5

say "a child left behind that has the pipe keeps nobody waiting, and lives"
freeze 80-holder 44
received '^READY .*name=80-holder .*op=freeze' 10
kill -0 "$(cat "$TEST_DIR/holder")" || die "the lock's holder was killed"
thaw 80-holder 44 'done'
received '^READY .*name=80-holder .*op=thaw' 10
if grep -q 'name=80-holder.*op=thaw.*exit status [1-9]' "$BROKER_LOG"; then
	die "the holder was gone before its thaw"
fi

say "scripts come and go"
make_script new : :
rm "$VSS_D/10-early"
kill -HUP "$(pid_of hooks)"
received '^REGISTER name=new ' 15
received '^UNREGISTER name=10-early' 15

say "whoever cannot take part is missed"
make_script "a name" : :
kill -HUP "$(pid_of hooks)"
received '^REGISTER name=vss\.d ' 15
freeze vss.d 46
received '^FAIL .*name=vss\.d .*op=freeze.*1 of the directory.*a name' 10
thaw vss.d 46 aborted
received '^READY .*name=vss\.d .*op=thaw' 10
rm "$VSS_D/a name"
kill -HUP "$(pid_of hooks)"
received '^UNREGISTER name=vss\.d' 15
left=$((129 - $("$HOOKS" --dir "$VSS_D" --list |
	grep -Ec '^[0-9]+ (run|refused)')))
while [ "$left" -gt 0 ]; do
	make_script "99-$left" : :
	left=$((left - 1))
done
"$HOOKS" --dir "$VSS_D" --list | grep -q ' 99-99 (too many: left out)$' ||
	die "--list does not tell who is left out"
kill -HUP "$(pid_of hooks)"
received '^REGISTER name=vss\.d ' 15 2
tell say "CHECK name=vss.d id=47 remaining_ms=1000"
received '^FAIL .*name=vss\.d .*op=check.*99-99: there are too many' 10

say "nobody else may use the same list"
"$HOOKS" --foreground --dir "$VSS_D" --runtime-dir "$RUN_DIR" \
	>"$TEST_DIR/second.log" 2>&1 && die "a second instance started"
wait_for "$TEST_DIR/second.log" 'another appvss-hooks' 1

stop_bg hooks TERM || die "exit status $? on SIGTERM"
received '^UNREGISTER name=plain' 5
if grep -E '^(nobody|unknown)|Traceback' "$BROKER_LOG"; then
	die "the broker was told nonsense"
fi
say "passed"
