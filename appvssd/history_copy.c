/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies a history database with its journal to a private directory, so that
 * the journal can be rolled back where the original cannot be written: a frozen
 * disk, a mounted image, another user's file.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "history_read_impl.h"

#define COPY_TRIES     5  /* then somebody writes to it all the time */
#define COPY_PAUSE_MS  50 /* between tries */
#define COPY_CHUNK     (64 * 1024)
#define JOURNAL_SUFFIX "-journal"
#define DATABASE_NAME  "/history.db"

/* What must not change while a file is copied. */
struct stamp {
	bool there;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec modified;
};

static void
take_stamp(const char *path, struct stamp *stamp)
{
	struct stat st;

	memset(stamp, 0, sizeof(*stamp));
	if (stat(path, &st) < 0)
		return;
	stamp->there = true;
	stamp->dev = st.st_dev;
	stamp->ino = st.st_ino;
	stamp->size = st.st_size;
	stamp->modified = st.st_mtim;
}

static bool
same_stamp(const struct stamp *a, const struct stamp *b)
{
	return (a->there == b->there && a->dev == b->dev && a->ino == b->ino &&
	    a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
	    a->modified.tv_nsec == b->modified.tv_nsec);
}

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
	return (0);
}

static int
copy_bytes(int from, int to)
{
	static char chunk[COPY_CHUNK];
	ssize_t got;

	for (;;) {
		got = read(from, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ((int)got);
		if (write_all(to, chunk, (size_t)got) < 0)
			return (-1);
	}
}

/* A file that is not there is copied as nothing. */
static int
copy_file(const char *from, const char *to)
{
	int in, out, result, error;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return (errno == ENOENT ? 0 : -1);
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0) {
		error = errno;
		close(in);
		errno = error;
		return (-1);
	}
	result = copy_bytes(in, out);
	error = errno;
	close(in);
	if (close(out) < 0 && result == 0) {
		result = -1;
		error = errno;
	}
	errno = error;
	return (result);
}

/* In memory where the system has a place for that: the disk may be frozen. */
static int
make_directory(struct history_copy *copy)
{
	const char *const places[] = { "/dev/shm", getenv("TMPDIR"), "/tmp" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i] == NULL || places[i][0] == '\0')
			continue;
		if (snprintf(copy->directory, sizeof(copy->directory),
			"%s/appvss-history.XXXXXX",
			places[i]) >= (int)sizeof(copy->directory))
			continue;
		if (mkdtemp(copy->directory) != NULL)
			return (0);
	}
	copy->directory[0] = '\0';
	return (-1);
}

/* 1: copied; 0: it changed meanwhile; -1 with errno. */
static int
copy_once(const struct history_copy *copy, const char *path,
    const char *journal, const char *journal_copy)
{
	struct stamp before[2], after[2];

	take_stamp(path, &before[0]);
	take_stamp(journal, &before[1]);
	(void)unlink(journal_copy);
	if (copy_file(path, copy->path) < 0 ||
	    copy_file(journal, journal_copy) < 0)
		return (-1);
	take_stamp(path, &after[0]);
	take_stamp(journal, &after[1]);
	return (same_stamp(&before[0], &after[0]) &&
	    same_stamp(&before[1], &after[1]));
}

enum history_error
history_copy_make(struct history_copy *copy, const char *path, char *error)
{
	const struct timespec pause = { 0, COPY_PAUSE_MS * 1000000L };
	char journal[PATH_MAX], journal_copy[PATH_MAX];
	int copied = 0;

	if (make_directory(copy) < 0) {
		snprintf(error, HISTORY_ERROR_SIZE,
		    "no place for a copy: %s (set TMPDIR)", strerror(errno));
		return (HISTORY_E_SYSTEM);
	}
	if (snprintf(copy->path, sizeof(copy->path), "%s" DATABASE_NAME,
		copy->directory) >= (int)sizeof(copy->path) ||
	    snprintf(journal_copy, sizeof(journal_copy), "%s" JOURNAL_SUFFIX,
		copy->path) >= (int)sizeof(journal_copy) ||
	    snprintf(journal, sizeof(journal), "%s" JOURNAL_SUFFIX, path) >=
		(int)sizeof(journal)) {
		history_copy_remove(copy);
		snprintf(error, HISTORY_ERROR_SIZE, "the path is too long");
		return (HISTORY_E_SYSTEM);
	}
	for (int i = 0; i < COPY_TRIES && copied == 0; i++) {
		if (i > 0)
			(void)nanosleep(&pause, NULL);
		copied = copy_once(copy, path, journal, journal_copy);
	}
	if (copied == 1)
		return (HISTORY_OK);
	snprintf(error, HISTORY_ERROR_SIZE, "cannot be copied: %s",
	    copied < 0 ? strerror(errno) : "it is being written");
	history_copy_remove(copy);
	return (copied < 0 ? HISTORY_E_SYSTEM : HISTORY_E_BUSY);
}

void
history_copy_remove(struct history_copy *copy)
{
	char name[PATH_MAX];

	if (copy->directory[0] == '\0')
		return;
	if (snprintf(name, sizeof(name), "%s" JOURNAL_SUFFIX, copy->path) <
	    (int)sizeof(name))
		(void)unlink(name);
	(void)unlink(copy->path);
	(void)rmdir(copy->directory);
	copy->directory[0] = '\0';
}
