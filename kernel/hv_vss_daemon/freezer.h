/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Freezes all file systems, or none: plan, order, roll-back, and the guardian
 * together.  Owns everything that is open while frozen.  Does not know the
 * device or any limit of time but the one it is given, and never logs: a
 * failure comes back with why.
 *
 * One thread; functions return 0, or -1 with why.
 */
#ifndef FREEZER_H
#define FREEZER_H

#include "guardian.h"
#include "policy.h"
#include "system.h"

struct freezer;

struct freezer_config {
	const struct policy *policy; /* borrowed */
	bool none; /* freezes nothing at all: a rehearsal without root */
	struct guardian_config guardian;
};

/* Starts the guardian, so nothing may be open that it must not hold. */
int freezer_create(const struct freezer_config *config, struct freezer **out,
    struct why *why);

/* Another policy, borrowed, from the next check or freeze on. */
void freezer_use(struct freezer *freezer, const struct policy *policy);

/* Thaws if need be, ends the guardian.  NULL is allowed. */
void freezer_destroy(struct freezer *freezer);

/* How many file systems were frozen, or would be; and how many synced. */
struct freezer_counts {
	unsigned frozen;
	unsigned synced;
};

/*
 * Could all be frozen now?  Writes dirty data out, so that freezing is short.
 * at_ms: as below.
 */
int freezer_check(struct freezer *freezer, int64_t at_ms,
    struct freezer_counts *counts, struct why *why);

/*
 * Syncs what is to be synced, then freezes all.  On failure everything is
 * thawed again.  It stops when at_ms, on the monotonic clock, has passed: the
 * answer would come too late.  limit_ms is when the guardian thaws, after a
 * grace.
 */
int freezer_freeze(struct freezer *freezer, int64_t at_ms, unsigned limit_ms,
    struct freezer_counts *counts, struct why *why);

/*
 * Thaws all.  -1: some were not frozen any more (someone else thawed them), or
 * another was mounted for writing meanwhile, and not frozen; or some cannot be
 * thawed: then freezer_is_frozen stays true, and the caller calls again.
 */
int freezer_thaw(struct freezer *freezer, struct why *why);

bool freezer_is_frozen(const struct freezer *freezer);

/* Is this file system, numbered as in the mount table, frozen by us? */
bool freezer_has_frozen(const struct freezer *freezer, uint64_t fs);

/* Readable: the guardian has died.  -1: there is none. */
int freezer_poll_fd(const struct freezer *freezer);

#endif /* FREEZER_H */
