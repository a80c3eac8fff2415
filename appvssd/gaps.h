/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the driver counts, against what is recorded: each snapshot is either a
 * transaction of the history or in a gap.  Asks the driver, tells the history;
 * knows nothing of the transaction machine.
 */
#ifndef GAPS_H
#define GAPS_H

#include <stdbool.h>
#include <stdint.h>

struct histq;
struct histq_driver;
struct sources;

struct gaps {
	bool noted; /* of the device that is open now: ... */
	struct {
		uint64_t instance, snapshots;
	} known; /* ... what the history knows */
	/*
	 * A FREEZE of a transaction of which it was not known, when that ended,
	 * whether the driver counts it; 0: there is none.
	 */
	uint64_t unsure_msgid, unsure_instance;
	/* The history has said whether the run before left such a one. */
	bool asked;
};

/* What the history says of the run before; msgid 0: there is none. */
void gaps_set_unsure(struct gaps *gaps, uint64_t msgid, uint64_t instance);

/* The device was opened, or has gone. */
void gaps_forget(struct gaps *gaps);

/*
 * Outside of a transaction, or before its release: whatever was counted since
 * the last time, and is none of ours, is a gap.
 */
void gaps_note(struct gaps *gaps, struct histq *queue,
    const struct sources *sources, uint32_t source);

/*
 * The FREEZE msgid of a transaction that ends: false if it is not known yet
 * whether it was counted.  True: row is what goes with the last state.
 */
bool gaps_end(struct gaps *gaps, const struct sources *sources, uint32_t source,
    uint64_t msgid, bool lost, struct histq_driver *row);

#endif /* GAPS_H */
