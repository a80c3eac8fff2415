/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Freezes all file systems, or none: policy, order, roll-back, and the guardian
 * together.  Owns everything that is open while frozen.  Does not know the
 * device or any limit of time but the one it is given, and never logs: a
 * failure comes back with why.
 *
 * One thread; functions return 0, or -1 with why.
 */
#ifndef FREEZER_H
#define FREEZER_H

#include "guardian.h"
#include "system.h"

struct freezer;

struct freezer_config {
	const char *const *points; /* borrowed; only these; none: all */
	unsigned npoints;
	bool none; /* freezes nothing at all: a rehearsal without root */
	unsigned limit_ms; /* for the guardian, which adds a grace */
	struct guardian_config guardian;
};

/* Starts the guardian, so nothing may be open that it must not hold. */
int freezer_create(const struct freezer_config *config, struct freezer **out,
    struct why *why);

/* Thaws if need be, ends the guardian.  NULL is allowed. */
void freezer_destroy(struct freezer *freezer);

/*
 * Could all be frozen now?  Writes dirty data out, so that freezing is short.
 * *count gets the number of file systems.
 */
int freezer_check(struct freezer *freezer, unsigned *count, struct why *why);

/*
 * Freezes all.  On failure everything is thawed again.  It stops when at_ms,
 * on the monotonic clock, has passed: the answer would come too late.
 */
int freezer_freeze(struct freezer *freezer, int64_t at_ms, unsigned *count,
    struct why *why);

/*
 * Thaws all.  -1: some were not frozen any more (someone else thawed them), or
 * cannot be thawed: then freezer_is_frozen stays true, and the caller calls
 * again.
 */
int freezer_thaw(struct freezer *freezer, struct why *why);

bool freezer_is_frozen(const struct freezer *freezer);

/* Readable: the guardian has died.  -1: there is none. */
int freezer_poll_fd(const struct freezer *freezer);

#endif /* FREEZER_H */
