/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is done with each mounted file system, and why: mount table and rules
 * in, decisions out.  The defaults of both systems are here, whichever it is
 * built on.  Pure: no input or output, no allocation, no clock.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "mounts.h"

/* From the weakest to the strictest. */
enum mount_policy {
	POLICY_IGNORE, /* holds nothing that a snapshot of disks could miss */
	POLICY_SYNC,   /* all that was written is on the disk when others freeze
			*/
	POLICY_FREEZE,
	POLICY_VETO, /* while it is mounted, no snapshot is good */
};

enum policy_reason {
	POLICY_BY_DEFAULT,     /* of the type */
	POLICY_UNKNOWN_TYPE,   /* no default: vetoes */
	POLICY_BY_TYPE_RULE,   /* rule says which */
	POLICY_BY_MOUNT_RULE,  /* likewise */
	POLICY_IS_READ_ONLY,   /* has nothing to write */
	POLICY_NOT_SELECTED,   /* others were named with --mount */
	POLICY_SELECTED_UNFIT, /* named with --mount, but ignored or so */
	POLICY_CANNOT_FREEZE,  /* a rule says freeze, the system cannot */
	POLICY_BY_OTHER_MOUNT, /* this file system has a stricter mount */
};

/* A rule of the configuration.  pattern: borrowed; a final '*' means any end.
 */
struct policy_rule {
	const char *pattern;
	bool is_mount; /* of a mount point; otherwise of a type */
	enum mount_policy policy;
	unsigned line; /* in its file */
};

struct policy {
	enum mount_system system;
	const struct policy_rule *rules; /* borrowed */
	size_t nrules;
	const char *const *selected; /* borrowed; consider these only */
	unsigned nselected;	     /* 0: all */
};

struct policy_decision {
	enum mount_policy policy; /* the file system's */
	enum policy_reason reason;
	size_t rule;	   /* its index, for the reasons that name one */
	unsigned stricter; /* POLICY_BY_OTHER_MOUNT: the entry that decides */
	unsigned first;	   /* the entry in whose name it is done */
};

const char *policy_word(enum mount_policy policy);

/* False if word is none of freeze, sync, ignore, veto. */
bool policy_of_word(const char *word, enum mount_policy *policy);

/* Can file systems of this type be frozen, for all that is known? */
bool policy_can_freeze(enum mount_system system, const char *type);

/*
 * True if a file system of this type keeps its files on another one that may
 * be frozen: what lies on such a file cannot be ordered.
 */
bool policy_type_is_stacked(enum mount_system system, const char *type);

/* Does the pattern of a rule match this type or mount point? */
bool policy_matches(const char *pattern, const char *text);

/*
 * Decides on every entry.  Each mount has the policy of the mount-point rule
 * that matches it best, otherwise of the type rule, otherwise of the defaults;
 * a file system has the strictest of its mounts.  Best is the one without '*',
 * then the longest.  decisions has count members.
 */
void policy_decide(const struct policy *policy,
    const struct mount_entry *entries, unsigned count,
    struct policy_decision *decisions);

/*
 * Makes the plan of the decisions, the last mounted first; mounts_order has to
 * follow.  On failure *culprit is the entry at fault, or (MOUNTS_NOT_MOUNTED)
 * the index in selected.
 */
enum mounts_result policy_plan(const struct policy *policy,
    const struct mount_entry *entries, unsigned count,
    const struct policy_decision *decisions, struct mount_plan *plan,
    unsigned *culprit) __attribute__((warn_unused_result));

/* Why, in words for a person; text is cut to size.  Returns text. */
const char *policy_reason_text(const struct policy *policy,
    const struct mount_entry *entries, const struct policy_decision *decision,
    char *text, size_t size);

#endif /* POLICY_H */
