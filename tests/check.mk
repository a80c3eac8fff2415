# Runs the tests.  Read last: what a rule needs is expanded where it stands, and
# every other .mk file adds to these lists.

check: all ${UNIT_TESTS} ${TEST_PROGS}
	sh tests/run.sh ${UNIT_TESTS} -- ${INTEGRATION_TESTS}

check-unit: all ${UNIT_TESTS} ${TEST_PROGS}
	sh tests/run.sh ${UNIT_TESTS}

# What "make check-tsan" runs: all that has threads.
check-threads: ${VSS_SIM_TESTS} ${VSS_REPLAYS} ${LIBAPPVSS_THREAD_TESTS}
	sh tests/run.sh ${VSS_SIM_TESTS} ${VSS_REPLAYS} \
	    ${LIBAPPVSS_THREAD_TESTS}

check-db: all
	sh tests/run.sh ${DB_TESTS}
	@grep -h stalled .build/test-logs/tests_db_*.log || :

# More of what tests/integration/campaign.sh runs some of: see CONTRIBUTING.md.
SCHEDULES ?= 1000
SEED ?= appvss
STATE ?= .build/campaign/state-${SEED}

campaign: all tests/integration/clock_shim.so
	@mkdir -p .build/campaign
	SCHEDULES=${SCHEDULES} SEED=${SEED} STATE=${STATE} \
	    SECONDS_MAX=1000000 sh tests/integration/campaign.sh

.PHONY: check-unit check-db check-threads campaign
