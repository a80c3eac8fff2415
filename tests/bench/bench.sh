#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# All benchmarks, one after the other.  Numbers go to standard output, one JSON
# object a line with --json.
# usage: bench.sh [--json]
set -eu

json=
short=
if [ "${1:-}" = --json ]; then
	json=--json
	short=-j
fi
# shellcheck disable=SC2086
tests/bench/driver $json
# Where others have work too, only what runs before them can be compared.
first=
if chrt -f 1 true 2>/dev/null; then
	first='chrt -f 1'
fi
# shellcheck disable=SC2086
$first tests/bench/fanout $json 0 1 10 100 1000 10000
# shellcheck disable=SC2086
sh tests/bench/snapshot.sh $json || [ $? -eq 77 ]
mkdir -p .build
# shellcheck disable=SC2086
tests/bench/history $short .build "${BENCH_TRANSACTIONS:-20000}"
