# Small complete programs to copy from.

EXAMPLES = examples/ledger \
	examples/minimal \
	examples/with_libevent \
	examples/with_thread \
	examples/ask_history

OBJS += ${EXAMPLES:=.o}
PROGS += ${EXAMPLES}

examples/ledger: examples/ledger.o sdk/libappvss.a
	${LINK} -o $@ examples/ledger.o sdk/libappvss.a ${LIBAPPVSS_LIBS} ${SQLITE_LIBS}

examples/minimal: examples/minimal.o sdk/libappvss.a
	${LINK} -o $@ examples/minimal.o sdk/libappvss.a ${LIBAPPVSS_LIBS}

examples/with_libevent: examples/with_libevent.o sdk/libappvss.a
	${LINK} -o $@ examples/with_libevent.o sdk/libappvss.a \
	    ${LIBAPPVSS_LIBS} ${EVENT_LIBS}

examples/with_thread: examples/with_thread.o sdk/libappvss.a
	${LINK} -o $@ examples/with_thread.o sdk/libappvss.a ${LIBAPPVSS_LIBS}

examples/ask_history: examples/ask_history.o sdk/libappvss.a
	${LINK} -o $@ examples/ask_history.o sdk/libappvss.a ${LIBAPPVSS_LIBS}

# participant.py and requestor.py are run as they are: the protocol without any
# library.

INTEGRATION_TESTS += tests/integration/examples_python.sh \
	tests/integration/examples_c.sh
SHELL_SCRIPTS += tests/integration/examples_python.sh \
	tests/integration/examples_c.sh

# The main job, shown and proved.
SHELL_SCRIPTS += examples/demo.sh examples/hook.sh examples/hook-rndc.sh

demo: all
	sh examples/demo.sh

INTEGRATION_TESTS += tests/integration/demo.sh \
	tests/integration/examples_hooks.sh
SHELL_SCRIPTS += tests/integration/demo.sh \
	tests/integration/examples_hooks.sh
