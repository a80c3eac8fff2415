/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Snapshots of the driver that are no transactions: see gaps.h.
 */
#include "gaps.h"
#include "histq.h"
#include "source.h"

void
gaps_set_unsure(struct gaps *gaps, uint64_t msgid, uint64_t instance)
{
	/* Later answers of the history are about what is known here. */
	if (gaps->asked)
		return;
	gaps->asked = true;
	gaps->unsure_msgid = msgid;
	gaps->unsure_instance = instance;
}

void
gaps_forget(struct gaps *gaps)
{
	gaps->noted = false;
}

/* Whether the driver's count includes the unsure one; false: not known yet. */
static bool
gaps_settle(struct gaps *gaps, const struct sources *sources, uint32_t source,
    uint64_t instance, unsigned *own)
{
	enum hv_vss_told told;

	*own = 0;
	if (gaps->unsure_msgid == 0)
		return (true);
	if (gaps->unsure_instance == instance) {
		told = source_told(sources, source, gaps->unsure_msgid);
		if (told == VSS_TOLD_PENDING)
			return (false);
		/* One that is forgotten was released, most likely. */
		*own = told != VSS_TOLD_FAIL && told != VSS_TOLD_TIMEOUT;
	}
	gaps->unsure_msgid = 0;
	return (true);
}

void
gaps_note(struct gaps *gaps, struct histq *queue, const struct sources *sources,
    uint32_t source)
{
	struct source_counters counters;
	struct histq_driver row;
	unsigned own;

	if (!source_counted(sources, source, &counters) ||
	    !gaps_settle(gaps, sources, source, counters.instance, &own))
		return;
	if (gaps->noted && own == 0 &&
	    gaps->known.instance == counters.instance &&
	    gaps->known.snapshots == counters.snapshots)
		return;
	row = (struct histq_driver) { counters.instance, counters.snapshots,
		.own = own, .guess = !gaps->asked };
	if (histq_put_driver(queue, &row) == 0)
		return;
	gaps->noted = gaps->asked = true;
	gaps->known.instance = counters.instance;
	gaps->known.snapshots = counters.snapshots;
}

bool
gaps_end(struct gaps *gaps, const struct sources *sources, uint32_t source,
    uint64_t msgid, bool lost, struct histq_driver *row)
{
	struct source_counters counters;

	if (!gaps->noted)
		return (false);
	if (!lost && source_told(sources, source, msgid) != VSS_TOLD_PENDING &&
	    source_counted(sources, source, &counters)) {
		gaps->known.snapshots = counters.snapshots;
		*row = (struct histq_driver) { counters.instance,
			counters.snapshots, .own = 0 };
		return (true);
	}
	gaps->unsure_msgid = msgid;
	gaps->unsure_instance = gaps->known.instance;
	return (false);
}
