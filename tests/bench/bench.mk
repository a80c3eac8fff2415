# Benchmarks: programs that print numbers.  No test runs them.

FANOUT_OBJS = tests/bench/fanout.o tests/bench/crowd.o tests/bench/floor.o \
	tests/bench/rig.o
OBJS += ${FANOUT_OBJS} tests/bench/nohistory.o
CLEAN_FILES += tests/bench/fanout tests/bench/nohistory

tests/bench/fanout: ${FANOUT_OBJS}
	${LINK} -o $@ ${FANOUT_OBJS}

tests/bench/nohistory: tests/bench/nohistory.o
	${LINK} -o $@ tests/bench/nohistory.o

bench: all tests/bench/fanout tests/bench/nohistory
	tests/bench/fanout 1 10 100 1000 10000

.PHONY: bench
