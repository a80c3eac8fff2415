#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# appvss-hooks with nothing to do does not wake, and sees changes all the same.
# shellcheck disable=SC2016,SC2119
set -eu
. tests/integration/hooks_env.sh

[ -r /proc/self/status ] || skip "the wakeups are read in /proc"

# How often the two processes have slept.
sleeps() {
	for sleeper in "$(pid_of hooks)" "$(runner_pid hooks)"; do
		sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' \
			"/proc/$sleeper/status"
	done | tr '\n' ' '
}

make_script one : :
start_broker
start_hooks hooks
received '^REGISTER name=one ' 10
freeze one 1
received '^READY name=one id=1 op=freeze' 10
thaw one 1 'done'
received '^READY name=one id=1 op=thaw' 10

# What follows a transaction is done once two looks find nothing between them.
before=
tries=60
until [ "$before" = "$(sleeps)" ]; do
	before=$(sleeps)
	tries=$((tries - 1))
	[ "$tries" -gt 0 ] || die "never idle"
	sleep 2
done
say "asleep"
sleep 12
[ "$before" = "$(sleeps)" ] || die "woke: $before, now $(sleeps)"

say "a new script wakes it"
make_script two : :
received '^REGISTER name=two ' 15
stop_bg hooks TERM || die "exit status $? on SIGTERM"
say "passed"
