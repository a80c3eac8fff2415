#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: lint.sh "MANUAL PAGES" "SHELL SCRIPTS"
set -u

status=0
for page in $1; do
	mandoc -T lint -W warning "$page" || status=1
done
for script in $2; do
	shellcheck -x "$script" || status=1
done
[ "$status" -eq 0 ] && echo "lint: clean"
exit "$status"
