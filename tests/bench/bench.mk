# Benchmarks: programs that print numbers.  No test runs them.

FANOUT_OBJS = tests/bench/fanout.o tests/bench/floor.o
OBJS += ${FANOUT_OBJS}
CLEAN_FILES += tests/bench/fanout

tests/bench/fanout: ${FANOUT_OBJS}
	${LINK} -o $@ ${FANOUT_OBJS}

bench: all tests/bench/fanout
	tests/bench/fanout 1 10 100 1000 6000

.PHONY: bench
