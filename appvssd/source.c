/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of sources: see source.h.  Pure.
 */
#include <stddef.h>

#include "source.h"

enum txn_told
source_txn_told(enum hv_vss_told told)
{
	switch (told) {
	case VSS_TOLD_SUCCESS:
		return (TXN_TOLD_SUCCESS);
	case VSS_TOLD_PENDING: /* a THAW before the FREEZE was over */
	case VSS_TOLD_FAIL:
	case VSS_TOLD_TIMEOUT:
		return (TXN_TOLD_FAIL);
	case VSS_TOLD_NOTHING:
	case VSS_TOLD_FORGOTTEN:
		break;
	}
	return (TXN_TOLD_UNKNOWN);
}

int
source_answer(const struct sources *sources, const struct source_answer *answer)
{
	const struct source *source;

	source = &sources->items[SOURCE_KIND(answer->source)];
	return (source->ops->answer(source->self, answer));
}

enum hv_vss_told
source_told(const struct sources *sources, uint32_t number, uint64_t msgid)
{
	const struct source *source;

	source = &sources->items[SOURCE_KIND(number)];
	return (source->ops->told == NULL ?
		VSS_TOLD_NOTHING :
		source->ops->told(source->self, msgid));
}

bool
source_counted(const struct sources *sources, uint32_t number,
    struct source_counters *counters)
{
	const struct source *source;

	source = &sources->items[SOURCE_KIND(number)];
	return (source->ops->counted != NULL &&
	    source->ops->counted(source->self, counters));
}

void
source_ended(const struct sources *sources, const struct source_end *end)
{
	const struct source *source;

	source = &sources->items[SOURCE_KIND(end->source)];
	if (source->ops->ended != NULL)
		source->ops->ended(source->self, end);
}

const struct source_ops *
source_ops(const struct sources *sources, uint32_t number)
{
	return (sources->items[SOURCE_KIND(number)].ops);
}
