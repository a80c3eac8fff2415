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
};

void record_begin(const struct record *record, uint64_t msgid);

/*
 * The proof: the state "held" and who is ready.  Before the release.  Returns
 * the number of the last row, 0 if it was refused.
 */
uint64_t record_held(const struct record *record, uint64_t now_ms);

/*
 * The end.  told is what the host was told at last; a success on paper that the
 * host does not know of is recorded as aborted, with consistency none.
 */
void record_end(const struct record *record, enum hv_vss_told told);

/* The end as a line of the log. */
void record_log(const struct record *record, enum hv_vss_told told);

/* The outcome and consistency that record_end() writes, as words. */
const char *record_outcome(const struct txn *txn, enum hv_vss_told told);
const char *record_consistency(const struct txn *txn, enum hv_vss_told told);

/* What participants do outside of a transaction's own rows. */
/* Whether it is known from now on; false: the queue is full. */
bool record_known(struct histq *queue, const struct registry_entry *entry);
void record_recovered(struct histq *queue, const struct registry_entry *entry);
void record_progress(struct histq *queue, uint64_t id,
    const struct registry_entry *entry, unsigned percent, const char *text);

#endif /* RECORD_H */
