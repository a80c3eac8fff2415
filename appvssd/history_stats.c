/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers out of the history, for monitoring: the last good snapshot, those
 * that were missed, how long participants took.  A drill is no snapshot.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_read_impl.h"

#define IS_NO_DRILL                                                 \
	" NOT EXISTS (SELECT 1 FROM event AS d WHERE d.run = t.run" \
	" AND d.id = t.id AND d.kind = 'requested_by'"              \
	" AND d.text LIKE '% " HISTORY_DRILL_PROGRAM " %')"

/* The newest of those that the SQL names; id 0 if there is none. */
static enum history_error
find_newest(struct history *history, const char *sql, const char *source,
    struct history_txn *txn)
{
	const struct history_select query = {
		.sql = sql,
		.parameters = { HISTORY_WANTED },
		.texts = { NULL, NULL, NULL, source },
		.item_size = sizeof(*txn),
		.get = history_get_txn,
	};
	enum history_error error;
	void *items;
	size_t count;

	memset(txn, 0, sizeof(*txn));
	error = history_select_pieces(history, &query, 1, &items, &count);
	if (error == HISTORY_OK && count > 0)
		memcpy(txn, items, sizeof(*txn));
	if (error == HISTORY_OK)
		free(items);
	return (error);
}

static void
get_number(struct sqlite3_stmt *row, void *item)
{
	*(int64_t *)item = sqlite3_column_int64(row, 0);
}

/* By the clock, for the rows of another table are numbered differently. */
static enum history_error
count_missed(struct history *history, int64_t since_ms, int64_t *missed)
{
	const struct history_select query = {
		.sql = "SELECT sum(CAST(substr(text, 11) AS INTEGER))"
		       " FROM event WHERE id = 0 AND kind = 'gap'"
		       " AND text LIKE 'snapshots=%' AND at_ms > ?1",
		.parameters = { since_ms },
		.item_size = sizeof(*missed),
		.get = get_number,
	};
	enum history_error error;
	void *items;
	size_t count;

	*missed = 0;
	error = history_select_rows(history, &query, &items, &count);
	if (error == HISTORY_OK && count > 0)
		memcpy(missed, items, sizeof(*missed));
	if (error == HISTORY_OK)
		free(items);
	return (error);
}

enum history_error
history_newest(struct history *history, const char *source,
    struct history_txn *txn)
{
	return (find_newest(history,
	    "SELECT " HISTORY_TXN_COLUMNS " WHERE " HISTORY_PIECE(
		t) "AND t.op = 'freeze' AND (?8 IS NULL OR t.source = ?8) AND" IS_NO_DRILL
		   " ORDER BY t.n DESC LIMIT ?1",
	    source, txn));
}

enum history_error
history_summary(struct history *history, const char *source,
    struct history_summary *summary)
{
	enum history_error error;

	error = history_newest(history, source, &summary->newest);
	if (error == HISTORY_OK)
		error = find_newest(history,
		    "SELECT " HISTORY_TXN_COLUMNS " WHERE " HISTORY_PIECE(
			t) "AND t.op = 'freeze' AND (?8 IS NULL OR t.source = ?8)"
			   " AND s.state = 'done' AND s.consistency = 'application'"
			   " AND" IS_NO_DRILL " ORDER BY t.n DESC LIMIT ?1",
		    source, &summary->good);
	if (error == HISTORY_OK)
		error = count_missed(history, summary->good.at_ms,
		    &summary->missed);
	return (error);
}

static void
get_tally(struct sqlite3_stmt *row, void *item)
{
	struct history_tally *tally = item;
	char *const words[] = { tally->op, tally->source, tally->outcome,
		tally->consistency };

	for (int i = 0; i < 4; i++) {
		const unsigned char *text = sqlite3_column_text(row, i);

		snprintf(words[i], HISTORY_WORD_SIZE, "%s",
		    text == NULL ? "" : (const char *)text);
	}
	tally->count = sqlite3_column_int64(row, 4);
}

static int
compare_tallies(const void *a, const void *b)
{
	const struct history_tally *first = a, *second = b;
	int result = strcmp(first->op, second->op);

	if (result == 0)
		result = strcmp(first->source, second->source);
	if (result == 0)
		result = strcmp(first->outcome, second->outcome);
	if (result == 0)
		result = strcmp(first->consistency, second->consistency);
	return (result);
}

/* Each piece has its own; returns how many are left. */
static size_t
merge_tallies(struct history_tally *tallies, size_t count)
{
	size_t used = 0;

	if (count == 0)
		return (0);
	qsort(tallies, count, sizeof(*tallies), compare_tallies);
	for (size_t i = 1; i < count; i++) {
		if (compare_tallies(&tallies[used], &tallies[i]) == 0)
			tallies[used].count += tallies[i].count;
		else
			tallies[++used] = tallies[i];
	}
	return (used + 1);
}

enum history_error
history_tallies(struct history *history, int64_t since_ms,
    struct history_tally **talliesp, size_t *countp)
{
	const struct history_select query = {
		.sql =
		    "SELECT t.op, t.source,"
		    " coalesce(s.state, 'unfinished') AS outcome,"
		    " coalesce(s.consistency, '') AS consistency, count(*)"
		    " FROM txn AS t LEFT JOIN state AS s ON s.n ="
		    " (SELECT max(n) FROM state AS l WHERE l.run = t.run"
		    " AND l.id = t.id) WHERE" HISTORY_PIECE(
			t) "AND t.at_ms >= ?2 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
		.parameters = { 0, since_ms },
		.item_size = sizeof(struct history_tally),
		.get = get_tally,
	};
	enum history_error error;
	void *items;

	error = history_select_pieces(history, &query, SIZE_MAX, &items,
	    countp);
	*talliesp = items;
	if (error == HISTORY_OK)
		*countp = merge_tallies(items, *countp);
	return (error);
}

static void
get_flush(struct sqlite3_stmt *row, void *item)
{
	struct history_flush *flush = item;

	flush->at_ms = sqlite3_column_int64(row, 0);
	flush->flush_ms = -1;
	if (sqlite3_column_type(row, 1) != SQLITE_NULL)
		flush->flush_ms = sqlite3_column_int64(row, 1);
}

enum history_error
history_flushes(struct history *history, const struct history_filter *filter,
    struct history_flush **flushesp, size_t *countp)
{
	const struct history_select query = {
		.sql = "SELECT t.at_ms, CASE WHEN p.result IN ('ready', 'lost')"
		       " THEN p.ready_at_ms - p.told_at_ms END"
		       " FROM txn AS t JOIN part AS p"
		       " ON p.run = t.run AND p.id = t.id"
		       " WHERE" HISTORY_PIECE(
			   t) "AND t.op = 'freeze' AND t.at_ms >= ?2"
			      " AND t.at_ms <= ?3 AND p.name = ?5"
			      " AND p.phase = 'final' ORDER BY t.n",
		.parameters = { 0, filter->since_ms,
		    filter->until_ms == 0 ? INT64_MAX : filter->until_ms },
		.texts = { filter->app },
		.item_size = sizeof(struct history_flush),
		.get = get_flush,
	};
	enum history_error error;
	void *items;

	error = history_select_pieces(history, &query, SIZE_MAX, &items,
	    countp);
	*flushesp = items;
	return (error);
}
