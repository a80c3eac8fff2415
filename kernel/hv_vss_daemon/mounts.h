/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount table, and the order in which its file systems are frozen: text in,
 * plan out.  What is to be done with each is policy.h's.  Pure: no input or
 * output, no allocation, no clock.
 */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#define MOUNTS_FREEZE_MAX 128 /* file systems frozen at a time; more: veto */
#define MOUNTS_SYNC_MAX	  128 /* file systems or pools synced; more: veto */

enum mount_system { MOUNT_LINUX, MOUNT_FREEBSD };

/*
 * One line of the mount table.  All strings are borrowed from its text.  A ZFS
 * pool none of whose file systems is mounted has a line as well, with "-" for
 * its point.
 */
struct mount_entry {
	const char *point;
	const char *type;
	const char *source;
	uint64_t fs;	/* same for all mounts of one file system (or pool) */
	uint64_t id;	/* of this mount; Linux only */
	bool read_only; /* the file system, not only this mount of it */
};

/*
 * inner lies on a device whose contents are a file or volume of the file system
 * holder (loop, md, zvol).  known is false if it lies on such a device and
 * nobody knows which: then no order is safe.
 */
struct mount_backing {
	uint64_t inner;
	uint64_t holder;
	bool known;
};

/* Indexes into the entries, one for each file system. */
struct mount_plan {
	/* To be synced first, before anything is frozen. */
	unsigned syncs[MOUNTS_SYNC_MAX];
	unsigned nsyncs;
	/*
	 * To be frozen, in this order; among them again those of syncs that
	 * hold the device of one that was frozen before them: its last writes
	 * have to get through.
	 */
	unsigned order[MOUNTS_FREEZE_MAX + MOUNTS_SYNC_MAX];
	unsigned count;
};

enum mounts_result {
	MOUNTS_OK,
	MOUNTS_SYNTAX, /* a line is not as documented */
	MOUNTS_TOO_MANY,
	MOUNTS_NOT_MOUNTED, /* selected, but not a mount point */
	MOUNTS_VETO,	    /* its policy says so */
	MOUNTS_BACKING,	    /* what its device lies on is not known */
	MOUNTS_CYCLE,	    /* each lies on the other */
};

/* What is wrong in words, for a log line. */
const char *mounts_result_text(enum mounts_result result);

/*
 * Splits the text of /proc/self/mountinfo (proc_pid_mountinfo(5)), in place.
 * Lines that do not fit into max entries are MOUNTS_TOO_MANY.
 */
enum mounts_result mounts_parse_linux(char *text, struct mount_entry *entries,
    unsigned max, unsigned *count) __attribute__((warn_unused_result));

/* Is the entry one of the plan's syncs? */
bool mounts_is_sync(const struct mount_plan *plan, unsigned entry);

/*
 * Takes a plan that has what is to be frozen in its order, and what is to be
 * synced.  Moves every file system before the one that holds its device, and
 * otherwise leaves the order as it is; adds to the order what mount_plan says.
 * On failure *culprit is the entry at fault.
 */
enum mounts_result mounts_order(const struct mount_entry *entries,
    const struct mount_backing *backings, unsigned nbackings,
    struct mount_plan *plan, unsigned *culprit)
    __attribute__((warn_unused_result));

#endif /* MOUNTS_H */
