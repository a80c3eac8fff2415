/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writers on FreeBSD: see writers.h and kern.proc.filedesc.  It tells of all
 * that UFSSUSPEND looks at (descrip_check_write_mp() of the kernel): vnodes,
 * whatever they are, that are open for writing.
 */
#include <sys/param.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <sys/user.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "writers.h"

#define TRIES 5 /* while the process opens more */

int
writers_fs(const char *mount, uint64_t *fs)
{
	struct stat st;

	if (stat(mount, &st) != 0)
		return (-1);
	*fs = (uint64_t)st.st_dev;
	return (0);
}

/* The records, owned by the caller, or NULL with errno. */
static char *
read_table(pid_t pid, size_t *size)
{
	int mib[4] = { CTL_KERN, KERN_PROC, KERN_PROC_FILEDESC, (int)pid };
	char *table = NULL, *grown;
	int error, tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (sysctl(mib, 4, NULL, size, NULL, 0) != 0)
			break;
		*size += *size / 2;
		grown = realloc(table, *size);
		if (grown == NULL)
			break;
		table = grown;
		if (sysctl(mib, 4, table, size, NULL, 0) == 0)
			return (table);
		if (errno != ENOMEM)
			break;
	}
	error = errno;
	free(table);
	errno = error;
	return (NULL);
}

/* A record is cut off behind its path, and has no fixed alignment. */
static void
take(struct writers *writers, const char *bytes, size_t length)
{
	struct kinfo_file info;
	struct writer *writer;

	memset(&info, 0, sizeof(info));
	memcpy(&info, bytes, length < sizeof(info) ? length : sizeof(info));
	info.kf_path[sizeof(info.kf_path) - 1] = '\0';
	if (info.kf_fd < 0 || info.kf_type != KF_TYPE_VNODE ||
	    (info.kf_flags & KF_FLAG_WRITE) == 0 ||
	    writers->count == WRITERS_MAX)
		return;
	writer = &writers->list[writers->count++];
	writer->fd = info.kf_fd;
	writer->fs = info.kf_un.kf_file.kf_file_fsid;
	(void)snprintf(writer->path, sizeof(writer->path), "%s", info.kf_path);
}

int
writers_of(pid_t pid, struct writers *writers)
{
	size_t at, size = 0;
	char *table;
	int length;

	writers->count = 0;
	table = read_table(pid, &size);
	if (table == NULL)
		return (-1);
	for (at = 0; size - at >= sizeof(length); at += (size_t)length) {
		/* kf_structsize, the first member. */
		memcpy(&length, table + at, sizeof(length));
		if (length < (int)sizeof(length) || (size_t)length > size - at)
			break;
		take(writers, table + at, (size_t)length);
	}
	free(table);
	return (0);
}

/* The kernel asks the caller of UFSSUSPEND only, and thaws by itself. */
unsigned
writers_family(pid_t pid, pid_t family[WRITERS_FAMILY_MAX])
{
	family[0] = pid;
	return (1);
}
