/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a system does to a mounted file system: freeze_linux.c (FIFREEZE) and
 * freeze_ufs.c (UFSSUSPEND), and table_freebsd.c, implement it, the build
 * chooses; system.c has what is the same on both.  Owns the mount table's
 * memory and the descriptors of targets; keeps no policy, never logs.
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mounts.h"

#define WHY_MAX 768

/* Why something failed, as key=value pairs for a log line. */
struct why {
	char text[WHY_MAX];
};

/* what in words; mount may be NULL; error is an errno value or 0. */
void why_set(struct why *why, const char *mount, const char *what, int error);

/* The mount table of a moment, and what lies on what in it. */
struct system_table {
	struct mount_entry *entries;
	struct mount_backing *backings;
	unsigned count;
	unsigned nbackings;
	void *text;  /* owned: what the entries point into */
	char *names; /* owned: likewise; FreeBSD only */
};

/* One file system to be frozen or synced. */
struct freeze_target {
	char *point;  /* owned; a mount point of it, to name it by */
	char *type;   /* owned */
	char *source; /* owned */
	uint64_t fs;
	int fd;	     /* owned, or -1 */
	bool frozen; /* by us; system_freeze and system_thaw set it */
};

enum mount_system system_kind(void);

/*
 * Reads the entries; the backings are found when they are asked for, as that
 * takes longer.  0, or -1 with why.  system_table_free also after a failure.
 */
int system_table_read(struct system_table *table, struct why *why);
int system_table_find_backings(struct system_table *table, struct why *why);
void system_table_free(struct system_table *table);

/*
 * Opens what freezing or syncing the file system of an entry needs, and only
 * for reading.  0, or -1 with why; system_target_close also after a failure.
 */
int system_target_open(const struct system_table *table, unsigned entry,
    struct freeze_target *target, struct why *why);
void system_target_close(struct freeze_target *target);

/*
 * Writes out what was written before the call, and waits for it.  If a freeze
 * of the target follows it may only start, as the freeze waits for the same. 0,
 * or -1 with why.
 */
int system_sync(const struct freeze_target *target, bool freeze_follows,
    struct why *why);

/* 0, or -1 with errno: EBUSY (frozen by someone else), ... */
int system_freeze(struct freeze_target *target);

/*
 * 0, or -1 with errno: EINVAL (it is not frozen: someone else has thawed it;
 * target->frozen is false then), others (it is frozen still).
 */
int system_thaw(struct freeze_target *target);

/* How many threads this process has; -1: unknown. */
int system_thread_count(void);

/*
 * The file system of an open descriptor, as the entries number it; false if it
 * is on none of them.  And the descriptor's file by name, for a person; "" if
 * that is not known.
 */
bool system_fd_fs(const struct system_table *table, int fd, uint64_t *fs);
void system_fd_name(int fd, char *name, size_t size);

/* Does the kernel thaw by itself what a process froze that ends? */
bool system_thaws_by_itself(void);

/* For those who implement the above.  0, or -1 with errno. */
int system_table_add_backing(struct system_table *table, uint64_t inner,
    uint64_t holder, bool known);
/* Everything but what is to be opened.  0, or -1 with why. */
int system_target_init(struct freeze_target *target,
    const struct mount_entry *entry, struct why *why);

#endif /* SYSTEM_H */
