# Driver and simulator.  The simulator compiles all files of the driver against
# the headers in include/, which stand in for the kernel's; the pure layers are
# the same objects that their unit tests use.

VSS_SIM_TESTS = tests/unit/test_vss_msg tests/unit/test_vss_queue \
	tests/unit/test_vss_queue_model tests/unit/test_vss_driver \
	tests/unit/test_vss_driver_admin \
	tests/unit/test_vss_driver_race tests/unit/test_vss_driver_sim \
	tests/unit/test_vss_module
DRV_OBJS = kernel/hv_appvss/hv_appvss_msg.o \
	kernel/hv_appvss/hv_appvss_queue.o kernel/sim/drv_core.o \
	kernel/sim/drv_dev.o kernel/sim/drv_sysctl.o kernel/sim/drv_vmbus.o \
	kernel/sim/drv_sim.o
SIM_KERNEL_OBJS = kernel/sim/sim_bus.o kernel/sim/sim_callout.o \
	kernel/sim/sim_cdev.o kernel/sim/sim_event.o kernel/sim/sim_lock.o \
	kernel/sim/sim_vmbus.o
SIM_OBJS = ${DRV_OBJS} ${SIM_KERNEL_OBJS} kernel/sim/host.o
SIM_PROGRAM_OBJS = ${SIM_OBJS} kernel/sim/control.o \
	kernel/sim/hv_vss_sim.o kernel/sim/machine.o \
	kernel/sim/machine_${OS}.o kernel/sim/script.o kernel/sim/server.o
OBJS += ${SIM_PROGRAM_OBJS} tests/unit/test_vss_msg.o \
	tests/unit/test_vss_queue.o tests/unit/test_vss_queue_model.o \
	tests/unit/test_vss_driver.o tests/unit/test_vss_driver_race.o \
	tests/unit/test_vss_driver_sim.o tests/unit/test_vss_module.o \
	tests/unit/test_vss_driver_admin.o tests/unit/vss_rig.o
PROGS += kernel/sim/hv_vss_sim
UNIT_TESTS += ${VSS_SIM_TESTS}
MANUALS += kernel/hv_appvss/hv_appvss.4 \
	kernel/hv_appvss_sim/hv_appvss_sim.4 kernel/sim/hv_vss_sim.8
INSTALL_TARGETS += install-hv-vss-sim

# The stand-in headers come first: they hide the system's of the same name.
SIM_COMPILE = ${CC} -Ikernel/sim/include ${BASE_CPPFLAGS} ${CPPFLAGS} \
	${BASE_CFLAGS} ${CFLAGS} ${SANFLAGS} -MD -c

kernel/sim/drv_core.o: kernel/hv_appvss/hv_appvss_core.c
	${SIM_COMPILE} -o $@ kernel/hv_appvss/hv_appvss_core.c
kernel/sim/drv_dev.o: kernel/hv_appvss/hv_appvss_dev.c
	${SIM_COMPILE} -o $@ kernel/hv_appvss/hv_appvss_dev.c
kernel/sim/drv_sysctl.o: kernel/hv_appvss/hv_appvss_sysctl.c
	${SIM_COMPILE} -o $@ kernel/hv_appvss/hv_appvss_sysctl.c
kernel/sim/drv_vmbus.o: kernel/hv_appvss/hv_appvss_vmbus.c
	${SIM_COMPILE} -o $@ kernel/hv_appvss/hv_appvss_vmbus.c
kernel/sim/drv_sim.o: kernel/hv_appvss_sim/hv_appvss_sim.c
	${SIM_COMPILE} -o $@ kernel/hv_appvss_sim/hv_appvss_sim.c

kernel/sim/sim_bus.o: kernel/sim/sim_bus.c
	${SIM_COMPILE} -o $@ kernel/sim/sim_bus.c
kernel/sim/sim_callout.o: kernel/sim/sim_callout.c
	${SIM_COMPILE} -o $@ kernel/sim/sim_callout.c
kernel/sim/sim_cdev.o: kernel/sim/sim_cdev.c
	${SIM_COMPILE} -o $@ kernel/sim/sim_cdev.c
kernel/sim/sim_event.o: kernel/sim/sim_event.c
	${SIM_COMPILE} -o $@ kernel/sim/sim_event.c
kernel/sim/sim_lock.o: kernel/sim/sim_lock.c
	${SIM_COMPILE} -o $@ kernel/sim/sim_lock.c
kernel/sim/sim_vmbus.o: kernel/sim/sim_vmbus.c
	${SIM_COMPILE} -o $@ kernel/sim/sim_vmbus.c

kernel/sim/hv_vss_sim: ${SIM_PROGRAM_OBJS} kernel/vssdev/passfd.o
	${LINK} -o $@ ${SIM_PROGRAM_OBJS} kernel/vssdev/passfd.o -lpthread

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

tests/unit/test_vss_driver: tests/unit/test_vss_driver.o \
    tests/unit/vss_rig.o ${SIM_OBJS}
	${LINK} -o $@ tests/unit/test_vss_driver.o tests/unit/vss_rig.o \
	    ${SIM_OBJS} ${CHECK_LIBS} -lpthread

tests/unit/test_vss_driver_admin: tests/unit/test_vss_driver_admin.o \
    tests/unit/vss_rig.o ${SIM_OBJS}
	${LINK} -o $@ tests/unit/test_vss_driver_admin.o \
	    tests/unit/vss_rig.o ${SIM_OBJS} ${CHECK_LIBS} -lpthread

tests/unit/test_vss_driver_race: tests/unit/test_vss_driver_race.o ${SIM_OBJS}
	${LINK} -o $@ tests/unit/test_vss_driver_race.o ${SIM_OBJS} -lpthread

tests/unit/test_vss_module: tests/unit/test_vss_module.o ${SIM_OBJS}
	${LINK} -o $@ tests/unit/test_vss_module.o ${SIM_OBJS} ${CHECK_LIBS} \
	    -lpthread

# Runs the program: it must be built too.
tests/unit/test_vss_driver_sim: tests/unit/test_vss_driver_sim.o \
    kernel/vssdev/vssdev.o kernel/vssdev/passfd.o kernel/sim/hv_vss_sim
	${LINK} -o $@ tests/unit/test_vss_driver_sim.o kernel/vssdev/vssdev.o \
	    kernel/vssdev/passfd.o ${CHECK_LIBS}

# The corpora through the fuzz targets, once, without libFuzzer.
VSS_REPLAYS = tests/fuzz/replay_vss_host tests/fuzz/replay_vss_driver
UNIT_TESTS += ${VSS_REPLAYS}
OBJS += tests/fuzz/fuzz_vss_host.o tests/fuzz/fuzz_vss_driver.o
CLEAN_FILES += tests/fuzz/fuzz_vss_host tests/fuzz/fuzz_vss_driver

tests/fuzz/replay_vss_host: tests/fuzz/replay.o \
    tests/fuzz/fuzz_vss_host.o ${SIM_OBJS}
	${LINK} -o $@ tests/fuzz/replay.o \
	    tests/fuzz/fuzz_vss_host.o ${SIM_OBJS} -lpthread

tests/fuzz/replay_vss_driver: tests/fuzz/replay.o \
    tests/fuzz/fuzz_vss_driver.o ${SIM_OBJS}
	${LINK} -o $@ tests/fuzz/replay.o \
	    tests/fuzz/fuzz_vss_driver.o ${SIM_OBJS} -lpthread

# Need clang.  What they find new goes to .build, not into the tree.
VSS_FUZZ_COMPILE = clang -Ikernel/sim/include ${BASE_CPPFLAGS} ${FUZZ_FLAGS}
VSS_FUZZ_SOURCES = kernel/hv_appvss/hv_appvss_msg.c \
	kernel/hv_appvss/hv_appvss_queue.c kernel/hv_appvss/hv_appvss_core.c \
	kernel/hv_appvss/hv_appvss_dev.c kernel/hv_appvss/hv_appvss_sysctl.c \
	kernel/hv_appvss_sim/hv_appvss_sim.c ${SIM_KERNEL_OBJS:.o=.c}

fuzz-vss-host:
	${VSS_FUZZ_COMPILE} -o tests/fuzz/fuzz_vss_host \
	    tests/fuzz/fuzz_vss_host.c ${VSS_FUZZ_SOURCES} -lpthread
	mkdir -p .build/corpus/vss_host
	./tests/fuzz/fuzz_vss_host -max_len=1024 \
	    -max_total_time=${FUZZ_SECONDS} .build/corpus/vss_host \
	    tests/fuzz/corpus/vss_host

fuzz-vss-driver:
	${VSS_FUZZ_COMPILE} -o tests/fuzz/fuzz_vss_driver \
	    tests/fuzz/fuzz_vss_driver.c ${VSS_FUZZ_SOURCES} -lpthread
	mkdir -p .build/corpus/vss_driver
	./tests/fuzz/fuzz_vss_driver -max_len=512 \
	    -max_total_time=${FUZZ_SECONDS} .build/corpus/vss_driver \
	    tests/fuzz/corpus/vss_driver

check-sim: ${VSS_SIM_TESTS} ${VSS_REPLAYS}
	sh tests/run.sh ${VSS_SIM_TESTS} ${VSS_REPLAYS}

install-hv-vss-sim: kernel/sim/hv_vss_sim
	install -d ${DESTDIR}${SBINDIR} ${DESTDIR}${MANDIR}/man8 \
	    ${DESTDIR}${MANDIR}/man4
	install -m 755 kernel/sim/hv_vss_sim ${DESTDIR}${SBINDIR}/hv_vss_sim
	install -m 644 kernel/sim/hv_vss_sim.8 ${DESTDIR}${MANDIR}/man8/
	install -m 644 kernel/hv_appvss/hv_appvss.4 \
	    kernel/hv_appvss_sim/hv_appvss_sim.4 ${DESTDIR}${MANDIR}/man4/

.PHONY: check-sim fuzz-vss-host fuzz-vss-driver install-hv-vss-sim
