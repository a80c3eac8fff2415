/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See hookdir.h.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "hookdir.h"

#define NS_PER_S INT64_C(1000000000)

static void
fill_entry(struct scan_entry *entry, const char *name,
    const struct stat *status)
{
	entry->name = name;
	entry->uid = status->st_uid;
	entry->mode = status->st_mode & 07777;
	if (S_ISREG(status->st_mode))
		entry->kind = SCAN_FILE;
	else if (S_ISDIR(status->st_mode))
		entry->kind = SCAN_DIRECTORY;
	else if (S_ISLNK(status->st_mode))
		entry->kind = SCAN_SYMLINK;
	else
		entry->kind = SCAN_OTHER;
}

static int
judge_directory(int fd, const char *path, enum scan_verdict *verdict)
{
	struct scan_entry entry;
	struct stat status;

	if (fstat(fd, &status) == -1)
		return (-1);
	fill_entry(&entry, path, &status);
	*verdict = scan_judge_directory(&entry, geteuid());
	return (0);
}

static int
judge_at(int fd, const char *name, enum scan_verdict *verdict)
{
	struct scan_entry entry;
	struct stat status;

	if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == -1)
		return (-1);
	fill_entry(&entry, name, &status);
	*verdict = scan_judge(&entry, geteuid());
	return (0);
}

static void
set_stamp(struct hookdir_stamp *stamp, const struct stat *status)
{
	stamp->device = status->st_dev;
	stamp->inode = status->st_ino;
	stamp->size = status->st_size;
	stamp->modified_ns = status->st_mtim.tv_sec * NS_PER_S +
	    status->st_mtim.tv_nsec;
	stamp->changed_ns = status->st_ctim.tv_sec * NS_PER_S +
	    status->st_ctim.tv_nsec;
}

static void
set_why(struct hookdir_entry *entry, enum scan_verdict verdict, const char *why)
{
	entry->verdict = verdict;
	(void)snprintf(entry->why, sizeof(entry->why), "%s", why);
}

/* At most DIRECTIVE_HEAD_MAX bytes into text; -1 with errno. */
static ssize_t
read_head(int fd, char *text)
{
	size_t used = 0;
	ssize_t length = 1;

	while (length > 0 && used < DIRECTIVE_HEAD_MAX) {
		length = read(fd, text + used, DIRECTIVE_HEAD_MAX - used);
		if (length > 0)
			used += (size_t)length;
		else if (length == -1 && errno == EINTR)
			length = 1;
	}
	return (length == -1 ? -1 : (ssize_t)used);
}

/* Reads the directives of an open file that may run. */
static int
read_directive(struct hookdir_entry *entry, int fd)
{
	static char text[DIRECTIVE_HEAD_MAX];
	char words[DIRECTIVE_TEXT_MAX], why[HOOKDIR_WHY_MAX];
	struct directive_mistake mistake;
	struct account account;
	const char *reason;
	ssize_t length;

	length = read_head(fd, text);
	if (length == -1)
		return (-1);
	if (directive_parse(&entry->directive, text, (size_t)length,
		length < DIRECTIVE_HEAD_MAX, &mistake) != DIRECTIVE_OK) {
		set_why(entry, SCAN_REFUSED_CONTENT,
		    directive_describe(&mistake, words));
		return (0);
	}
	if (entry->directive.user[0] == '\0')
		return (0);
	reason = account_find(&account, entry->directive.user);
	if (reason == NULL)
		return (0);
	(void)snprintf(why, sizeof(why), "user=%s: %s", entry->directive.user,
	    reason);
	directive_init(&entry->directive);
	set_why(entry, SCAN_REFUSED_CONTENT, why);
	return (0);
}

/* Reads a file that may run as far as entry->stamp goes. */
static void
read_script(struct hookdir_entry *entry, int directory_fd)
{
	struct hookdir_stamp stamp;
	struct stat status;
	const char *why = NULL;
	int fd;

	memset(&stamp, 0, sizeof(stamp));
	fd = openat(directory_fd, entry->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &status) == -1) {
		why = strerror(errno);
	} else {
		/* What was judged must be what is read. */
		set_stamp(&stamp, &status);
		if (memcmp(&stamp, &entry->stamp, sizeof(stamp)) != 0)
			why = "it is being replaced";
		else if (read_directive(entry, fd) == -1)
			why = strerror(errno);
	}
	if (fd != -1)
		(void)close(fd);
	if (why == NULL)
		return;
	set_why(entry, SCAN_REFUSED_CONTENT, why);
	/* So that it is looked at again. */
	memset(&entry->stamp, 0, sizeof(entry->stamp));
}

/* Fills in all but the name; nothing if the stamp is the same. */
static int
look_at(struct hookdir_entry *entry, int directory_fd)
{
	struct scan_entry found;
	struct hookdir_stamp stamp;
	struct stat status;

	memset(&stamp, 0, sizeof(stamp));
	if (fstatat(directory_fd, entry->name, &status, AT_SYMLINK_NOFOLLOW) ==
	    -1)
		return (-1);
	set_stamp(&stamp, &status);
	if (memcmp(&stamp, &entry->stamp, sizeof(stamp)) == 0)
		return (0);
	fill_entry(&found, entry->name, &status);
	directive_init(&entry->directive);
	entry->stamp = stamp;
	memset(entry->why, 0, sizeof(entry->why));
	entry->verdict = scan_judge(&found, geteuid());
	if (entry->verdict == SCAN_RUN)
		read_script(entry, directory_fd);
	else
		set_why(entry, entry->verdict,
		    scan_verdict_text(entry->verdict));
	return (0);
}

static int
compare(const struct hookdir_entry *left, const struct hookdir_entry *right)
{
	return (scan_compare(hookdir_order(left), left->name,
	    hookdir_order(right), right->name));
}

/* Puts an entry in its place. */
static int
insert(struct hookdir *directory, const struct hookdir_entry *new)
{
	struct hookdir_entry *entry;
	unsigned at = directory->count;

	if (at == HOOKDIR_MAX) {
		errno = E2BIG;
		return (-1);
	}
	while (at > 0 && compare(new, &directory->entries[at - 1]) < 0)
		at--;
	entry = &directory->entries[at];
	memmove(entry + 1, entry, (directory->count - at) * sizeof(*entry));
	*entry = *new;
	if (directory->verdict != SCAN_RUN && entry->verdict == SCAN_RUN)
		set_why(entry, directory->verdict,
		    scan_verdict_text(directory->verdict));
	directory->count++;
	return (0);
}

static int
read_entries(struct hookdir *directory, DIR *stream)
{
	struct hookdir_entry entry;
	struct dirent *found;

	for (;;) {
		errno = 0;
		found = readdir(stream);
		if (found == NULL)
			return (errno == 0 ? 0 : -1);
		if (strcmp(found->d_name, ".") == 0 ||
		    strcmp(found->d_name, "..") == 0)
			continue;
		memset(&entry, 0, sizeof(entry));
		(void)snprintf(entry.name, sizeof(entry.name), "%s",
		    found->d_name);
		/* It may have gone since. */
		if (look_at(&entry, dirfd(stream)) == -1)
			continue;
		if (insert(directory, &entry) == -1)
			return (-1);
	}
}

int
hookdir_read(struct hookdir *directory, const char *path)
{
	DIR *stream;
	int fd, result, saved;

	memset(directory, 0, sizeof(*directory));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	stream = fdopendir(fd);
	if (stream == NULL) {
		(void)close(fd);
		return (-1);
	}
	result = judge_directory(fd, path, &directory->verdict);
	if (result == 0)
		result = read_entries(directory, stream);
	saved = errno;
	(void)closedir(stream);
	errno = saved;
	return (result);
}

/* The open directory, and what it is; -1 with errno. */
static int
open_directory(const char *path, enum scan_verdict *verdict)
{
	int error, fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || judge_directory(fd, path, verdict) == 0)
		return (fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return (-1);
}

/* Keeps errno. */
static void
close_directory(int fd)
{
	int error = errno;

	(void)close(fd);
	errno = error;
}

int
hookdir_look(struct hookdir_entry *entry, const char *path)
{
	enum scan_verdict of_directory = SCAN_REFUSED_KIND;
	int fd, result;

	fd = open_directory(path, &of_directory);
	if (fd == -1)
		return (-1);
	result = look_at(entry, fd);
	close_directory(fd);
	if (result == 0 && of_directory != SCAN_RUN) {
		set_why(entry, of_directory, scan_verdict_text(of_directory));
		/* So that it is looked at again. */
		memset(&entry->stamp, 0, sizeof(entry->stamp));
	}
	return (result);
}

int
hookdir_judge(const char *path, const char *name)
{
	enum scan_verdict of_directory = SCAN_REFUSED_KIND;
	enum scan_verdict of_file = SCAN_REFUSED_KIND;
	int fd, result;

	fd = open_directory(path, &of_directory);
	if (fd == -1)
		return (-1);
	result = judge_at(fd, name, &of_file);
	close_directory(fd);
	if (result == -1)
		return (-1);
	return ((int)(of_directory != SCAN_RUN ? of_directory : of_file));
}

bool
hookdir_is_script(const struct hookdir_entry *entry)
{
	/*
	 * A refused one is a participant as well, and fails: whoever put it
	 * there believes it protects something.
	 */
	return (entry->verdict == SCAN_RUN ||
	    (scan_is_refused(entry->verdict) && scan_name_ok(entry->name)));
}

int
hookdir_order(const struct hookdir_entry *entry)
{
	return (entry->directive.order != -1 ? entry->directive.order :
					       scan_order(entry->name));
}
