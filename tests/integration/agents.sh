#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The scripts for VMware and Azure, called as these agents call them.
set -eu
. tests/integration/lib.sh
. tests/integration/agents_lib.sh

# Runs it, and compares its exit status.
call() {
	wanted=$1
	shift
	got=0
	"$@" >"$TEST_DIR/call.out" 2>&1 || got=$?
	[ "$got" -eq "$wanted" ] ||
		die "$*: status $got, not $wanted: $(cat "$TEST_DIR/call.out")"
}

agents_start
pre=$SHARE/vmware/pre-freeze-script
post=$SHARE/vmware/post-thaw-script

say "VMware"
agents_app db
call 0 "$post"
call 0 "$pre" freeze
appvssd/appvssctl/appvssctl status | grep -q ': held' || die "nothing is held"
call 0 "$post" thaw
agents_expect 'done|application|'
call 0 "$pre"
call 0 "$pre" # the snapshot of before was never told to have ended
wait_for "$TEST_DIR/db.log" '^thaw done' 10 2
call 0 "$post" freezeFail
call 0 "$post"
agents_expect 'done|application|'

say "Azure"
python3 - "$SHARE/azure" <<'PLAN' >"$TEST_DIR/plan"
import json, os, sys
with open(sys.argv[1] + "/VMSnapshotScriptPluginConfig.json") as file:
    plan = json.load(file)
assert plan["continueBackupOnFailure"] is False
for kind in ("pre", "post"):
    print(" ".join([plan[kind + "ScriptLocation"]] +
                   plan[kind + "ScriptParams"]))
PLAN
[ "$(stat -c %a "$SHARE/azure/pre-script" "$SHARE/azure/post-script" \
	"$SHARE/azure/VMSnapshotScriptPluginConfig.json" | tr '\n' ' ')" = \
	'700 700 600 ' ] || die "modes: $(ls -l "$SHARE/azure")"
grep -q "^/usr/local/share/appvss/azure/pre-script" "$TEST_DIR/plan" ||
	die "the plan: $(cat "$TEST_DIR/plan")"
call 0 "$SHARE/azure/pre-script" '' ''
call 0 "$SHARE/azure/post-script" '' ''
agents_expect 'done|application|'

say "what goes wrong"
agents_app shy FAIL 'no disk'
echo require_application=yes >"$APPVSS_AGENT_CONF"
call 69 "$pre"
grep -q 'not application-consistent' "$TEST_DIR/call.out" ||
	die "not said: $(cat "$TEST_DIR/call.out")"
call 0 "$post" # nothing was held
echo hold=1 >"$APPVSS_AGENT_CONF"
call 0 "$pre"
wait_for "$TEST_DIR/db.log" '^thaw expired' 20
call 75 "$post"
grep -q 'not held until now' "$TEST_DIR/call.out" ||
	die "not said: $(cat "$TEST_DIR/call.out")"
call 64 "$APPVSS_AGENT" vmware melt
call 64 "$APPVSS_AGENT" ../x freeze
call 64 "$APPVSS_AGENT" vmware
rm "$APPVSS_AGENT_CONF"
call 0 "$pre"
kill -9 "$(pgrep -P "$(pid_of appvssd)" -x appvssd-broker)"
wait_for "$TEST_DIR/appvssd.log" 'event=ready' 10 2
call 75 "$post"
call 0 "$post"
