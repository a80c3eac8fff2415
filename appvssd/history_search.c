/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks the whole history for what an operator looks for.  Newest first, by the
 * row's number, so that the newest page needs no more than its own rows.
 */
#include <sqlite3.h>

#include "history_read_impl.h"

/* ?2, ?3: since and until. */
#define WITHIN "t.at_ms >= ?2 AND t.at_ms <= ?3"

static int64_t
until_of(const struct history_filter *filter)
{
	return (filter->until_ms == 0 ? INT64_MAX : filter->until_ms);
}

enum history_error
history_list(struct history *history, const struct history_filter *filter,
    size_t max, struct history_txn **txnsp, size_t *countp)
{
	const struct history_select query = {
		.sql = "SELECT " HISTORY_TXN_COLUMNS " WHERE " WITHIN
		       " AND (?8 IS NULL OR t.source = ?8)"
		       " AND (?5 IS NULL OR EXISTS (SELECT 1 FROM part AS o"
		       "  WHERE o.run = t.run AND o.id = t.id AND o.name = ?5))"
		       " AND (?6 IS NULL"
		       "  OR coalesce(s.state, 'unfinished') = ?6)"
		       " AND (?7 IS NULL"
		       "  OR (t.op = 'freeze' AND s.consistency = ?7))"
		       " ORDER BY t.n DESC LIMIT ?1",
		.parameters = { max > INT64_MAX ? INT64_MAX : (int64_t)max,
		    filter->since_ms, until_of(filter) },
		.texts = { filter->app, filter->outcome, filter->consistency,
		    filter->source },
		.item_size = sizeof(struct history_txn),
		.get = history_get_txn,
	};
	enum history_error error;
	void *items;

	error = history_select_rows(history, &query, &items, countp);
	*txnsp = items;
	return (error);
}
