#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Between the commit of the held row and the thaw, the history is sent nothing
# but what makes that row true again.
set -eu
. tests/integration/lib.sh
. tests/integration/broker_lib.sh

cat >"$TEST_DIR/fake-history" <<EOT
#!/bin/sh
exec $(command -v python3) "$PWD/tests/integration/fake_history.py" "\$@"
EOT
chmod +x "$TEST_DIR/fake-history"
HISTORY_PROGRAM=$TEST_DIR/fake-history
broker_start 'freeze_ms = 5000' 'commit_ms = 5000'
broker_case faults retracted
broker_case faults proof
broker_case faults ready
broker_stop
