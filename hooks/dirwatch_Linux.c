/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirwatch by inotify(7).  One watch tells of the directory and of the files in
 * it, whatever they are.
 */
#include <sys/inotify.h>

#include <errno.h>
#include <unistd.h>

#include "dirwatch.h"

#define EVENTS                                                             \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | \
	    IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |   \
	    IN_ONLYDIR)
#define READS_MAX                                                  \
	64 /* in a row: whoever writes all the time starves nobody \
	    */

void
dirwatch_init(struct dirwatch *watch)
{
	watch->fd = watch->watch = watch->directory_fd = -1;
	watch->count = 0;
}

void
dirwatch_fini(struct dirwatch *watch)
{
	if (watch->fd != -1)
		(void)close(watch->fd);
	dirwatch_init(watch);
}

int
dirwatch_start(struct dirwatch *watch, const char *path)
{
	int before = watch->watch, error;

	if (watch->fd == -1)
		watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd == -1)
		return (-1);
	/* The same number if it is the same directory. */
	watch->watch = inotify_add_watch(watch->fd, path, EVENTS);
	if (watch->watch == -1) {
		error = errno;
		dirwatch_fini(watch);
		errno = error;
		return (-1);
	}
	if (before != -1 && before != watch->watch)
		(void)inotify_rm_watch(watch->fd, before);
	return (0);
}

bool
dirwatch_has_news(struct dirwatch *watch)
{
	/* What happened does not matter: all of it is read again. */
	char events[4096];
	bool has_news = false;
	int i;

	for (i = 0; i < READS_MAX && watch->fd != -1; i++) {
		if (read(watch->fd, events, sizeof(events)) <= 0)
			break;
		has_news = true;
	}
	return (has_news);
}
