/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What another process has open for writing, and on which file system: as the
 * system tells it (writers_FreeBSD.c, writers_Linux.c).  Opens nothing that
 * lies on those file systems.
 */
#ifndef WRITERS_H
#define WRITERS_H

#include <sys/types.h>

#include <limits.h>
#include <stdint.h>

#define WRITERS_MAX	   16 /* descriptors of a process; more are left out */
#define WRITERS_FAMILY_MAX 8

struct writer {
	int fd;
	uint64_t fs;	     /* as writers_fs() numbers them */
	char path[PATH_MAX]; /* "": not known */
};

struct writers {
	struct writer list[WRITERS_MAX];
	unsigned count;
};

/* The number of the file system that is mounted there.  0, or -1 with errno. */
int writers_fs(const char *mount, uint64_t *fs);

/* 0, or -1 with errno: EACCES or EPERM (not told to everybody), ESRCH. */
int writers_of(pid_t pid, struct writers *writers);

/*
 * The process and those that it has forked and that freeze or thaw with it.
 * Returns how many.
 */
unsigned writers_family(pid_t pid, pid_t family[WRITERS_FAMILY_MAX]);

#endif /* WRITERS_H */
