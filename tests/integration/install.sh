#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# make install puts every part where a packager and a user look for it, also from
# a tree that was built for another place, and a program builds against what was
# installed.
set -eu
. tests/integration/lib.sh

staging=$TEST_DIR/staging
# In a copy: the other paths make everything be compiled again.
mkdir "$TEST_DIR/tree"
tar cf - --exclude=./.git --exclude=./.build/test-logs . |
	tar xf - -C "$TEST_DIR/tree"
(cd "$TEST_DIR/tree" && ${MAKE:-make} install DESTDIR="$staging" PREFIX=/usr) \
	>"$TEST_DIR/install.log" 2>&1 || die "make install"
[ "$(uname -s)" = FreeBSD ] && pkgconfig=libdata/pkgconfig ||
	pkgconfig=lib/pkgconfig
for file in sbin/appvssd sbin/hv_vss_daemon sbin/appvss-hooks sbin/appvssctl \
	libexec/appvssd-history lib/libappvss.a lib/libappvss.so \
	lib/libappvss.so.0 include/appvss.h "$pkgconfig/appvss.pc" \
	../etc/appvss/appvssd.conf.sample ../etc/vss.d \
	../etc/appvss/hv_vss_daemon.conf.sample \
	share/man/man5/hv_vss_daemon.conf.5 \
	share/man/man3/appvss_run.3 share/man/man3/appvss_ask.3 \
	share/man/man3/appvss.3 share/man/man5/appvssd.conf.5 \
	share/man/man7/appvss-protocol.7 share/man/man7/vss.d.7 \
	share/man/man7/appvss-agents.7 libexec/appvss-agent \
	share/appvss/qemu-ga/fsfreeze-hook \
	share/appvss/vmware/pre-freeze-script \
	share/appvss/vmware/post-thaw-script share/appvss/azure/pre-script \
	libexec/appvss/appvss-hold libexec/appvss/common.sh \
	../etc/vss.d/postgresql.sample \
	../etc/appvss/hooks.d/sqlite.conf.sample \
	libexec/appvss/mysql libexec/appvss/redis share/man/man8/appvss-hold.8 \
	share/man/man8/appvssd.8 share/man/man8/appvssctl.8 \
	share/man/man8/appvss-hooks.8 share/man/man8/hv_vss_daemon.8; do
	[ -e "$staging/usr/$file" ] || die "$file is not installed"
done
if [ "$(uname -s)" = Linux ]; then
	for unit in appvssd appvss-hooks hv_vss_daemon; do
		[ -e "$staging/usr/lib/systemd/system/$unit.service" ] ||
			die "$unit.service is not installed"
	done
fi
grep -rEl '/usr/local/(etc|libexec)' "$staging"/usr/sbin/* \
	"$staging"/usr/libexec/* "$staging"/usr/lib/lib* &&
	die "paths of another PREFIX are compiled in"
grep -rIl '@[A-Z][A-Z]*@' "$staging/usr/libexec" "$staging/etc" &&
	die "a path was not filled in"
for sample in "$staging"/etc/vss.d/*.sample; do
	script=$(sed -n 's/^exec \([^ ]*\) .*/\1/p' "$sample")
	[ -x "$staging$script" ] || [ -z "$script" ] ||
		die "$sample executes $script, which is not installed"
done
find "$staging" -type f -perm -o+w | grep . && die "writable by everybody"

PKG_CONFIG_PATH=$staging/usr/$pkgconfig
PKG_CONFIG_SYSROOT_DIR=$staging
PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_ALLOW_SYSTEM_CFLAGS \
	PKG_CONFIG_ALLOW_SYSTEM_LIBS
# shellcheck disable=SC2046,SC2086
${CC:-cc} -D_GNU_SOURCE -o "$TEST_DIR/minimal" examples/minimal.c ${SANFLAGS:-} \
	$(pkg-config --cflags --libs appvss) ||
	die "examples/minimal.c does not build against what is installed"
LD_LIBRARY_PATH=$staging/usr/lib ldd "$TEST_DIR/minimal" |
	grep -q libappvss.so.0 || die "minimal is not linked with the library"

# What the FreeBSD port lists is what is installed there: the differences of
# Linux are its units, and where pkg-config looks.
if [ "$(uname -s)" = Linux ]; then
	{
		(cd "$staging" && find usr etc ! -type d) |
			sed -e 's|^usr/||' -e 's|^lib/pkgconfig|libdata/pkgconfig|' |
			grep -vE '^lib/(systemd|sysusers\.d|tmpfiles\.d)/'
		sed -n 's|.*\(rc\.d/[a-z_]*\)\.in|etc/\1|p' <<-LIST
			$(ls hooks/rc.d/*.in)
		LIST
		echo etc/devd/appvss.conf
	} | LC_ALL=C sort >"$TEST_DIR/installed"
	sed 's/^@sample //' hooks/port/pkg-plist | LC_ALL=C sort |
		diff "$TEST_DIR/installed" - ||
		die "hooks/port/pkg-plist (>) is not what is installed (<)"
fi
