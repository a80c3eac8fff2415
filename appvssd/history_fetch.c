/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fetches from an open history file.  Everything is copied out: nothing here
 * outlives a call but the read transaction itself.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_read_impl.h"
#include "history_schema.h"

#define TXN_STATE_COLUMN 9 /* the first one of the state */

static enum history_error
fail(struct history *history)
{
	snprintf(history->error, sizeof(history->error), "%s",
	    sqlite3_errmsg(history->db));
	return (HISTORY_E_FORMAT);
}

static enum history_error
fail_memory(struct history *history)
{
	snprintf(history->error, sizeof(history->error), "no memory");
	return (HISTORY_E_SYSTEM);
}

static void
get_text(sqlite3_stmt *row, int column, char *out, size_t size)
{
	const unsigned char *text = sqlite3_column_text(row, column);

	snprintf(out, size, "%s", text == NULL ? "" : (const char *)text);
}

static int64_t
get_time(sqlite3_stmt *row, int column)
{
	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return (-1);
	return (sqlite3_column_int64(row, column));
}

/* Columns from first on: by_run .. late_ms. */
static void
get_state(sqlite3_stmt *row, int first, struct history_state *state)
{
	state->by_run = sqlite3_column_int64(row, first);
	get_text(row, first + 1, state->state, sizeof(state->state));
	get_text(row, first + 2, state->consistency,
	    sizeof(state->consistency));
	get_text(row, first + 3, state->reason, sizeof(state->reason));
	get_text(row, first + 4, state->culprit, sizeof(state->culprit));
	get_text(row, first + 5, state->host, sizeof(state->host));
	state->at_ms = sqlite3_column_int64(row, first + 6);
	state->elapsed_ms = get_time(row, first + 7);
	state->late_ms = sqlite3_column_int64(row, first + 8);
}

void
history_get_txn(sqlite3_stmt *row, void *item)
{
	struct history_txn *txn = item;

	txn->n = sqlite3_column_int64(row, 0);
	txn->run = sqlite3_column_int64(row, 1);
	txn->id = sqlite3_column_int64(row, 2);
	get_text(row, 3, txn->op, sizeof(txn->op));
	get_text(row, 4, txn->source, sizeof(txn->source));
	txn->msgid = (uint64_t)sqlite3_column_int64(row, 5);
	txn->at_ms = sqlite3_column_int64(row, 6);
	txn->parts = (unsigned)sqlite3_column_int(row, 7);
	txn->parts_ready = (unsigned)sqlite3_column_int(row, 8);
	get_state(row, TXN_STATE_COLUMN, &txn->last);
}

static void
get_state_row(sqlite3_stmt *row, void *item)
{
	get_state(row, 0, item);
}

static void
get_part(sqlite3_stmt *row, void *item)
{
	struct history_part *part = item;

	get_text(row, 0, part->phase, sizeof(part->phase));
	get_text(row, 1, part->name, sizeof(part->name));
	get_text(row, 2, part->program, sizeof(part->program));
	get_text(row, 3, part->result, sizeof(part->result));
	get_text(row, 4, part->thaw, sizeof(part->thaw));
	get_text(row, 5, part->text, sizeof(part->text));
	part->pid = sqlite3_column_int64(row, 6);
	part->uid = sqlite3_column_int64(row, 7);
	part->order = sqlite3_column_int64(row, 8);
	part->required = sqlite3_column_int(row, 9) != 0;
	part->told_at_ms = get_time(row, 10);
	part->ready_at_ms = get_time(row, 11);
	part->thaw_told_at_ms = get_time(row, 12);
	part->thawed_at_ms = get_time(row, 13);
}

static void
get_event(sqlite3_stmt *row, void *item)
{
	struct history_event *event = item;

	event->n = sqlite3_column_int64(row, 0);
	event->id = sqlite3_column_int64(row, 1);
	event->at_ms = sqlite3_column_int64(row, 2);
	get_text(row, 3, event->kind, sizeof(event->kind));
	get_text(row, 4, event->text, sizeof(event->text));
}

static void
get_run(sqlite3_stmt *row, void *item)
{
	struct history_run *run = item;

	run->n = sqlite3_column_int64(row, 0);
	run->started_at_ms = sqlite3_column_int64(row, 1);
	get_text(row, 2, run->boot_id, sizeof(run->boot_id));
	get_text(row, 3, run->generation, sizeof(run->generation));
	get_text(row, 4, run->version, sizeof(run->version));
}

enum history_error
history_select_rows(struct history *history, const struct history_select *query,
    void **itemsp, size_t *countp)
{
	sqlite3_stmt *statement;
	char *items = NULL;
	size_t count = 0, room = 0;
	int code;

	*itemsp = NULL;
	*countp = 0;
	if (sqlite3_prepare_v2(history->db, query->sql, -1, &statement, NULL) !=
	    SQLITE_OK)
		return (fail(history));
	for (int i = 0; i < sqlite3_bind_parameter_count(statement); i++) {
		if (i < HISTORY_NUMBERS_MAX)
			sqlite3_bind_int64(statement, i + 1,
			    query->parameters[i]);
		else if (i < HISTORY_NUMBERS_MAX + HISTORY_TEXTS_MAX)
			sqlite3_bind_text(statement, i + 1,
			    query->texts[i - HISTORY_NUMBERS_MAX], -1,
			    SQLITE_STATIC);
	}
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		if (count == room) {
			char *larger;

			room = room == 0 ? 16 : 2 * room;
			larger = reallocarray(items, room, query->item_size);
			if (larger == NULL) {
				free(items);
				sqlite3_finalize(statement);
				return (fail_memory(history));
			}
			items = larger;
		}
		query->get(statement, items + count * query->item_size);
		count++;
	}
	sqlite3_finalize(statement);
	if (code != SQLITE_DONE) {
		free(items);
		return (fail(history));
	}
	*itemsp = items;
	*countp = count;
	return (HISTORY_OK);
}

/* The first row only; HISTORY_E_NONE if there is none. */
static enum history_error
fetch_one(struct history *history, const struct history_select *query,
    void *item)
{
	enum history_error error;
	void *items;
	size_t count;

	error = history_select_rows(history, query, &items, &count);
	if (error != HISTORY_OK)
		return (error);
	if (count == 0)
		return (HISTORY_E_NONE);
	memcpy(item, items, query->item_size);
	free(items);
	return (HISTORY_OK);
}

enum history_error
history_fetch_before(struct history *history, int64_t before, size_t max,
    struct history_txn **txnsp, size_t *countp)
{
	const struct history_select query = {
		.sql = "SELECT " HISTORY_TXN_COLUMNS " WHERE t.id < ?1"
		       " ORDER BY t.id DESC, t.n DESC LIMIT ?2",
		.parameters = { before, (int64_t)max },
		.item_size = sizeof(struct history_txn),
		.get = history_get_txn,
	};
	enum history_error error;
	void *items;

	error = history_select_rows(history, &query, &items, countp);
	*txnsp = items;
	return (error);
}

enum history_error
history_fetch_named(struct history *history, int64_t before, const char *name,
    size_t max, struct history_txn **txnsp, size_t *countp)
{
	const struct history_select query = {
		.sql = "SELECT " HISTORY_TXN_COLUMNS
		       " WHERE t.n IN (SELECT w.n FROM"
		       " (SELECT n, run, id FROM txn WHERE id < ?1"
		       "  ORDER BY id DESC LIMIT ?3) AS w"
		       " WHERE " HISTORY_HAS_PART("w",
			   "?5") " ORDER BY w.id DESC LIMIT ?2 OFFSET ?4)"
				 " ORDER BY t.id DESC, t.n DESC",
		.parameters = { before, (int64_t)max, HISTORY_SCAN_MAX, 0 },
		.texts = { name },
		.item_size = sizeof(struct history_txn),
		.get = history_get_txn,
	};
	enum history_error error;
	void *items;

	error = history_select_rows(history, &query, &items, countp);
	*txnsp = items;
	return (error);
}

static void
get_number(sqlite3_stmt *row, void *item)
{
	int64_t *number = item;

	*number = sqlite3_column_int64(row, 0);
}

enum history_error
history_fetch_number(struct history *history, const char *sql,
    int64_t parameter, int64_t *numberp)
{
	const struct history_select query = {
		.sql = sql,
		.parameters = { parameter },
		.item_size = sizeof(*numberp),
		.get = get_number,
	};

	return (fetch_one(history, &query, numberp));
}

enum history_error
history_fetch_run(struct history *history, int64_t n, struct history_run *run)
{
	const struct history_select query = {
		.sql = "SELECT n, started_at_ms, boot_id, generation, version"
		       " FROM run WHERE n = ?1",
		.parameters = { n },
		.item_size = sizeof(*run),
		.get = get_run,
	};
	enum history_error error;

	memset(run, 0, sizeof(*run));
	error = fetch_one(history, &query, run);
	return (error == HISTORY_E_NONE ? HISTORY_OK : error);
}

/* What belongs to a transaction: ?1 is its run, ?2 its id. */
static enum history_error
fetch_of(struct history *history, const struct history_txn *txn,
    struct history_select *query, size_t skip, size_t max, void **itemsp,
    size_t *countp)
{
	query->parameters[0] = txn->run;
	query->parameters[1] = txn->id;
	query->parameters[2] = max > INT64_MAX ? -1 : (int64_t)max;
	query->parameters[3] = (int64_t)skip;
	return (history_select_rows(history, query, itemsp, countp));
}

enum history_error
history_fetch_states(struct history *history, const struct history_txn *txn,
    struct history_state **statesp, size_t *countp)
{
	struct history_select query = {
		.sql = "SELECT by_run, state, consistency, reason, culprit,"
		       " host, at_ms, elapsed_ms, late_ms FROM state"
		       " WHERE run = ?1 AND id = ?2 ORDER BY n"
		       " LIMIT ?3 OFFSET ?4",
		.item_size = sizeof(struct history_state),
		.get = get_state_row,
	};
	enum history_error error;
	void *items;

	error = fetch_of(history, txn, &query, 0, SIZE_MAX, &items, countp);
	*statesp = items;
	return (error);
}

enum history_error
history_fetch_parts(struct history *history, const struct history_txn *txn,
    size_t skip, size_t max, struct history_part **partsp, size_t *countp)
{
	struct history_select query = {
		.sql = "SELECT phase, name, program, result, thaw, text, pid,"
		       " uid, ord, required, told_at_ms, ready_at_ms,"
		       " thaw_told_at_ms, thawed_at_ms"
		       " FROM " HISTORY_PARTS_OF("?1",
			   "?2") " ORDER BY ord, n"
				 " LIMIT ?3 OFFSET ?4",
		.item_size = sizeof(struct history_part),
		.get = get_part,
	};
	enum history_error error;
	void *items;

	error = fetch_of(history, txn, &query, skip, max, &items, countp);
	*partsp = items;
	return (error);
}

enum history_error
history_fetch_events(struct history *history, const struct history_txn *txn,
    size_t skip, size_t max, struct history_event **eventsp, size_t *countp)
{
	struct history_select query = {
		.sql = "SELECT n, id, at_ms, kind, text FROM event"
		       " WHERE run = ?1 AND id = ?2 ORDER BY n"
		       " LIMIT ?3 OFFSET ?4",
		.item_size = sizeof(struct history_event),
		.get = get_event,
	};
	enum history_error error;
	void *items;

	error = fetch_of(history, txn, &query, skip, max, &items, countp);
	*eventsp = items;
	return (error);
}

enum history_error
history_fetch_all_events(struct history *history, int64_t before_n, size_t max,
    struct history_event **eventsp, size_t *countp)
{
	const struct history_select query = {
		.sql = "SELECT n, id, at_ms, kind, text FROM event"
		       " WHERE n < ?1 ORDER BY n DESC LIMIT ?2",
		.parameters = { before_n, (int64_t)max },
		.item_size = sizeof(struct history_event),
		.get = get_event,
	};
	enum history_error error;
	void *items;

	error = history_select_rows(history, &query, &items, countp);
	*eventsp = items;
	return (error);
}

enum history_error
history_fetch_txn(struct history *history, enum history_which which, int64_t id,
    struct history_txn *txn)
{
	static const char *const sql[] = {
		[HISTORY_NEWEST_FREEZE] = "SELECT " HISTORY_TXN_COLUMNS
					  " WHERE t.op = 'freeze'"
					  " ORDER BY t.n DESC LIMIT 1",
		[HISTORY_BY_ID] = "SELECT " HISTORY_TXN_COLUMNS
				  " WHERE t.id = ?1"
				  " ORDER BY t.n DESC LIMIT 1",
		[HISTORY_RESUMED] = "SELECT " HISTORY_TXN_COLUMNS
				    " WHERE t.n = (" HISTORY_RESUMED_N ")",
	};
	const struct history_select query = {
		.sql = sql[which],
		.parameters = { id },
		.item_size = sizeof(*txn),
		.get = history_get_txn,
	};

	return (fetch_one(history, &query, txn));
}

enum history_error
history_fetch_detail(struct history *history, enum history_which which,
    int64_t id, struct history_detail *detail)
{
	enum history_error error;

	memset(detail, 0, sizeof(*detail));
	error = history_fetch_txn(history, which, id, &detail->txn);
	if (error == HISTORY_OK)
		error = history_fetch_run(history, detail->txn.run,
		    &detail->run);
	if (error == HISTORY_OK)
		error = history_fetch_states(history, &detail->txn,
		    &detail->states, &detail->nstates);
	if (error == HISTORY_OK)
		error = history_fetch_parts(history, &detail->txn, 0, SIZE_MAX,
		    &detail->parts, &detail->nparts);
	if (error == HISTORY_OK)
		error = history_fetch_events(history, &detail->txn, 0, SIZE_MAX,
		    &detail->events, &detail->nevents);
	if (error != HISTORY_OK)
		history_detail_fini(detail);
	return (error);
}

enum history_error
history_find(struct history *history, int64_t id, struct history_detail *detail)
{
	enum history_error error;

	error = history_fetch_detail(history,
	    id == 0 ? HISTORY_NEWEST_FREEZE : HISTORY_BY_ID, id, detail);
	if (error == HISTORY_E_NONE)
		snprintf(history->error, sizeof(history->error),
		    id == 0 ? "no freeze was recorded" :
			      "no transaction has this number");
	return (error);
}

void
history_detail_fini(struct history_detail *detail)
{
	free(detail->states);
	free(detail->parts);
	free(detail->events);
	detail->states = NULL;
	detail->parts = NULL;
	detail->events = NULL;
	detail->nstates = 0;
	detail->nparts = 0;
	detail->nevents = 0;
}
