#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-hooks and scripts as they should not be, and as other systems' are.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh

# One round that must end well.
round() {
	freeze "$1" "$2"
	received "^READY name=$1 id=$2 op=freeze" 15
	thaw "$1" "$2" 'done'
	received "^READY name=$1 id=$2 op=thaw" 15
	gone "$LIST" 10
}

longest=$(printf '%064d' 7)
make_script "$longest" : :
make_script chatty 'head -c 8000000 /dev/zero | tr "\0" x; echo; echo the end' :
make_script floods 'yes >/dev/null & yes no' :
make_script mute 'exec >&- 2>&-; exit 0' 'exec >&- 2>&-; exit 0'
make_script deserter 'trap "" TERM HUP; exec python3 $TEST_DIR/desert.py' :
# Time for python3 to start on a busy machine.
sed -i '1a # appvss: timeout=3s' "$VSS_D/deserter"
make_script forks 'for i in 1 2 3 4 5 6 7 8; do (trap "" TERM; sleep 300 & echo $! >>$TEST_DIR/forks; wait) & done; wait; sleep 300' :

# One at a time, each the parent of the next.
make_script breeds 'echo $$ >$TEST_DIR/breeder; trap "" TERM; breed() { (sleep 0.02; breed) & }; breed; wait; sleep 300' :
make_script vanishes : 'echo "vanishes as $(basename $0)" >>$CALLS'
make_script no-shebang : :
sed -i 1d "$VSS_D/no-shebang"
# Leaves its group, and its parent's reach by a signal to the group.
cat >"$TEST_DIR/desert.py" <<-'SCRIPT'
	import os, time
	os.setpgid(0, os.getpgid(os.getppid()))
	print("deserted", flush=True)
	open(os.environ["TEST_DIR"] + "/deserter", "w").write("%d\n" % os.getpid())
	time.sleep(300)
SCRIPT
# In the manner of QEMU's mysql-flush: two words and no other, and a child that
# holds the lock and the output.
cat >"$VSS_D/mysql-flush.sh" <<-'SCRIPT'
	#!/bin/sh
	fifo=$TEST_DIR/flush.fifo
	case $1 in
	freeze)
		mkfifo "$fifo" || exit 1
		(
			exec 3<>"$fifo"
			while read -r line <&3; do
				echo "holding $line"
				[ "$line" = unlock ] && break
			done
			rm -f "$fifo" "$TEST_DIR/locked"
		) &
		echo $! >"$TEST_DIR/locked"
		echo lock >"$fifo"
		;;
	thaw)
		[ -p "$fifo" ] || exit 1
		echo unlock >"$fifo"
		;;
	*)
		exit 1
		;;
	esac
SCRIPT
chmod 755 "$VSS_D/mysql-flush.sh"

start_broker
start_hooks hooks --freeze-ms 1000
for name in breeds chatty floods mute deserter forks vanishes no-shebang \
	mysql-flush.sh "$longest"; do
	received "^REGISTER name=$name " 10
done

say "a hook of qemu-ga, as it is"
tell say "CHECK name=mysql-flush.sh id=1 remaining_ms=2000"
received '^READY name=mysql-flush.sh id=1 op=check' 10
freeze mysql-flush.sh 1
received '^READY name=mysql-flush.sh id=1 op=freeze' 10
holder=$(cat "$TEST_DIR/locked")
# The limit passes: it was ready, so nothing of it is killed.
freeze forks 1 1500
received '^FAIL name=forks id=1 op=freeze text="killed' 15
is_alive "$holder" || die "the holder of the lock was killed"
thaw mysql-flush.sh 1 'done'
thaw forks 1 'done'
received '^READY name=mysql-flush.sh id=1 op=thaw' 10
dead "$holder" 10

say "the whole group of a freeze that hangs is gone"
received '^READY name=forks id=1 op=thaw' 10
while read -r pid; do dead "$pid" 10; done <"$TEST_DIR/forks"

freeze breeds 1
received '^FAIL name=breeds id=1 op=freeze text="killed' 15
thaw breeds 1 'done'
received '^READY name=breeds id=1 op=thaw' 10
# Not what is dead and was not collected yet.
! pgrep -r D,R,S -g "$(cat "$TEST_DIR/breeder")" >"$TEST_DIR/left" ||
	die "what forks for ever goes on: $(cat "$TEST_DIR/left")"

say "names at the limit, no #!, closed output, much output"
round "$longest" 2
round no-shebang 2
round mute 2
freeze chatty 2
received '^READY name=chatty id=2 op=freeze text="exit status 0: x*.nthe end' 15
thaw chatty 2 'done'
received '^READY name=chatty id=2 op=thaw' 10

say "one that prints without end is killed at its limit like any other"
freeze floods 3
received '^FAIL name=floods id=3 op=freeze text="killed after' 10
thaw floods 3 'done'
received '^READY name=floods id=3 op=thaw' 10

say "one that has left its process group is killed all the same"
freeze deserter 4
received '^FAIL name=deserter id=4 op=freeze text="killed after.*deserted' 10
thaw deserter 4 'done'
received '^READY name=deserter id=4 op=thaw' 10
dead "$(cat "$TEST_DIR/deserter")" 10

say "a script is replaced while frozen: what the directory holds is run"
make_script replaced : 'exit 9'
received '^REGISTER name=replaced ' 15
freeze replaced 5
received '^READY name=replaced id=5 op=freeze' 10
rm "$VSS_D/replaced"
make_script replaced : 'echo "replaced by the new one" >>$CALLS'
thaw replaced 5 'done'
received '^READY name=replaced id=5 op=thaw' 10
called '^replaced by the new one' 5

say "a script is deleted while frozen: it thaws all the same"
freeze vanishes 6
received '^READY name=vanishes id=6 op=freeze' 10
rm "$VSS_D/vanishes"
thaw vanishes 6 'done'
received '^READY name=vanishes id=6 op=thaw' 10
called '^vanishes as vanishes' 5
gone "$LIST" 5
received '^UNREGISTER name=vanishes' 15

say "no descriptor is free for a thaw: it is tried again until there is one"
if command -v prlimit >/dev/null; then
	make_script poor : :
	received '^REGISTER name=poor ' 15
	freeze poor 7
	received '^READY name=poor id=7 op=freeze' 10
	limits=$(prlimit --nofile --noheadings -o SOFT,HARD \
		--pid "$(runner_pid hooks)" | awk '{ print $1 ":" $2 }')
	free=0
	while [ -L "/proc/$(runner_pid hooks)/fd/$free" ]; do
		free=$((free + 1))
	done
	prlimit --nofile="$free:" --pid "$(runner_pid hooks)"
	thaw poor 7 'done'
	received '^FAIL name=poor id=7 op=thaw text="cannot start: Too many' 10
	freeze mute 7
	received '^FAIL name=mute id=7 op=freeze text=".*Too many open files' 10
	thaw mute 7 'done'
	prlimit --nofile="$limits" --pid "$(runner_pid hooks)"
	called '^poor thaw ' 15
	gone "$LIST" 15
	thaw poor 7 'done'
	received '^READY name=poor id=7 op=thaw' 10
fi

say "who is stopped is continued: one that sleeps thaws nobody"
freeze mute 8
received '^READY name=mute id=8 op=freeze' 10
runner=$(runner_pid hooks)
kill -STOP "$runner"
thaw mute 8 'done'
received '^READY name=mute id=8 op=thaw' 10

say "a stopped parent, and a runner that is killed: they thaw when it goes on"
freeze mute 9
received '^READY name=mute id=9 op=freeze' 10
kill -STOP "$(pid_of hooks)"
kill -9 "$runner"
dead "$runner" 10
kill -CONT "$(pid_of hooks)"
called '^mute thaw .*transaction=9 result=lost' 15
received '^REGISTER name=mute ' 15 2

say "a hundred scripts at once"
stop_bg hooks TERM || die "exit status $? on SIGTERM"
start_hooks many
received '^REGISTER name=mute ' 15 3
count=100
while [ "$count" -gt 0 ]; do
	make_script "many-$count" : :
	count=$((count - 1))
done
received '^REGISTER name=many-1 ' 30
received '^REGISTER name=many-[0-9]+ ' 30 100
count=100
while [ "$count" -gt 0 ]; do
	freeze "many-$count" 10 60000
	count=$((count - 1))
done
received '^READY name=many-[0-9]+ id=10 op=freeze' 60 100
[ "$(wc -l <"$LIST")" -eq 100 ] || die "not all are on the list"
kill -9 "$(runner_pid many)"
called '^many-[0-9]+ thaw .*transaction=10 result=lost' 60 100
gone "$LIST" 10
received '^REGISTER name=mute ' 15 4
stop_bg many TERM || die "exit status $? on SIGTERM"

say "no room for the list: nothing is frozen, and what is thaws"
if [ "$(id -u)" -eq 0 ] && [ "$(uname -s)" = Linux ]; then
	RUN_DIR=$TEST_DIR/full
	LIST=$RUN_DIR/hooks.frozen
	mkdir -m 700 "$RUN_DIR"
	mount -t tmpfs -o size=64k,mode=700 none "$RUN_DIR" ||
		die "mount of a tmpfs"
	start_hooks full
	received '^REGISTER name=mute ' 15 5
	freeze many-1 11
	received '^READY name=many-1 id=11 op=freeze' 10
	dd if=/dev/zero of="$RUN_DIR/fill" bs=4k >/dev/null 2>&1 || :
	freeze mute 11
	received '^FAIL name=mute id=11 op=freeze text="cannot be noted as frozen: No space' 10
	grep -q '^mute freeze .*transaction=11' "$CALLS" &&
		die "a freeze that is not on the list was run"
	thaw many-1 11 'done'
	received '^READY name=many-1 id=11 op=thaw' 10
	rm "$RUN_DIR/fill"
	stop_bg full TERM || die "exit status $? on SIGTERM"
fi
if grep -E '^(nobody|unknown)|Traceback' "$BROKER_LOG"; then
	die "the broker was told nonsense"
fi
say "passed"
