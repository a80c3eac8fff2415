/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes transactions into the history queue: which rows a transaction has and
 * what they say.  Never decides anything.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/hv_snapshot.h"

struct histq;
struct histq_driver;
struct registry_entry;
struct txn;
struct wire_msg;

/* A transaction and what is known of its participants, both borrowed. */
struct record {
	struct histq *queue;
	const struct txn *txn;
	/* One for each participant; none once it has ended: they may be gone.
	 */
	struct registry_entry *const *members;
	size_t nmembers;
	bool has_host; /* the source has one */
	/* Of one that has ended: what the host was told at last, ... */
	enum hv_vss_told told;
	bool refused; /* ... and that the source did not take our success */
	/* ... and what the driver has counted by then, or NULL. */
	const struct histq_driver *counted;
};

/* source and origin: who asked for it; origin may be NULL. */
void record_begin(const struct record *record, const char *source,
    const char *origin);

/*
 * The proof: who is ready now, and the state "held".  Before the release; once
 * more if somebody fails before it is on disk: the last one counts.
 * Returns the number of the last row, 0 if it was refused.
 */
uint64_t record_held(const struct record *record, uint64_t now_ms);

/*
 * The end.  A success on paper that the host does not know of is recorded as
 * aborted or lost, with consistency none.
 */
void record_end(const struct record *record);
/* The same as a line of the log. */
void record_log(const struct record *record);

/* What record_end() writes, as words; "" if there is none. */
const char *record_outcome(const struct record *record);
const char *record_consistency(const struct record *record);
const char *record_reason(const struct record *record);
const char *record_culprit(const struct record *record); /* participant */

/* What participants do outside of a transaction's own rows. */
/* Whether it is known from now on; false: the queue is full. */
bool record_known(struct histq *queue, const struct registry_entry *entry);
void record_recovered(struct histq *queue, const struct registry_entry *entry);
/* The first lines of each participant in a transaction. */
void record_progress(struct histq *queue, const struct registry_entry *entry,
    const struct wire_msg *msg);

#endif /* RECORD_H */
