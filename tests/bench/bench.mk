# Benchmarks: programs that print numbers.  No test runs them.

FANOUT_OBJS = tests/bench/fanout.o tests/bench/crowd.o tests/bench/floor.o \
	tests/bench/rig.o
OBJS += ${FANOUT_OBJS} tests/bench/nohistory.o
BENCH_HISTORY_OBJS = tests/bench/history.o appvssd/histrow.o \
	appvssd/histwire.o ${WIRE_OBJS}
OBJS += tests/bench/history.o
CLEAN_FILES += tests/bench/fanout tests/bench/nohistory tests/bench/history

tests/bench/fanout: ${FANOUT_OBJS}
	${LINK} -o $@ ${FANOUT_OBJS}

tests/bench/history: ${BENCH_HISTORY_OBJS}
	${LINK} -o $@ ${BENCH_HISTORY_OBJS}

tests/bench/nohistory: tests/bench/nohistory.o
	${LINK} -o $@ tests/bench/nohistory.o

bench: all tests/bench/fanout tests/bench/nohistory tests/bench/history
	tests/bench/fanout 1 10 100 1000 10000
	tests/bench/history .build 20000

.PHONY: bench
