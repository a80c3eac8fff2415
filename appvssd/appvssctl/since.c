/* SPDX-License-Identifier: BSD-2-Clause */
/* See since.h. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/history_read.h"
#include "show.h"
#include "since.h"

#define TRANSACTIONS_MAX 200 /* before it, of which about half are checks */
#define FREEZES_MAX	 50
#define PAGE		 10 /* mostly it is the one before */

static bool
is_good(const struct history_detail *detail)
{
	return (strcmp(detail->txn.last.state, "done") == 0 &&
	    strcmp(detail->txn.last.consistency, "application") == 0);
}

static void
look_for_ready(const struct history_detail *detail, struct since *since)
{
	for (size_t i = 0; i < since->nparts; i++) {
		struct since_part *wanted = &since->parts[i];

		for (size_t j = 0; wanted->ready_id == 0 && j < detail->nparts;
		     j++) {
			const struct history_part *part = &detail->parts[j];

			if (strcmp(part->name, wanted->part->name) != 0 ||
			    strcmp(part->result, "ready") != 0)
				continue;
			wanted->ready_id = detail->txn.id;
			wanted->ready_at_ms = detail->txn.at_ms;
		}
	}
}

static void
look_at(const struct history_detail *detail, struct since *since)
{
	look_for_ready(detail, since);
	since->freezes++;
	if (since->good_id != 0 || show_is_drill(detail))
		return;
	since->snapshots++;
	if (is_good(detail)) {
		since->good_id = detail->txn.id;
		since->good_at_ms = detail->txn.at_ms;
	} else {
		since->bad++;
	}
}

static bool
is_over(const struct since *since)
{
	bool over = since->good_id != 0;

	for (size_t i = 0; over && i < since->nparts; i++)
		over = since->parts[i].ready_id != 0;
	return (over);
}

/* Those before *idp, which it moves; false: no more need to be looked at. */
static bool
look_at_page(struct history *history, int64_t *idp, struct since *since)
{
	struct history_txn *txns = NULL;
	size_t count = 0, i;

	if (history_before(history, *idp, PAGE, &txns, &count) != HISTORY_OK)
		return (false);
	for (i = 0; i < count && since->freezes < FREEZES_MAX; i++) {
		struct history_detail before;

		if (is_over(since))
			break;
		*idp = txns[i].id;
		if (strcmp(txns[i].op, "freeze") != 0 ||
		    history_find(history, txns[i].id, &before) != HISTORY_OK)
			continue;
		look_at(&before, since);
		history_detail_fini(&before);
	}
	free(txns);
	return (i == PAGE);
}

void
since_find(struct history *history, const struct history_detail *detail,
    struct since *since)
{
	int64_t id = detail->txn.id;
	unsigned looked = 0;

	memset(since, 0, sizeof(*since));
	for (size_t i = 0;
	     i < detail->nparts && since->nparts < SINCE_PARTS_MAX; i++)
		if (strcmp(detail->parts[i].result, "ready") != 0)
			since->parts[since->nparts++].part = &detail->parts[i];
	while (looked < TRANSACTIONS_MAX && look_at_page(history, &id, since))
		looked += PAGE;
}

const struct since_part *
since_of(const struct since *since, const struct history_part *part)
{
	for (size_t i = 0; i < since->nparts; i++)
		if (since->parts[i].part == part)
			return (&since->parts[i]);
	return (NULL);
}
