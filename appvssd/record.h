/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes transactions into the history queue: which rows a transaction has and
 * what they say.  Never decides anything.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/hv_snapshot.h"

struct histq;
struct registry_entry;
struct txn;

/* A transaction and what is known of its participants, both borrowed. */
struct record {
	struct histq *queue;
	const struct txn *txn;
	struct registry_entry *const *members; /* one for each participant */
	/* Of one that has ended: what the host was told at last, ... */
	enum hv_vss_told told;
	bool refused; /* ... and that the driver did not take our success */
};

void record_begin(const struct record *record, uint64_t msgid);

/*
 * The proof: the state "held" and who is ready.  Before the release.  Returns
 * the number of the last row, 0 if it was refused.
 */
uint64_t record_held(const struct record *record, uint64_t now_ms);

/*
 * The end.  A success on paper that the host does not know of is recorded as
 * aborted or lost, with consistency none.
 */
void record_end(const struct record *record);
/* The same as a line of the log. */
void record_log(const struct record *record);

/* The outcome and consistency that record_end() writes, as words. */
const char *record_outcome(const struct record *record);
const char *record_consistency(const struct record *record);

/* What participants do outside of a transaction's own rows. */
/* Whether it is known from now on; false: the queue is full. */
bool record_known(struct histq *queue, const struct registry_entry *entry);
void record_recovered(struct histq *queue, const struct registry_entry *entry);
void record_progress(struct histq *queue, uint64_t id,
    const struct registry_entry *entry, unsigned percent, const char *text);

#endif /* RECORD_H */
