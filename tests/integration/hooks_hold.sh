#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a freeze script leaves behind with appvss-hold: it holds until thaw and no
# longer, ends with whatever it belongs to, and a hold that was lost is no
# secret.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh

HOLD=$PWD/hooks/appvss-hold
HELD=$TEST_DIR/held
HOLD_MS=60000
export HOLD HELD
cat >"$TEST_DIR/session" <<'SCRIPT'
#!/bin/sh
# A database's client: "held" is there as long as its lock is.
while read -r line; do
	case $line in
	hold) echo "$$" >"$HELD.$1" && echo appvss-held ;;
	hang) sleep 1000 ;;
	ping) echo appvss-alive ;;
	end) break ;;
	esac
done
rm -f "$HELD.$1"
[ "$line" = end ] && echo appvss-released
SCRIPT
chmod 755 "$TEST_DIR/session"
make_script db 'echo "${SAY:-hold}" | "$HOLD" begin --hold-ms $(cat $TEST_DIR/ms) \
	--ready-ms 20000 --each one --each two --ping "ping
" --end "end
" db "$TEST_DIR/session"' '"$HOLD" end db || { echo "db not held" >>$CALLS; exit 1; }'

# It has much to say after its promise; what is left behind holds until it dies.
make_script chatty 'sleep 1000 & echo $! >$TEST_DIR/left
	echo "not appvss: holding"; echo "appvss: holding"; head -c 3000 /dev/zero |
	    tr "\000" x' 'kill $(cat $TEST_DIR/left) || :'

all_gone() {
	for each in one two; do
		gone "$HELD.$each" 10
	done
	gone "$RUN_DIR/db.hold" 10
	all_tries=200
	while [ -n "$(holders_of "$RUN_DIR")" ]; do
		all_tries=$((all_tries - 1))
		[ "$all_tries" -gt 0 ] || die "a holder is left"
		sleep 0.05
	done
}

test_cleanup() {
	for holder in $(holders_of "$RUN_DIR"); do
		kill -9 "$holder"
	done
}

# Asked by the number of lines: the second READY is that of the second thaw.
answers() {
	grep -c "^$1 name=db id=$2 op=$3" "$BROKER_LOG" || :
}

ready() {
	freeze db "$1" 10000
	received "^READY name=db id=$1 op=freeze" 10
	for each in one two; do
		[ -s "$HELD.$each" ] || die "ready, and $each is not held"
	done
}

start_broker
echo "$HOLD_MS" >"$TEST_DIR/ms"
start_hooks hooks
received '^REGISTER name=db ' 10

say "it holds until thaw"
ready 1
sleep 1.5
[ -s "$HELD.one" ] || die "not held for long"
[ "$(answers FAIL 1 freeze)" = 0 ] || die "a loss of a hold that holds"
thaw db 1 'done'
received '^READY name=db id=1 op=thaw' 10
all_gone

say "a session ends by itself: the broker hears of it, and the thaw says so"
ready 2
kill -9 "$(cat "$HELD.two")"
rm "$HELD.two"
received '^FAIL name=db id=2 op=freeze .*holds no more.*killed by signal 9' 10
gone "$HELD.one" 10
thaw db 2 aborted
received '^FAIL name=db id=2 op=thaw .*must not be trusted' 10
called '^db not held' 10
called '^db thaw .*transaction=2' 10 2
all_gone
thaw db 2 aborted
received '^READY name=db id=2 op=thaw' 10

say "what was promised counts, however much is said after it"
received '^REGISTER name=chatty ' 10
freeze chatty 2 10000
received '^READY name=chatty id=2 op=freeze' 10
kill "$(cat "$TEST_DIR/left")"
received '^FAIL name=chatty id=2 op=freeze .*holds no more: xxx' 10
thaw chatty 2 aborted
received '^READY name=chatty id=2 op=thaw' 10

say "the holder is killed"
ready 3
kill -9 "$(holders_of "$RUN_DIR")"
received '^FAIL name=db id=3 op=freeze .*holds no more' 10
gone "$HELD.one" 10
gone "$HELD.two" 10
thaw db 3 aborted
received '^FAIL name=db id=3 op=thaw .*its process was killed' 10
all_gone
thaw db 3 aborted
received '^READY name=db id=3 op=thaw' 10

say "its limit passes"
echo 300 >"$TEST_DIR/ms"
freeze db 4 10000
received '^READY name=db id=4 op=freeze' 10
received '^FAIL name=db id=4 op=freeze .*its limit passed' 10
gone "$HELD.one" 10
thaw db 4 aborted
received '^FAIL name=db id=4 op=thaw .*its limit passed' 10
all_gone
thaw db 4 aborted
received '^READY name=db id=4 op=thaw' 10
echo "$HOLD_MS" >"$TEST_DIR/ms"

say "the runner is killed while it holds: its parent has it released"
ready 5
kill -9 "$(runner_pid hooks)"
called '^db thaw .*transaction=5 result=lost' 10
all_gone
received '^REGISTER name=db ' 15 2

say "both are killed: the hold outlives them, up to its limit"
echo 5000 >"$TEST_DIR/ms"
ready 6
runner=$(runner_pid hooks)
kill -STOP "$(pid_of hooks)"
kill -9 "$runner" "$(pid_of hooks)"
wait_bg hooks 10 || :
[ -s "$HELD.one" ] || die "the hold did not outlive them"
gone "$HELD.one" 20
gone "$HELD.two" 20
SAY=hang
export SAY
echo "$HOLD_MS" >"$TEST_DIR/ms"
start_hooks again
called '^db thaw .*transaction=6 result=lost' 10
all_gone
received '^REGISTER name=db ' 15 3

say "a freeze that never holds is killed, and nothing of it is left"
freeze db 7 1000
received '^FAIL name=db id=7 op=freeze .*killed' 10
thaw db 7 aborted
received '^READY name=db id=7 op=thaw|^FAIL name=db id=7 op=thaw' 10
all_gone
[ -z "$(pgrep -f "$TEST_DIR/session" || :)" ] || die "a session is left"
say "passed"
