/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process looks at itself: see self.h.
 */
#include <sys/types.h>

#include <fcntl.h>
#include <stdio.h>

#include "self.h"

/* All but the first three are closed at the start, and few are opened. */
#define FDS_MAX 1024

static const struct freeze_target *
target_of_fd(const struct system_table *table,
    const struct freeze_target *targets, unsigned count, int fd)
{
	uint64_t fs;
	unsigned i;

	if (!system_fd_fs(table, fd, &fs))
		return (NULL);
	for (i = 0; i < count; i++) {
		if (targets[i].fs == fs)
			return (&targets[i]);
	}
	return (NULL);
}

int
self_check(const struct system_table *table,
    const struct freeze_target *targets, unsigned count, struct why *why)
{
	const struct freeze_target *target;
	char name[256], text[384];
	int fd, flags, threads;

	threads = system_thread_count();
	if (threads != 1) {
		why_set(why, NULL,
		    threads > 1 ?
			"this process has more than one thread" :
			"how many threads this process has is not known",
		    0);
		return (-1);
	}
	for (fd = 0; fd < FDS_MAX; fd++) {
		flags = fcntl(fd, F_GETFL);
		if (flags == -1 || (flags & O_ACCMODE) == O_RDONLY)
			continue;
		target = target_of_fd(table, targets, count, fd);
		if (target == NULL)
			continue;
		system_fd_name(fd, name, sizeof(name));
		(void)snprintf(text, sizeof(text),
		    "descriptor %d of this program is open for writing there%s"
		    "%s",
		    fd, name[0] == '\0' ? "" : ": ", name);
		why_set(why, target->point, text, 0);
		return (-1);
	}
	return (0);
}
