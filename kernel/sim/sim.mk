# Driver and simulator.  The pure layers of the driver are compiled as they are;
# the simulator compiles all of the driver's files once more, as kernel code.

VSS_SIM_TESTS = tests/unit/test_vss_msg tests/unit/test_vss_queue \
	tests/unit/test_vss_queue_model
OBJS += kernel/hv_appvss/hv_appvss_msg.o kernel/hv_appvss/hv_appvss_queue.o \
	tests/unit/test_vss_msg.o tests/unit/test_vss_queue.o \
	tests/unit/test_vss_queue_model.o
UNIT_TESTS += ${VSS_SIM_TESTS}

tests/unit/test_vss_msg: tests/unit/test_vss_msg.o \
    kernel/hv_appvss/hv_appvss_msg.o
	${LINK} -o $@ tests/unit/test_vss_msg.o \
	    kernel/hv_appvss/hv_appvss_msg.o ${CHECK_LIBS}

tests/unit/test_vss_queue: tests/unit/test_vss_queue.o \
    kernel/hv_appvss/hv_appvss_queue.o
	${LINK} -o $@ tests/unit/test_vss_queue.o \
	    kernel/hv_appvss/hv_appvss_queue.o ${CHECK_LIBS}

tests/unit/test_vss_queue_model: tests/unit/test_vss_queue_model.o \
    kernel/hv_appvss/hv_appvss_queue.o
	${LINK} -o $@ tests/unit/test_vss_queue_model.o \
	    kernel/hv_appvss/hv_appvss_queue.o

# What "make check-tsan" runs.
check-sim: ${VSS_SIM_TESTS}
	sh tests/run.sh ${VSS_SIM_TESTS}

.PHONY: check-sim
