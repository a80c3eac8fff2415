# Benchmarks: programs that print numbers.  No test runs them.

OBJS += tests/bench/fanout.o
CLEAN_FILES += tests/bench/fanout

tests/bench/fanout: tests/bench/fanout.o
	${LINK} -o $@ tests/bench/fanout.o

bench: all tests/bench/fanout
	tests/bench/fanout 1 10 100 1000 6000

.PHONY: bench
