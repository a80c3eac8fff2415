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
# The mount table that hv_vss_daemon reads is as large as what is mounted: what
# others mount meanwhile must not count, nor be kept by us when they are done.
export PYTHONDONTWRITEBYTECODE=1
# shellcheck disable=SC2016
unshare --mount --propagation private sh -c '
	mine=$1
	shift
	awk -v mine="$mine/" "\$5 ~ /^\\/tmp\\/appvss-test/ &&
	    index(\$5, mine) != 1 { print \$5 }" /proc/self/mountinfo |
		xargs -r umount -l 2>/dev/null
	exec python3 tests/bench/soak.py "$@"' soak "$TEST_DIR" \
	"$@" "$SHM/soak" "$data" "$more"
