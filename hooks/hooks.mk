# appvss-hooks, vss.d and what starts the programs.

HOOKS_OBJS = hooks/appvss-hooks.o \
	hooks/account.o \
	hooks/check.o \
	hooks/directive.o \
	hooks/dirwatch_${OS}.o \
	hooks/frozenlist.o \
	hooks/hookdir.o \
	hooks/leftout.o \
	hooks/list.o \
	hooks/member.o \
	hooks/options.o \
	hooks/procid_${OS}.o \
	hooks/recover.o \
	hooks/run.o \
	hooks/runner.o \
	hooks/scan.o \
	hooks/script.o \
	hooks/signals.o \
	hooks/supervise.o \
	hooks/try.o
# For the agents of other hypervisors.
AGENT_SCRIPTS = hooks/agents/appvss-agent \
	hooks/qemu-ga/fsfreeze-hook \
	hooks/vmware/pre-freeze-script \
	hooks/vmware/post-thaw-script \
	hooks/azure/pre-script \
	hooks/azure/post-script
AGENT_FILES = ${AGENT_SCRIPTS} hooks/azure/VMSnapshotScriptPluginConfig.json
DATADIR = ${PREFIX}/share/appvss
HOOKS_SERVICES = hooks/rc.d/appvssd hooks/rc.d/appvss_hooks \
	hooks/rc.d/hv_vss_daemon \
	hooks/devd/appvss.conf hooks/systemd/appvssd.service \
	hooks/systemd/appvss-hooks.service \
	hooks/systemd/hv_vss_daemon.service hooks/systemd/appvss.tmpfiles
TEST_SCAN_OBJS = tests/unit/test_scan.o hooks/scan.o
TEST_DIRECTIVE_OBJS = tests/unit/test_directive.o hooks/directive.o
REPLAY_DIRECTIVE_OBJS = tests/fuzz/replay.o \
	tests/fuzz/fuzz_directive.o hooks/directive.o

OBJS += ${HOOKS_OBJS} tests/unit/test_scan.o \
	tests/unit/test_directive.o \
	tests/fuzz/fuzz_directive.o
PROGS += hooks/appvss-hooks
UNIT_TESTS += tests/unit/test_scan \
	tests/unit/test_directive \
	tests/fuzz/replay_directive
CLEAN_FILES += tests/fuzz/fuzz_directive
HOOKS_TESTS = tests/integration/hooks_run.sh \
	tests/integration/hooks_limits.sh \
	tests/integration/hooks_death.sh \
	tests/integration/hooks_frozen.sh \
	tests/integration/hooks_directives.sh \
	tests/integration/hooks_try.sh \
	tests/integration/hooks_hostile.sh \
	tests/integration/hooks_chain.sh \
	tests/integration/hooks_idle.sh
INTEGRATION_TESTS += ${HOOKS_TESTS}
INTEGRATION_TESTS += tests/integration/agents.sh \
	tests/integration/agents_qemu.sh
MANUALS += hooks/appvss-hooks.8 hooks/vss.d.7 hooks/agents/appvss-agents.7
SHELL_SCRIPTS += ${AGENT_SCRIPTS:=.in} tests/integration/agents.sh \
	tests/integration/agents_lib.sh tests/integration/agents_qemu.sh
SHELL_SCRIPTS += hooks/vss.d/50-example.sample \
	tests/integration/hooks_env.sh ${HOOKS_TESTS}
CLEAN_FILES += ${HOOKS_SERVICES} ${AGENT_FILES}
INSTALL_TARGETS += install-hooks install-agents

# appvss-hold, and the scripts of databases that use it.
HOLD_OBJS = hooks/appvss-hold.o hooks/holder.o hooks/holdsession.o
OBJS += ${HOLD_OBJS}
PROGS += hooks/appvss-hold
INTEGRATION_TESTS += tests/integration/hooks_hold.sh
MANUALS += hooks/appvss-hold.8
SHELL_SCRIPTS += tests/integration/hooks_hold.sh
# Each has a script, a sample of its configuration, and tests/db/NAME.sh.
DATABASES = postgresql mysql redis sqlite
SHELL_SCRIPTS += hooks/databases/common.sh \
	hooks/databases/postgresql \
	hooks/databases/mysql \
	hooks/databases/redis \
	hooks/databases/sqlite

hooks/appvss-hooks: ${HOOKS_OBJS} ${VSSDEV_OBJS} sdk/libappvss.a
	${LINK} -o $@ ${HOOKS_OBJS} ${VSSDEV_OBJS} sdk/libappvss.a ${LIBAPPVSS_LIBS}

hooks/appvss-hold: ${HOLD_OBJS} hooks/scan.o hooks/signals.o ${VSSDEV_OBJS}
	${LINK} -o $@ ${HOLD_OBJS} hooks/scan.o hooks/signals.o ${VSSDEV_OBJS}

tests/unit/test_scan: ${TEST_SCAN_OBJS}
	${LINK} -o $@ ${TEST_SCAN_OBJS} ${CHECK_LIBS}

tests/unit/test_directive: ${TEST_DIRECTIVE_OBJS}
	${LINK} -o $@ ${TEST_DIRECTIVE_OBJS} ${CHECK_LIBS}

# The corpus through the fuzz target, once, without libFuzzer.
tests/fuzz/replay_directive: ${REPLAY_DIRECTIVE_OBJS}
	${LINK} -o $@ ${REPLAY_DIRECTIVE_OBJS}

# Needs clang.  What it finds new goes to .build, not into the tree.
fuzz-directive:
	${FUZZ_COMPILE} -o tests/fuzz/fuzz_directive tests/fuzz/fuzz_directive.c \
	    hooks/directive.c
	mkdir -p .build/corpus/directive
	./tests/fuzz/fuzz_directive -max_len=2000 \
	    -max_total_time=${FUZZ_SECONDS} \
	    -dict=tests/fuzz/directive.dict .build/corpus/directive \
	    tests/fuzz/corpus/directive

# Made when they are installed, for the paths of that installation.
hooks-services:
	for file in ${HOOKS_SERVICES} ${AGENT_FILES}; do \
		sed -e 's|@SBINDIR@|${SBINDIR}|g' \
		    -e 's|@LIBEXECDIR@|${LIBEXECDIR}|g' \
		    -e 's|@DATADIR@|${DATADIR}|g' \
		    -e 's|@SYSCONFDIR@|${SYSCONFDIR}|g' \
		    -e 's|@RUNDIR@|${RUNDIR}|g' $$file.in >$$file || exit 1; \
	done

install-hooks: hooks/appvss-hooks hooks/appvss-hold install-hooks-${OS} \
	install-databases
	install -d ${DESTDIR}${LIBEXECDIR}/appvss ${DESTDIR}${SBINDIR} \
	    ${DESTDIR}${SYSCONFDIR}/vss.d ${DESTDIR}${MANDIR}/man7 \
	    ${DESTDIR}${MANDIR}/man8
	install -m 755 hooks/appvss-hooks ${DESTDIR}${SBINDIR}
	install -m 755 hooks/appvss-hold ${DESTDIR}${LIBEXECDIR}/appvss
	install -m 644 hooks/vss.d/50-example.sample \
	    ${DESTDIR}${SYSCONFDIR}/vss.d
	install -m 644 hooks/vss.d.7 ${DESTDIR}${MANDIR}/man7
	install -m 644 hooks/appvss-hold.8 hooks/appvss-hooks.8 \
	    ${DESTDIR}${MANDIR}/man8

# Off until somebody installs NAME.sample as NAME, see vss.d(7).
install-databases:
	install -d ${DESTDIR}${LIBEXECDIR}/appvss ${DESTDIR}${SYSCONFDIR}/vss.d \
	    ${DESTDIR}${SYSCONFDIR}/appvss/hooks.d
	sed -e 's|@SYSCONFDIR@|${SYSCONFDIR}|g' -e 's|@RUNDIR@|${RUNDIR}|g' \
	    hooks/databases/common.sh >.build/common.sh
	install -m 644 .build/common.sh ${DESTDIR}${LIBEXECDIR}/appvss
	for name in ${DATABASES}; do \
		install -m 755 hooks/databases/$$name \
		    ${DESTDIR}${LIBEXECDIR}/appvss && \
		install -m 644 hooks/databases/$$name.conf.sample \
		    ${DESTDIR}${SYSCONFDIR}/appvss/hooks.d && \
		sed -e 's|@SYSCONFDIR@|${SYSCONFDIR}|g' -e "s|@NAME@|$$name|g" \
		    -e 's|@LIBEXECDIR@|${LIBEXECDIR}|g' \
		    hooks/vss.d/database.sample.in >.build/$$name.sample && \
		install -m 644 .build/$$name.sample \
		    ${DESTDIR}${SYSCONFDIR}/vss.d || exit 1; \
	done

install-hooks-Linux: hooks-services
	install -d ${DESTDIR}${PREFIX}/lib/systemd/system
	install -m 644 hooks/systemd/appvssd.service \
	    hooks/systemd/appvss-hooks.service \
	    hooks/systemd/hv_vss_daemon.service \
	    ${DESTDIR}${PREFIX}/lib/systemd/system
	install -d ${DESTDIR}${PREFIX}/lib/sysusers.d \
	    ${DESTDIR}${PREFIX}/lib/tmpfiles.d
	install -m 644 hooks/systemd/appvss.sysusers \
	    ${DESTDIR}${PREFIX}/lib/sysusers.d/appvss.conf
	install -m 644 hooks/systemd/appvss.tmpfiles \
	    ${DESTDIR}${PREFIX}/lib/tmpfiles.d/appvss.conf

install-hooks-FreeBSD: hooks-services
	install -d ${DESTDIR}${PREFIX}/etc/rc.d ${DESTDIR}${PREFIX}/etc/devd
	install -m 755 hooks/rc.d/appvssd hooks/rc.d/appvss_hooks \
	    hooks/rc.d/hv_vss_daemon ${DESTDIR}${PREFIX}/etc/rc.d
	install -m 644 hooks/devd/appvss.conf ${DESTDIR}${PREFIX}/etc/devd

# Azure wants its scripts to be root's alone.
install-agents: hooks-services
	install -d ${DESTDIR}${LIBEXECDIR} ${DESTDIR}${SYSCONFDIR}/appvss \
	    ${DESTDIR}${DATADIR}/qemu-ga ${DESTDIR}${DATADIR}/vmware \
	    ${DESTDIR}${DATADIR}/azure ${DESTDIR}${MANDIR}/man7
	install -m 755 hooks/agents/appvss-agent ${DESTDIR}${LIBEXECDIR}
	install -m 644 hooks/agents/agents.conf.sample \
	    ${DESTDIR}${SYSCONFDIR}/appvss
	install -m 644 hooks/agents/appvss-agents.7 ${DESTDIR}${MANDIR}/man7
	install -m 755 hooks/qemu-ga/fsfreeze-hook ${DESTDIR}${DATADIR}/qemu-ga
	install -m 755 hooks/vmware/pre-freeze-script \
	    hooks/vmware/post-thaw-script ${DESTDIR}${DATADIR}/vmware
	install -m 700 hooks/azure/pre-script hooks/azure/post-script \
	    ${DESTDIR}${DATADIR}/azure
	install -m 600 hooks/azure/VMSnapshotScriptPluginConfig.json \
	    ${DESTDIR}${DATADIR}/azure

.PHONY: fuzz-directive hooks-services install-databases install-hooks \
	install-hooks-Linux \
	install-hooks-FreeBSD install-agents
