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
CLEAN_FILES += tests/fuzz/fuzz_broker tests/fuzz/replay_broker.o

tests/fuzz/replay_broker.o: tests/fuzz/replay.c
	${COMPILE} -DREPLAY_CORPUS='"tests/fuzz/corpus/broker"' -c -o $@ \
	    tests/fuzz/replay.c

tests/fuzz/replay_broker: tests/fuzz/replay_broker.o ${FUZZ_BROKER_OBJS}
	${LINK} ${FUZZ_BROKER_WRAP} -o $@ tests/fuzz/replay_broker.o \
	    ${FUZZ_BROKER_OBJS} ${CONFUSE_LIBS}

# Needs clang.  What it finds new goes to .build, not into the tree.
fuzz-broker:
	clang ${BASE_CPPFLAGS} ${FUZZ_BROKER_MACROS} -std=c17 -O1 -g \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -o tests/fuzz/fuzz_broker ${FUZZ_BROKER_OBJS:.o=.c} \
	    ${CONFUSE_LIBS}
	mkdir -p .build/corpus/broker
	./tests/fuzz/fuzz_broker -max_len=4096 -timeout=20 \
	    -max_total_time=${FUZZ_SECONDS} .build/corpus/broker \
	    tests/fuzz/corpus/broker

.PHONY: fuzz-broker
