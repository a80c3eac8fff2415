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

#include "hookdir.h"

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

/* Puts an entry in its place. */
static int
insert(struct hookdir *directory, const char *name, enum scan_verdict verdict)
{
	struct hookdir_entry *entry;
	unsigned at = directory->count;

	if (at == HOOKDIR_MAX) {
		errno = E2BIG;
		return (-1);
	}
	while (
	    at > 0 && scan_compare(name, directory->entries[at - 1].name) < 0)
		at--;
	entry = &directory->entries[at];
	memmove(entry + 1, entry, (directory->count - at) * sizeof(*entry));
	memset(entry, 0, sizeof(*entry));
	(void)snprintf(entry->name, sizeof(entry->name), "%s", name);
	if (directory->verdict != SCAN_RUN && verdict == SCAN_RUN)
		verdict = directory->verdict;
	entry->verdict = verdict;
	directory->count++;
	return (0);
}

static int
read_entries(struct hookdir *directory, DIR *stream)
{
	enum scan_verdict verdict;
	struct dirent *found;

	for (;;) {
		errno = 0;
		found = readdir(stream);
		if (found == NULL)
			return (errno == 0 ? 0 : -1);
		if (strcmp(found->d_name, ".") == 0 ||
		    strcmp(found->d_name, "..") == 0)
			continue;
		/* It may have gone since. */
		if (judge_at(dirfd(stream), found->d_name, &verdict) == -1)
			continue;
		if (insert(directory, found->d_name, verdict) == -1)
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

int
hookdir_judge(const char *path, const char *name)
{
	enum scan_verdict of_directory, of_file;
	int fd, result, saved;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	result = judge_directory(fd, path, &of_directory);
	if (result == 0)
		result = judge_at(fd, name, &of_file);
	saved = errno;
	(void)close(fd);
	errno = saved;
	if (result == -1)
		return (-1);
	return ((int)(of_directory != SCAN_RUN ? of_directory : of_file));
}

/* Names may hold anything: nothing of them reaches a terminal unseen. */
static void
print_name(const char *name)
{
	for (; *name != '\0'; name++)
		if (*name >= ' ' && *name <= '~' && *name != '\\')
			(void)putchar(*name);
		else
			(void)printf("\\x%02X", (unsigned char)*name);
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

void
hookdir_print(const struct hookdir *directory)
{
	const struct hookdir_entry *entry;
	unsigned i, scripts = 0;

	if (directory->verdict != SCAN_RUN)
		(void)printf("directory refused: %s\n",
		    scan_verdict_text(directory->verdict));
	for (i = 0; i < directory->count; i++) {
		entry = &directory->entries[i];
		(void)printf("%02d %-8s ", scan_order(entry->name),
		    entry->verdict == SCAN_RUN		? "run" :
			scan_is_refused(entry->verdict) ? "refused" :
							  "ignored");
		print_name(entry->name);
		if (entry->verdict != SCAN_RUN)
			(void)printf(" (%s)",
			    scan_verdict_text(entry->verdict));
		if (hookdir_is_script(entry) && ++scripts > HOOKDIR_SCRIPTS_MAX)
			(void)printf(" (too many: left out)");
		(void)printf("\n");
	}
}
