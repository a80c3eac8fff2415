# Builds appvss with GNU make (4.0 or later) and with BSD make.  No conditional
# and no pattern rule: what differs between systems is chosen by a variable's
# name (NAME_${OS}).  Each directory adds its own lines in a .mk file.

OS != uname -s

PREFIX ?= /usr/local
BINDIR ?= ${PREFIX}/bin
SBINDIR ?= ${PREFIX}/sbin
LIBEXECDIR ?= ${PREFIX}/libexec
LIBDIR ?= ${PREFIX}/lib
INCLUDEDIR ?= ${PREFIX}/include
MANDIR ?= ${PREFIX}/share/man
# /etc if PREFIX is /usr.
SYSCONFDIR ?= ${PREFIX:/usr=}/etc
PKGCONFIGDIR_FreeBSD = ${PREFIX}/libdata/pkgconfig
PKGCONFIGDIR_Linux = ${LIBDIR}/pkgconfig
PKGCONFIGDIR ?= ${PKGCONFIGDIR_${OS}}
RUNDIR_FreeBSD = /var/run
RUNDIR_Linux = /run
RUNDIR ?= ${RUNDIR_${OS}}
DBDIR_FreeBSD = /var/db
DBDIR_Linux = /var/lib
DBDIR ?= ${DBDIR_${OS}}
DESTDIR ?=
VERSION = 0.1.0

# bmake's own rules set CFLAGS, to nothing useful: so this has another name.
OPTFLAGS ?= -O2 -g
CFLAGS ?=
LDFLAGS ?=
# They add -nostdinc if DESTDIR is set: then no header would be found.
CPPFLAGS := ${CPPFLAGS:-nostdinc=}
# Extra flags of a sanitizer build: make check-asan and check-tsan set it.
SANFLAGS ?=

OSFLAGS_Linux = -D_GNU_SOURCE
OSFLAGS_FreeBSD = -isystem /usr/local/include
OSLDFLAGS_FreeBSD = -L/usr/local/lib
BASE_CPPFLAGS = -I. -Isdk ${OSFLAGS_${OS}} -DAPPVSS_VERSION='"${VERSION}"' \
	-DAPPVSS_RUNDIR='"${RUNDIR}"' -DAPPVSS_DBDIR='"${DBDIR}"' \
	-DAPPVSS_SYSCONFDIR='"${SYSCONFDIR}"' \
	-DAPPVSS_LIBEXECDIR='"${LIBEXECDIR}"'
WARNFLAGS = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wvla -Wundef \
	-Wwrite-strings
# What this compiler has of it.  make HARDEN= HARDEN_LD= builds without.
HARDEN != sh tests/harden.sh cc ${CC} ${OPTFLAGS} ${CFLAGS} ${SANFLAGS}
HARDEN_LD != sh tests/harden.sh ld ${CC} ${OPTFLAGS} ${CFLAGS} ${SANFLAGS}
BASE_CFLAGS = -std=c17 -fPIC -fstack-protector-strong ${HARDEN} ${WARNFLAGS} \
	${OPTFLAGS}
COMPILE = ${CC} ${BASE_CPPFLAGS} ${CPPFLAGS} ${BASE_CFLAGS} ${CFLAGS} ${SANFLAGS}
LINK_FLAGS = ${OPTFLAGS} ${CFLAGS} ${SANFLAGS} ${OSLDFLAGS_${OS}} ${LDFLAGS}
LINK = ${CC} ${HARDEN_LD} ${LINK_FLAGS}
LINK_SHARED = ${CC} -shared ${HARDEN_LD:-pie=} ${LINK_FLAGS}

# Asked for when a program is linked, not before "make deps" has run.
EVENT_LIBS = `pkg-config --libs libevent`
SQLITE_LIBS = `pkg-config --libs sqlite3`
CONFUSE_LIBS = `pkg-config --libs libconfuse`
CHECK_LIBS = `pkg-config --libs check`

# Filled in by the .mk files:
OBJS =			# every object file
PROGS =			# programs and libraries to build
TEST_PROGS =		# programs that only tests use
UNIT_TESTS =		# programs of tests/unit and tests/model, run as they are
INTEGRATION_TESTS =	# scripts of tests/integration
INSTALL_TARGETS =	# one install target for each directory
MANUALS =		# mdoc pages, linted by make lint
SHELL_SCRIPTS =		# sh scripts, checked by make lint
CLEAN_FILES =

.SUFFIXES:
.SUFFIXES: .c .o

all: everything

include kernel/kernel.mk
include sdk/sdk.mk
include appvssd/appvssd.mk
include hooks/hooks.mk
include examples/examples.mk
include tests/fuzz/fuzz.mk
include tests/tests.mk
include tests/bench/bench.mk
include tests/check.mk

everything: ${PROGS}

.c.o:
	${COMPILE} -MD -MP -c -o $@ $<

-include ${OBJS:.o=.d}

# Paths are compiled in: with other ones, everything is compiled again.
${OBJS}: .build/paths

.build/paths: paths-asked
	@mkdir -p .build
	@echo '${SYSCONFDIR} ${LIBEXECDIR} ${RUNDIR} ${DBDIR}' >$@.$$$$ && \
	    if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi

paths-asked:

# Packages: what a build and the tests need, no more.
DEPS_Linux = gcc g++ make bmake pkg-config libevent-dev libsqlite3-dev check \
	libconfuse-dev sqlite3 e2fsprogs xfsprogs btrfs-progs util-linux \
	mount procps python3 strace qemu-guest-agent
DEPS_FreeBSD = pkgconf libevent sqlite3 check libconfuse python3
DEPS_LINT_Linux = clang clang-format libclang-rt-14-dev mandoc shellcheck
DEPS_LINT_FreeBSD = llvm14 mandoc hs-ShellCheck
DEPS_ANALYZE_Linux = gcc clang clang-tidy cppcheck
DEPS_ANALYZE_FreeBSD = gcc llvm14 cppcheck
# The servers of make check-db, which runs on Linux.
DEPS_TEST_Linux = postgresql mariadb-server redis-server sqlite3 python3
DEPS_TEST_FreeBSD =

deps:
	sh tests/deps.sh ${DEPS_${OS}}

deps-lint:
	sh tests/deps.sh ${DEPS_LINT_${OS}}

deps-analyze:
	sh tests/deps.sh ${DEPS_ANALYZE_${OS}}

deps-test:
	sh tests/deps-test.sh ${DEPS_TEST_${OS}}

install: all ${INSTALL_TARGETS}

clean:
	rm -f ${OBJS} ${OBJS:.o=.d} ${PROGS} ${TEST_PROGS} ${UNIT_TESTS} \
	    ${CLEAN_FILES}
	rm -rf .build

.PHONY: all everything paths-asked deps deps-lint deps-test deps-analyze \
	install clean check check-asan check-tsan demo lint format \
	format-check analyze cov
