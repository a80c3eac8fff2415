/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See frozenlist.h.  One line an entry: NAME TRANSACTION RUNNING PID START
 * ORDER USER, without the last two if an older version wrote it.  The file is
 * replaced by rename(2), so that a reader never sees half of it; it needs no
 * fsync(2), for it must survive a process, not a power failure.
 */
#include <sys/param.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "frozenlist.h"

#define TEXT_MAX       (FROZENLIST_MAX * 200)
#define TMPFS_MAGIC_L  0x01021994 /* statfs(2) of Linux */
#define RAMFS_MAGIC_L  0x858458f6
#define NAME_SCAN      "%64s" /* SCAN_NAME_MAX */
#define USER_SCAN      "%32s" /* DIRECTIVE_USER_MAX */
#define NO_USER	       "-"    /* which no user is named */
#define FIELDS_MIN     5
#define MODE_BY_OTHERS 0022

static bool
parse_line(const char *line, struct frozen_entry *entry)
{
	char running;
	long pid;

	memset(entry, 0, sizeof(*entry));
	entry->order = -1;
	/* analyze: out of range is another process's, as any wrong number. */
	if (sscanf(line,
		NAME_SCAN " %" SCNu64 " %c %ld %" SCNu64 " %d " USER_SCAN,
		entry->name, &entry->transaction, &running, &pid,
		&entry->start_id, &entry->order, entry->user) < FIELDS_MIN)
		return (false);
	if (strcmp(entry->user, NO_USER) == 0)
		entry->user[0] = '\0';
	if (!scan_name_ok(entry->name) || pid < 0 || pid > INT32_MAX)
		return (false);
	/* As somebody else than it froze as would be as somebody's choice. */
	if (entry->user[0] != '\0' && !directive_user_ok(entry->user))
		return (false);
	if (entry->order < 0 || entry->order > 99)
		entry->order = scan_order(entry->name);
	if (running == 'f' && pid > 1)
		entry->running = FROZEN_FREEZE;
	else if (running == 't' && pid > 1)
		entry->running = FROZEN_THAW;
	else if (running == 'c')
		entry->running = FROZEN_CHECK;
	entry->pid = (pid_t)pid;
	return (true);
}

static unsigned
find(const struct frozen_list *list, const char *name)
{
	unsigned i;

	for (i = 0; i < list->count; i++)
		if (strcmp(list->entries[i].name, name) == 0)
			break;
	return (i);
}

static void
parse(struct frozen_list *list, char *text)
{
	struct frozen_entry entry;
	char *line, *rest = text;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (list->count < FROZENLIST_MAX && parse_line(line, &entry) &&
		    find(list, entry.name) == list->count)
			list->entries[list->count++] = entry;
}

int
frozenlist_load(struct frozen_list *list, const char *runtime_dir)
{
	struct stat status;
	char text[TEXT_MAX + 1];
	ssize_t length;
	int fd, saved;

	memset(list, 0, sizeof(*list));
	if ((size_t)snprintf(list->path, sizeof(list->path), "%s/%s",
		runtime_dir, FROZENLIST_FILE) >= sizeof(list->path) ||
	    (size_t)snprintf(list->temporary, sizeof(list->temporary),
		"%s/%s.new", runtime_dir,
		FROZENLIST_FILE) >= sizeof(list->temporary)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	fd = open(list->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return (errno == ENOENT ? 0 : -1);
	if (fstat(fd, &status) == -1 || !S_ISREG(status.st_mode) ||
	    status.st_uid != geteuid() ||
	    (status.st_mode & MODE_BY_OTHERS) != 0) {
		(void)close(fd);
		errno = EPERM;
		return (-1);
	}
	length = read(fd, text, TEXT_MAX);
	saved = errno;
	(void)close(fd);
	errno = saved;
	if (length == -1)
		return (-1);
	text[length] = '\0';
	parse(list, text);
	return (0);
}

static char
running_letter(enum frozen_running running)
{
	switch (running) {
	case FROZEN_NOTHING:
		return ('-');
	case FROZEN_FREEZE:
		return ('f');
	case FROZEN_THAW:
		return ('t');
	case FROZEN_CHECK:
		return ('c');
	}
	return ('-');
}

static int
write_file(const char *path, const char *text, size_t length)
{
	ssize_t written;
	int fd, saved;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd == -1)
		return (-1);
	written = write(fd, text, length);
	saved = written == -1 ? errno : ENOSPC;
	if (close(fd) == -1 || written != (ssize_t)length) {
		errno = saved;
		return (-1);
	}
	return (0);
}

static int
save(const struct frozen_list *list)
{
	const struct frozen_entry *entry;
	char text[TEXT_MAX];
	size_t length = 0;
	unsigned i;

	if (list->count == 0)
		return (unlink(list->path) == -1 && errno != ENOENT ? -1 : 0);
	for (i = 0; i < list->count; i++) {
		entry = &list->entries[i];
		length += (size_t)snprintf(text + length, sizeof(text) - length,
		    "%s %" PRIu64 " %c %ld %" PRIu64 " %d %s\n", entry->name,
		    entry->transaction, running_letter(entry->running),
		    (long)entry->pid, entry->start_id, entry->order,
		    entry->user[0] != '\0' ? entry->user : NO_USER);
	}
	if (write_file(list->temporary, text, length) == -1)
		return (-1);
	return (rename(list->temporary, list->path));
}

int
frozenlist_put(struct frozen_list *list, const struct frozen_entry *entry)
{
	struct frozen_entry before;
	unsigned at = find(list, entry->name), count = list->count;

	if (at == FROZENLIST_MAX) {
		errno = ENOSPC;
		return (-1);
	}
	before = list->entries[at];
	list->entries[at] = *entry;
	if (at == list->count)
		list->count++;
	if (save(list) == 0)
		return (0);
	list->entries[at] = before;
	list->count = count;
	return (-1);
}

int
frozenlist_remove(struct frozen_list *list, const char *name)
{
	unsigned at = find(list, name);

	if (at == list->count)
		return (0);
	list->count--;
	memmove(&list->entries[at], &list->entries[at + 1],
	    (list->count - at) * sizeof(list->entries[0]));
	return (save(list));
}

int
frozenlist_is_in_memory(const char *runtime_dir)
{
	struct statfs status;

	if (statfs(runtime_dir, &status) == -1)
		return (-1);
#ifdef __linux__
	return ((unsigned long)status.f_type == TMPFS_MAGIC_L ||
	    (unsigned long)status.f_type == RAMFS_MAGIC_L);
#else
	return (strcmp(status.f_fstypename, "tmpfs") == 0);
#endif
}
