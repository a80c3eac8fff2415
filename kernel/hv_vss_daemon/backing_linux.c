/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the file systems that lie in files of others: see backing_linux.h.
 * Reads sysfs and asks the loop driver; opens nothing on a disk file system.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backing_linux.h"
#include "policy.h"

#define STACK_DEPTH_MAX 8 /* devices below devices */
#define BTRFS_DIR	"/sys/fs/btrfs"

static uint64_t
fs_of(unsigned major_number, unsigned minor_number)
{
	return ((uint64_t)major_number << 32 | minor_number);
}

/* The first line of a file of sysfs; false if there is none. */
static bool
read_line(const char *directory, const char *name, char *line, size_t size)
{
	char path[PATH_MAX];
	ssize_t length;
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) >=
	    sizeof(path))
		return (false);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return (false);
	length = read(fd, line, size - 1);
	(void)close(fd);
	if (length <= 0)
		return (false);
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return (true);
}

/*
 * Adds the edge for a backing file that lies on an entry.  What lies on a
 * stacked file system could be anywhere.
 */
static int
add_entry(struct system_table *table, uint64_t inner,
    const struct mount_entry *entry)
{
	return (system_table_add_backing(table, inner, entry->fs,
	    !policy_type_is_stacked(MOUNT_LINUX, entry->type)));
}

/*
 * path is the backing file's name as sysfs tells it: it may be deleted, or
 * belong to another mount namespace.  So it counts only if it leads to the file
 * that the loop driver has.
 */
static int
add_loop_file(struct system_table *table, uint64_t inner, const char *path,
    const struct loop_info64 *info)
{
	unsigned file_major = major(info->lo_device);
	unsigned file_minor = minor(info->lo_device);
	struct statx status;
	unsigned i;

	if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		STATX_INO | STATX_MNT_ID, &status) == 0 &&
	    status.stx_dev_major == file_major &&
	    status.stx_dev_minor == file_minor &&
	    status.stx_ino == info->lo_inode &&
	    (status.stx_mask & STATX_MNT_ID) != 0) {
		for (i = 0; i < table->count; i++) {
			if (table->entries[i].id == status.stx_mnt_id)
				return (add_entry(table, inner,
				    &table->entries[i]));
		}
	}
	for (i = 0; i < table->count; i++) {
		if (table->entries[i].fs == fs_of(file_major, file_minor))
			return (add_entry(table, inner, &table->entries[i]));
	}
	/*
	 * A device of its own that is not in the table is not frozen either.
	 * Without one it may be a subvolume of a btrfs that is.
	 */
	return (file_major != 0 ?
		0 :
		system_table_add_backing(table, inner, 0, false));
}

/* device is the directory of a loop device in sysfs. */
static int
add_loop(struct system_table *table, uint64_t inner, const char *device,
    const char *file)
{
	char real[PATH_MAX], node[PATH_MAX];
	struct loop_info64 info;
	const char *name;
	int error, fd;

	if (realpath(device, real) == NULL)
		return (system_table_add_backing(table, inner, 0, false));
	name = strrchr(real, '/') + 1;
	if ((size_t)snprintf(node, sizeof(node), "/dev/%s", name) >=
	    sizeof(node))
		return (system_table_add_backing(table, inner, 0, false));
	fd = open(node, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return (system_table_add_backing(table, inner, 0, false));
	error = ioctl(fd, LOOP_GET_STATUS64, &info);
	(void)close(fd);
	if (error != 0)
		return (system_table_add_backing(table, inner, 0, false));
	return (add_loop_file(table, inner, file, &info));
}

static int add_device(struct system_table *table, uint64_t inner,
    const char *numbers, unsigned depth);

/* Adds all devices that the directory path of sysfs leads to. */
static int
add_members(struct system_table *table, uint64_t inner, const char *path,
    unsigned depth)
{
	char name[PATH_MAX], numbers[32];
	struct dirent *entry;
	int result = 0;
	DIR *directory;

	directory = opendir(path);
	if (directory == NULL)
		return (0);
	if (depth == 0)
		result = system_table_add_backing(table, inner, 0, false);
	while (
	    depth > 0 && result == 0 && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if ((size_t)snprintf(name, sizeof(name), "%s/%s", path,
			entry->d_name) < sizeof(name) &&
		    read_line(name, "dev", numbers, sizeof(numbers)))
			result = add_device(table, inner, numbers, depth - 1);
	}
	(void)closedir(directory);
	return (result);
}

/* Goes down from a device-mapper or RAID device to what it is made of. */
static int
add_slaves(struct system_table *table, uint64_t inner, const char *device,
    unsigned depth)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/slaves", device) >=
	    sizeof(path))
		return (0);
	return (add_members(table, inner, path, depth));
}

/*
 * The mount table tells one device of a btrfs, numbers: this adds all that it
 * has.  The name of a device is the same wherever sysfs shows it.
 */
static int
add_btrfs(struct system_table *table, uint64_t inner, const char *numbers)
{
	char device[64], path[PATH_MAX], real[PATH_MAX];
	struct dirent *entry;
	int result = 0;
	DIR *directory;

	(void)snprintf(device, sizeof(device), "/sys/dev/block/%.31s", numbers);
	directory = opendir(BTRFS_DIR);
	if (directory == NULL || realpath(device, real) == NULL) {
		if (directory != NULL)
			(void)closedir(directory);
		return (0);
	}
	while (result == 0 && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    (size_t)snprintf(path, sizeof(path),
			BTRFS_DIR "/%s/devices%s", entry->d_name,
			strrchr(real, '/')) >= sizeof(path) ||
		    access(path, F_OK) != 0)
			continue;
		*strrchr(path, '/') = '\0';
		result = add_members(table, inner, path, STACK_DEPTH_MAX);
	}
	(void)closedir(directory);
	return (result);
}

/* numbers: "MAJOR:MINOR" of a block device. */
static int
add_device(struct system_table *table, uint64_t inner, const char *numbers,
    unsigned depth)
{
	char device[64], file[PATH_MAX], ignored[16];

	(void)snprintf(device, sizeof(device), "/sys/dev/block/%.31s", numbers);
	/* A partition's directory lies in that of its disk. */
	if (read_line(device, "partition", ignored, sizeof(ignored))) {
		(void)snprintf(device, sizeof(device),
		    "/sys/dev/block/%.31s/..", numbers);
	}
	if (read_line(device, "loop/backing_file", file, sizeof(file)))
		return (add_loop(table, inner, device, file));
	return (add_slaves(table, inner, device, depth));
}

/*
 * The device of an entry: for most file systems the number in the mount table,
 * for those with numbers of their own (btrfs) that of their source.
 */
static bool
find_device(const struct mount_entry *entry, char *numbers, size_t size)
{
	unsigned major_number = (unsigned)(entry->fs >> 32);
	unsigned minor_number = (unsigned)entry->fs;
	struct stat status;

	if (major_number == 0) {
		if (strncmp(entry->source, "/dev/", 5) != 0 ||
		    stat(entry->source, &status) != 0 ||
		    !S_ISBLK(status.st_mode))
			return (false);
		major_number = major(status.st_rdev);
		minor_number = minor(status.st_rdev);
	}
	(void)snprintf(numbers, size, "%u:%u", major_number, minor_number);
	return (true);
}

int
backing_find_all(struct system_table *table)
{
	char numbers[32];
	unsigned i, j;

	for (i = 0; i < table->count; i++) {
		for (j = 0; j < i; j++) {
			if (table->entries[j].fs == table->entries[i].fs)
				break;
		}
		if (j < i ||
		    !find_device(&table->entries[i], numbers, sizeof(numbers)))
			continue;
		if (add_device(table, table->entries[i].fs, numbers,
			STACK_DEPTH_MAX) != 0)
			return (-1);
		if (strcmp(table->entries[i].type, "btrfs") == 0 &&
		    add_btrfs(table, table->entries[i].fs, numbers) != 0)
			return (-1);
	}
	return (0);
}
