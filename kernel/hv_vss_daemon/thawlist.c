/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of what may be frozen: see thawlist.h.  First line "pid PID", then
 * for each file system, in freezing order, "MAJOR:MINOR POINT".  The numbers
 * find it again, wherever it is mounted; the name is for people.
 */
#include <sys/types.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "kernel/vssdev/heldlog.h"
#include "thawlist.h"

#define LIST_NAME      "hv_vss_daemon.frozen"
#define LIST_MAX_BYTES (MOUNTS_FREEZE_MAX * 300)
#define POINT_MAX      256
#define RETRY_MS       100
#define OWNER_ALIVE_MS 10000 /* tries so long while the owner lives */
#define OWNER_DEAD_MS  1000  /* and so long otherwise */

static int
list_path(const char *dir, char path[PATH_MAX])
{
	int length;

	length = snprintf(path, PATH_MAX, "%s/" LIST_NAME, dir);
	if (length >= 0 && length < PATH_MAX)
		return (0);
	errno = ENAMETOOLONG;
	return (-1);
}

static int
write_all(int fd, const char *text, size_t length)
{
	ssize_t written;
	size_t done;

	for (done = 0; done < length; done += (size_t)written) {
		written = write(fd, text + done, length - done);
		if (written == -1)
			return (-1);
	}
	return (0);
}

static int
write_targets(int fd, const struct freeze_target *targets, unsigned count)
{
	char line[64 + POINT_MAX], point[POINT_MAX];
	unsigned i;
	int length;

	length = snprintf(line, sizeof(line), "pid %ld\n", (long)getpid());
	if (write_all(fd, line, (size_t)length) != 0)
		return (-1);
	for (i = 0; i < count; i++) {
		length = snprintf(line, sizeof(line),
		    "%" PRIu64 ":%" PRIu64 " %s\n", targets[i].fs >> 32,
		    targets[i].fs & UINT32_MAX,
		    heldlog_quote(targets[i].point, point, sizeof(point)));
		if (write_all(fd, line, (size_t)length) != 0)
			return (-1);
	}
	return (0);
}

int
thawlist_write(const char *dir, const struct freeze_target *targets,
    unsigned count, int *fd)
{
	char path[PATH_MAX];
	int error;

	if (list_path(dir, path) != 0)
		return (-1);
	*fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (*fd == -1)
		return (-1);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0 &&
	    write_targets(*fd, targets, count) == 0)
		return (0);
	error = errno;
	(void)unlink(path);
	(void)close(*fd);
	*fd = -1;
	errno = error;
	return (-1);
}

int
thawlist_remove(const char *dir)
{
	char path[PATH_MAX];

	if (list_path(dir, path) != 0)
		return (-1);
	return (unlink(path) == 0 || errno == ENOENT ? 0 : -1);
}

int
thawlist_check_dir(const char *dir, struct why *why)
{
	struct statfs status;

	if (statfs(dir, &status) != 0) {
		why_set(why, dir, "no runtime directory", errno);
		return (-1);
	}
	if (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC)
		return (0);
	why_set(why, dir, "the runtime directory is not on a tmpfs", 0);
	return (-1);
}

/* Opens the list for reading.  *locked_by_other: its owner lives. */
static int
open_list(const char *dir, bool *locked_by_other)
{
	char path[PATH_MAX];
	int fd;

	if (list_path(dir, path) != 0)
		return (-1);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return (-1);
	*locked_by_other = flock(fd, LOCK_EX | LOCK_NB) != 0;
	return (fd);
}

int
thawlist_left_any(const char *dir)
{
	bool locked_by_other;
	int fd;

	fd = open_list(dir, &locked_by_other);
	if (fd == -1)
		return (errno == ENOENT ? 0 : -1);
	(void)close(fd);
	return (locked_by_other ? 0 : 1);
}

struct list {
	pid_t pid;
	unsigned count;
	uint64_t fs[MOUNTS_FREEZE_MAX];
	const char *names[MOUNTS_FREEZE_MAX]; /* as they were quoted */
	bool settled[MOUNTS_FREEZE_MAX];
};

/*
 * False for what this program has not written.  text is cut up, and the names
 * of the list point into it.  Cut off while it was written, however early, is
 * well: nothing was frozen then.
 */
static bool
parse_list(char *text, struct list *list)
{
	unsigned long file_major, file_minor;
	char *line, *name, *next;
	long pid;

	memset(list, 0, sizeof(*list));
	line = strchr(text, '\n');
	if (line == NULL)
		return (strncmp(text, "pid ", strnlen(text, 4)) == 0);
	/* analyze: these wrote it themselves; what is not there is not found.
	 */
	if (sscanf(text, "pid %ld", &pid) != 1 || pid <= 0)
		return (false);
	list->pid = (pid_t)pid;
	for (line++; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next == NULL)
			break;
		*next++ = '\0';
		name = strchr(line, ' ');
		/* analyze: likewise. */
		if (list->count == MOUNTS_FREEZE_MAX || name == NULL ||
		    sscanf(line, "%lu:%lu", &file_major, &file_minor) != 2)
			return (false);
		list->names[list->count] = name + 1;
		list->fs[list->count++] = (uint64_t)file_major << 32 |
		    (uint32_t)file_minor;
	}
	return (true);
}

static bool
read_list(int fd, struct list *list)
{
	static char text[LIST_MAX_BYTES + 1];
	size_t used = 0;
	ssize_t got;

	do {
		got = read(fd, text + used, LIST_MAX_BYTES - used);
		if (got > 0)
			used += (size_t)got;
	} while (got > 0 && used < LIST_MAX_BYTES);
	text[used] = '\0';
	return (got == 0 && parse_list(text, list));
}

static void
why_not_mounted(struct why *why, const char *name, uint64_t fs)
{
	(void)snprintf(why->text, sizeof(why->text),
	    "mount=%s reason=\"is not mounted: mount device %" PRIu64
	    ":%" PRIu64 " anywhere, so that it can be thawed\"",
	    name, fs >> 32, fs & UINT32_MAX);
}

/* One entry of the list.  1: thawed; 0: not frozen; -1: why. */
static int
thaw_one(const struct system_table *table, const struct list *list,
    unsigned index, struct why *why)
{
	struct freeze_target target;
	uint64_t fs = list->fs[index];
	int error, result;
	unsigned i;

	for (i = 0; i < table->count; i++) {
		if (table->entries[i].fs == fs)
			break;
	}
	/*
	 * Not mounted, or in another mount namespace only.  It stays frozen all
	 * the same, and can be thawed when it is mounted again.
	 */
	if (i == table->count) {
		why_not_mounted(why, list->names[index], fs);
		return (-1);
	}
	if (system_target_open(table, i, &target, why) != 0) {
		system_target_close(&target);
		return (-1);
	}
	result = system_thaw(&target);
	error = errno;
	if (result != 0 && error != EINVAL)
		why_set(why, target.point, "cannot be thawed", error);
	system_target_close(&target);
	if (result == 0)
		return (1);
	return (error == EINVAL ? 0 : -1);
}

/*
 * Once through the list, from the last frozen, which may hold the devices of
 * the others.  Counts anew what is not settled by a thaw of ours.
 */
static void
thaw_pass(struct list *list, struct thaw_report *report, struct why *why)
{
	struct system_table table;
	unsigned i;

	report->not_frozen = 0;
	report->failed = 0;
	if (system_table_read(&table, why) != 0) {
		report->failed = list->count;
		system_table_free(&table);
		return;
	}
	for (i = list->count; i-- > 0;) {
		if (list->settled[i])
			continue;
		switch (thaw_one(&table, list, i, why)) {
		case 1:
			list->settled[i] = true;
			report->thawed++;
			break;
		case 0:
			report->not_frozen++;
			break;
		default:
			report->failed++;
			break;
		}
	}
	system_table_free(&table);
}

/* Removes the list that fd is, and not another that has taken its place. */
static int
remove_opened(const char *dir, int fd)
{
	struct stat named, opened;
	char path[PATH_MAX];

	if (list_path(dir, path) != 0 || fstat(fd, &opened) != 0)
		return (-1);
	if (lstat(path, &named) != 0)
		return (errno == ENOENT ? 0 : -1);
	if (named.st_dev != opened.st_dev || named.st_ino != opened.st_ino)
		return (0);
	return (thawlist_remove(dir));
}

int
thawlist_remove_of(const char *dir, pid_t owner)
{
	char path[PATH_MAX];
	struct list list;
	int fd, result = 0;

	if (list_path(dir, path) != 0)
		return (-1);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return (errno == ENOENT ? 0 : -1);
	if (read_list(fd, &list) && list.pid == owner)
		result = remove_opened(dir, fd);
	(void)close(fd);
	return (result);
}

int
thawlist_thaw(const char *dir, struct thaw_report *report, struct why *why)
{
	bool owner_lives;
	struct list list;
	int64_t end_at_ms;
	int fd;

	memset(report, 0, sizeof(*report));
	fd = open_list(dir, &owner_lives);
	if (fd == -1) {
		if (errno == ENOENT)
			return (0);
		why_set(why, dir, "cannot read the list", errno);
		return (-1);
	}
	if (!read_list(fd, &list)) {
		(void)close(fd);
		why_set(why, dir, "the list is damaged", 0);
		return (-1);
	}
	report->listed = list.count;
	report->owner = owner_lives ? list.pid : 0;
	end_at_ms = clock_now_ms() +
	    (owner_lives ? OWNER_ALIVE_MS : OWNER_DEAD_MS);
	for (;;) {
		thaw_pass(&list, report, why);
		/*
		 * Not frozen is the last word only if nobody can be freezing:
		 * a freeze under way looks the same.
		 */
		if (report->thawed == report->listed ||
		    (!owner_lives && report->failed == 0) ||
		    clock_now_ms() > end_at_ms)
			break;
		(void)poll(NULL, 0, RETRY_MS);
		if (owner_lives)
			owner_lives = flock(fd, LOCK_EX | LOCK_NB) != 0;
	}
	/* A living owner removes it itself, after its own thaw. */
	if (report->failed == 0 && !owner_lives)
		(void)remove_opened(dir, fd);
	(void)close(fd);
	return (report->failed > 0 ? -1 : 1);
}
