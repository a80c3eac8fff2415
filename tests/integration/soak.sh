#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Ten snapshots of "make soak": every one is application-consistent and in the
# history once, nobody was started again, and no descriptor or file is left over.
# Of memory so few snapshots say nothing.
set -eu
exec sh tests/bench/soak.sh 10
