# Runs the tests.  Read last: what a rule needs is expanded where it stands, and
# every other .mk file adds to these lists.

check: all ${UNIT_TESTS} ${TEST_PROGS}
	sh tests/run.sh ${UNIT_TESTS} ${INTEGRATION_TESTS}

check-unit: all ${UNIT_TESTS} ${TEST_PROGS}
	sh tests/run.sh ${UNIT_TESTS}

# What "make check-tsan" runs: all that has threads.
check-threads: ${VSS_SIM_TESTS} ${VSS_REPLAYS} ${LIBAPPVSS_THREAD_TESTS}
	sh tests/run.sh ${VSS_SIM_TESTS} ${VSS_REPLAYS} \
	    ${LIBAPPVSS_THREAD_TESTS}

check-db: all
	sh tests/run.sh ${DB_TESTS}
	@grep -h stalled .build/test-logs/tests_db_*.log || :

.PHONY: check-unit check-db check-threads
