#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs the packages that are named, whose services are not to start: the tests
# run servers of their own.
set -eu

policy=/usr/sbin/policy-rc.d
made=
cleanup() {
	[ -z "$made" ] || rm -f "$policy"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# Debian asks it before it starts a service.
if [ "$(uname -s)" = Linux ] && [ "$(id -u)" -eq 0 ] && [ ! -e "$policy" ]; then
	made=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
sh tests/deps.sh "$@"
