/* SPDX-License-Identifier: BSD-2-Clause */
/* See output.h. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl.h"
#include "output.h"

/* 0, or -1 with errno. */
static int
write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return (-1);
		bytes += written;
		length -= (size_t)written;
	}
	return (fsync(fd));
}

/* /dev/stdout, /dev/null: root could, and everybody else would miss them. */
static bool
is_special(const char *path)
{
	struct stat st;

	return (stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	    !S_ISDIR(st.st_mode));
}

int
output_replace(const char *path, const char *bytes, size_t length)
{
	char temporary[PATH_MAX];
	int fd;

	if (is_special(path)) {
		ctl_warn("%s: not a file, so it is not replaced", path);
		return (EX_CANTCREAT);
	}
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path,
		(long)getpid()) >= sizeof(temporary))
		return (ctl_usage("the path is too long: %s", path));
	fd = open(temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd == -1) {
		ctl_warn("%s: %s", temporary, strerror(errno));
		return (EX_CANTCREAT);
	}
	/* Whatever the umask: a collector is another user. */
	(void)fchmod(fd, 0644);
	if (write_all(fd, bytes, length) == 0 && rename(temporary, path) == 0) {
		(void)close(fd);
		return (EX_OK);
	}
	ctl_warn("%s: %s", path, strerror(errno));
	(void)close(fd);
	(void)unlink(temporary);
	return (EX_IOERR);
}
