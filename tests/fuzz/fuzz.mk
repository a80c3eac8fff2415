# Each target: fuzz_NAME.c, a directory of the corpus, replayed by make check, and
# "make fuzz-NAME", which needs clang and writes what it finds new to .build.
FUZZ_TARGETS = fuzz-wire fuzz-config fuzz-directive fuzz-vss-host \
	fuzz-vss-driver fuzz-broker \
	fuzz-mounts fuzz-history
FUZZ_SECONDS ?= 60
FUZZ_SMOKE_SECONDS ?= 3
FUZZ_FLAGS = -std=c17 -O1 -g \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_COMPILE = clang ${BASE_CPPFLAGS} ${FUZZ_FLAGS}

# What takes the place of libFuzzer in tests/fuzz/replay_NAME.
OBJS += tests/fuzz/replay.o

# FUZZ_SECONDS of each, one after the other.
fuzz:
	for target in ${FUZZ_TARGETS}; do \
		${MAKE} FUZZ_SECONDS=${FUZZ_SECONDS} $$target || exit 1; \
	done

# Does each of them still build, take its corpus, and find nothing at once?
fuzz-smoke:
	@mkdir -p .build
	@for target in ${FUZZ_TARGETS}; do \
		${MAKE} FUZZ_SECONDS=${FUZZ_SMOKE_SECONDS} $$target \
		    >.build/$$target.log 2>&1 || \
			{ tail -n 60 .build/$$target.log; exit 1; }; \
		echo "$$target: `grep '^Done' .build/$$target.log`"; \
	done

# The whole broker in a world without a kernel.  What it calls is replaced by the
# linker, or, where a sanitizer's runtime calls the same, by macros.

FUZZ_BROKER_OWN_OBJS = tests/fuzz/fuzz_broker.o tests/fuzz/broker_loop.o \
	tests/fuzz/broker_peers.o tests/fuzz/broker_world.o
FUZZ_BROKER_OBJS = ${FUZZ_BROKER_OWN_OBJS} ${BROKER_PORTABLE_OBJS} \
	${CONFIG_OBJS} kernel/vssdev/heldlog.o
FUZZ_BROKER_WRAP = -Wl,--wrap=recv -Wl,--wrap=send -Wl,--wrap=write \
	-Wl,--wrap=__recv_chk -Wl,--wrap=accept -Wl,--wrap=close \
	-Wl,--wrap=clock_gettime
FUZZ_BROKER_MACROS = -Drecv=__wrap_recv -Dsend=__wrap_send \
	-Dwrite=__wrap_write -Daccept=__wrap_accept -Dclose=__wrap_close \
	-Dclock_gettime=__wrap_clock_gettime

OBJS += ${FUZZ_BROKER_OWN_OBJS}
UNIT_TESTS += tests/fuzz/replay_broker
CLEAN_FILES += tests/fuzz/fuzz_broker

tests/fuzz/replay_broker: tests/fuzz/replay.o ${FUZZ_BROKER_OBJS}
	${LINK} ${FUZZ_BROKER_WRAP} -o $@ tests/fuzz/replay.o \
	    ${FUZZ_BROKER_OBJS} ${CONFUSE_LIBS}

# Needs clang.  What it finds new goes to .build, not into the tree.
fuzz-broker:
	${FUZZ_COMPILE} ${FUZZ_BROKER_MACROS} \
	    -o tests/fuzz/fuzz_broker ${FUZZ_BROKER_OBJS:.o=.c} \
	    ${CONFUSE_LIBS}
	mkdir -p .build/corpus/broker
	./tests/fuzz/fuzz_broker -max_len=4096 -timeout=20 \
	    -max_total_time=${FUZZ_SECONDS} .build/corpus/broker \
	    tests/fuzz/corpus/broker

.PHONY: fuzz fuzz-smoke fuzz-broker fuzz-mounts fuzz-history

# Mount table to plan.
FUZZ_MOUNTS_OBJS = tests/fuzz/fuzz_mounts.o ${HV_VSS_DAEMON_PURE_OBJS}
OBJS += tests/fuzz/fuzz_mounts.o
UNIT_TESTS += tests/fuzz/replay_mounts
CLEAN_FILES += tests/fuzz/fuzz_mounts

tests/fuzz/replay_mounts: tests/fuzz/replay.o ${FUZZ_MOUNTS_OBJS}
	${LINK} -o $@ tests/fuzz/replay.o ${FUZZ_MOUNTS_OBJS}

fuzz-mounts:
	${FUZZ_COMPILE} -o tests/fuzz/fuzz_mounts ${FUZZ_MOUNTS_OBJS:.o=.c}
	mkdir -p .build/corpus/mounts
	./tests/fuzz/fuzz_mounts -max_len=2000 -timeout=20 \
	    -max_total_time=${FUZZ_SECONDS} -dict=tests/fuzz/mounts.dict \
	    .build/corpus/mounts tests/fuzz/corpus/mounts

# The reader of history files.
FUZZ_HISTORY_OBJS = tests/fuzz/fuzz_history.o ${HISTORY_READ_OBJS}
OBJS += tests/fuzz/fuzz_history.o
UNIT_TESTS += tests/fuzz/replay_history
CLEAN_FILES += tests/fuzz/fuzz_history

tests/fuzz/replay_history: tests/fuzz/replay.o ${FUZZ_HISTORY_OBJS}
	${LINK} -o $@ tests/fuzz/replay.o ${FUZZ_HISTORY_OBJS} \
	    ${SQLITE_LIBS}

fuzz-history:
	${FUZZ_COMPILE} -o tests/fuzz/fuzz_history ${FUZZ_HISTORY_OBJS:.o=.c} \
	    ${SQLITE_LIBS}
	mkdir -p .build/corpus/history
	./tests/fuzz/fuzz_history -max_len=32768 -timeout=20 \
	    -max_total_time=${FUZZ_SECONDS} .build/corpus/history \
	    tests/fuzz/corpus/history
