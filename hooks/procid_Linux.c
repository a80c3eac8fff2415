/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procid from proc(5): the start time in ticks since boot.  Reads procfs only,
 * which never freezes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "procid.h"

#define STARTTIME_FIELD 22 /* proc(5), /proc/[pid]/stat */

uint64_t
procid_get(pid_t pid)
{
	char path[64], text[1024], *field;
	ssize_t length;
	int fd, number;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return (0);
	length = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (length <= 0)
		return (0);
	text[length] = '\0';
	/* The name in parentheses may hold anything: count from its end. */
	field = strrchr(text, ')');
	if (field == NULL || field[1] != ' ' || field[2] == 'Z' ||
	    field[2] == 'X')
		return (0);
	for (number = 2; number < STARTTIME_FIELD; number++) {
		field = strchr(field + 1, ' ');
		if (field == NULL)
			return (0);
	}
	/* Never 0, not even for what started with the kernel. */
	return (strtoull(field + 1, NULL, 10) + 1);
}
