/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The participants of one transaction: see lineup.h.
 */
#include <stdlib.h>

#include "lineup.h"
#include "registry.h"

/* The number of entries that the arrays have at least. */
#define LINEUP_MIN 16

static int
lineup_reserve(struct lineup *lineup, size_t count)
{
	struct registry_entry **members;
	struct txn_action *items;
	struct txn_part *parts;
	size_t max;

	if (count <= lineup->max)
		return (0);
	max = LINEUP_MIN + count + count / 8;
	parts = realloc(lineup->parts, max * sizeof(*parts));
	if (parts == NULL)
		return (-1);
	lineup->parts = parts;
	members = realloc(lineup->members, max * sizeof(*members));
	if (members == NULL)
		return (-1);
	lineup->members = members;
	items = realloc(lineup->actions.items,
	    TXN_ACTIONS_MAX(max) * sizeof(*items));
	if (items == NULL)
		return (-1);
	lineup->actions.items = items;
	lineup->actions.max = TXN_ACTIONS_MAX(max);
	lineup->max = max;
	return (0);
}

int
lineup_init(struct lineup *lineup)
{
	*lineup = (struct lineup) { .count = 0 };
	return (lineup_reserve(lineup, 1));
}

void
lineup_fini(struct lineup *lineup)
{
	free(lineup->parts);
	free(lineup->members);
	free(lineup->actions.items);
}

int
lineup_fill(struct lineup *lineup, struct registry *registry)
{
	struct registry_entry *entry;
	size_t i;

	if (lineup_reserve(lineup, registry->count) == -1)
		return (-1);
	i = 0;
	for (entry = registry->first; entry != NULL; entry = entry->next) {
		if (entry->leaving)
			continue;
		lineup->parts[i] = (struct txn_part) {
			.order = entry->grant.order,
			.required = entry->grant.required ||
			    entry->grant.expect,
			.wants_check = entry->wants_check,
			.present = entry->owner != NULL,
			.owes_thaw = entry->owes_id != 0,
			.freeze_ms = entry->grant.freeze_ms,
			.thaw_ms = entry->grant.thaw_ms,
		};
		entry->part = entry->owner != NULL ? i : SIZE_MAX;
		entry->in_transaction = true;
		registry_set_progress(entry, NULL);
		entry->progress.lines = 0;
		/* What it says from here on is about this transaction. */
		registry_set_text(entry, NULL);
		registry_set_thaw_text(entry, NULL);
		lineup->members[i++] = entry;
	}
	lineup->count = i;
	return (0);
}

void
lineup_note_results(const struct lineup *lineup, enum txn_op op)
{
	size_t i;

	for (i = 0; i < lineup->count; i++) {
		const struct txn_part *part = &lineup->parts[i];
		struct registry_entry *entry = lineup->members[i];

		if (part->result == TXN_RESULT_NONE)
			continue;
		entry->result = txn_result_word(part->result);
		if (op != TXN_OP_FREEZE || part->result != TXN_RESULT_READY)
			continue;
		entry->has_flush = true;
		entry->flush_ms = (uint32_t)(part->answered_at_ms -
		    part->told_at_ms);
	}
}

void
lineup_end(struct lineup *lineup)
{
	lineup->count = 0;
}
