/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount table of FreeBSD, its ZFS pools, and what lies on what by GEOM's
 * own description.  See system.h; opens nothing.
 */
#include <sys/param.h>
#include <sys/mount.h>
#include <sys/sysctl.h>

#include <errno.h>
#include <limits.h>
#include <paths.h>
#include <stdlib.h>
#include <string.h>

#include "geom.h"
#include "policy.h"
#include "system.h"
#include "zfs_pools.h"

#define CONFTXT "kern.geom.conftxt"

static uint64_t
fs_of(const fsid_t *fsid)
{
	return (
	    (uint64_t)(uint32_t)fsid->val[0] << 32 | (uint32_t)fsid->val[1]);
}

static bool
is_zfs(const struct mount_entry *entry)
{
	return (strcmp(entry->type, "zfs") == 0);
}

/* POOL, POOL/NAME and POOL@SNAPSHOT are of the same pool. */
static bool
is_same_pool(const char *one, const char *other)
{
	size_t length = strcspn(one, "/@");

	return (
	    strcspn(other, "/@") == length && memcmp(one, other, length) == 0);
}

/* volume: POOL/NAME.  All entries of a pool have the same number. */
static int
add_volume(struct system_table *table, uint64_t inner, const char *volume)
{
	unsigned i;

	for (i = 0; i < table->count; i++) {
		if (is_zfs(&table->entries[i]) &&
		    is_same_pool(table->entries[i].source, volume))
			return (system_table_add_backing(table, inner,
			    table->entries[i].fs, true));
	}
	return (system_table_add_backing(table, inner, 0, false));
}

static int
add_file(struct system_table *table, uint64_t inner, const char *file)
{
	struct statfs status;
	unsigned i;

	if (statfs(file, &status) != 0)
		return (system_table_add_backing(table, inner, 0, false));
	if (strcmp(status.f_fstypename, "zfs") == 0)
		return (add_volume(table, inner, status.f_mntfromname));
	for (i = 0; i < table->count; i++) {
		if (table->entries[i].fs == fs_of(&status.f_fsid))
			return (system_table_add_backing(table, inner,
			    table->entries[i].fs,
			    !policy_type_is_stacked(MOUNT_FREEBSD,
				table->entries[i].type)));
	}
	return (system_table_add_backing(table, inner, 0, false));
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
			return (system_table_add_backing(table, entry->fs, 0,
			    false));
		case GEOM_DISK:
			break;
		case GEOM_FILE:
			result = add_file(table, entry->fs, file);
			break;
		case GEOM_VOLUME:
			result = add_volume(table, entry->fs, file);
			break;
		case GEOM_UNKNOWN:
			result = system_table_add_backing(table, entry->fs, 0,
			    false);
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

int
system_table_find_backings(struct system_table *table, struct why *why)
{
	char *conftxt;
	int result = 0;
	unsigned i;

	conftxt = read_conftxt();
	if (conftxt == NULL) {
		why_set(why, NULL, "cannot read " CONFTXT, errno);
		return (-1);
	}
	if (geom_has_holders(conftxt)) {
		for (i = 0; result == 0 && i < table->count; i++) {
			if (strcmp(table->entries[i].type, "ufs") == 0)
				result = add_provider(table, &table->entries[i],
				    conftxt);
		}
	}
	free(conftxt);
	if (result != 0)
		why_set(why, NULL, "no memory", errno);
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

/*
 * A pool is synced as a whole, so all that is mounted of it counts as one; and
 * one of which nothing is mounted has an entry as well: volumes are there.
 */
static void
add_pools(struct system_table *table, const char *pools)
{
	struct mount_entry *entries = table->entries;
	unsigned i, j;

	for (i = 0; i < table->count; i++) {
		for (j = 0; j < i && is_zfs(&entries[i]); j++) {
			if (is_zfs(&entries[j]) &&
			    is_same_pool(entries[j].source, entries[i].source))
				entries[i].fs = entries[j].fs;
		}
	}
	for (; *pools != '\0'; pools += strlen(pools) + 1) {
		for (j = 0; j < table->count; j++) {
			if (is_zfs(&entries[j]) &&
			    is_same_pool(entries[j].source, pools))
				break;
		}
		if (j < table->count)
			continue;
		entries[table->count] = (struct mount_entry) {
			.point = "-",
			.type = "zfs",
			.source = pools,
			/* No file system has such an identifier. */
			.fs = UINT64_MAX - table->count,
		};
		table->count++;
	}
}

static unsigned
count_names(const char *names)
{
	unsigned count = 0;

	for (; *names != '\0'; names += strlen(names) + 1)
		count++;
	return (count);
}

int
system_table_read(struct system_table *table, struct why *why)
{
	struct statfs *mounts;
	unsigned count, i;

	memset(table, 0, sizeof(*table));
	mounts = read_mounts(&count);
	table->text = mounts;
	if (mounts != NULL)
		table->names = zfs_pools_list();
	if (table->names == NULL) {
		why_set(why, NULL, "cannot read the mount table", errno);
		return (-1);
	}
	table->entries = calloc(count + count_names(table->names),
	    sizeof(*table->entries));
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
	add_pools(table, table->names);
	return (0);
}
