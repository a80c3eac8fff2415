# history: the queue that the broker links, the process behind it, and the
# reader that appvssctl links.

HISTQ_OBJS = appvssd/histq.o appvssd/histrow.o appvssd/histwire.o
TEST_HISTQ_OBJS = tests/unit/test_histq.o ${HISTQ_OBJS} ${WIRE_OBJS} \
	kernel/vssdev/heldlog.o

OBJS += ${HISTQ_OBJS} tests/unit/test_histq.o
UNIT_TESTS += tests/unit/test_histq

tests/unit/test_histq: ${TEST_HISTQ_OBJS}
	${LINK} -o $@ ${TEST_HISTQ_OBJS} ${EVENT_LIBS} ${CHECK_LIBS}

