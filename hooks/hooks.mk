# appvss-hooks, vss.d and what starts the programs.

# scan: pure
TEST_SCAN_OBJS = tests/unit/test_scan.o hooks/scan.o
OBJS += hooks/scan.o tests/unit/test_scan.o
UNIT_TESTS += tests/unit/test_scan

tests/unit/test_scan: ${TEST_SCAN_OBJS}
	${LINK} -o $@ ${TEST_SCAN_OBJS} ${CHECK_LIBS}
