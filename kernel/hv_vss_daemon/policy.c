/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Policies of mounted file systems: see policy.h.  Pure: it must not look at
 * the system.
 */
#include <stddef.h>
#include <string.h>

#include "policy.h"
#include "policy_types.h"

static const char *const words[] = {
	[POLICY_IGNORE] = "ignore",
	[POLICY_SYNC] = "sync",
	[POLICY_FREEZE] = "freeze",
	[POLICY_VETO] = "veto",
};
#define NWORDS (sizeof(words) / sizeof(words[0]))

const char *
policy_word(enum mount_policy policy)
{
	return (words[policy]);
}

bool
policy_of_word(const char *word, enum mount_policy *policy)
{
	size_t i;

	for (i = 0; i < NWORDS; i++) {
		if (strcmp(words[i], word) == 0) {
			*policy = (enum mount_policy)i;
			return (true);
		}
	}
	return (false);
}

bool
policy_can_freeze(enum mount_system system, const char *type)
{
	const struct policy_type *known = policy_find_type(system, type);

	/* Linux has more that can be frozen than anybody lists. */
	if (known == NULL)
		return (system == MOUNT_LINUX);
	return (known->policy == POLICY_FREEZE);
}

bool
policy_type_is_stacked(enum mount_system system, const char *type)
{
	const struct policy_type *known = policy_find_type(system, type);

	return (known == NULL || known->stacked);
}

bool
policy_matches(const char *pattern, const char *text)
{
	size_t length = strlen(pattern);

	if (length > 0 && pattern[length - 1] == '*')
		return (strncmp(pattern, text, length - 1) == 0);
	return (strcmp(pattern, text) == 0);
}

/* Is pattern a narrower match than than? */
static bool
is_better(const char *pattern, const char *than)
{
	size_t length = strlen(pattern), than_length = strlen(than);
	bool open = length > 0 && pattern[length - 1] == '*';
	bool than_open = than_length > 0 && than[than_length - 1] == '*';

	return (open != than_open ? than_open : length > than_length);
}

/* The rule that matches best, or nrules. */
static size_t
find_rule(const struct policy *policy, bool is_mount, const char *text)
{
	size_t best = policy->nrules, i;

	for (i = 0; i < policy->nrules; i++) {
		if (policy->rules[i].is_mount != is_mount ||
		    !policy_matches(policy->rules[i].pattern, text))
			continue;
		if (best == policy->nrules ||
		    is_better(policy->rules[i].pattern,
			policy->rules[best].pattern))
			best = i;
	}
	return (best);
}

static void
decide_by_default(const struct policy *policy, const struct mount_entry *entry,
    struct policy_decision *decision)
{
	const struct policy_type *known;

	known = policy_find_type(policy->system, entry->type);
	decision->policy = known == NULL ? POLICY_VETO : known->policy;
	decision->reason = known == NULL ? POLICY_UNKNOWN_TYPE :
					   POLICY_BY_DEFAULT;
}

/* What this one mount would have. */
static void
decide_mount(const struct policy *policy, const struct mount_entry *entry,
    struct policy_decision *decision)
{
	decision->rule = find_rule(policy, true, entry->point);
	decision->reason = POLICY_BY_MOUNT_RULE;
	if (decision->rule == policy->nrules) {
		decision->rule = find_rule(policy, false, entry->type);
		decision->reason = POLICY_BY_TYPE_RULE;
	}
	if (entry->read_only) {
		decision->policy = POLICY_IGNORE;
		decision->reason = POLICY_IS_READ_ONLY;
	} else if (decision->rule == policy->nrules) {
		decide_by_default(policy, entry, decision);
	} else {
		decision->policy = policy->rules[decision->rule].policy;
		if (decision->policy == POLICY_FREEZE &&
		    !policy_can_freeze(policy->system, entry->type)) {
			decision->policy = POLICY_VETO;
			decision->reason = POLICY_CANNOT_FREEZE;
		}
	}
}

/* Gives all mounts of the file system of entries[index] the strictest. */
static void
settle(const struct mount_entry *entries, unsigned count, unsigned index,
    struct policy_decision *decisions)
{
	unsigned i, strictest = index;

	for (i = index + 1; i < count; i++) {
		if (entries[i].fs == entries[index].fs &&
		    decisions[i].policy > decisions[strictest].policy)
			strictest = i;
	}
	for (i = index; i < count; i++) {
		if (entries[i].fs != entries[index].fs)
			continue;
		decisions[i].first = index;
		if (decisions[i].policy == decisions[strictest].policy)
			continue;
		decisions[i].policy = decisions[strictest].policy;
		decisions[i].reason = POLICY_BY_OTHER_MOUNT;
		decisions[i].stricter = strictest;
	}
}

static bool
is_first_mount(const struct mount_entry *entries, unsigned index)
{
	unsigned i;

	for (i = 0; i < index; i++) {
		if (entries[i].fs == entries[index].fs)
			return (false);
	}
	return (true);
}

/* Of several mounts at one point the last hides the others. */
static bool
find_point(const struct mount_entry *entries, unsigned count, const char *point,
    unsigned *index)
{
	unsigned i;

	for (i = count; i-- > 0;) {
		if (strcmp(entries[i].point, point) == 0) {
			*index = i;
			return (true);
		}
	}
	return (false);
}

static bool
is_selected(const struct policy *policy, const struct mount_entry *entries,
    unsigned count, unsigned index)
{
	unsigned found, i;

	for (i = 0; i < policy->nselected; i++) {
		if (find_point(entries, count, policy->selected[i], &found) &&
		    found == index)
			return (true);
	}
	return (false);
}

/* Leaves only what was selected, and that must be fit for something. */
static void
select_only(const struct policy *policy, const struct mount_entry *entries,
    unsigned count, struct policy_decision *decisions)
{
	struct policy_decision *decision;
	unsigned i, j;

	for (i = 0; i < count; i++) {
		decision = &decisions[i];
		if (!is_selected(policy, entries, count, i)) {
			decision->policy = POLICY_IGNORE;
			decision->reason = POLICY_NOT_SELECTED;
			continue;
		}
		for (j = 0; j < i; j++) {
			if (entries[j].fs == entries[i].fs &&
			    decisions[j].reason != POLICY_NOT_SELECTED)
				break;
		}
		decision->first = j;
		if (decision->policy == POLICY_IGNORE) {
			decision->policy = POLICY_VETO;
			decision->reason = POLICY_SELECTED_UNFIT;
		}
	}
}

void
policy_decide(const struct policy *policy, const struct mount_entry *entries,
    unsigned count, struct policy_decision *decisions)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		memset(&decisions[i], 0, sizeof(decisions[i]));
		decide_mount(policy, &entries[i], &decisions[i]);
	}
	for (i = 0; i < count; i++) {
		if (is_first_mount(entries, i))
			settle(entries, count, i, decisions);
	}
	if (policy->nselected > 0)
		select_only(policy, entries, count, decisions);
}

static enum mounts_result
plan_add(struct mount_plan *plan, unsigned entry, enum mount_policy policy)
{
	switch (policy) {
	case POLICY_VETO:
		return (MOUNTS_VETO);
	case POLICY_IGNORE:
		return (MOUNTS_OK);
	case POLICY_SYNC:
		if (plan->nsyncs == MOUNTS_SYNC_MAX)
			return (MOUNTS_TOO_MANY);
		plan->syncs[plan->nsyncs++] = entry;
		return (MOUNTS_OK);
	case POLICY_FREEZE:
		if (plan->count == MOUNTS_FREEZE_MAX)
			return (MOUNTS_TOO_MANY);
		plan->order[plan->count++] = entry;
		return (MOUNTS_OK);
	}
	return (MOUNTS_VETO);
}

enum mounts_result
policy_plan(const struct policy *policy, const struct mount_entry *entries,
    unsigned count, const struct policy_decision *decisions,
    struct mount_plan *plan, unsigned *culprit)
{
	enum mounts_result result;
	unsigned found, i;

	plan->count = 0;
	plan->nsyncs = 0;
	*culprit = 0;
	for (i = 0; i < policy->nselected; i++) {
		*culprit = i;
		if (!find_point(entries, count, policy->selected[i], &found))
			return (MOUNTS_NOT_MOUNTED);
	}
	for (i = count; i-- > 0;) {
		if (decisions[i].first != i &&
		    decisions[i].policy != POLICY_VETO)
			continue;
		*culprit = i;
		result = plan_add(plan, i, decisions[i].policy);
		if (result != MOUNTS_OK)
			return (result);
	}
	return (MOUNTS_OK);
}
