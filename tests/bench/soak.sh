#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Makes two file systems for soak.py, whose options these are, and undoes
# everything, whatever happens.
set -eu
. tests/integration/lib.sh

need_root_loop
SHM=$(mktemp -d /dev/shm/appvss-test.XXXXXX)
test_cleanup() {
	rm -rf "$SHM"
}

# In memory: how fast a disk is, and who else uses it, is not the question.
IMAGE_DIR=$SHM
mkdir "$SHM/soak"
data=$(make_mount ext4 "${DATA_MB:-512}" data)
more=$(make_mount ext4 64 more)
# Else some bytes each time could hide in what is allocated ahead.
export MALLOC_TOP_PAD_=0
PYTHONDONTWRITEBYTECODE=1 python3 tests/bench/soak.py "$@" "$SHM/soak" "$data" \
	"$more"
