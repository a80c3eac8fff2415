/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Since when snapshots are no better than the one that is looked at: which was
 * the last application-consistent one before it, and when who was not ready in
 * it was ready last.  Looks at so many transactions only, so that it is quick.
 */
#ifndef SINCE_H
#define SINCE_H

#include <stddef.h>
#include <stdint.h>

struct history;
struct history_detail;
struct history_part;

#define SINCE_PARTS_MAX 16 /* more are not traced */

struct since_part {
	const struct history_part *part; /* borrowed */
	int64_t ready_id;		 /* 0: in none that was looked at */
	int64_t ready_at_ms;
};

struct since {
	unsigned freezes;   /* looked at */
	unsigned snapshots; /* of these; drills are none */
	unsigned bad;	    /* of these, in a row, up to the good one */
	int64_t good_id;    /* 0: none was found */
	int64_t good_at_ms;
	struct since_part parts[SINCE_PARTS_MAX];
	size_t nparts;
};

/* What cannot be read is left out. */
void since_find(struct history *history, const struct history_detail *detail,
    struct since *since);

/* NULL: this one is not traced. */
const struct since_part *since_of(const struct since *since,
    const struct history_part *part);

#endif /* SINCE_H */
