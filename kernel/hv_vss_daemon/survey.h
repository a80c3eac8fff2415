/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount table of a moment with the policy of every entry, and what would be
 * done about it.  Ties the pure modules mounts and policy to the system; opens
 * and freezes nothing, and never logs.
 *
 * Functions return 0, or -1 with why.
 */
#ifndef SURVEY_H
#define SURVEY_H

#include "policy.h"
#include "system.h"

#define SURVEY_REASON_MAX 512

struct survey {
	const struct policy *policy; /* borrowed */
	struct system_table table;
	struct policy_decision *decisions; /* owned; one for each entry */
	struct mount_plan plan;		   /* by survey_plan */
};

/* survey_free also after a failure. */
int survey_take(const struct policy *policy, struct survey *survey,
    struct why *why);
void survey_free(struct survey *survey);

/* What is to be synced and frozen, in order. */
int survey_plan(struct survey *survey, struct why *why);

/* Why the entry has its policy; text has SURVEY_REASON_MAX.  Returns text. */
const char *survey_reason(const struct survey *survey, unsigned entry,
    char *text);

#endif /* SURVEY_H */
