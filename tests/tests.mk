# The test programs: each lists its objects, and is named in UNIT_TESTS.  The
# rules that run them are in check.mk.

# Sanitizer builds are made in a copy of the tree: objects have one place.
check-asan:
	sh tests/sanitize.sh address,undefined check

check-tsan:
	sh tests/sanitize.sh thread check-threads

# Real databases in snapshots; make deps-test installs them.
DB_TESTS = tests/db/postgresql.sh tests/db/mysql.sh \
	tests/db/redis.sh tests/db/sqlite.sh
SHELL_SCRIPTS += tests/db/db_lib.sh ${DB_TESTS} tests/deps-test.sh

lint:
	sh tests/lint.sh "${MANUALS}" "${SHELL_SCRIPTS}"

# Several pure modules at once.
TEST_WORDS_OBJS = tests/unit/test_words.o ${TXN_OBJS} ${WIRE_OBJS} \
	${HV_VSS_DAEMON_PURE_OBJS} appvssd/source.o appvssd/config_words.o \
	hooks/scan.o
TEST_ENCODE_OBJS = tests/unit/test_encode.o appvssd/histrow.o \
	appvssd/histwire.o ${WIRE_OBJS}
OBJS += tests/unit/test_words.o tests/unit/test_encode.o
UNIT_TESTS += tests/unit/test_words tests/unit/test_encode

tests/unit/test_words: ${TEST_WORDS_OBJS}
	${LINK} -o $@ ${TEST_WORDS_OBJS} ${CHECK_LIBS}

tests/unit/test_encode: ${TEST_ENCODE_OBJS}
	${LINK} -o $@ ${TEST_ENCODE_OBJS} ${CHECK_LIBS}

# Branches of the pure modules; COV_LIST="FILE..." shows what is not taken.
COV_SOURCES = ${TXN_OBJS:.o=.c} ${WIRE_OBJS:.o=.c} \
	${HV_VSS_DAEMON_PURE_OBJS:.o=.c} appvssd/access.c \
	appvssd/config_check.c appvssd/config_scan.c appvssd/config_token.c \
	appvssd/config_words.c appvssd/histrow.c appvssd/histwire.c \
	appvssd/parent_backoff.c appvssd/source.c hooks/directive.c \
	hooks/scan.c \
	kernel/hv_appvss/hv_appvss_msg.c kernel/hv_appvss/hv_appvss_queue.c \
	kernel/vssdev/conftext.c
COV_TESTS = tests/model/txn_explore tests/unit/test_txn \
	tests/unit/test_txn_meanwhile \
	tests/unit/test_wire tests/unit/test_proto tests/unit/test_mounts \
	tests/unit/test_policy tests/unit/test_access tests/unit/test_config \
	tests/unit/test_config_check tests/unit/test_conftext tests/unit/test_histq \
	tests/unit/test_parent_backoff tests/unit/test_scan \
	tests/unit/test_directive \
	tests/unit/test_vss_msg tests/unit/test_vss_queue \
	tests/unit/test_vss_queue_model tests/unit/test_words \
	tests/unit/test_encode tests/fuzz/replay_broker \
	tests/fuzz/replay_config tests/fuzz/replay_directive \
	tests/fuzz/replay_mounts \
	tests/fuzz/replay_wire tests/fuzz/replay_vss_host \
	tests/fuzz/replay_vss_driver
COV_LIST ?=

cov:
	sh tests/cov.sh "${COV_SOURCES}" "${COV_TESTS}" ${COV_LIST}

# Minutes of it: .ci/run does without.  Needs make deps-analyze.
ANALYZE_FILES ?=
analyze:
	ANALYZE_FILES="${ANALYZE_FILES}" sh tests/analyze.sh ${BASE_CPPFLAGS}

format:
	clang-format -i `find . -name .build -prune -o -name '*.[ch]' -print`

format-check:
	clang-format --dry-run -Werror \
	    `find . -name .build -prune -o -name '*.[ch]' -print`

SHELL_SCRIPTS += tests/analyze.sh tests/cov.sh tests/deps.sh tests/run.sh \
	tests/sanitize.sh tests/lint.sh
CHAIN_TESTS = tests/integration/chain_snapshot.sh \
	tests/integration/chain_veto.sh \
	tests/integration/chain_hang.sh \
	tests/integration/chain_killed.sh \
	tests/integration/chain_broker_killed.sh \
	tests/integration/chain_daemon_killed.sh \
	tests/integration/chain_history_stopped.sh \
	tests/integration/chain_nobody.sh \
	tests/integration/chain_expired.sh \
	tests/integration/chain_syscalls.sh
BROKER_TESTS = tests/integration/broker_faults.sh \
	tests/integration/broker_known.sh \
	tests/integration/broker_history.sh \
	tests/integration/broker_proof.sh \
	tests/integration/broker_device.sh \
	tests/integration/broker_access.sh \
	tests/integration/broker_reload.sh \
	tests/integration/broker_requestor.sh \
	tests/integration/broker_watchers.sh \
	tests/integration/broker_gaps.sh \
	tests/integration/broker_clock.sh \
	tests/integration/broker_many.sh \
	tests/integration/broker_leaving.sh \
	tests/integration/broker_chaos.sh \
	tests/integration/broker_frozen_log.sh \
	tests/integration/broker_log.sh \
	tests/integration/broker_syslog.sh \
	tests/integration/broker_confined.sh \
	tests/integration/broker_killed.sh \
	tests/integration/broker_limits.sh \
	tests/integration/broker_idle.sh
INTEGRATION_TESTS += tests/integration/layers.sh \
	tests/integration/hardened.sh tests/integration/broker_socket.sh \
	tests/integration/install.sh tests/integration/campaign.sh \
	${BROKER_TESTS} ${CHAIN_TESTS}
SHELL_SCRIPTS += tests/integration/layers.sh tests/harden.sh \
	tests/integration/hardened.sh \
	tests/integration/broker_socket.sh tests/integration/install.sh \
	tests/integration/broker_lib.sh tests/integration/chain_lib.sh \
	tests/integration/campaign.sh \
	${BROKER_TESTS} ${CHAIN_TESTS}

# Preloaded by tests/integration/broker_clock.sh, before any sanitizer starts.
TEST_PROGS += tests/integration/clock_shim.so

tests/integration/clock_shim.so: tests/integration/clock_shim.c
	${CC} ${BASE_CPPFLAGS} ${BASE_CFLAGS} -shared -o $@ \
	    tests/integration/clock_shim.c
