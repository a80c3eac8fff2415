# driver and simulator
include kernel/sim/sim.mk

# vssdev: the way of userland programs to a VSS device, and what else a program
# that lives while file systems are frozen needs.  appvssd links these too.

VSSDEV_OBJS = kernel/vssdev/vssdev.o kernel/vssdev/passfd.o \
	kernel/vssdev/heldlog.o kernel/vssdev/protect.o \
	kernel/vssdev/conftext.o
OBJS += ${VSSDEV_OBJS} tests/unit/test_vssdev.o tests/unit/test_heldlog.o \
	tests/unit/test_conftext.o
UNIT_TESTS += tests/unit/test_vssdev tests/unit/test_heldlog \
	tests/unit/test_conftext
SHELL_SCRIPTS += tests/integration/lib.sh tests/integration/daemon_lib.sh

tests/unit/test_vssdev: tests/unit/test_vssdev.o kernel/vssdev/vssdev.o \
	kernel/vssdev/passfd.o
	${LINK} -o $@ tests/unit/test_vssdev.o kernel/vssdev/vssdev.o \
	    kernel/vssdev/passfd.o ${CHECK_LIBS}

tests/unit/test_heldlog: tests/unit/test_heldlog.o kernel/vssdev/heldlog.o
	${LINK} -o $@ tests/unit/test_heldlog.o kernel/vssdev/heldlog.o \
	    ${CHECK_LIBS}

tests/unit/test_conftext: tests/unit/test_conftext.o kernel/vssdev/conftext.o
	${LINK} -o $@ tests/unit/test_conftext.o kernel/vssdev/conftext.o \
	    ${CHECK_LIBS}

# hv_vss_daemon: freezes file systems.  The pure parts are built everywhere.

HV_VSS_DAEMON = kernel/hv_vss_daemon/hv_vss_daemon
HV_VSS_DAEMON_OBJS_Linux = kernel/hv_vss_daemon/freeze_linux.o \
	kernel/hv_vss_daemon/backing_linux.o \
	kernel/hv_vss_daemon/guardian_linux.o kernel/hv_vss_daemon/guard.o \
	kernel/hv_vss_daemon/thawlist.o
HV_VSS_DAEMON_OBJS_FreeBSD = kernel/hv_vss_daemon/freeze_ufs.o \
	kernel/hv_vss_daemon/table_freebsd.o \
	kernel/hv_vss_daemon/zfs_pools.o kernel/hv_vss_daemon/sync_tree.o \
	kernel/hv_vss_daemon/fdgaps.o \
	kernel/hv_vss_daemon/guardian_none.o
HV_VSS_DAEMON_PURE_OBJS = kernel/hv_vss_daemon/mounts.o \
	kernel/hv_vss_daemon/policy.o kernel/hv_vss_daemon/policy_types.o \
	kernel/hv_vss_daemon/geom.o
HV_VSS_DAEMON_OBJS = kernel/hv_vss_daemon/main.o \
	kernel/hv_vss_daemon/options.o kernel/hv_vss_daemon/config.o \
	kernel/hv_vss_daemon/session.o kernel/hv_vss_daemon/session_control.o \
	kernel/hv_vss_daemon/control.o kernel/hv_vss_daemon/ask.o \
	kernel/hv_vss_daemon/freezer.o kernel/hv_vss_daemon/survey.o \
	kernel/hv_vss_daemon/self.o kernel/hv_vss_daemon/report.o \
	kernel/hv_vss_daemon/system.o kernel/hv_vss_daemon/why.o \
	${HV_VSS_DAEMON_PURE_OBJS} ${HV_VSS_DAEMON_OBJS_${OS}}
TEST_SELF_OBJS = tests/unit/test_self.o kernel/hv_vss_daemon/self.o \
	kernel/hv_vss_daemon/fdgaps.o kernel/hv_vss_daemon/why.o \
	kernel/vssdev/heldlog.o
# What only one system has, and its tests.
TEST_THAWLIST_OBJS = tests/unit/test_thawlist.o \
	kernel/hv_vss_daemon/thawlist.o kernel/hv_vss_daemon/why.o \
	kernel/vssdev/heldlog.o
HV_VSS_DAEMON_UNIT_TESTS_Linux = tests/unit/test_thawlist
HV_VSS_DAEMON_UNIT_OBJS_Linux = tests/unit/test_thawlist.o
TEST_SYNC_TREE_OBJS = tests/unit/test_sync_tree.o \
	kernel/hv_vss_daemon/sync_tree.o kernel/hv_vss_daemon/why.o \
	kernel/vssdev/heldlog.o
OBJS += ${HV_VSS_DAEMON_OBJS} tests/unit/test_mounts.o \
	tests/unit/test_policy.o ${TEST_SYNC_TREE_OBJS} \
	${TEST_SELF_OBJS} ${HV_VSS_DAEMON_UNIT_OBJS_${OS}} \
	tests/integration/fake_fsvss.o
PROGS += ${HV_VSS_DAEMON}
UNIT_TESTS += tests/unit/test_mounts tests/unit/test_policy \
	tests/unit/test_sync_tree tests/unit/test_self \
	${HV_VSS_DAEMON_UNIT_TESTS_${OS}}
TEST_PROGS += tests/integration/fake_fsvss
HV_VSS_DAEMON_TESTS = tests/integration/daemon_options.sh \
	tests/integration/daemon_freeze.sh tests/integration/daemon_faults.sh \
	tests/integration/daemon_limit.sh tests/integration/daemon_driver.sh \
	tests/integration/daemon_policy.sh tests/integration/daemon_drill.sh \
	tests/integration/daemon_load.sh tests/integration/daemon_cycles.sh \
	tests/integration/daemon_scarce.sh tests/integration/daemon_names.sh
INTEGRATION_TESTS += ${HV_VSS_DAEMON_TESTS}
SHELL_SCRIPTS += ${HV_VSS_DAEMON_TESTS}
MANUALS += kernel/hv_vss_daemon/hv_vss_daemon.8 \
	kernel/hv_vss_daemon/hv_vss_daemon.conf.5
INSTALL_TARGETS += install-hv-vss-daemon

${HV_VSS_DAEMON}: ${HV_VSS_DAEMON_OBJS} ${VSSDEV_OBJS}
	${LINK} -o $@ ${HV_VSS_DAEMON_OBJS} ${VSSDEV_OBJS} ${CONFUSE_LIBS}

tests/unit/test_mounts: tests/unit/test_mounts.o ${HV_VSS_DAEMON_PURE_OBJS}
	${LINK} -o $@ tests/unit/test_mounts.o ${HV_VSS_DAEMON_PURE_OBJS} \
	    ${CHECK_LIBS}

tests/unit/test_policy: tests/unit/test_policy.o ${HV_VSS_DAEMON_PURE_OBJS}
	${LINK} -o $@ tests/unit/test_policy.o ${HV_VSS_DAEMON_PURE_OBJS} \
	    ${CHECK_LIBS}

# It says when a directory cannot be read on.
tests/unit/test_sync_tree: ${TEST_SYNC_TREE_OBJS}
	${LINK} -Wl,--wrap=fts_read -o $@ ${TEST_SYNC_TREE_OBJS} ${CHECK_LIBS}

tests/unit/test_self: ${TEST_SELF_OBJS}
	${LINK} -o $@ ${TEST_SELF_OBJS} ${CHECK_LIBS}

tests/unit/test_thawlist: ${TEST_THAWLIST_OBJS}
	${LINK} -o $@ ${TEST_THAWLIST_OBJS} ${CHECK_LIBS}

tests/integration/fake_fsvss: tests/integration/fake_fsvss.o
	${LINK} -o $@ tests/integration/fake_fsvss.o

install-hv-vss-daemon: ${HV_VSS_DAEMON}
	mkdir -p ${DESTDIR}${SBINDIR} ${DESTDIR}${SYSCONFDIR}/appvss \
	    ${DESTDIR}${MANDIR}/man5 ${DESTDIR}${MANDIR}/man8
	install -m 555 ${HV_VSS_DAEMON} ${DESTDIR}${SBINDIR}
	install -m 644 kernel/hv_vss_daemon/hv_vss_daemon.conf.sample \
	    ${DESTDIR}${SYSCONFDIR}/appvss
	install -m 444 kernel/hv_vss_daemon/hv_vss_daemon.conf.5 \
	    ${DESTDIR}${MANDIR}/man5
	install -m 444 kernel/hv_vss_daemon/hv_vss_daemon.8 \
	    ${DESTDIR}${MANDIR}/man8

.PHONY: install-hv-vss-daemon
