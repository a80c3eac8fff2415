/* SPDX-License-Identifier: BSD-2-Clause */
/* See path.h. */
#include <stdlib.h>
#include <string.h>

#include "appvssd/history_read.h"
#include "path.h"

/* When it was waited for no longer; it may never have answered. */
static int64_t
until_ms(const struct history_detail *detail, const struct history_part *part)
{
	const struct history_state *last = &detail->txn.last;

	if (part->ready_at_ms >= 0)
		return (part->ready_at_ms);
	if (part->thaw_told_at_ms >= 0)
		return (part->thaw_told_at_ms);
	return (last->elapsed_ms >= 0 ? last->elapsed_ms : part->told_at_ms);
}

/* Participants come sorted by order. */
void
path_find(const struct history_detail *detail, struct path *path)
{
	memset(path, 0, sizeof(*path));
	path->steps = calloc(detail->nparts + 1, sizeof(*path->steps));
	if (path->steps == NULL)
		return;
	for (size_t i = 0; i < detail->nparts; i++) {
		const struct history_part *part = &detail->parts[i];
		struct path_step step = { .part = part };
		struct path_step *last = path->count == 0 ?
		    NULL :
		    &path->steps[path->count - 1];

		if (part->told_at_ms < 0)
			continue;
		step.until_ms = until_ms(detail, part);
		step.elapsed_ms = step.until_ms - part->told_at_ms;
		if (step.elapsed_ms < 0)
			step.elapsed_ms = 0;
		/* analyze: each step that is there has a part. */
		if (last == NULL || last->part->order != part->order)
			path->steps[path->count++] = step;
		else if (step.until_ms > last->until_ms)
			*last = step;
	}
	for (size_t i = 0; i < path->count; i++) {
		if (path->steps[i].elapsed_ms >
		    path->steps[path->slowest].elapsed_ms)
			path->slowest = i;
		if (path->steps[i].until_ms > path->total_ms)
			path->total_ms = path->steps[i].until_ms;
	}
}

void
path_fini(struct path *path)
{
	free(path->steps);
	memset(path, 0, sizeof(*path));
}
