#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-hooks --run: what the person who writes a script is shown.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh

out=$TEST_DIR/try.out

# try STATUS OPERATION NAME [OPTION...]
try() {
	try_wanted=$1
	try_operation=$2
	try_name=$3
	shift 3
	try_status=0
	timeout 60 "$HOOKS" --dir "$VSS_D" --runtime-dir "$RUN_DIR" "$@" \
		--run "$try_operation" "$try_name" >"$out" 2>&1 ||
		try_status=$?
	[ "$try_status" -eq "$try_wanted" ] ||
		die "--run $try_operation $try_name: exit status $try_status"
}

shows() {
	grep -Eq -- "$1" "$out" || die "no '$1' in: $(cat "$out")"
}

make_script good 'echo to stdout; echo to stderr >&2' 'echo thawed'
make_script fails 'echo the table is locked; exit 3' 'exit 7'
make_script hangs 'echo waiting; trap "" TERM; sleep 300 & echo $! >$TEST_DIR/sleeper; wait; sleep 300' \
	'while [ ! -e $TEST_DIR/go ]; do sleep 0.05; done'
make_script leaves '(sleep 300) & echo $! >$TEST_DIR/left' 'kill $(cat $TEST_DIR/left)'
make_script theirs : :
chmod 777 "$VSS_D/theirs"
make_script off : :
chmod 644 "$VSS_D/off"
printf '#!/bin/sh\n# appvss: timeout=7\n' >"$VSS_D/mistake"
printf '#!/bin/sh\n# appvss: timeout=900ms check\n[ "$1" = check ]\n' \
	>"$VSS_D/checks"
chmod 755 "$VSS_D/mistake" "$VSS_D/checks"

say "environment, output, status and time"
try 0 freeze good --freeze-ms 4321
shows '/vss.d/good freeze$'
shows '^APPVSS_OPERATION=freeze$'
shows '^APPVSS_TRANSACTION=0$'
shows '^APPVSS_DEADLINE_MS=4321$'
shows '^APPVSS_RESULT=$'
shows '^to stdout$'
shows '^to stderr$'
shows '^--- exit status 0, after [0-9]+ ms: ready$'
shows '^now run its thaw: appvss-hooks --run thaw good$'
called '^good freeze operation=freeze transaction=0 result= deadline=4321$' 1
try 0 thaw good
shows '^APPVSS_RESULT=done$'
shows '^thawed$'
called '^good thaw operation=thaw transaction=0 result=done' 1
try 1 freeze fails
shows '^the table is locked$'
shows '^--- exit status 3, after [0-9]+ ms: failed$'
try 1 thaw fails
shows '^--- exit status 7, '
try 0 check checks
shows '^directives: timeout=900ms check$'
shows '^APPVSS_DEADLINE_MS=900$'
try 1 freeze checks
try 0 check good
shows 'without the directive "check" it is never asked'

if [ "$(id -u)" -eq 0 ] && id nobody >/dev/null 2>&1; then
	say "as the user of the directive"
	printf '#!/bin/sh\n# appvss: user=nobody\necho "I am $(id -un)"\n' \
		>"$VSS_D/theirs-too"
	chmod 755 "$VSS_D/theirs-too"
	try 0 freeze theirs-too
	shows '^USER=nobody$'
	shows '^I am nobody$'
fi

say "what is left behind keeps nobody waiting, and is left alone"
try 0 freeze leaves
shows 'has its output open'
is_alive "$(cat "$TEST_DIR/left")" || die "the holder was killed"
try 0 thaw leaves
dead "$(cat "$TEST_DIR/left")" 10

say "a freeze that hangs is killed with its group"
try 1 freeze hangs --freeze-ms 500
shows '^waiting$'
shows '^--- killed at its limit or by you, killed by signal 9, after'
dead "$(cat "$TEST_DIR/sleeper")" 10

say "^C gives a freeze up, and leaves a thaw alone"
: >"$TEST_DIR/sleeper"
start_bg freeze "$HOOKS" --dir "$VSS_D" --runtime-dir "$RUN_DIR" \
	--freeze-ms 60000 --run freeze hangs
wait_for "$TEST_DIR/sleeper" '^[0-9]+$' 10
kill -TERM "$(pid_of freeze)"
wait_bg freeze 15 && die "a freeze that was given up is ready"
dead "$(cat "$TEST_DIR/sleeper")" 10
start_bg thaw "$HOOKS" --dir "$VSS_D" --runtime-dir "$RUN_DIR" \
	--run thaw hangs
called '^hangs thaw' 10
kill -TERM "$(pid_of thaw)"
wait_bg thaw 15 && die "a thaw that runs on has succeeded"
wait_for "$TEST_DIR/thaw.log" 'it goes on as process [0-9]+' 1
left=$(sed -n 's/.*it goes on as process \([0-9]*\).*/\1/p' "$TEST_DIR/thaw.log")
is_alive "$left" || die "the thaw was killed"
: >"$TEST_DIR/go"
dead "$left" 10

say "what may not run is not run, and why is said"
try 78 freeze theirs
shows 'theirs: writable by group or others'
try 78 freeze off
shows 'off: not executable'
try 78 freeze mistake
shows 'mistake: line 2: timeout=7: timeout is a number with s or ms'
try 66 freeze missing
try 64 freeze ../vss.d/good
try 64 sleep good
shows 'not check, freeze or thaw'

say "what a transaction has frozen is not touched"
start_broker
start_hooks hooks
received '^REGISTER name=good ' 10
freeze good 5
received '^READY name=good id=5 op=freeze' 10
try 75 thaw good
shows 'good: appvss-hooks runs it or owes it a thaw, in transaction 5'
try 75 freeze good
thaw good 5 'done'
received '^READY name=good id=5 op=thaw' 10
try 0 freeze good
stop_bg hooks TERM || die "exit status $? on SIGTERM"
"$HOOKS" --help >"$out" || die "--help"
shows '--run \{check \| freeze \| thaw\} NAME'
shows '--list \[--json\]'
status=0
"$HOOKS" --dir "$VSS_D" --list >/dev/full 2>"$out" || status=$?
[ "$status" -eq 74 ] || die "--list to a full disk ended with $status"
say "passed"
