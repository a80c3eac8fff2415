/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Freezing on Linux: FIFREEZE and FITHAW on a descriptor of a mount, opened for
 * reading only.  See system.h.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backing_linux.h"
#include "system.h"

#define MOUNTINFO	"/proc/self/mountinfo"
#define TABLE_MAX_BYTES (8u * 1024 * 1024)

enum mount_system
system_kind(void)
{
	return (MOUNT_LINUX);
}

bool
system_thaws_by_itself(void)
{
	return (false);
}

/* The whole text of a file of procfs, owned by the caller; NULL with errno. */
static char *
read_whole(const char *path)
{
	size_t size = 64 * 1024, used = 0;
	char *grown, *text = NULL;
	ssize_t got;
	int error, fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return (NULL);
	do {
		if (text == NULL || used + 1 == size) {
			size *= 2;
			grown = realloc(text, size);
			if (grown == NULL || size > TABLE_MAX_BYTES) {
				text = grown == NULL ? text : grown;
				errno = ENOMEM;
				got = -1;
				break;
			}
			text = grown;
		}
		got = read(fd, text + used, size - used - 1);
		if (got > 0)
			used += (size_t)got;
	} while (got > 0 || (got == -1 && errno == EINTR));
	error = errno;
	(void)close(fd);
	if (got == -1) {
		free(text);
		errno = error;
		return (NULL);
	}
	text[used] = '\0';
	return (text);
}

int
system_table_read(struct system_table *table, struct why *why)
{
	enum mounts_result result;
	unsigned lines = 0;
	char *c, *text;

	memset(table, 0, sizeof(*table));
	text = read_whole(MOUNTINFO);
	if (text == NULL) {
		why_set(why, NULL, "cannot read " MOUNTINFO, errno);
		return (-1);
	}
	table->text = text;
	for (c = text; *c != '\0'; c++)
		lines += *c == '\n';
	table->entries = calloc(lines + 1, sizeof(*table->entries));
	if (table->entries == NULL) {
		why_set(why, NULL, "no memory", errno);
		return (-1);
	}
	result = mounts_parse_linux(text, table->entries, lines, &table->count);
	if (result != MOUNTS_OK) {
		why_set(why, NULL, mounts_result_text(result), 0);
		return (-1);
	}
	return (0);
}

int
system_table_find_backings(struct system_table *table, struct why *why)
{
	if (backing_find_all(table) == 0)
		return (0);
	why_set(why, NULL, "no memory", errno);
	return (-1);
}

/*
 * Opens a mount point, if it leads to that very mount: another may hide it.
 * Only directories and files are opened, as opening anything else has effects.
 */
static int
open_mount(const struct mount_entry *entry)
{
	struct statx status;
	int fd;

	if (statx(AT_FDCWD, entry->point, AT_NO_AUTOMOUNT, STATX_TYPE,
		&status) != 0)
		return (-1);
	errno = ESTALE;
	if (!S_ISDIR(status.stx_mode) && !S_ISREG(status.stx_mode))
		return (-1);
	fd = open(entry->point, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return (-1);
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) == 0 &&
	    (status.stx_mask & STATX_MNT_ID) != 0 &&
	    status.stx_mnt_id == entry->id)
		return (fd);
	(void)close(fd);
	errno = ESTALE;
	return (-1);
}

int
system_target_open(const struct system_table *table, unsigned entry,
    struct freeze_target *target, struct why *why)
{
	const struct mount_entry *wanted = &table->entries[entry];
	int error, fd;
	unsigned i;

	if (system_target_init(target, wanted, why) != 0)
		return (-1);
	fd = open_mount(wanted);
	error = errno;
	for (i = 0; fd == -1 && i < table->count; i++) {
		if (table->entries[i].fs == wanted->fs)
			fd = open_mount(&table->entries[i]);
	}
	if (fd == -1) {
		why_set(why, wanted->point,
		    error == ESTALE ? "hidden by another mount" :
				      "cannot be opened",
		    error == ESTALE ? 0 : error);
		return (-1);
	}
	target->fd = fd;
	return (0);
}

int
system_sync(const struct freeze_target *target, bool freeze_follows,
    struct why *why)
{
	(void)freeze_follows;
	if (syncfs(target->fd) == 0)
		return (0);
	why_set(why, target->point, "cannot be written out", errno);
	return (-1);
}

int
system_thread_count(void)
{
	struct dirent *entry;
	int count = 0;
	DIR *tasks;

	tasks = opendir("/proc/self/task");
	if (tasks == NULL)
		return (-1);
	errno = 0;
	while ((entry = readdir(tasks)) != NULL)
		count += entry->d_name[0] != '.';
	if (errno != 0)
		count = -1;
	(void)closedir(tasks);
	return (count > 0 ? count : -1);
}

bool
system_fd_fs(const struct system_table *table, int fd, uint64_t *fs)
{
	struct statx status;
	uint64_t device;
	unsigned i;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) != 0)
		return (false);
	for (i = 0; i < table->count; i++) {
		if ((status.stx_mask & STATX_MNT_ID) != 0 &&
		    table->entries[i].id == status.stx_mnt_id) {
			*fs = table->entries[i].fs;
			return (true);
		}
	}
	/* Its mount may be detached, or of another mount namespace. */
	device = (uint64_t)status.stx_dev_major << 32 | status.stx_dev_minor;
	for (i = 0; i < table->count; i++) {
		if (table->entries[i].fs == device) {
			*fs = device;
			return (true);
		}
	}
	return (false);
}

void
system_fd_name(int fd, char *name, size_t size)
{
	char link[64];
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, name, size - 1);
	name[length < 0 ? 0 : length] = '\0';
}

static int
call(int fd, unsigned long request)
{
	int result;

	do {
		result = ioctl(fd, request, 0);
	} while (result == -1 && errno == EINTR);
	return (result);
}

int
system_freeze(struct freeze_target *target)
{
	if (call(target->fd, FIFREEZE) != 0)
		return (-1);
	target->frozen = true;
	return (0);
}

int
system_thaw(struct freeze_target *target)
{
	if (call(target->fd, FITHAW) == 0) {
		target->frozen = false;
		return (0);
	}
	if (errno == EINVAL)
		target->frozen = false;
	return (-1);
}
