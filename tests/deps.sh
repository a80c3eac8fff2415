#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs the packages that are named and not there yet.
set -eu

missing=
case $(uname -s) in
FreeBSD)
	for package; do
		pkg info -e "$package" || missing="$missing $package"
	done
	install="pkg install -y"
	;;
*)
	for package; do
		case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
		"install ok installed") ;;
		*) missing="$missing $package" ;;
		esac
	done
	install="apt-get install -y -q --no-install-recommends"
	;;
esac
if [ -z "$missing" ]; then
	echo "deps: everything is installed"
	exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "deps: not root; install by hand:$missing" >&2
	exit 1
fi
echo "deps: installing$missing"
case $install in
apt-get*)
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	apt-get update -q
	;;
esac
# shellcheck disable=SC2086
$install $missing
