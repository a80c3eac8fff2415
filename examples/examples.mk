# Small complete programs to copy from.

OBJS += examples/ledger.o examples/minimal.o
PROGS += examples/ledger examples/minimal

examples/ledger: examples/ledger.o sdk/libappvss.a
	${LINK} -o $@ examples/ledger.o sdk/libappvss.a ${SQLITE_LIBS}

examples/minimal: examples/minimal.o sdk/libappvss.a
	${LINK} -o $@ examples/minimal.o sdk/libappvss.a

# participant.py and requestor.py are run as they are: the protocol without any
# library.

INTEGRATION_TESTS += tests/integration/examples_python.sh
SHELL_SCRIPTS += tests/integration/examples_python.sh

# The main job, shown and proved.
SHELL_SCRIPTS += examples/demo.sh examples/hook.sh examples/hook-rndc.sh

demo: all
	sh examples/demo.sh

INTEGRATION_TESTS += tests/integration/demo.sh \
	tests/integration/examples_hooks.sh
SHELL_SCRIPTS += tests/integration/demo.sh \
	tests/integration/examples_hooks.sh
