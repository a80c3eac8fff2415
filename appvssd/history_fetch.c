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

/* The row that counts: the final one, else that of the proof. */
#define PART_COUNTS                                                 \
	"(p.phase <> 'held' OR NOT EXISTS (SELECT 1 FROM part AS o" \
	"  WHERE o.run = p.run AND o.id = p.id AND o.name = p.name" \
	"  AND o.phase <> 'held'))"
#define TXN_COLUMNS                                                       \
	"t.n, t.run, t.id, t.op, t.source, t.msgid, t.at_ms,"             \
	" (SELECT count(*) FROM part AS p"                                \
	"  WHERE p.run = t.run AND p.id = t.id AND " PART_COUNTS "),"     \
	" (SELECT count(*) FROM part AS p WHERE p.run = t.run"            \
	"  AND p.id = t.id AND p.result = 'ready' AND " PART_COUNTS "),"  \
	" s.by_run, s.state, s.consistency, s.reason, s.culprit, s.host," \
	" s.at_ms, s.elapsed_ms, s.late_ms"                               \
	" FROM txn AS t LEFT JOIN state AS s ON s.n = (SELECT max(n)"     \
	"  FROM state AS l WHERE l.run = t.run AND l.id = t.id)"
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

static void
get_txn(sqlite3_stmt *row, void *item)
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

	event->at_ms = sqlite3_column_int64(row, 0);
	get_text(row, 1, event->kind, sizeof(event->kind));
	get_text(row, 2, event->text, sizeof(event->text));
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

struct query {
	const char *sql; /* at most two parameters */
	int64_t parameters[2];
	size_t item_size;
	void (*get)(sqlite3_stmt *row, void *item);
};

/* All rows as an array of items; none: *itemsp is NULL.  Free with free(). */
static enum history_error
fetch(struct history *history, const struct query *query, void **itemsp,
    size_t *countp)
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
	for (int i = 0; i < sqlite3_bind_parameter_count(statement) && i < 2;
	     i++)
		sqlite3_bind_int64(statement, i + 1, query->parameters[i]);
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
fetch_one(struct history *history, const struct query *query, void *item)
{
	enum history_error error;
	void *items;
	size_t count;

	error = fetch(history, query, &items, &count);
	if (error != HISTORY_OK)
		return (error);
	if (count == 0)
		return (HISTORY_E_NONE);
	memcpy(item, items, query->item_size);
	free(items);
	return (HISTORY_OK);
}

enum history_error
history_list(struct history *history, size_t max, struct history_txn **txnsp,
    size_t *countp)
{
	const struct query query = {
		"SELECT " TXN_COLUMNS " ORDER BY t.n DESC LIMIT ?1",
		{ max > INT64_MAX ? INT64_MAX : (int64_t)max, 0 },
		sizeof(struct history_txn),
		get_txn,
	};
	enum history_error error;
	void *items;

	error = fetch(history, &query, &items, countp);
	*txnsp = items;
	return (error);
}

static enum history_error
fetch_run(struct history *history, int64_t n, struct history_run *run)
{
	const struct query query = {
		"SELECT n, started_at_ms, boot_id, generation, version"
		" FROM run WHERE n = ?1",
		{ n, 0 },
		sizeof(*run),
		get_run,
	};
	enum history_error error;

	memset(run, 0, sizeof(*run));
	error = fetch_one(history, &query, run);
	return (error == HISTORY_E_NONE ? HISTORY_OK : error);
}

static const char parts_sql[] =
    "SELECT phase, name, program, result, thaw, text, pid, uid, ord, required,"
    " told_at_ms, ready_at_ms, thaw_told_at_ms, thawed_at_ms FROM part AS p"
    " WHERE run = ?1 AND id = ?2 AND " PART_COUNTS " ORDER BY ord, n";

static enum history_error
fill_detail(struct history *history, struct history_detail *detail)
{
	const int64_t run = detail->txn.run, id = detail->txn.id;
	const struct query states = {
		"SELECT by_run, state, consistency, reason, culprit, host,"
		" at_ms, elapsed_ms, late_ms FROM state"
		" WHERE run = ?1 AND id = ?2 ORDER BY n",
		{ run, id },
		sizeof(struct history_state),
		get_state_row,
	};
	const struct query parts = { parts_sql, { run, id },
		sizeof(struct history_part), get_part };
	const struct query events = {
		"SELECT at_ms, kind, text FROM event"
		" WHERE run = ?1 AND id = ?2 ORDER BY n",
		{ run, id },
		sizeof(struct history_event),
		get_event,
	};
	enum history_error error;
	void *items;

	error = fetch_run(history, run, &detail->run);
	if (error == HISTORY_OK) {
		error = fetch(history, &states, &items, &detail->nstates);
		detail->states = items;
	}
	if (error == HISTORY_OK) {
		error = fetch(history, &parts, &items, &detail->nparts);
		detail->parts = items;
	}
	if (error == HISTORY_OK) {
		error = fetch(history, &events, &items, &detail->nevents);
		detail->events = items;
	}
	if (error != HISTORY_OK)
		history_detail_fini(detail);
	return (error);
}

static enum history_error
find(struct history *history, const char *sql, int64_t parameter,
    struct history_detail *detail)
{
	const struct query query = { sql, { parameter, 0 },
		sizeof(struct history_txn), get_txn };
	enum history_error error;

	memset(detail, 0, sizeof(*detail));
	error = fetch_one(history, &query, &detail->txn);
	return (error == HISTORY_OK ? fill_detail(history, detail) : error);
}

#define NEWEST_FREEZE \
	"SELECT " TXN_COLUMNS " WHERE t.op = 'freeze' ORDER BY t.n DESC LIMIT 1"

enum history_error
history_find(struct history *history, int64_t id, struct history_detail *detail)
{
	enum history_error error;

	if (id == 0)
		error = find(history, NEWEST_FREEZE, 0, detail);
	else
		error = find(history,
		    "SELECT " TXN_COLUMNS
		    " WHERE t.id = ?1 ORDER BY t.n DESC LIMIT 1",
		    id, detail);
	if (error == HISTORY_E_NONE)
		snprintf(history->error, sizeof(history->error),
		    id == 0 ? "no freeze was recorded" :
			      "no transaction has this number");
	return (error);
}

static void
get_count(sqlite3_stmt *row, void *item)
{
	unsigned *count = item;

	*count = (unsigned)sqlite3_column_int(row, 0);
}

/* Rows of the end are written after the thaw, whole or in part. */
static bool
has_final_part(const struct history_detail *detail)
{
	for (size_t i = 0; i < detail->nparts; i++)
		if (strcmp(detail->parts[i].phase, "held") != 0)
			return (true);
	return (false);
}

/*
 * A held transaction that the next run found unfinished, where that run was
 * another boot (or another copy of the machine): the disk is one that came back
 * as it was while held.  With the same boot only the broker had died.
 */
static const char resumed_sql[] =
    "SELECT " TXN_COLUMNS " JOIN run AS a ON a.n = t.run"
    " JOIN run AS b ON b.n = s.by_run"
    " WHERE t.op = 'freeze' AND s.state = 'interrupted'"
    " AND EXISTS (SELECT 1 FROM state AS h WHERE h.run = t.run"
    "  AND h.id = t.id AND h.state = 'held')"
    " AND NOT EXISTS (SELECT 1 FROM part AS f WHERE f.run = t.run"
    "  AND f.id = t.id AND f.phase <> 'held')"
    " AND (a.boot_id <> b.boot_id OR (a.generation <> b.generation"
    "  AND a.generation <> '' AND b.generation <> ''))"
    " ORDER BY t.n DESC LIMIT 1";

static enum history_error
prove_newest(struct history *history, struct history_evidence *evidence)
{
	enum history_error error;

	error = find(history, NEWEST_FREEZE, 0, &evidence->detail);
	if (error == HISTORY_E_NONE) {
		evidence->proof = HISTORY_PROOF_EMPTY;
		return (HISTORY_OK);
	}
	if (error != HISTORY_OK)
		return (error);
	if (evidence->detail.txn.last.state[0] == '\0' ||
	    (strcmp(evidence->detail.txn.last.state, "held") == 0 &&
		has_final_part(&evidence->detail)))
		evidence->proof = HISTORY_PROOF_UNENDED;
	else if (strcmp(evidence->detail.txn.last.state, "held") != 0)
		evidence->proof = HISTORY_PROOF_FINISHED;
	else
		evidence->proof = HISTORY_PROOF_HELD;
	return (HISTORY_OK);
}

enum history_error
history_prove(struct history *history, struct history_evidence *evidence)
{
	struct query later = { "SELECT count(*) FROM txn WHERE n > ?1",
		{ 0, 0 }, sizeof(evidence->later), get_count };
	enum history_error error;

	memset(evidence, 0, sizeof(*evidence));
	error = prove_newest(history, evidence);
	if (error != HISTORY_OK || evidence->proof == HISTORY_PROOF_EMPTY)
		return (error);
	evidence->newest = evidence->detail.txn;
	if (evidence->proof != HISTORY_PROOF_HELD) {
		struct history_detail resumed;

		error = find(history, resumed_sql, 0, &resumed);
		if (error == HISTORY_OK) {
			history_detail_fini(&evidence->detail);
			evidence->detail = resumed;
			evidence->proof = HISTORY_PROOF_RESUMED;
			error = fetch_run(history, resumed.txn.last.by_run,
			    &evidence->next);
		}
		if (error == HISTORY_E_NONE)
			error = HISTORY_OK;
	}
	later.parameters[0] = evidence->detail.txn.n;
	if (error == HISTORY_OK)
		error = fetch_one(history, &later, &evidence->later);
	/* A held row with something after it proves nothing about now. */
	if (evidence->proof == HISTORY_PROOF_HELD && evidence->later > 0)
		evidence->proof = HISTORY_PROOF_UNENDED;
	if (error != HISTORY_OK)
		history_detail_fini(&evidence->detail);
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
