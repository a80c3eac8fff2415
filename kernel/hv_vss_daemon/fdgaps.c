/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gaps among the descriptors: see fdgaps.h.  Used on FreeBSD, built and tested
 * elsewhere too.  Opens no file.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fdgaps.h"

static int
highest(void)
{
	int fd;

	for (fd = FDGAPS_MAX - 1; fd > 0; fd--) {
		if (fcntl(fd, F_GETFD) != -1)
			break;
	}
	return (fd);
}

int
fdgaps_fill(struct fdgaps *gaps, int fd)
{
	const int last = highest();
	int error, filler, i;

	gaps->count = 0;
	for (i = 0; i < last; i++) {
		if (fcntl(i, F_GETFD) != -1)
			continue;
		filler = fcntl(fd, F_DUPFD_CLOEXEC, i);
		if (filler == -1) {
			error = errno;
			fdgaps_empty(gaps);
			errno = error;
			return (-1);
		}
		gaps->fds[gaps->count++] = filler;
	}
	return (0);
}

void
fdgaps_empty(struct fdgaps *gaps)
{
	while (gaps->count > 0)
		(void)close(gaps->fds[--gaps->count]);
}
