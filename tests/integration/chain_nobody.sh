#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Nobody registered: file-system consistent, never application consistent.
set -eu
. tests/integration/lib.sh
. tests/integration/chain_lib.sh

chain_start
chain_reply check '^reply op=.* status=0x00000000'
chain_reply freeze '^reply op=FREEZE status=0x00000000'
is_frozen "$MOUNT" || die "$MOUNT is not frozen"
chain_reply thaw '^reply op=THAW status=0x00000000'
chain_unfrozen
chain_await_state 'done'
expect consistency "$(chain_state consistency)" filesystem
