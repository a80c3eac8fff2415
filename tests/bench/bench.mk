# Benchmarks: programs that print numbers.  No test runs them.

FANOUT_OBJS = tests/bench/fanout.o tests/bench/crowd.o tests/bench/floor.o \
	tests/bench/proof.o tests/bench/rig.o
BENCH_DB_OBJS = appvssd/history_aside.o appvssd/history_check.o \
	appvssd/history_db.o appvssd/history_rows.o appvssd/history_schema.o \
	appvssd/history_sql.o appvssd/histrow.o appvssd/histwire.o \
	kernel/vssdev/heldlog.o ${WIRE_OBJS}
OBJS += ${FANOUT_OBJS} tests/bench/nohistory.o
BENCH_HISTORY_OBJS = tests/bench/history.o appvssd/histrow.o \
	appvssd/histwire.o ${WIRE_OBJS}
OBJS += tests/bench/history.o
CLEAN_FILES += tests/bench/fanout tests/bench/nohistory tests/bench/history

tests/bench/fanout: ${FANOUT_OBJS} ${BENCH_DB_OBJS}
	${LINK} -o $@ ${FANOUT_OBJS} ${BENCH_DB_OBJS} ${SQLITE_LIBS}

tests/bench/history: ${BENCH_HISTORY_OBJS}
	${LINK} -o $@ ${BENCH_HISTORY_OBJS}

tests/bench/nohistory: tests/bench/nohistory.o
	${LINK} -o $@ tests/bench/nohistory.o

# In the simulated kernel.
BENCH_DRIVER_OBJS = tests/bench/driver.o ${SIM_OBJS}
OBJS += tests/bench/driver.o
CLEAN_FILES += tests/bench/driver
SHELL_SCRIPTS += tests/bench/bench.sh tests/bench/snapshot.sh

tests/bench/driver: ${BENCH_DRIVER_OBJS}
	${LINK} -o $@ ${BENCH_DRIVER_OBJS} -lpthread

OBJS += tests/bench/spawn.o
CLEAN_FILES += tests/bench/spawn

tests/bench/spawn: tests/bench/spawn.o
	${LINK} -o $@ tests/bench/spawn.o

# What shall not grow, whatever the number of snapshots; a few in "make check".
OBJS += tests/bench/members.o
TEST_PROGS += tests/bench/members
INTEGRATION_TESTS += tests/integration/soak.sh
SHELL_SCRIPTS += tests/bench/soak.sh tests/integration/soak.sh
SNAPSHOTS ?= 5000

tests/bench/members: tests/bench/members.o sdk/libappvss.a
	${LINK} -o $@ tests/bench/members.o sdk/libappvss.a ${LIBAPPVSS_LIBS}

soak: all tests/bench/members
	@sh tests/bench/soak.sh ${BENCH_FLAGS} ${SNAPSHOTS}

BENCH_PROGS = tests/bench/fanout tests/bench/nohistory tests/bench/history \
	tests/bench/driver tests/bench/spawn tests/bench/members

# BENCH_FLAGS=--json for programs.
BENCH_FLAGS ?=

bench-build: all ${BENCH_PROGS}

bench: bench-build
	@sh tests/bench/bench.sh ${BENCH_FLAGS}

.PHONY: bench-build bench soak
