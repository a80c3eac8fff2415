/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Freezing on FreeBSD: UFSSUSPEND on /dev/ufssuspend, one descriptor for each
 * file system, because a descriptor holds one; closing it resumes.  See
 * system.h.
 *
 * The kernel refuses a caller with more than one thread, or with a descriptor
 * open for writing on what it suspends (EDEADLK), and in a jail (EPERM).  A
 * suspend that hangs also blocks every resume, so what lies on what is found
 * out before the first: a memory disk's file by GEOM's own description.
 */
#include <sys/param.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysctl.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <paths.h>
#include <stdlib.h>
#include <string.h>
#include <ufs/ffs/fs.h>
#include <unistd.h>

#include "geom.h"
#include "system.h"

#define CONFTXT "kern.geom.conftxt"

enum mount_system
system_kind(void)
{
	return (MOUNT_FREEBSD);
}

bool
system_thaws_by_itself(void)
{
	return (true);
}

static uint64_t
fs_of(const fsid_t *fsid)
{
	return (
	    (uint64_t)(uint32_t)fsid->val[0] << 32 | (uint32_t)fsid->val[1]);
}

static fsid_t
fsid_of(uint64_t fs)
{
	fsid_t fsid;

	memset(&fsid, 0, sizeof(fsid));
	fsid.val[0] = (int32_t)(uint32_t)(fs >> 32);
	fsid.val[1] = (int32_t)(uint32_t)fs;
	return (fsid);
}

static int
add_backing(struct system_table *table, uint64_t inner, uint64_t holder,
    bool known)
{
	struct mount_backing *grown;

	grown = reallocarray(table->backings, table->nbackings + 1,
	    sizeof(*grown));
	if (grown == NULL)
		return (-1);
	table->backings = grown;
	grown[table->nbackings++] = (struct mount_backing) {
		.inner = inner,
		.holder = holder,
		.known = known,
	};
	return (0);
}

static int
add_file(struct system_table *table, uint64_t inner, const char *file)
{
	struct statfs status;
	unsigned i;

	if (statfs(file, &status) != 0)
		return (add_backing(table, inner, 0, false));
	for (i = 0; i < table->count; i++) {
		if (table->entries[i].fs == fs_of(&status.f_fsid))
			return (add_backing(table, inner, table->entries[i].fs,
			    !mounts_type_is_stacked(MOUNT_FREEBSD,
				table->entries[i].type)));
	}
	return (add_backing(table, inner, 0, false));
}

static int
add_provider(struct system_table *table, const struct mount_entry *entry,
    const char *conftxt)
{
	char file[PATH_MAX];
	const char *provider = entry->source;
	enum geom_found found;
	unsigned occurrence;
	int result = 0;

	if (strncmp(provider, _PATH_DEV, strlen(_PATH_DEV)) == 0)
		provider += strlen(_PATH_DEV);
	for (occurrence = 0; result == 0; occurrence++) {
		found = geom_find(conftxt, provider, occurrence, file,
		    sizeof(file));
		switch (found) {
		case GEOM_NOTHING:
			/* Not in the tree at all: nobody knows where it is. */
			if (occurrence > 0)
				return (0);
			return (add_backing(table, entry->fs, 0, false));
		case GEOM_DISK:
			break;
		case GEOM_FILE:
			result = add_file(table, entry->fs, file);
			break;
		case GEOM_UNKNOWN:
			result = add_backing(table, entry->fs, 0, false);
			break;
		}
	}
	return (result);
}

/* The text that describes all of GEOM, owned by the caller; NULL with errno. */
static char *
read_conftxt(void)
{
	size_t size = 0;
	char *text;

	if (sysctlbyname(CONFTXT, NULL, &size, NULL, 0) != 0)
		return (NULL);
	/* It may grow in between; then the second call fails, and all of it. */
	size += 4096;
	text = malloc(size + 1);
	if (text == NULL)
		return (NULL);
	if (sysctlbyname(CONFTXT, text, &size, NULL, 0) != 0) {
		free(text);
		return (NULL);
	}
	text[size] = '\0';
	return (text);
}

static int
find_backings(struct system_table *table)
{
	char *conftxt;
	int result = 0;
	unsigned i;

	conftxt = read_conftxt();
	if (conftxt == NULL)
		return (-1);
	if (geom_has_files(conftxt)) {
		for (i = 0; result == 0 && i < table->count; i++) {
			if (strcmp(table->entries[i].type, "ufs") == 0)
				result = add_provider(table, &table->entries[i],
				    conftxt);
		}
	}
	free(conftxt);
	return (result);
}

/* A copy: getmntinfo's own memory is overwritten by its next call. */
static struct statfs *
read_mounts(unsigned *count)
{
	struct statfs *copy, *mounts;
	int n;

	n = getmntinfo(&mounts, MNT_NOWAIT);
	if (n <= 0)
		return (NULL);
	copy = calloc((size_t)n, sizeof(*copy));
	if (copy == NULL)
		return (NULL);
	memcpy(copy, mounts, (size_t)n * sizeof(*copy));
	*count = (unsigned)n;
	return (copy);
}

int
system_table_read(struct system_table *table, struct why *why)
{
	struct statfs *mounts;
	unsigned count, i;

	memset(table, 0, sizeof(*table));
	mounts = read_mounts(&count);
	if (mounts == NULL) {
		why_set(why, NULL, "cannot read the mount table", errno);
		return (-1);
	}
	table->text = mounts;
	table->entries = calloc(count, sizeof(*table->entries));
	if (table->entries == NULL) {
		why_set(why, NULL, "no memory", errno);
		return (-1);
	}
	for (i = 0; i < count; i++) {
		table->entries[i] = (struct mount_entry) {
			.point = mounts[i].f_mntonname,
			.type = mounts[i].f_fstypename,
			.source = mounts[i].f_mntfromname,
			.fs = fs_of(&mounts[i].f_fsid),
			.read_only = (mounts[i].f_flags & MNT_RDONLY) != 0,
		};
	}
	table->count = count;
	if (find_backings(table) != 0) {
		why_set(why, NULL, "cannot read " CONFTXT, errno);
		return (-1);
	}
	return (0);
}

void
system_table_free(struct system_table *table)
{
	free(table->entries);
	free(table->backings);
	free(table->text);
	memset(table, 0, sizeof(*table));
}

int
system_target_open(const struct system_table *table, unsigned entry,
    struct freeze_target *target, struct why *why)
{
	const struct mount_entry *wanted = &table->entries[entry];

	*target = (struct freeze_target) { .fs = wanted->fs, .fd = -1 };
	target->point = strdup(wanted->point);
	if (target->point == NULL) {
		why_set(why, wanted->point, "no memory", errno);
		return (-1);
	}
	target->fd = open(_PATH_UFSSUSPEND, O_RDONLY | O_CLOEXEC);
	if (target->fd == -1) {
		why_set(why, wanted->point, "cannot open " _PATH_UFSSUSPEND,
		    errno);
		return (-1);
	}
	return (0);
}

void
system_target_close(struct freeze_target *target)
{
	if (target->fd != -1)
		(void)close(target->fd);
	target->fd = -1;
	target->frozen = false;
	free(target->point);
	target->point = NULL;
}

/* There is no call for one file system: this starts the writing of all. */
int
system_sync(const struct freeze_target *target)
{
	(void)target;
	sync();
	return (0);
}

int
system_freeze(struct freeze_target *target)
{
	fsid_t fsid = fsid_of(target->fs);

	if (ioctl(target->fd, UFSSUSPEND, &fsid) != 0)
		return (-1);
	target->frozen = true;
	return (0);
}

/*
 * The ioctl, and not only the close, because it tells when there was nothing to
 * resume.
 */
int
system_thaw(struct freeze_target *target)
{
	if (ioctl(target->fd, UFSRESUME) == 0) {
		target->frozen = false;
		return (0);
	}
	/* No mount on the descriptor: ENOENT. */
	if (errno == ENOENT)
		errno = EINVAL;
	/* Whatever it was, the close resumes. */
	(void)close(target->fd);
	target->fd = -1;
	target->frozen = false;
	return (-1);
}
