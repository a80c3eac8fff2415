#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# A script of vss.d(7) in sh, for an application whose programs take a lock before
# they write: whoever has the lock keeps them out.  To use it, set lock and
#
#	install -m 755 examples/hook.sh /usr/local/etc/vss.d/example
#
# A lock is free when the process ends that has it, but a script has to end: so
# appvss-hold(8) keeps a process until thaw, and tells if it was lost before.
set -eu

lock=${EXAMPLE_LOCK:-/var/spool/example/lock}
hold=${APPVSS_HOLD:-/usr/local/libexec/appvss/appvss-hold}

case $1 in
freeze)
	# flock(1) is Linux's; FreeBSD has "lockf -k".
	printf 'begin\n' |
		"$hold" begin --ready-ms "$((APPVSS_DEADLINE_MS * 3 / 4))" \
			--end 'end
' example flock "$lock" sh -c '
			read -r begin && echo appvss-held &&
			read -r end && echo appvss-released'
	;;
thaw) exec "$hold" end example ;;
*)
	echo "usage: $0 freeze|thaw" >&2
	exit 64
	;;
esac
