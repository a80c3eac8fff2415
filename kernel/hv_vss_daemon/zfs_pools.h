/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ZFS pools of FreeBSD: which are imported, and the writing out of one.  ZFS's
 * library is loaded when it is first needed: nothing of ZFS is there otherwise.
 */
#ifndef ZFS_POOLS_H
#define ZFS_POOLS_H

#include "system.h"

/*
 * The names of all imported pools, each ended by a NUL, and one more NUL. Owned
 * by the caller; NULL with errno.
 */
char *zfs_pools_list(void);

/* Loads the library, in time: nothing is frozen yet.  0, or -1 with why. */
int zfs_pools_ready(struct why *why);

/*
 * Makes everything durable that the pool of this dataset has been given so far,
 * and waits for it.  A pool imported read-only has nothing.  0, or -1 with why.
 */
int zfs_pools_sync(const char *dataset, struct why *why);

#endif /* ZFS_POOLS_H */
