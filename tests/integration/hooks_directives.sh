#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-hooks: what a script says of itself in its directives is what happens,
# a mistake in them is refused by name, and changes are seen without a restart.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh

# make_directed NAME DIRECTIVES FREEZE_CODE CHECK_CODE
make_directed() {
	cat >"$TEST_DIR/new" <<-SCRIPT
		#!/bin/sh
		# appvss: $2
		echo "$1 \$1 operation=\$APPVSS_OPERATION" \
		    "deadline=\$APPVSS_DEADLINE_MS user=\$(id -un)" \
		    "groups=\$(id -Gn) HOME=\$HOME USER=\$USER" \
		    "LOGNAME=\$LOGNAME" >>"\$CALLS"
		case \$1 in
		freeze) $3 ;;
		check) $4 ;;
		esac
	SCRIPT
	chmod 755 "$TEST_DIR/new"
	# Whole at once, as an editor or a package manager does it.
	mv "$TEST_DIR/new" "$VSS_D/$1"
}

chmod 666 "$CALLS"
make_directed all 'order=20 timeout=700ms required check' \
	'sleep 300' 'echo the disk is full; exit 4'
make_directed 30-bad 'odrer=20' : :
# What it says last is what is waited for: then all before it was done.
make_directed slow-check 'check timeout=2s' : \
	'trap "" TERM; sleep 300 & echo $! >$TEST_DIR/asker; echo asking; wait; wait; sleep 300'
make_directed nobodys 'user=no-such-user' : :
printf '#!/bin/sh\r\nexit 0\r\n' >"$VSS_D/dos"
chmod 755 "$VSS_D/dos"
# As of qemu-ga's hooks: it knows two words, and has no directive.
make_script plain : 'case $1 in freeze|thaw) ;; *) exit 1 ;; esac'

say "--list shows directives, and what is wrong with them"
"$HOOKS" --dir "$VSS_D" --list >"$TEST_DIR/list"
wait_for "$TEST_DIR/list" \
	'^20 run +all  order=20 timeout=700ms required check$' 1
wait_for "$TEST_DIR/list" '^30 refused +30-bad \(line 2: odrer=20: unknown' 1
wait_for "$TEST_DIR/list" '^50 refused +dos \(line 1: ends with CR LF' 1
wait_for "$TEST_DIR/list" \
	'^50 refused +nobodys \(user=no-such-user: there is no such user' 1
"$HOOKS" --dir "$VSS_D" --list --json >"$TEST_DIR/list.json"
python3 - "$TEST_DIR/list.json" <<'CHECK' || die "--list --json is wrong"
import json, sys
found = json.load(open(sys.argv[1]))
files = {f["name"]: f for f in found["files"]}
assert found["refused"] is None, found
assert files["all"] == {"name": "all", "order": 20, "state": "run",
    "required": True, "check": True, "timeout_ms": 700}, files["all"]
assert files["30-bad"]["state"] == "refused"
assert files["30-bad"]["why"].startswith("line 2: odrer=20: unknown")
CHECK

say "order, required and timeout are asked for"
start_broker
start_hooks hooks
received '^REGISTER name=all .*order=20 required=1 .*freeze_ms=700' 10
received '^REGISTER name=slow-check .*order=50 required=0 .*freeze_ms=2000' 10
received '^REGISTER name=30-bad ' 10
received '^REGISTER name=plain ' 10
wait_for "$TEST_DIR/hooks.log" \
	'event=script_refused name=30-bad order=30 reason=.*odrer' 10

say "a mistake is refused by name, and not run"
tell say "CHECK name=30-bad id=1 remaining_ms=5000"
received '^FAIL name=30-bad id=1 op=check text="line 2: odrer=20: unknown' 10
freeze 30-bad 1
received '^FAIL name=30-bad id=1 op=freeze text="line 2: odrer=20' 10
freeze nobodys 1
received '^FAIL name=nobodys id=1 op=freeze text="user=no-such-user: ' 10
thaw 30-bad 1 'done'
thaw nobodys 1 'done'
grep -q '^30-bad' "$CALLS" && die "a script with a mistake was run"

say "check is called if the directive says so, and only then"
tell say "CHECK name=all id=2 remaining_ms=5000"
received '^FAIL name=all id=2 op=check text="exit status 4: the disk is full' 10
called '^all check operation=check deadline=700 ' 10
tell say "CHECK name=plain id=2 remaining_ms=5000"
received '^READY name=plain id=2 op=check' 10
grep -q '^plain' "$CALLS" && die "check without the directive"
gone "$LIST" 5

say "a check that hangs is killed with its group"
tell say "CHECK name=slow-check id=3 remaining_ms=5000"
received '^FAIL name=slow-check id=3 op=check text="killed .*asking' 10
dead "$(cat "$TEST_DIR/asker")" 10
gone "$LIST" 5

say "a freeze that comes while a check hangs does not wait for it"
make_directed slow-check 'check timeout=60s' : \
	'echo $$ >$TEST_DIR/asker; sleep 300'
received '^REGISTER name=slow-check .*freeze_ms=60000' 15
: >"$TEST_DIR/asker"
tell say "CHECK name=slow-check id=4 remaining_ms=60000"
wait_for "$TEST_DIR/asker" "^[0-9]+\$" 10
freeze slow-check 5
received '^READY name=slow-check id=5 op=freeze' 10
thaw slow-check 5 'done'
received '^READY name=slow-check id=5 op=thaw' 10
grep -q 'name=slow-check id=4' "$BROKER_LOG" &&
	die "the check that was given up was answered"
dead "$(cat "$TEST_DIR/asker")" 10

say "a check does not outlive a runner that is killed"
: >"$TEST_DIR/asker"
tell say "CHECK name=slow-check id=6 remaining_ms=60000"
wait_for "$TEST_DIR/asker" "^[0-9]+\$" 10
kill -9 "$(runner_pid hooks)"
received '^REGISTER name=slow-check ' 15 3
dead "$(cat "$TEST_DIR/asker")" 10
gone "$LIST" 5
grep -q '^slow-check thaw .*result=lost' "$CALLS" &&
	die "a check was thawed"

say "timeout is the freeze's limit"
freeze all 7 60000
received '^FAIL name=all id=7 op=freeze text="killed after ' 10
thaw all 7 'done'
received '^READY name=all id=7 op=thaw' 10

# No signal, and nothing that is asked: the directory's own news.
say "changed directives count without a restart"
make_directed all 'order=21 timeout=2s' : :
received '^REGISTER name=all .*order=21 required=0 .*freeze_ms=2000' 15
make_directed 30-bad 'order=31' : :
received '^REGISTER name=30-bad .*order=31 ' 15
say "scripts come, go and are switched off and on"
make_directed later 'timeout=3s' : :
received '^REGISTER name=later .*freeze_ms=3000' 15
chmod 644 "$VSS_D/later"
received '^UNREGISTER name=later' 15
chmod 755 "$VSS_D/later"
received '^REGISTER name=later ' 15 2
rm "$VSS_D/later"
received '^UNREGISTER name=later' 15 2

say "a change that is not known yet counts all the same"
kill -STOP "$(pid_of hooks)" "$(runner_pid hooks)"
make_directed all 'timeout=1234ms' : :
freeze all 8 60000
kill -CONT "$(runner_pid hooks)" "$(pid_of hooks)"
received '^READY name=all id=8 op=freeze' 10
called '^all freeze .*deadline=1234 ' 5
thaw all 8 'done'
received '^READY name=all id=8 op=thaw' 10

say "a directory that others could write to is refused, with all in it"
chmod 777 "$VSS_D"
freeze all 81
received '^FAIL name=all id=81 op=freeze text="writable by group or others' 10
thaw all 81 'done'
"$HOOKS" --dir "$VSS_D" --list >"$TEST_DIR/list" && die "--list takes it"
wait_for "$TEST_DIR/list" '^directory refused: writable' 1
wait_for "$TEST_DIR/list" '^50 refused +all \(writable' 1
chmod 755 "$VSS_D"
freeze all 82
received '^READY name=all id=82 op=freeze' 10
thaw all 82 'done'
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	chown nobody "$VSS_D/plain"
	freeze plain 83
	received '^FAIL name=plain id=83 op=freeze text="owner is not root' 10
	thaw plain 83 'done'
	wait_for "$TEST_DIR/hooks.log" \
		'event=script_refused name=plain .*owner is not root' 10
	chown 0 "$VSS_D/plain"
fi

say "the directory itself is replaced"
mkdir -m 755 "$TEST_DIR/vss.new"
cp -p "$VSS_D/plain" "$TEST_DIR/vss.new/moved"
mv "$VSS_D" "$TEST_DIR/vss.old"
mv "$TEST_DIR/vss.new" "$VSS_D"
received '^REGISTER name=moved ' 30
received '^UNREGISTER name=all' 30

say "a script runs as its user"
if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	chmod 711 "$TEST_DIR"
	make_directed theirs 'user=nobody check' : :
	received '^REGISTER name=theirs ' 15
	for op in check freeze thaw; do
		tell say "$(echo $op | tr "[:lower:]" "[:upper:]") name=theirs id=9" \
			"reason=done remaining_ms=5000 hold_ms=60000"
		received "^READY name=theirs id=9 op=$op" 10
		called "^theirs $op .*user=nobody groups=$(id -Gn nobody)" 5
	done
	home=$(getent passwd nobody | cut -d: -f6)
	called "^theirs freeze .* HOME=$home USER=nobody LOGNAME=nobody" 5
	say "... also its thaw after the runner was killed"
	freeze theirs 10
	received '^READY name=theirs id=10 op=freeze' 10
	kill -9 "$(runner_pid hooks)"
	called '^theirs thaw .*user=nobody' 15 2
	received '^REGISTER name=theirs ' 15 2
else
	say "not tried: that needs root and a user nobody"
fi
stop_bg hooks TERM || die "exit status $? on SIGTERM"
say "passed"
