/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writers on Linux: see writers.h and proc(5).  File systems are told apart by
 * the device of their mount, which is one for all subvolumes of a btrfs; mounts
 * are looked up where the process sees them, as it may have a namespace of its
 * own.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "writers.h"

#define PATH_SIZE 64 /* of a file of procfs */

/* In place: \040 and its like become what they stand for. */
static void
unescape(char *text)
{
	char *to = text;

	while (*text != '\0') {
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
			*to++ = (char)((text[1] - '0') * 64 +
			    (text[2] - '0') * 8 + (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/*
 * "ID PARENT MAJOR:MINOR ROOT POINT ...": returns the point, which is cut off
 * there, or NULL.
 */
static char *
read_mount(char *line, long *number, uint64_t *device)
{
	unsigned long major, minor;
	char *at;

	*number = strtol(line, &at, 10);
	(void)strtol(at, &at, 10);
	major = strtoul(at, &at, 10);
	if (*at != ':')
		return (NULL);
	minor = strtoul(at + 1, &at, 10);
	if (*at != ' ')
		return (NULL);
	at += 1 + strcspn(at + 1, " ");
	if (*at != ' ')
		return (NULL);
	at++;
	at[strcspn(at, " \n")] = '\0';
	*device = makedev(major, minor);
	return (at);
}

/* What follows key at the start of the line, if it does. */
static void
read_number(const char *line, const char *key, int base, long *number)
{
	const size_t length = strlen(key);

	if (strncmp(line, key, length) == 0)
		*number = strtol(line + length, NULL, base);
}

/*
 * The mount of that number, or if it is -1 the last of that path, in a file of
 * the form of mountinfo.  0, or -1 with errno.
 */
static int
find_mount(const char *file, long id, const char *path, uint64_t *fs)
{
	FILE *in = fopen(file, "re");
	uint64_t device;
	char *line = NULL;
	size_t size = 0;
	int found = -1;
	long number;

	if (in == NULL)
		return (-1);
	while (getline(&line, &size, in) > 0) {
		char *point = read_mount(line, &number, &device);

		if (path != NULL && point != NULL)
			unescape(point);
		if (point == NULL ||
		    (path != NULL ? strcmp(point, path) != 0 : number != id))
			continue;
		*fs = device;
		found = 0;
	}
	free(line);
	(void)fclose(in);
	if (found != 0)
		errno = ENOENT;
	return (found);
}

int
writers_fs(const char *mount, uint64_t *fs)
{
	return (find_mount("/proc/self/mountinfo", -1, mount, fs));
}

/* How it is open, and by which mount; false: it is closed again. */
static bool
read_fdinfo(pid_t pid, int fd, long *flags, long *mount)
{
	char file[PATH_SIZE], line[128];
	FILE *in;

	(void)snprintf(file, sizeof(file), "/proc/%ld/fdinfo/%d", (long)pid,
	    fd);
	in = fopen(file, "re");
	if (in == NULL)
		return (false);
	*flags = O_RDONLY;
	*mount = -1;
	while (fgets(line, sizeof(line), in) != NULL) {
		read_number(line, "flags:", 8, flags);
		read_number(line, "mnt_id:", 10, mount);
	}
	(void)fclose(in);
	return (true);
}

static void
take(struct writers *writers, pid_t pid, int fd)
{
	char file[PATH_SIZE], mountinfo[PATH_SIZE];
	struct writer *writer = &writers->list[writers->count];
	struct stat st;
	long flags, mount;
	ssize_t length;

	(void)snprintf(file, sizeof(file), "/proc/%ld/fd/%d", (long)pid, fd);
	(void)snprintf(mountinfo, sizeof(mountinfo), "/proc/%ld/mountinfo",
	    (long)pid);
	if (!read_fdinfo(pid, fd, &flags, &mount) ||
	    (flags & O_ACCMODE) == O_RDONLY || stat(file, &st) != 0 ||
	    !S_ISREG(st.st_mode) ||
	    find_mount(mountinfo, mount, NULL, &writer->fs) != 0)
		return;
	length = readlink(file, writer->path, sizeof(writer->path) - 1);
	writer->path[length > 0 ? length : 0] = '\0';
	writer->fd = fd;
	writers->count++;
}

int
writers_of(pid_t pid, struct writers *writers)
{
	char directory[PATH_SIZE];
	struct dirent *entry;
	DIR *dir;

	writers->count = 0;
	(void)snprintf(directory, sizeof(directory), "/proc/%ld/fd", (long)pid);
	dir = opendir(directory);
	if (dir == NULL) {
		if (errno == ENOENT)
			errno = ESRCH;
		return (-1);
	}
	while (writers->count < WRITERS_MAX && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			take(writers, pid,
			    (int)strtol(entry->d_name, NULL, 10));
	}
	(void)closedir(dir);
	return (0);
}

static long
parent_of(long pid)
{
	char file[PATH_SIZE], line[256];
	long parent = -1;
	FILE *in;

	(void)snprintf(file, sizeof(file), "/proc/%ld/status", pid);
	in = fopen(file, "re");
	if (in == NULL)
		return (-1);
	while (fgets(line, sizeof(line), in) != NULL)
		read_number(line, "PPid:", 10, &parent);
	(void)fclose(in);
	return (parent);
}

/* Children: the guardian thaws what hv_vss_daemon leaves. */
unsigned
writers_family(pid_t pid, pid_t family[WRITERS_FAMILY_MAX])
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;

	family[count++] = pid;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		const long child = strtol(entry->d_name, NULL, 10);

		if (child > 0 && count < WRITERS_FAMILY_MAX &&
		    parent_of(child) == pid)
			family[count++] = (pid_t)child;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return (count);
}
