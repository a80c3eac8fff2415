#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A script of vss.d(7) that quiesces a service with its own admin command: BIND,
# whose "rndc freeze" writes the journals of dynamic zones to their files and
# refuses updates until "rndc thaw".
#
#	install -m 755 examples/hook-rndc.sh /usr/local/etc/vss.d/bind
#
# Nothing is left behind here: it is the server that remembers.  So the thaw is
# all that ends it, which appvss-hooks(8) runs whatever happens, and until it
# succeeds.
set -eu

# Not running: nothing to bring in order, and nothing to let go on.
is_running() {
	rndc status >/dev/null 2>&1
}

case $1 in
freeze)
	is_running || exit 0
	exec rndc freeze
	;;
thaw)
	is_running || exit 0
	exec rndc thaw
	;;
*)
	echo "usage: $0 freeze|thaw" >&2
	exit 64
	;;
esac
