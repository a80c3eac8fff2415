# Small complete programs to copy from.

OBJS += examples/ledger.o examples/minimal.o
PROGS += examples/ledger examples/minimal

examples/ledger: examples/ledger.o sdk/libappvss.a
	${LINK} -o $@ examples/ledger.o sdk/libappvss.a ${SQLITE_LIBS}

examples/minimal: examples/minimal.o sdk/libappvss.a
	${LINK} -o $@ examples/minimal.o sdk/libappvss.a

# The main job, shown and proved.
SHELL_SCRIPTS += examples/demo.sh

demo: all
	sh examples/demo.sh

INTEGRATION_TESTS += tests/integration/demo.sh
SHELL_SCRIPTS += tests/integration/demo.sh
