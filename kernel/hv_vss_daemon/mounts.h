/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which file systems are frozen, and in what order: mount table in, plan out.
 * Pure: no input or output, no allocation, no clock.  Knows the file-system
 * types of both systems, whichever it is built on.
 */
#ifndef MOUNTS_H
#define MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#define MOUNTS_FREEZE_MAX 128 /* file systems frozen at a time; more: veto */

enum mount_system { MOUNT_LINUX, MOUNT_FREEBSD };

enum mount_policy {
	MOUNT_FREEZE,
	MOUNT_IGNORE, /* holds nothing that a snapshot of disks could miss */
	MOUNT_VETO,   /* writable, and nothing is known that would settle it */
};

/* One line of the mount table.  All strings are borrowed from its text. */
struct mount_entry {
	const char *point;
	const char *type;
	const char *source;
	uint64_t fs;	/* same for all mounts of one file system */
	uint64_t id;	/* of this mount; Linux only */
	bool read_only; /* the file system, not only this mount of it */
};

/*
 * inner lies on a device whose contents are a file of the file system holder
 * (loop, md).  known is false if it lies on such a device and nobody knows
 * which: then no order is safe.
 */
struct mount_backing {
	uint64_t inner;
	uint64_t holder;
	bool known;
};

/* Indexes into the entries, one for each file system. */
struct mount_plan {
	unsigned order[MOUNTS_FREEZE_MAX]; /* freeze in this order */
	unsigned count;
};

enum mounts_result {
	MOUNTS_OK,
	MOUNTS_SYNTAX, /* a line is not as documented */
	MOUNTS_TOO_MANY,
	MOUNTS_NOT_MOUNTED, /* selected, but not a mount point */
	MOUNTS_REFUSED,	    /* selected, but of no type that can be frozen */
	MOUNTS_UNKNOWN,	    /* a writable one of unknown type */
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

/* By type alone. */
enum mount_policy mounts_policy(enum mount_system system, const char *type);

/*
 * True if a file system of this type keeps its files on another one that may
 * be frozen: what lies on such a file cannot be ordered.
 */
bool mounts_type_is_stacked(enum mount_system system, const char *type);

/*
 * Chooses what is to be frozen: the file systems mounted at the nselected
 * points, or with none selected all.  The plan is in reverse mount order, each
 * file system once, by the first of its mounts.  On failure *culprit is the
 * entry at fault, or (MOUNTS_NOT_MOUNTED) the index in selected.
 */
enum mounts_result mounts_choose(enum mount_system system,
    const struct mount_entry *entries, unsigned count,
    const char *const *selected, unsigned nselected, struct mount_plan *plan,
    unsigned *culprit) __attribute__((warn_unused_result));

/*
 * Moves in the plan every file system before the one that holds its device,
 * and otherwise leaves the order as it is.
 */
enum mounts_result mounts_order(const struct mount_entry *entries,
    const struct mount_backing *backings, unsigned nbackings,
    struct mount_plan *plan, unsigned *culprit)
    __attribute__((warn_unused_result));

#endif /* MOUNTS_H */
