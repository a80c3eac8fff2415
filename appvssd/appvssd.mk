# The transaction machine: pure, and explored exhaustively.

TXN_OBJS = appvssd/txn.o appvssd/txn_freeze.o appvssd/txn_thaw.o \
	appvssd/txn_util.o appvssd/txn_words.o
TXN_EXPLORE_OBJS = tests/model/txn_explore.o tests/model/explore_rules.o \
	tests/model/explore_state.o
OBJS += ${TXN_OBJS} ${TXN_EXPLORE_OBJS} tests/unit/txn_rig.o \
	tests/unit/test_txn.o tests/unit/test_txn_meanwhile.o
UNIT_TESTS += tests/unit/test_txn tests/unit/test_txn_meanwhile \
	tests/model/txn_explore

tests/model/txn_explore: ${TXN_EXPLORE_OBJS} ${TXN_OBJS}
	${LINK} -o $@ ${TXN_EXPLORE_OBJS} ${TXN_OBJS}

tests/unit/test_txn: tests/unit/test_txn.o tests/unit/txn_rig.o ${TXN_OBJS}
	${LINK} -o $@ tests/unit/test_txn.o tests/unit/txn_rig.o ${TXN_OBJS} \
	    ${CHECK_LIBS}

tests/unit/test_txn_meanwhile: tests/unit/test_txn_meanwhile.o \
    tests/unit/txn_rig.o ${TXN_OBJS}
	${LINK} -o $@ tests/unit/test_txn_meanwhile.o tests/unit/txn_rig.o \
	    ${TXN_OBJS} ${CHECK_LIBS}

# history: the queue that the broker links, the process behind it, and the
# reader that appvssctl links.

HISTQ_OBJS = appvssd/histpool.o appvssd/histq.o appvssd/histq_put.o \
	appvssd/histrow.o \
	appvssd/histwire.o
TEST_HISTQ_OBJS = tests/unit/test_histq.o ${HISTQ_OBJS} ${WIRE_OBJS} \
	kernel/vssdev/heldlog.o

OBJS += ${HISTQ_OBJS} tests/unit/test_histq.o
UNIT_TESTS += tests/unit/test_histq

tests/unit/test_histq: ${TEST_HISTQ_OBJS}
	${LINK} -o $@ ${TEST_HISTQ_OBJS} ${EVENT_LIBS} ${CHECK_LIBS}

MACHINE_ID_OBJS = appvssd/machine_id_${OS}.o
OBJS += ${MACHINE_ID_OBJS}

SANDBOX_OBJS = appvssd/sandbox_${OS}.o
OBJS += ${SANDBOX_OBJS}

HISTORY_OWN_OBJS = appvssd/history.o appvssd/history_answer.o \
	appvssd/history_aside.o appvssd/history_batch.o \
	appvssd/history_check.o appvssd/history_chores.o appvssd/history_db.o \
	appvssd/history_fail.o appvssd/history_prune.o appvssd/history_query.o \
	appvssd/history_rows.o appvssd/history_schema.o appvssd/history_sql.o
HISTORY_OBJS = ${HISTORY_OWN_OBJS} appvssd/history_fetch.o \
	appvssd/histwire.o ${SANDBOX_OBJS} ${WIRE_OBJS} \
	kernel/vssdev/heldlog.o

TEST_HISTORY_OBJS = tests/unit/test_history.o tests/unit/history_rig.o
TEST_HISTORY_FILE_OBJS = tests/unit/test_history_file.o \
	tests/unit/history_rig.o
TEST_HISTORY_QUERY_OBJS = tests/unit/test_history_query.o \
	tests/unit/history_rig.o

OBJS += ${HISTORY_OWN_OBJS} ${TEST_HISTORY_OBJS} \
	tests/unit/test_history_file.o tests/unit/test_history_query.o
PROGS += appvssd/appvssd-history
UNIT_TESTS += tests/unit/test_history tests/unit/test_history_file \
	tests/unit/test_history_query
INSTALL_TARGETS += install-history

appvssd/appvssd-history: ${HISTORY_OBJS}
	${LINK} -o $@ ${HISTORY_OBJS} ${SQLITE_LIBS}

tests/unit/test_history: ${TEST_HISTORY_OBJS}
	${LINK} -o $@ ${TEST_HISTORY_OBJS} ${SQLITE_LIBS} ${CHECK_LIBS}

tests/unit/test_history_file: ${TEST_HISTORY_FILE_OBJS}
	${LINK} -o $@ ${TEST_HISTORY_FILE_OBJS} ${SQLITE_LIBS} ${CHECK_LIBS}

tests/unit/test_history_query: ${TEST_HISTORY_QUERY_OBJS}
	${LINK} -o $@ ${TEST_HISTORY_QUERY_OBJS} ${SQLITE_LIBS} ${CHECK_LIBS}

install-history: appvssd/appvssd-history
	mkdir -p ${DESTDIR}${LIBEXECDIR}
	install -m 755 appvssd/appvssd-history ${DESTDIR}${LIBEXECDIR}/

.PHONY: install-history

HISTORY_READ_OBJS = appvssd/history_read.o appvssd/history_copy.o \
	appvssd/history_fetch.o appvssd/history_prove.o \
	appvssd/history_search.o appvssd/history_stats.o
TEST_HISTORY_READ_OBJS = tests/unit/test_history_read.o ${HISTORY_READ_OBJS}

OBJS += ${HISTORY_READ_OBJS} tests/unit/test_history_read.o
UNIT_TESTS += tests/unit/test_history_read

tests/unit/test_history_read: ${TEST_HISTORY_READ_OBJS}
	${LINK} -o $@ ${TEST_HISTORY_READ_OBJS} ${SQLITE_LIBS} ${CHECK_LIBS}

# appvssctl

COMPLETION = appvssd/appvssctl/completion
BASHCOMPDIR ?= ${PREFIX}/share/bash-completion/completions
ZSHCOMPDIR ?= ${PREFIX}/share/zsh/site-functions
FISHCOMPDIR ?= ${PREFIX}/share/fish/vendor_completions.d

CTL_OWN_OBJS = appvssd/appvssctl/check.o \
	appvssd/appvssctl/client.o \
	appvssd/appvssctl/commands.o \
	appvssd/appvssctl/doctor.o \
	appvssd/appvssctl/doctor_files.o \
	appvssd/appvssctl/doctor_host.o \
	appvssd/appvssctl/doctor_writers.o \
	appvssd/appvssctl/drill.o \
	appvssd/appvssctl/findings.o \
	appvssd/appvssctl/fsdrill.o \
	appvssd/appvssctl/hold.o \
	appvssd/appvssctl/items.o \
	appvssd/appvssctl/json.o \
	appvssd/appvssctl/list.o \
	appvssd/appvssctl/main.o \
	appvssd/appvssctl/metrics.o \
	appvssd/appvssctl/options.o \
	appvssd/appvssctl/output.o \
	appvssd/appvssctl/path.o \
	appvssd/appvssctl/program.o \
	appvssd/appvssctl/provenance.o \
	appvssd/appvssctl/request.o \
	appvssd/appvssctl/show.o \
	appvssd/appvssctl/since.o \
	appvssd/appvssctl/stats.o \
	appvssd/appvssctl/status.o \
	appvssd/appvssctl/svg.o \
	appvssd/appvssctl/text.o \
	appvssd/appvssctl/timeline.o \
	appvssd/appvssctl/verdict.o \
	appvssd/appvssctl/watch.o \
	appvssd/appvssctl/when.o \
	appvssd/appvssctl/why.o \
	appvssd/appvssctl/writers_${OS}.o
CTL_OBJS = ${CTL_OWN_OBJS} ${HISTORY_READ_OBJS} ${MACHINE_ID_OBJS} ${WIRE_OBJS} \
	kernel/vssdev/protect.o kernel/vssdev/vssdev.o \
	kernel/vssdev/passfd.o kernel/vssdev/heldlog.o

OBJS += ${CTL_OWN_OBJS}
PROGS += appvssd/appvssctl/appvssctl
MANUALS += appvssd/appvssctl/appvssctl.8 appvssd/appvssctl/appvss-history.5
INSTALL_TARGETS += install-appvssctl
INTEGRATION_TESTS += tests/integration/ctl_completion.sh \
	tests/integration/ctl_doctor.sh \
	tests/integration/ctl_drill_fs.sh \
	tests/integration/ctl_history.sh \
	tests/integration/ctl_monitor.sh \
	tests/integration/ctl_request.sh \
	tests/integration/ctl_show.sh \
	tests/integration/history_ctl.sh \
	tests/integration/history_disk.sh \
	tests/integration/history_schema.sh
SHELL_SCRIPTS += ${COMPLETION}/appvssctl.bash \
	tests/integration/ctl_completion.sh \
	tests/integration/ctl_doctor.sh \
	tests/integration/ctl_drill_fs.sh \
	tests/integration/ctl_history.sh \
	tests/integration/ctl_monitor.sh \
	tests/integration/ctl_lib.sh \
	tests/integration/ctl_request.sh \
	tests/integration/ctl_show.sh \
	tests/integration/history_ctl.sh \
	tests/integration/history_disk.sh \
	tests/integration/history_schema.sh

appvssd/appvssctl/appvssctl: ${CTL_OBJS}
	${LINK} -o $@ ${CTL_OBJS} ${SQLITE_LIBS}

install-appvssctl: appvssd/appvssctl/appvssctl
	mkdir -p ${DESTDIR}${SBINDIR} ${DESTDIR}${MANDIR}/man5 \
	    ${DESTDIR}${MANDIR}/man8
	install -m 755 appvssd/appvssctl/appvssctl ${DESTDIR}${SBINDIR}/
	install -m 644 appvssd/appvssctl/appvss-history.5 \
	    ${DESTDIR}${MANDIR}/man5/
	install -m 644 appvssd/appvssctl/appvssctl.8 ${DESTDIR}${MANDIR}/man8/
	mkdir -p ${DESTDIR}${BASHCOMPDIR} ${DESTDIR}${ZSHCOMPDIR} \
	    ${DESTDIR}${FISHCOMPDIR}
	install -m 644 ${COMPLETION}/appvssctl.bash \
	    ${DESTDIR}${BASHCOMPDIR}/appvssctl
	install -m 644 ${COMPLETION}/_appvssctl ${DESTDIR}${ZSHCOMPDIR}/
	install -m 644 ${COMPLETION}/appvssctl.fish ${DESTDIR}${FISHCOMPDIR}/

.PHONY: install-appvssctl

# broker: what runs between the first FREEZE and the end of THAW.

BROKER_OWN_OBJS = appvssd/broker.o \
	appvssd/broker_peers.o \
	appvssd/broker_run.o appvssd/gaps.o \
	appvssd/client.o appvssd/outpool.o \
	appvssd/clientset.o \
	appvssd/device_slot.o \
	appvssd/journal.o \
	appvssd/lineup.o \
	appvssd/listener.o \
	appvssd/logwatch.o \
	appvssd/orders.o \
	appvssd/participants.o \
	appvssd/participants_known.o \
	appvssd/query.o \
	appvssd/record.o \
	appvssd/registry.o \
	appvssd/reload.o \
	appvssd/requestors.o \
	appvssd/roles.o \
	appvssd/source.o \
	appvssd/source_device.o \
	appvssd/status.o \
	appvssd/subscribers.o \
	appvssd/tell.o \
	appvssd/txn_limits.o \
	appvssd/verbs.o
# All but what asks the kernel who a client is.
BROKER_PORTABLE_OBJS = ${BROKER_OWN_OBJS} appvssd/access.o ${TXN_OBJS} \
	${HISTQ_OBJS} ${WIRE_OBJS}
BROKER_OBJS = ${BROKER_PORTABLE_OBJS} appvssd/peercred.o

OBJS += ${BROKER_OWN_OBJS} appvssd/peercred.o

# parent

CONFIG_OBJS = appvssd/config.o \
	appvssd/config_check.o \
	appvssd/config_mistakes.o \
	appvssd/config_parse.o \
	appvssd/config_print.o \
	appvssd/config_scan.o \
	appvssd/config_token.o \
	appvssd/config_words.o
TEST_CONFIG_OBJS = tests/unit/test_config.o ${CONFIG_OBJS}
TEST_CONFIG_CHECK_OBJS = tests/unit/test_config_check.o ${CONFIG_OBJS}
TEST_ACCESS_OBJS = tests/unit/test_access.o appvssd/access.o \
	appvssd/config_check.o appvssd/config_words.o
TEST_PRIVSEP_OBJS = tests/unit/test_privsep.o appvssd/privsep.o
TEST_SANDBOX_OBJS = tests/unit/test_sandbox.o ${SANDBOX_OBJS}

OBJS += ${CONFIG_OBJS} appvssd/access.o appvssd/privsep.o \
	tests/unit/test_config.o tests/unit/test_config_check.o \
	tests/unit/test_access.o \
	tests/unit/test_privsep.o tests/unit/test_sandbox.o
UNIT_TESTS += tests/unit/test_config tests/unit/test_config_check tests/unit/test_access \
	tests/unit/test_privsep tests/unit/test_sandbox

tests/unit/test_config: ${TEST_CONFIG_OBJS}
	${LINK} -o $@ ${TEST_CONFIG_OBJS} ${CONFUSE_LIBS} ${CHECK_LIBS}

tests/unit/test_config_check: ${TEST_CONFIG_CHECK_OBJS}
	${LINK} -o $@ ${TEST_CONFIG_CHECK_OBJS} ${CONFUSE_LIBS} ${CHECK_LIBS}

tests/unit/test_access: ${TEST_ACCESS_OBJS}
	${LINK} -o $@ ${TEST_ACCESS_OBJS} ${CHECK_LIBS}

tests/unit/test_privsep: ${TEST_PRIVSEP_OBJS}
	${LINK} -o $@ ${TEST_PRIVSEP_OBJS} ${CHECK_LIBS}

# The corpus through the fuzz target, once, without libFuzzer.
REPLAY_CONFIG_OBJS = tests/fuzz/replay.o tests/fuzz/fuzz_config.o \
	appvssd/access.o ${CONFIG_OBJS}

OBJS += tests/fuzz/fuzz_config.o
UNIT_TESTS += tests/fuzz/replay_config
CLEAN_FILES += tests/fuzz/fuzz_config

tests/fuzz/replay_config: ${REPLAY_CONFIG_OBJS}
	${LINK} -o $@ ${REPLAY_CONFIG_OBJS} ${CONFUSE_LIBS}

# Needs clang.  What it finds new goes to .build, not into the tree.
fuzz-config:
	${FUZZ_COMPILE} -o tests/fuzz/fuzz_config tests/fuzz/fuzz_config.c \
	    appvssd/access.c ${CONFIG_OBJS:.o=.c} ${CONFUSE_LIBS}
	mkdir -p .build/corpus/config
	./tests/fuzz/fuzz_config -max_len=2000 -timeout=10 \
	    -max_total_time=${FUZZ_SECONDS} \
	    -dict=tests/fuzz/config.dict .build/corpus/config \
	    tests/fuzz/corpus/config

.PHONY: fuzz-config

tests/unit/test_sandbox: ${TEST_SANDBOX_OBJS}
	${LINK} -o $@ ${TEST_SANDBOX_OBJS} ${CHECK_LIBS}

PARENT_OBJS = appvssd/main.o appvssd/parent.o appvssd/parent_backoff.o \
	appvssd/parent_child.o appvssd/parent_device.o appvssd/parent_log.o \
	appvssd/parent_reload.o appvssd/parent_setup.o \
	appvssd/parent_socket.o appvssd/parent_trust.o appvssd/privsep.o \
	appvssd/textfd.o \
	${CONFIG_OBJS} ${MACHINE_ID_OBJS} ${SANDBOX_OBJS} ${VSSDEV_OBJS}
FAKE_BROKER_OBJS = ${PARENT_OBJS} tests/unit/parent_fake_broker.o

TEST_BACKOFF_OBJS = tests/unit/test_parent_backoff.o appvssd/parent_backoff.o

OBJS += ${PARENT_OBJS} tests/unit/parent_fake_broker.o ${TEST_BACKOFF_OBJS}
UNIT_TESTS += tests/unit/test_parent_backoff
TEST_PROGS += tests/unit/parent_with_fake_broker
INTEGRATION_TESTS += tests/integration/parent_config.sh \
	tests/integration/parent_socket.sh \
	tests/integration/parent_restart.sh \
	tests/integration/parent_device.sh \
	tests/integration/parent_account.sh
SHELL_SCRIPTS += tests/integration/parent_common.sh \
	tests/integration/parent_config.sh \
	tests/integration/parent_socket.sh \
	tests/integration/parent_restart.sh \
	tests/integration/parent_device.sh \
	tests/integration/parent_account.sh

tests/unit/parent_with_fake_broker: ${FAKE_BROKER_OBJS}
	${LINK} -o $@ ${FAKE_BROKER_OBJS} ${CONFUSE_LIBS}

tests/unit/test_parent_backoff: ${TEST_BACKOFF_OBJS}
	${LINK} -o $@ ${TEST_BACKOFF_OBJS} ${CHECK_LIBS}

# appvssd itself: the parent and the broker that it forks.

APPVSSD_OBJS = ${PARENT_OBJS} ${BROKER_OBJS}
PROGS += appvssd/appvssd

appvssd/appvssd: ${APPVSSD_OBJS}
	${LINK} -o $@ ${APPVSSD_OBJS} ${EVENT_LIBS} ${CONFUSE_LIBS}

MANUALS += appvssd/appvssd.8 appvssd/appvssd.conf.5
INSTALL_TARGETS += install-appvssd

install-appvssd: appvssd/appvssd
	mkdir -p ${DESTDIR}${SBINDIR} ${DESTDIR}${MANDIR}/man5 \
	    ${DESTDIR}${MANDIR}/man8 ${DESTDIR}${SYSCONFDIR}/appvss
	install -m 755 appvssd/appvssd ${DESTDIR}${SBINDIR}/
	install -m 644 appvssd/appvssd.conf.5 ${DESTDIR}${MANDIR}/man5/
	install -m 644 appvssd/appvssd.8 ${DESTDIR}${MANDIR}/man8/
	install -m 644 appvssd/appvssd.conf.sample \
	    ${DESTDIR}${SYSCONFDIR}/appvss/

.PHONY: install-appvssd
