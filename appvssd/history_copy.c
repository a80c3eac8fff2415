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

#define COPY_TRIES     40 /* for the lock: two seconds */
#define COPY_PAUSE_MS  50
#define COPY_CHUNK     (64 * 1024)
#define JOURNAL_SUFFIX "-journal"
#define DATABASE_NAME  "/history.db"

/*
 * The bytes that SQLite's processes lock, from its documents on locking.  A
 * writer holds RESERVED while it prepares and has a journal; it changes the
 * database only once nobody has a read lock on SHARED.
 */
#define PENDING_BYTE  0x40000000
#define RESERVED_BYTE (PENDING_BYTE + 1)
#define SHARED_FIRST  (PENDING_BYTE + 2)
#define SHARED_BYTES  510

static int
lock_bytes(int fd, short type, off_t start, off_t length)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = length,
	};

	return (fcntl(fd, F_SETLK, &lock));
}

/*
 * A read lock as SQLite takes it: until fd is closed nobody changes the
 * database.  0, or -1 with errno (EAGAIN or EACCES: a writer is at it).
 */
static int
lock_shared(int fd)
{
	int result;

	if (lock_bytes(fd, F_RDLCK, PENDING_BYTE, 1) < 0)
		return (-1);
	result = lock_bytes(fd, F_RDLCK, SHARED_FIRST, SHARED_BYTES);
	(void)lock_bytes(fd, F_UNLCK, PENDING_BYTE, 1);
	return (result);
}

bool
history_copy_wanted(const char *path)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = RESERVED_BYTE,
		.l_len = 1,
	};
	char journal[PATH_MAX];
	struct stat st;
	int fd, result;

	if (snprintf(journal, sizeof(journal), "%s" JOURNAL_SUFFIX, path) >=
		(int)sizeof(journal) ||
	    stat(journal, &st) < 0 || st.st_size == 0)
		return (false);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (false);
	result = fcntl(fd, F_GETLK, &lock);
	close(fd);
	return (result < 0 || lock.l_type == F_UNLCK);
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

/* From an open file to a new one. */
static int
copy_to(int in, const char *to)
{
	int out, result, error;

	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return (-1);
	result = copy_bytes(in, out);
	error = errno;
	if (close(out) < 0 && result == 0) {
		result = -1;
		error = errno;
	}
	errno = error;
	return (result);
}

/* A journal that is not there is copied as nothing. */
static int
copy_journal(const char *from, const char *to)
{
	int in, result, error;

	in = open(from, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return (errno == ENOENT ? 0 : -1);
	result = copy_to(in, to);
	error = errno;
	close(in);
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

/* Where locks do not work (some read-only media) nobody writes either. */
static bool
is_locked_out(int error)
{
	return (error == EAGAIN || error == EACCES);
}

/* 0, or -1 with errno: EAGAIN if it is being written for too long. */
static int
copy_locked(const struct history_copy *copy, const char *path,
    const char *journal, const char *journal_copy)
{
	const struct timespec pause = { 0, COPY_PAUSE_MS * 1000000L };
	int in, result, error, tries = 0;

	in = open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return (-1);
	while ((result = lock_shared(in)) < 0 && is_locked_out(errno) &&
	    ++tries < COPY_TRIES)
		(void)nanosleep(&pause, NULL);
	if (result < 0 && is_locked_out(errno)) {
		close(in);
		errno = EAGAIN;
		return (-1);
	}
	result = copy_journal(journal, journal_copy);
	if (result == 0)
		result = copy_to(in, copy->path);
	error = errno;
	close(in);
	errno = error;
	return (result);
}

enum history_error
history_copy_make(struct history_copy *copy, const char *path, char *error)
{
	char journal[PATH_MAX], journal_copy[PATH_MAX];
	enum history_error result;

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
	if (copy_locked(copy, path, journal, journal_copy) == 0)
		return (HISTORY_OK);
	result = errno == EAGAIN ? HISTORY_E_BUSY : HISTORY_E_SYSTEM;
	snprintf(error, HISTORY_ERROR_SIZE, "cannot be copied: %s",
	    result == HISTORY_E_BUSY ? "it is being written" : strerror(errno));
	history_copy_remove(copy);
	return (result);
}

void
history_copy_remove(struct history_copy *copy)
{
	/* A damaged file may make SQLite use what a history never has. */
	static const char *const suffixes[] = { JOURNAL_SUFFIX, "-wal",
		"-shm" };
	char name[PATH_MAX];

	if (copy->directory[0] == '\0')
		return;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (snprintf(name, sizeof(name), "%s%s", copy->path,
			suffixes[i]) < (int)sizeof(name))
			(void)unlink(name);
	}
	(void)unlink(copy->path);
	(void)rmdir(copy->directory);
	copy->directory[0] = '\0';
}
