#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Builds a copy of the tree with a sanitizer and runs a check target in it.
# usage: sanitize.sh SANITIZERS TARGET
set -eu

sanitizers=$1
target=$2
copy=.build/$(echo "$sanitizers" | tr , -)
rm -rf "$copy"
mkdir -p "$copy"
tar cf - --exclude=./.build --exclude=./.git --exclude='*.o' . |
	tar xf - -C "$copy"
cd "$copy"
find . -type f -name '*.d' -exec rm {} +
${MAKE:-make} clean >/dev/null
ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}
TXN_EXPLORE_MAX=${TXN_EXPLORE_MAX:-3}
# Of the fault campaign: it has run with more of them without a sanitizer.
SCHEDULES=${SCHEDULES:-20}
export SCHEDULES
export TXN_EXPLORE_MAX ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS
exec ${MAKE:-make} -j"$(getconf _NPROCESSORS_ONLN)" "$target" \
	OPTFLAGS="-O1 -g -fno-omit-frame-pointer" \
	SANFLAGS="-fsanitize=$sanitizers -fno-sanitize-recover=all"
