# driver and simulator
include kernel/sim/sim.mk

# vssdev: the way of userland programs to a VSS device, and what else a program
# that lives while file systems are frozen needs.  appvssd links these too.

VSSDEV_OBJS = kernel/vssdev/vssdev.o kernel/vssdev/heldlog.o \
	kernel/vssdev/protect.o
OBJS += ${VSSDEV_OBJS} tests/unit/test_vssdev.o tests/unit/test_heldlog.o
UNIT_TESTS += tests/unit/test_vssdev tests/unit/test_heldlog
SHELL_SCRIPTS += tests/integration/lib.sh

tests/unit/test_vssdev: tests/unit/test_vssdev.o kernel/vssdev/vssdev.o
	${LINK} -o $@ tests/unit/test_vssdev.o kernel/vssdev/vssdev.o \
	    ${CHECK_LIBS}

tests/unit/test_heldlog: tests/unit/test_heldlog.o kernel/vssdev/heldlog.o
	${LINK} -o $@ tests/unit/test_heldlog.o kernel/vssdev/heldlog.o \
	    ${CHECK_LIBS}
