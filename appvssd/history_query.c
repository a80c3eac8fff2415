/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of the history for the broker: see history_query.h.  Reads only.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history_query.h"
#include "history_read_impl.h"
#include "history_sql.h"
#include "histwire.h"

#define STEPS_BETWEEN 4000 /* of SQLite's machine: about a millisecond */
#define LIMIT_DEFAULT 20

struct stop {
	bool (*stops)(void *arg);
	void *arg;
};

/* What an answer is made with, and where the next page begins. */
struct answer {
	struct history *history;
	const struct history_query *query;
	struct history_page *page;
	size_t left; /* items that the page may still have */
	bool full;   /* of bytes */
};

bool
history_query_take(struct history_query *query, const struct wire_msg *msg)
{
	const char *kind = wire_get_text(msg, HK_KIND, "");

	memset(query, 0, sizeof(*query));
	if (strcmp(kind, "transactions") == 0)
		query->kind = HISTORY_QUERY_TXNS;
	else if (strcmp(kind, "transaction") == 0)
		query->kind = HISTORY_QUERY_TXN;
	else if (strcmp(kind, "events") == 0)
		query->kind = HISTORY_QUERY_EVENTS;
	else
		return (false);
	query->number = wire_get_uint(msg, HK_QUERY, 0);
	query->id = (int64_t)wire_get_uint(msg, HK_ID, 0);
	query->before = (int64_t)wire_get_uint(msg, HK_BEFORE, INT64_MAX);
	query->skip = wire_get_uint(msg, HK_SKIP, 0);
	query->limit = wire_get_uint(msg, HK_LIMIT, LIMIT_DEFAULT);
	snprintf(query->name, sizeof(query->name), "%s",
	    wire_get_text(msg, HK_NAME, ""));
	return (true);
}

static void
begin_item(struct answer *answer, struct wire_line *line, const char *kind)
{
	wire_begin(line, &histwire_answer_grammar, HA_ITEM);
	wire_put_uint(line, HK_QUERY, answer->query->number);
	wire_put_text(line, HK_KIND, kind);
}

/*
 * The page keeps room for DONE.  Only participants can fill it: a hundred of
 * any other kind are not so long.
 */
static void
end_item(struct answer *answer, struct wire_line *line)
{
	struct history_page *page = answer->page;

	if (answer->full)
		return;
	if (wire_end(line) != WIRE_OK) {
		answer->left--;
		return;
	}
	if (page->length + line->length > sizeof(page->bytes) - WIRE_LINE_MAX) {
		answer->full = true;
		return;
	}
	memcpy(page->bytes + page->length, line->bytes, line->length);
	page->length += line->length;
	answer->left--;
}

/* False: the page takes no more, and the item is the next page's. */
static bool
has_room(const struct answer *answer)
{
	return (answer->left > 0 && !answer->full);
}

static void
put(struct wire_line *line, unsigned key, const char *value)
{
	const struct wire_key_def *def = &histwire_answer_grammar.keys[key];

	if (value[0] != '\0' && wire_suits_type(def, value, strlen(value)))
		wire_put_text(line, key, value);
}

/* Negative: it is not known. */
static void
put_number(struct wire_line *line, unsigned key, int64_t value)
{
	const struct wire_key_def *def = &histwire_answer_grammar.keys[key];

	if (value >= 0 && (uint64_t)value >= def->min &&
	    (uint64_t)value <= def->max)
		wire_put_uint(line, key, (uint64_t)value);
}

static void
put_state(struct wire_line *line, const struct history_state *state)
{
	put(line, HK_CONSISTENCY, state->consistency);
	put(line, HK_REASON, state->reason);
	put(line, HK_NAME, state->culprit);
	put(line, HK_HOST, state->host);
	put_number(line, HK_ELAPSED_MS, state->elapsed_ms);
}

static void
add_txn(struct answer *answer, const struct history_txn *txn)
{
	struct wire_line line;

	begin_item(answer, &line, "transaction");
	put_number(&line, HK_ID, txn->id);
	put_number(&line, HK_AT_MS, txn->at_ms);
	put(&line, HK_OP, txn->op);
	put(&line, HK_SOURCE, txn->source);
	wire_put_uint(&line, HK_MSGID, txn->msgid);
	put(&line, HK_OUTCOME,
	    txn->last.state[0] == '\0' ? "unfinished" : txn->last.state);
	put_state(&line, &txn->last);
	put_number(&line, HK_PARTICIPANTS, txn->parts);
	put_number(&line, HK_READY, txn->parts_ready);
	end_item(answer, &line);
}

static void
add_run(struct answer *answer, const struct history_txn *txn,
    const struct history_run *run)
{
	struct wire_line line;

	begin_item(answer, &line, "run");
	put_number(&line, HK_ID, txn->id);
	put_number(&line, HK_AT_MS, run->started_at_ms);
	put(&line, HK_PROGRAM, run->version);
	put(&line, HK_TEXT, run->boot_id);
	end_item(answer, &line);
}

static void
add_generation(struct answer *answer, const struct history_txn *txn,
    const struct history_run *run)
{
	struct wire_line line;

	begin_item(answer, &line, "generation");
	put_number(&line, HK_ID, txn->id);
	put(&line, HK_TEXT, run->generation);
	end_item(answer, &line);
}

static void
add_state(struct answer *answer, const struct history_txn *txn,
    const struct history_state *state)
{
	struct wire_line line;

	begin_item(answer, &line, "state");
	put_number(&line, HK_ID, txn->id);
	put_number(&line, HK_AT_MS, state->at_ms);
	put(&line, HK_STATE, state->state);
	put_state(&line, state);
	put_number(&line, HK_LATE_MS, state->late_ms);
	end_item(answer, &line);
}

static void
add_part(struct answer *answer, const struct history_txn *txn,
    const struct history_part *part)
{
	struct wire_line line;

	begin_item(answer, &line, "participant");
	put_number(&line, HK_ID, txn->id);
	put(&line, HK_NAME, part->name);
	put(&line, HK_STATE, part->phase);
	put(&line, HK_RESULT, part->result);
	put(&line, HK_THAW, part->thaw);
	put_number(&line, HK_PID, part->pid);
	put_number(&line, HK_UID, part->uid);
	put_number(&line, HK_ORDER, part->order);
	wire_put_uint(&line, HK_REQUIRED, part->required ? 1 : 0);
	put_number(&line, HK_TOLD_AT_MS, part->told_at_ms);
	put_number(&line, HK_READY_AT_MS, part->ready_at_ms);
	put_number(&line, HK_THAW_TOLD_AT_MS, part->thaw_told_at_ms);
	put_number(&line, HK_THAWED_AT_MS, part->thawed_at_ms);
	put(&line, HK_PROGRAM, part->program);
	put(&line, HK_TEXT, part->text);
	end_item(answer, &line);
}

static void
add_event(struct answer *answer, const struct history_event *event)
{
	struct wire_line line;

	begin_item(answer, &line, "event");
	put_number(&line, HK_ID, event->id);
	put_number(&line, HK_AT_MS, event->at_ms);
	put(&line, HK_REASON, event->kind);
	put(&line, HK_TEXT, event->text);
	end_item(answer, &line);
}

/* The page keeps WIRE_LINE_MAX bytes for this. */
static void
add_done(struct answer *answer, unsigned key, int64_t value)
{
	struct history_page *page = answer->page;
	struct wire_line line;

	wire_begin(&line, &histwire_answer_grammar, HA_DONE);
	wire_put_uint(&line, HK_QUERY, answer->query->number);
	if (value >= 0)
		wire_put_uint(&line, key, (uint64_t)value);
	if (wire_end(&line) != WIRE_OK)
		return;
	memcpy(page->bytes + page->length, line.bytes, line.length);
	page->length += line.length;
}

void
history_query_refuse(const struct history_query *query, const char *code,
    struct history_page *page)
{
	struct wire_line line;

	page->length = 0;
	wire_begin(&line, &histwire_answer_grammar, HA_DONE);
	wire_put_uint(&line, HK_QUERY, query->number);
	wire_put_text(&line, HK_CODE, code);
	if (wire_end(&line) != WIRE_OK)
		return;
	memcpy(page->bytes, line.bytes, line.length);
	page->length = line.length;
}

/* After few items of a participant there may be more beyond what was seen. */
static enum history_error
find_scanned(struct answer *answer, int64_t *beforep)
{
	static const char sql[] = "SELECT id FROM txn WHERE id < ?1"
				  " ORDER BY id DESC LIMIT 1 OFFSET 1999";
	enum history_error error;

	_Static_assert(HISTORY_SCAN_MAX == 2000, "the OFFSET above");
	error = history_fetch_number(answer->history, sql,
	    answer->query->before, beforep);
	return (error == HISTORY_E_NONE ? HISTORY_OK : error);
}

static enum history_error
answer_txns(struct answer *answer)
{
	const struct history_query *query = answer->query;
	struct history_txn *txns = NULL;
	enum history_error error;
	int64_t before = -1;
	size_t count = 0;

	if (query->name[0] == '\0')
		error = history_fetch_before(answer->history, query->before,
		    query->limit, &txns, &count);
	else
		error = history_fetch_named(answer->history, query->before,
		    query->name, query->limit, &txns, &count);
	for (size_t i = 0; error == HISTORY_OK && i < count; i++)
		add_txn(answer, &txns[i]);
	if (count == query->limit && count > 0)
		before = txns[count - 1].id;
	else if (error == HISTORY_OK && query->name[0] != '\0')
		error = find_scanned(answer, &before);
	free(txns);
	if (error == HISTORY_OK)
		add_done(answer, HK_BEFORE, before);
	return (error);
}

static enum history_error
answer_events(struct answer *answer)
{
	struct history_event *events = NULL;
	enum history_error error;
	int64_t before = -1;
	size_t count = 0;

	error = history_fetch_all_events(answer->history, answer->query->before,
	    answer->query->limit, &events, &count);
	for (size_t i = 0; error == HISTORY_OK && i < count; i++)
		add_event(answer, &events[i]);
	if (count == answer->query->limit && count > 0)
		before = events[count - 1].n;
	free(events);
	if (error == HISTORY_OK)
		add_done(answer, HK_BEFORE, before);
	return (error);
}

/* The first items of a transaction: itself, its run, its states. */
static enum history_error
add_head(struct answer *answer, const struct history_txn *txn, size_t *indexp)
{
	const size_t skip = answer->query->skip;
	struct history_state *states = NULL;
	enum history_error error;
	struct history_run run;
	size_t count = 0;

	error = history_fetch_run(answer->history, txn->run, &run);
	if (error == HISTORY_OK)
		error = history_fetch_states(answer->history, txn, &states,
		    &count);
	if (error != HISTORY_OK)
		return (error);
	for (size_t i = skip; i < 3 + count && has_room(answer); i++) {
		if (i == 0)
			add_txn(answer, txn);
		else if (i == 1)
			add_run(answer, txn, &run);
		else if (i == 2)
			add_generation(answer, txn, &run);
		else
			add_state(answer, txn, &states[i - 3]);
	}
	free(states);
	*indexp = 3 + count;
	return (HISTORY_OK);
}

/* How many of those that begin at index are behind us already. */
static size_t
skipped(const struct answer *answer, size_t index)
{
	return (answer->query->skip > index ? answer->query->skip - index : 0);
}

static enum history_error
add_parts(struct answer *answer, const struct history_txn *txn, size_t index)
{
	struct history_part *parts = NULL;
	enum history_error error;
	size_t count = 0;

	error = history_fetch_parts(answer->history, txn,
	    skipped(answer, index), answer->left, &parts, &count);
	for (size_t i = 0; error == HISTORY_OK && i < count; i++)
		add_part(answer, txn, &parts[i]);
	free(parts);
	return (error);
}

static enum history_error
add_events(struct answer *answer, const struct history_txn *txn, size_t index)
{
	struct history_event *events = NULL;
	enum history_error error;
	size_t count = 0;

	error = history_fetch_events(answer->history, txn,
	    skipped(answer, index), answer->left, &events, &count);
	for (size_t i = 0; error == HISTORY_OK && i < count; i++)
		add_event(answer, &events[i]);
	free(events);
	return (error);
}

static enum history_error
answer_txn(struct answer *answer)
{
	const struct history_query *query = answer->query;
	enum history_error error;
	struct history_txn txn;
	size_t index;

	error = history_fetch_txn(answer->history,
	    query->id == 0 ? HISTORY_NEWEST_FREEZE : HISTORY_BY_ID, query->id,
	    &txn);
	if (error == HISTORY_E_NONE) {
		history_query_refuse(query, "unknown_id", answer->page);
		return (HISTORY_OK);
	}
	if (error == HISTORY_OK)
		error = add_head(answer, &txn, &index);
	if (error == HISTORY_OK && has_room(answer))
		error = add_parts(answer, &txn, index);
	if (error == HISTORY_OK && has_room(answer))
		error = add_events(answer, &txn, index + txn.parts);
	if (error == HISTORY_OK)
		add_done(answer, HK_SKIP,
		    has_room(answer) ?
			-1 :
			(int64_t)(query->skip + query->limit - answer->left));
	return (error);
}

static enum history_error
answer_kind(struct answer *answer)
{
	switch (answer->query->kind) {
	case HISTORY_QUERY_TXNS:
		return (answer_txns(answer));
	case HISTORY_QUERY_TXN:
		return (answer_txn(answer));
	case HISTORY_QUERY_EVENTS:
		break;
	}
	return (answer_events(answer));
}

static int
on_progress(void *arg)
{
	const struct stop *stop = arg;

	return (stop->stops(stop->arg) ? 1 : 0);
}

enum historydb_result
history_query_run(struct sqlite3 *db, const struct history_query *query,
    bool (*stops)(void *arg), void *arg, struct history_page *page)
{
	struct stop stop = { stops, arg };
	struct history history = { .db = db };
	struct answer answer = { &history, query, page, query->limit, false };
	enum historydb_result result;
	enum history_error error;

	page->length = 0;
	if (db == NULL && query->kind == HISTORY_QUERY_TXN) {
		history_query_refuse(query, "unknown_id", page);
		return (HISTORYDB_OK);
	}
	if (db == NULL) {
		add_done(&answer, HK_BEFORE, -1);
		return (HISTORYDB_OK);
	}
	sqlite3_progress_handler(db, STEPS_BETWEEN, on_progress, &stop);
	error = answer_kind(&answer);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	if (error == HISTORY_OK)
		return (HISTORYDB_OK);
	page->length = 0;
	result = error == HISTORY_E_SYSTEM ?
	    HISTORYDB_RETRY :
	    historysql_result(sqlite3_extended_errcode(db));
	return (result == HISTORYDB_OK ? HISTORYDB_RETRY : result);
}
