/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirwatch by kqueue(2).  A directory tells only of names that come and go, so
 * each file is watched as well, by a descriptor that is open for reading: that
 * keeps nobody from suspending the file system.
 */
#include <sys/types.h>
#include <sys/event.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "dirwatch.h"

#define EVENTS                                                              \
	(NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB | NOTE_LINK | NOTE_DELETE | \
	    NOTE_RENAME | NOTE_REVOKE)
#define EVENTS_AT_ONCE 16
#define READS_MAX      64

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
	if (watch->directory_fd != -1)
		(void)close(watch->directory_fd);
	while (watch->count > 0)
		(void)close(watch->file_fds[--watch->count]);
	dirwatch_init(watch);
}

static int
add(struct dirwatch *watch, int fd)
{
	struct kevent event;

	EV_SET(&event, fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, EVENTS, 0, NULL);
	return (kevent(watch->fd, &event, 1, NULL, 0, NULL));
}

/* Links, devices and what cannot be opened say nothing that would matter. */
static void
add_file(struct dirwatch *watch, const char *name)
{
	struct stat status;
	int fd;

	if (watch->count == HOOKDIR_MAX ||
	    fstatat(watch->directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) ==
		-1 ||
	    !S_ISREG(status.st_mode))
		return;
	fd = openat(watch->directory_fd, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return;
	if (add(watch, fd) == -1)
		(void)close(fd);
	else
		watch->file_fds[watch->count++] = fd;
}

static int
add_files(struct dirwatch *watch)
{
	const struct dirent *entry;
	DIR *stream;
	int fd;

	fd = openat(watch->directory_fd, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	stream = fdopendir(fd);
	if (stream == NULL) {
		(void)close(fd);
		return (-1);
	}
	while ((entry = readdir(stream)) != NULL)
		add_file(watch, entry->d_name);
	(void)closedir(stream);
	return (0);
}

int
dirwatch_start(struct dirwatch *watch, const char *path)
{
	int error;

	dirwatch_fini(watch);
	/* kqueue(2) has no flags before FreeBSD 14; one thread, so no race. */
	watch->fd = kqueue();
	if (watch->fd != -1)
		(void)fcntl(watch->fd, F_SETFD, FD_CLOEXEC);
	watch->directory_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (watch->fd != -1 && watch->directory_fd != -1 &&
	    add(watch, watch->directory_fd) == 0 && add_files(watch) == 0)
		return (0);
	error = errno;
	dirwatch_fini(watch);
	errno = error;
	return (-1);
}

bool
dirwatch_has_news(struct dirwatch *watch)
{
	static const struct timespec at_once = { 0, 0 };
	struct kevent events[EVENTS_AT_ONCE];
	bool has_news = false;
	int i;

	for (i = 0; i < READS_MAX && watch->fd != -1; i++) {
		if (kevent(watch->fd, NULL, 0, events, EVENTS_AT_ONCE,
			&at_once) <= 0)
			break;
		has_news = true;
	}
	return (has_news);
}
