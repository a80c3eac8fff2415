/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protection of a process that holds a freeze: see protect.h.  Only this file
 * knows how each system does it.
 */
#include <sys/types.h>
#include <sys/mman.h>
#ifdef __FreeBSD__
#include <sys/procctl.h>
#else
#include <sys/prctl.h>
#endif
#include <sys/resource.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "protect.h"

int
protect_lock_memory(void)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int error;

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0)
		return (mlockall(MCL_CURRENT | MCL_FUTURE));
	/*
	 * With a limit, MCL_FUTURE would make mmap fail beyond it as soon as
	 * root is dropped: so only what is there by now.
	 */
	error = errno;
	(void)mlockall(MCL_CURRENT);
	errno = error;
	return (-1);
}

int
protect_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd == -1)
			return (-1);
	} while (fd <= STDERR_FILENO);
	return (close(fd));
}

static int
limit_core(void)
{
	const struct rlimit none = { 0, 0 };

	return (setrlimit(RLIMIT_CORE, &none));
}

#ifdef __FreeBSD__
int
protect_from_dumps(void)
{
	int arg = PROC_TRACE_CTL_DISABLE;

	return (limit_core() | procctl(P_PID, getpid(), PROC_TRACE_CTL, &arg));
}

int
protect_from_oom(void)
{
	int flags = PPROT_SET;

	return (procctl(P_PID, getpid(), PROC_SPROTECT, &flags));
}
#else
int
protect_from_dumps(void)
{
	/* A core that is piped to a program is not subject to the limit. */
	if (!PROTECT_SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return (-1);
	return (limit_core());
}

int
protect_from_oom(void)
{
	static const char never[] = "-1000\n";
	ssize_t written;
	int error, fd;

	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	written = write(fd, never, strlen(never));
	error = written == -1 ? errno : EIO;
	(void)close(fd);
	if (written == (ssize_t)strlen(never))
		return (0);
	errno = error;
	return (-1);
}
#endif
