/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mount table, policies and plan of a moment: see survey.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "survey.h"

int
survey_take(const struct policy *policy, struct survey *survey, struct why *why)
{
	memset(survey, 0, sizeof(*survey));
	survey->policy = policy;
	if (system_table_read(&survey->table, why) != 0)
		return (-1);
	survey->decisions = calloc(survey->table.count + 1,
	    sizeof(*survey->decisions));
	if (survey->decisions == NULL) {
		why_set(why, NULL, "no memory", errno);
		return (-1);
	}
	policy_decide(policy, survey->table.entries, survey->table.count,
	    survey->decisions);
	return (0);
}

void
survey_free(struct survey *survey)
{
	system_table_free(&survey->table);
	free(survey->decisions);
	survey->decisions = NULL;
}

const char *
survey_reason(const struct survey *survey, unsigned entry, char *text)
{
	const struct policy_decision *decision = &survey->decisions[entry];
	size_t used;

	(void)policy_reason_text(survey->policy, survey->table.entries,
	    decision, text, SURVEY_REASON_MAX);
	used = strlen(text);
	if (decision->first != entry &&
	    (decision->policy == POLICY_FREEZE ||
		decision->policy == POLICY_SYNC))
		(void)snprintf(text + used, SURVEY_REASON_MAX - used,
		    "; once, with %s",
		    survey->table.entries[decision->first].point);
	return (text);
}

int
survey_plan(struct survey *survey, struct why *why)
{
	const struct system_table *table = &survey->table;
	enum mounts_result result;
	char reason[SURVEY_REASON_MAX];
	unsigned culprit;

	result = policy_plan(survey->policy, table->entries, table->count,
	    survey->decisions, &survey->plan, &culprit);
	if (result == MOUNTS_NOT_MOUNTED) {
		why_set(why, survey->policy->selected[culprit],
		    mounts_result_text(result), 0);
		return (-1);
	}
	if (result == MOUNTS_VETO) {
		why_set(why, table->entries[culprit].point,
		    survey_reason(survey, culprit, reason), 0);
		return (-1);
	}
	if (result == MOUNTS_OK) {
		if (system_table_find_backings(&survey->table, why) != 0)
			return (-1);
		result = mounts_order(table->entries, table->backings,
		    table->nbackings, &survey->plan, &culprit);
	}
	if (result == MOUNTS_OK)
		return (0);
	why_set(why, table->entries[culprit].point, mounts_result_text(result),
	    0);
	return (-1);
}
