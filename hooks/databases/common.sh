# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# What the database scripts have in common.  Sourced by them, as
#
#	. "${0%/*}/common.sh"
#
# They are called as SCRIPT freeze|thaw [NAME].  NAME is that of the script in
# vss.d; without its digits it is that of the configuration and of the hold, so
# that two instances of a database can have a script each.
#
#	load_config		sources the configuration, if there is one
#	ready_ms		the time that a hold may take to begin
#	fail MESSAGE		ends a freeze that failed
#	usage			ends a call that makes no sense
#	runtime_dir		where a script may keep what it has to remember
#	HOLD			the program appvss-hold(8)
#
# Between freeze and thaw nothing here writes to a file.

# shellcheck disable=SC2034
HOLD=${APPVSS_HOLD:-${0%/*}/appvss-hold}
# shellcheck disable=SC2034
runtime_dir=${APPVSS_RUNTIME_DIR:-@RUNDIR@/appvss-hooks}
hooks_d=${APPVSS_HOOKS_D:-@SYSCONFDIR@/appvss/hooks.d}
operation=${1:-}
name=${2:-${0##*/}}
case $name in
[0-9][0-9]-?*) name=${name#??-} ;;
esac
# How long clients wait at most if no thaw comes: more than appvssd's limit.
# shellcheck disable=SC2034
hold_ms=75000

fail() {
	echo "$name: $*" >&2
	exit 1
}

# It is run as root, so it must be root's, like a script of vss.d.
load_config() {
	conf=$hooks_d/$name.conf
	[ -e "$conf" ] || return 0
	for checked in "$hooks_d" "$conf"; do
		trusted=$(find -H "$checked" -prune \
			\( -user 0 -o -user "$(id -u)" \) \
			! -perm -0020 ! -perm -0002)
		[ -n "$trusted" ] ||
			fail "$checked is not root's, or is writable by others"
	done
	# shellcheck disable=SC1090
	. "$conf"
}

# Less than appvss-hooks(8) gives, so that it is the hold that ends in time, and
# says why.
ready_ms() {
	limit_ms=${APPVSS_DEADLINE_MS:-5000}
	[ "$limit_ms" -gt 0 ] || limit_ms=5000
	if [ "$limit_ms" -gt 2000 ]; then
		echo $((limit_ms - 1000))
	else
		echo $((limit_ms / 2))
	fi
}

usage() {
	echo "usage: ${0##*/} freeze|thaw [NAME]" >&2
	exit 64
}
