# The wire codec (broker and tools link its objects) and libappvss.

WIRE_OBJS = sdk/wire.o sdk/wire_put.o sdk/proto.o
LIBAPPVSS = sdk/libappvss.a sdk/libappvss.so

OBJS += ${WIRE_OBJS} tests/unit/test_wire.o tests/unit/test_proto.o

UNIT_TESTS += tests/unit/test_wire tests/unit/test_proto

tests/unit/test_wire: tests/unit/test_wire.o ${WIRE_OBJS}
	${LINK} -o $@ tests/unit/test_wire.o ${WIRE_OBJS} ${CHECK_LIBS}

tests/unit/test_proto: tests/unit/test_proto.o ${WIRE_OBJS}
	${LINK} -o $@ tests/unit/test_proto.o ${WIRE_OBJS} ${CHECK_LIBS}
