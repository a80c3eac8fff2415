/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ZFS pools: see zfs_pools.h.  FreeBSD only.  Pools are found by the statistics
 * that every imported one has (kstat.zfs.POOL.misc.state); they are synced by
 * lzc_sync of libzfs_core, as zpool-sync(8) does.
 */
#include <sys/types.h>
#include <sys/sysctl.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "zfs_pools.h"

#define KSTAT_ZFS      "kstat.zfs"
#define KSTAT_PREFIX   KSTAT_ZFS "."
#define KSTAT_SUFFIX   ".misc.state"
#define NAME_MAX_BYTES 1024 /* of a sysctl; a pool's is below 256 */

/* libzfs_core.h and nvpair.h are not installed. */
#define NV_UNIQUE_NAME 1u

static struct {
	void *handle;
	int (*sync)(const char *pool, void *arguments, void **results);
	int (*nvlist_alloc)(void **list, unsigned flags, int kmflag);
	int (
	    *nvlist_add_boolean_value)(void *list, const char *name, int value);
	void (*nvlist_free)(void *list);
} zfs;

/* The object identifier after the one given, by number.  0, or -1. */
static int
next_oid(int *oid, size_t *length)
{
	int request[CTL_MAXNAME + 2] = { CTL_SYSCTL, CTL_SYSCTL_NEXT };
	int next[CTL_MAXNAME];
	size_t size = sizeof(next);

	memcpy(request + 2, oid, *length * sizeof(*oid));
	if (sysctl(request, (unsigned)*length + 2, next, &size, NULL, 0) != 0)
		return (-1);
	*length = size / sizeof(*next);
	memcpy(oid, next, size);
	return (0);
}

static int
oid_name(const int *oid, size_t length, char name[NAME_MAX_BYTES])
{
	int request[CTL_MAXNAME + 2] = { CTL_SYSCTL, CTL_SYSCTL_NAME };
	size_t size = NAME_MAX_BYTES;

	memcpy(request + 2, oid, length * sizeof(*oid));
	return (sysctl(request, (unsigned)length + 2, name, &size, NULL, 0));
}

/* Cuts the pool out of the name of its statistic; false for other names. */
static bool
pool_of(char *name)
{
	const size_t before = sizeof(KSTAT_PREFIX) - 1;
	const size_t after = sizeof(KSTAT_SUFFIX) - 1;
	size_t length = strlen(name);

	if (length <= before + after ||
	    strncmp(name, KSTAT_PREFIX, before) != 0 ||
	    strcmp(name + length - after, KSTAT_SUFFIX) != 0)
		return (false);
	length -= before + after;
	memmove(name, name + before, length);
	name[length] = '\0';
	return (true);
}

/* list: what zfs_pools_list returns, so far; used: its bytes without the end */
static int
add_name(char **list, size_t *used, const char *name)
{
	size_t length = strlen(name) + 1;
	char *grown;

	grown = realloc(*list, *used + length + 1);
	if (grown == NULL)
		return (-1);
	*list = grown;
	memcpy(grown + *used, name, length);
	*used += length;
	grown[*used] = '\0';
	return (0);
}

char *
zfs_pools_list(void)
{
	int oid[CTL_MAXNAME];
	size_t length = CTL_MAXNAME, used = 0;
	char name[NAME_MAX_BYTES], *list;

	list = calloc(1, 1);
	if (list == NULL || sysctlnametomib(KSTAT_ZFS, oid, &length) != 0)
		return (list);
	while (next_oid(oid, &length) == 0 &&
	    oid_name(oid, length, name) == 0 &&
	    strncmp(name, KSTAT_PREFIX, sizeof(KSTAT_PREFIX) - 1) == 0) {
		if (pool_of(name) && add_name(&list, &used, name) != 0) {
			free(list);
			return (NULL);
		}
	}
	return (list);
}

/* A function pointer, as ISO C has no conversion from what dlsym returns. */
static int
find_function(const char *name, void *function)
{
	void *found;

	found = dlsym(zfs.handle, name);
	if (found == NULL)
		return (-1);
	memcpy(function, &found, sizeof(found));
	return (0);
}

static int
load(void)
{
	int (*init)(void);

	if (find_function("libzfs_core_init", &init) != 0 ||
	    find_function("lzc_sync", &zfs.sync) != 0 ||
	    find_function("nvlist_alloc", &zfs.nvlist_alloc) != 0 ||
	    find_function("nvlist_add_boolean_value",
		&zfs.nvlist_add_boolean_value) != 0 ||
	    find_function("nvlist_free", &zfs.nvlist_free) != 0)
		return (ENOSYS);
	return (init());
}

int
zfs_pools_ready(struct why *why)
{
	static const char *const names[] = { "libzfs_core.so.2",
		"libzfs_core.so.3", "libzfs_core.so" };
	int error = ENOENT;
	unsigned i;

	if (zfs.handle != NULL)
		return (0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		zfs.handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (zfs.handle != NULL)
			break;
	}
	if (zfs.handle != NULL)
		error = load();
	if (error == 0)
		return (0);
	why_set(why, NULL, "libzfs_core cannot be used", error);
	if (zfs.handle != NULL)
		(void)dlclose(zfs.handle);
	zfs.handle = NULL;
	return (-1);
}

int
zfs_pools_sync(const char *dataset, struct why *why)
{
	char pool[NAME_MAX_BYTES];
	size_t length = strcspn(dataset, "/@");
	void *arguments = NULL;
	int error;

	if (zfs_pools_ready(why) != 0)
		return (-1);
	if (length >= sizeof(pool))
		length = sizeof(pool) - 1;
	memcpy(pool, dataset, length);
	pool[length] = '\0';
	error = zfs.nvlist_alloc(&arguments, NV_UNIQUE_NAME, 0);
	/* Not a transaction group only for the sake of it: what there is. */
	if (error == 0)
		error = zfs.nvlist_add_boolean_value(arguments, "force", 0);
	if (error == 0)
		error = zfs.sync(pool, arguments, NULL);
	zfs.nvlist_free(arguments);
	if (error == 0 || error == EROFS)
		return (0);
	why_set(why, pool, "the pool cannot be written out", error);
	return (-1);
}
