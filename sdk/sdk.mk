# The wire codec (broker and tools link its objects) and libappvss.

WIRE_OBJS = sdk/wire.o sdk/wire_put.o sdk/proto.o
LIBAPPVSS = sdk/libappvss.a sdk/libappvss.so
LIBAPPVSS_OBJS = sdk/client.o \
	sdk/thread.o \
	sdk/conn.o \
	sdk/session.o \
	sdk/participant.o \
	sdk/operation.o \
	sdk/query.o \
	sdk/row.o \
	sdk/error.o \
	${WIRE_OBJS}
# What a program needs that is linked with libappvss.a.
LIBAPPVSS_LIBS = -lpthread
OBJCOPY ?= objcopy
# The number changes when a program that was linked before would break.
LIBAPPVSS_SONAME = libappvss.so.0
LIBAPPVSS_FILE = libappvss.so.${VERSION}

# Tests of the library, each of one object beside the rig.
LIBAPPVSS_TESTS = tests/unit/test_libappvss \
	tests/unit/test_libappvss_conn \
	tests/unit/test_libappvss_leave \
	tests/unit/test_libappvss_query \
	tests/unit/test_libappvss_thread \
	tests/unit/test_libappvss_hard
# Of these the ones with threads, for "make check-tsan".
LIBAPPVSS_THREAD_TESTS = tests/unit/test_libappvss_thread

OBJS += ${LIBAPPVSS_OBJS} ${LIBAPPVSS_TESTS:=.o} tests/unit/sdk_rig.o \
	tests/unit/test_wire.o tests/unit/test_proto.o tests/fuzz/fuzz_wire.o
PROGS += ${LIBAPPVSS} sdk/${LIBAPPVSS_SONAME}
CLEAN_FILES += sdk/libappvss.o tests/fuzz/fuzz_wire

UNIT_TESTS += tests/unit/test_wire tests/unit/test_proto \
	${LIBAPPVSS_TESTS} \
	tests/fuzz/replay_wire
SDK_SHELL_TESTS = tests/integration/sdk_exports.sh \
	tests/integration/sdk_manual.sh \
	tests/integration/sdk_cxx.sh
INTEGRATION_TESTS += ${SDK_SHELL_TESTS}
SHELL_SCRIPTS += ${SDK_SHELL_TESTS}
INSTALL_TARGETS += install-sdk
MANUALS += sdk/appvss.3 sdk/appvss_run.3 sdk/appvss_ask.3 \
	sdk/appvss-protocol.7

sdk/libappvss.so: ${LIBAPPVSS_OBJS} sdk/libappvss.map
	${LINK_SHARED} -Wl,-soname,${LIBAPPVSS_SONAME} \
	    -Wl,--version-script=sdk/libappvss.map -o $@ ${LIBAPPVSS_OBJS} \
	    ${LIBAPPVSS_LIBS}

# So that a program that was linked with the library runs from the tree.
sdk/${LIBAPPVSS_SONAME}: sdk/libappvss.so
	ln -sf libappvss.so $@

# One object with its inner names made local: they must not clash with those of
# a program that is linked statically.
sdk/libappvss.a: ${LIBAPPVSS_OBJS}
	rm -f $@
	${LD} -r -o sdk/libappvss.o ${LIBAPPVSS_OBJS}
	${OBJCOPY} --wildcard --keep-global-symbol='appvss_*' sdk/libappvss.o
	${AR} rcs $@ sdk/libappvss.o

tests/unit/test_wire: tests/unit/test_wire.o ${WIRE_OBJS}
	${LINK} -o $@ tests/unit/test_wire.o ${WIRE_OBJS} ${CHECK_LIBS}

tests/unit/test_proto: tests/unit/test_proto.o ${WIRE_OBJS}
	${LINK} -o $@ tests/unit/test_proto.o ${WIRE_OBJS} ${CHECK_LIBS}

LINK_LIBAPPVSS_TEST = ${LINK} -o $@ tests/unit/sdk_rig.o $@.o \
	sdk/libappvss.a ${LIBAPPVSS_LIBS} ${CHECK_LIBS}
tests/unit/test_libappvss: tests/unit/test_libappvss.o \
	    tests/unit/sdk_rig.o sdk/libappvss.a
	${LINK_LIBAPPVSS_TEST}

tests/unit/test_libappvss_conn: tests/unit/test_libappvss_conn.o \
	    tests/unit/sdk_rig.o sdk/libappvss.a
	${LINK_LIBAPPVSS_TEST}

tests/unit/test_libappvss_leave: tests/unit/test_libappvss_leave.o \
	    tests/unit/sdk_rig.o sdk/libappvss.a
	${LINK_LIBAPPVSS_TEST}

tests/unit/test_libappvss_query: tests/unit/test_libappvss_query.o \
	    tests/unit/sdk_rig.o sdk/libappvss.a
	${LINK_LIBAPPVSS_TEST}

tests/unit/test_libappvss_thread: tests/unit/test_libappvss_thread.o \
	    tests/unit/sdk_rig.o sdk/libappvss.a
	${LINK_LIBAPPVSS_TEST}

# It says when there is no memory.
tests/unit/test_libappvss_hard: tests/unit/test_libappvss_hard.o \
	    tests/unit/sdk_rig.o sdk/libappvss.a
	${LINK_LIBAPPVSS_TEST} \
	    -Wl,--wrap=calloc -Wl,--wrap=malloc -Wl,--wrap=realloc

# The corpus through the fuzz target, once, without libFuzzer.
tests/fuzz/replay_wire: tests/fuzz/replay.o tests/fuzz/fuzz_wire.o \
	    appvssd/histwire.o ${WIRE_OBJS}
	${LINK} -o $@ tests/fuzz/replay.o tests/fuzz/fuzz_wire.o \
	    appvssd/histwire.o ${WIRE_OBJS}

# Needs clang.  What it finds new goes to .build, not into the tree.
fuzz-wire:
	${FUZZ_COMPILE} -o tests/fuzz/fuzz_wire tests/fuzz/fuzz_wire.c sdk/wire.c \
	    sdk/wire_put.c sdk/proto.c appvssd/histwire.c
	mkdir -p .build/corpus/wire
	./tests/fuzz/fuzz_wire -max_len=4200 -max_total_time=${FUZZ_SECONDS} \
	    -dict=tests/fuzz/wire.dict .build/corpus/wire \
	    tests/fuzz/corpus/wire

install-sdk: ${LIBAPPVSS}
	install -d ${DESTDIR}${INCLUDEDIR} ${DESTDIR}${LIBDIR} \
	    ${DESTDIR}${PKGCONFIGDIR} ${DESTDIR}${MANDIR}/man3 \
	    ${DESTDIR}${MANDIR}/man7
	install -m 644 sdk/appvss.h ${DESTDIR}${INCLUDEDIR}/appvss.h
	install -m 644 sdk/libappvss.a ${DESTDIR}${LIBDIR}/libappvss.a
	install -m 755 sdk/libappvss.so ${DESTDIR}${LIBDIR}/${LIBAPPVSS_FILE}
	ln -sf ${LIBAPPVSS_FILE} ${DESTDIR}${LIBDIR}/${LIBAPPVSS_SONAME}
	ln -sf ${LIBAPPVSS_SONAME} ${DESTDIR}${LIBDIR}/libappvss.so
	install -m 644 sdk/appvss.3 sdk/appvss_run.3 sdk/appvss_ask.3 \
	    ${DESTDIR}${MANDIR}/man3/
	install -m 644 sdk/appvss-protocol.7 \
	    ${DESTDIR}${MANDIR}/man7/appvss-protocol.7
	sed -e 's|@PREFIX@|${PREFIX}|' -e 's|@LIBDIR@|${LIBDIR}|' \
	    -e 's|@INCLUDEDIR@|${INCLUDEDIR}|' -e 's|@VERSION@|${VERSION}|' \
	    sdk/appvss.pc.in >${DESTDIR}${PKGCONFIGDIR}/appvss.pc
	chmod 644 ${DESTDIR}${PKGCONFIGDIR}/appvss.pc

.PHONY: install-sdk fuzz-wire
