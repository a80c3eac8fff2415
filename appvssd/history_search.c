/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks the whole history for what an operator looks for.  Newest first, by the
 * row's number, so that the newest page needs no more than its own rows.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_read_impl.h"

/* ?2, ?3: since and until. */
#define WITHIN HISTORY_PIECE(t) "AND t.at_ms >= ?2 AND t.at_ms <= ?3"

static int64_t
until_of(const struct history_filter *filter)
{
	return (filter->until_ms == 0 ? INT64_MAX : filter->until_ms);
}

/* Lets appvssd commit, if it waits for that. */
static enum history_error
pause_reading(struct history *history)
{
	if (sqlite3_exec(history->db, "COMMIT; BEGIN", NULL, NULL, NULL) ==
	    SQLITE_OK)
		return (HISTORY_OK);
	snprintf(history->error, sizeof(history->error), "%s",
	    sqlite3_errmsg(history->db));
	return (HISTORY_E_BUSY);
}

/* Moves more behind what is there already. */
static enum history_error
append(struct history *history, void **itemsp, size_t *countp, void *more,
    size_t nmore, size_t item_size)
{
	char *larger;

	if (nmore == 0)
		return (HISTORY_OK);
	larger = reallocarray(*itemsp, *countp + nmore, item_size);
	if (larger == NULL) {
		free(more);
		snprintf(history->error, sizeof(history->error), "no memory");
		return (HISTORY_E_SYSTEM);
	}
	memcpy(larger + *countp * item_size, more, nmore * item_size);
	free(more);
	*itemsp = larger;
	*countp += nmore;
	return (HISTORY_OK);
}

enum history_error
history_select_pieces(struct history *history,
    const struct history_select *query, size_t max, void **itemsp,
    size_t *countp)
{
	struct history_select piece = *query;
	enum history_error error;
	int64_t upper = 0;

	*itemsp = NULL;
	*countp = 0;
	error = history_fetch_number(history, "SELECT max(n) FROM txn", 0,
	    &upper);
	while (error == HISTORY_OK && upper > 0 && *countp < max) {
		const size_t wanted = max - *countp;
		void *more = NULL;
		size_t nmore = 0;

		if (query->parameters[0] == HISTORY_WANTED)
			piece.parameters[0] = wanted > INT64_MAX ?
			    INT64_MAX :
			    (int64_t)wanted;
		piece.parameters[3] = upper;
		error = history_select_rows(history, &piece, &more, &nmore);
		if (error == HISTORY_OK)
			error = append(history, itemsp, countp, more, nmore,
			    query->item_size);
		upper -= strtoll(HISTORY_PIECE_ROWS, NULL, 10);
		if (error == HISTORY_OK && upper > 0 && *countp < max)
			error = pause_reading(history);
	}
	if (error != HISTORY_OK) {
		free(*itemsp);
		*itemsp = NULL;
		*countp = 0;
	}
	return (error);
}

enum history_error
history_list(struct history *history, const struct history_filter *filter,
    size_t max, struct history_txn **txnsp, size_t *countp)
{
	const struct history_select query = {
		.sql =
		    "SELECT " HISTORY_TXN_COLUMNS " WHERE " WITHIN
		    " AND (?8 IS NULL OR t.source = ?8)"
		    " AND (?5 IS NULL OR " HISTORY_HAS_PART("t",
			"?5") ")"
			      " AND (?6 IS NULL"
			      "  OR coalesce(s.state, 'unfinished') = ?6)"
			      " AND (?7 IS NULL"
			      "  OR (t.op = 'freeze' AND s.consistency = ?7))"
			      " ORDER BY t.n DESC LIMIT ?1",
		.parameters = { HISTORY_WANTED, filter->since_ms,
		    until_of(filter) },
		.texts = { filter->app, filter->outcome, filter->consistency,
		    filter->source },
		.item_size = sizeof(struct history_txn),
		.get = history_get_txn,
	};
	enum history_error error;
	void *items;

	error = history_select_pieces(history, &query, max, &items, countp);
	*txnsp = items;
	return (error);
}

enum history_error
history_before(struct history *history, int64_t id, size_t max,
    struct history_txn **txnsp, size_t *countp)
{
	return (history_fetch_before(history, id, max, txnsp, countp));
}
