/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the broker and their answers.  One is asked at a time, as the
 * broker takes one HISTORY of a connection at a time.  An answer that is longer
 * than the broker gives at once is asked for in pages.
 *
 * A question that nobody waits for any more (is_over) stays the first until the
 * broker has ended its answer, so that this is not taken for another's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

struct query {
	TAILQ_ENTRY(query) link;
	struct appvss_query_callbacks callbacks;
	void *arg; /* borrows */
	enum appvss_question question;
	char name[APPVSS_NAME_MAX + 1];
	uint64_t id;
	uint64_t before; /* of the page; 0: the first */
	uint64_t skip;
	uint64_t rows_left;
	uint32_t timeout_ms;
	uint64_t deadline_at_ms; /* of the page */
	bool is_asked;
	bool is_over; /* its end was called */
};

static void
forget(struct appvss *handle, struct query *query)
{
	TAILQ_REMOVE(&handle->queries, query, link);
	handle->nqueries--;
	free(query);
}

/* The end of what the program sees of it. */
static void
finish(struct appvss *handle, struct query *query, int error, const char *text,
    uint64_t next_before)
{
	const struct appvss_end end = { error, text, next_before };

	query->is_over = true;
	client_unlock(handle);
	query->callbacks.end(handle, &end, query->arg);
	client_lock(handle);
}

static const char *
verb_of(const struct query *query)
{
	return (query->question == APPVSS_ASK_STATUS ? "STATUS" : "HISTORY");
}

static bool
has_rows_max(const struct query *query)
{
	return (query->question == APPVSS_ASK_TRANSACTIONS ||
	    query->question == APPVSS_ASK_EVENTS);
}

static void
put_page(struct wire_line *line, const struct query *query)
{
	switch (query->question) {
	case APPVSS_ASK_STATUS:
		return;
	case APPVSS_ASK_TRANSACTIONS:
		wire_put_text(line, PK_KIND, "transactions");
		if (query->name[0] != '\0')
			wire_put_text(line, PK_NAME, query->name);
		break;
	case APPVSS_ASK_TRANSACTION:
		wire_put_text(line, PK_KIND, "transaction");
		wire_put_uint(line, PK_ID, query->id);
		break;
	case APPVSS_ASK_EVENTS:
		wire_put_text(line, PK_KIND, "events");
		break;
	}
	if (query->before != 0)
		wire_put_uint(line, PK_BEFORE, query->before);
	if (query->skip != 0)
		wire_put_uint(line, PK_SKIP, query->skip);
	wire_put_uint(line, PK_LIMIT,
	    query->rows_left < PROTO_LIMIT_MAX ? query->rows_left :
						 PROTO_LIMIT_MAX);
}

static void
ask(struct appvss *handle, struct query *query, uint64_t now_ms)
{
	wire_begin(&handle->line, &proto_client_grammar,
	    query->question == APPVSS_ASK_STATUS ? PC_STATUS : PC_HISTORY);
	put_page(&handle->line, query);
	query->deadline_at_ms = now_ms + query->timeout_ms;
	query->is_asked = session_send_line(handle);
}

/* The time to wait for a connection counts as well. */
static void
run_deadlines(struct appvss *handle, uint64_t now_ms)
{
	struct query *query, *next;

	for (query = TAILQ_FIRST(&handle->queries); query != NULL;
	     query = next) {
		if (!query->is_over && query->deadline_at_ms <= now_ms)
			finish(handle, query, APPVSS_E_UNAVAILABLE,
			    "the broker does not answer in time", 0);
		/* Only now: the callback may have added to the end. */
		next = TAILQ_NEXT(query, link);
		if (query->is_over && !query->is_asked)
			forget(handle, query);
	}
}

/* What is asked from these callbacks is asked of the next connection. */
void
query_end_all(struct appvss *handle, int error, const char *text)
{
	struct query *last = TAILQ_LAST(&handle->queries, query_list);
	struct query *query;
	bool is_last;

	while (last != NULL) {
		query = TAILQ_FIRST(&handle->queries);
		is_last = query == last;
		/* analyze: what is freed is not on the list any more. */
		query->is_asked = false;
		if (!query->is_over)
			finish(handle, query, error, text, 0);
		forget(handle, query);
		if (is_last)
			return;
	}
}

void
query_run(struct appvss *handle, uint64_t now_ms)
{
	struct query *query;

	if (handle->state == CLIENT_WAITING)
		query_end_all(handle, handle->lost_error, handle->lost_text);
	/* Who could not run for a while still asks what it was told to. */
	query = TAILQ_FIRST(&handle->queries);
	/* analyze: likewise. */
	if (query != NULL && !query->is_asked && !query->is_over &&
	    handle->state == CLIENT_WELCOMED && conn_has_room(handle))
		ask(handle, query, now_ms);
	run_deadlines(handle, now_ms);
}

uint64_t
query_next_at_ms(const struct appvss *handle)
{
	const struct query *query = TAILQ_FIRST(&handle->queries);
	uint64_t next_at_ms = CLIENT_NEVER;

	if (query == NULL)
		return (CLIENT_NEVER);
	if (handle->state == CLIENT_WAITING)
		return (0);
	if (handle->state == CLIENT_WELCOMED && !query->is_asked &&
	    conn_has_room(handle))
		return (0);
	TAILQ_FOREACH(query, &handle->queries, link)
		if (!query->is_over && query->deadline_at_ms < next_at_ms)
			next_at_ms = query->deadline_at_ms;
	return (next_at_ms);
}

/* The one whose answer comes, or NULL. */
static struct query *
find_asked(struct appvss *handle)
{
	struct query *query = TAILQ_FIRST(&handle->queries);

	return (query != NULL && query->is_asked ? query : NULL);
}

void
query_receive_item(struct appvss *handle, const struct wire_msg *msg)
{
	struct query *query = find_asked(handle);
	struct appvss_row row;

	if (query == NULL || query->is_over)
		return;
	if (msg == NULL) {
		finish(handle, query, APPVSS_E_PROTOCOL,
		    "the broker sent a row that makes no sense", 0);
		return;
	}
	if (has_rows_max(query)) {
		if (query->rows_left == 0)
			return; /* more than was asked for */
		query->rows_left--;
	}
	if (query->callbacks.row == NULL)
		return;
	row_of_msg(&row, msg);
	client_unlock(handle);
	query->callbacks.row(handle, &row, query->arg);
	client_lock(handle);
}

void
query_receive_end(struct appvss *handle, const struct wire_msg *msg)
{
	struct query *query = find_asked(handle);
	uint64_t before = wire_get_uint(msg, PK_BEFORE, 0);
	uint64_t skip = wire_get_uint(msg, PK_SKIP, 0);
	bool goes_on;

	if (query == NULL ||
	    strcmp(wire_get_text(msg, PK_VERB, ""), verb_of(query)) != 0)
		return;
	query->is_asked = false;
	if (query->is_over) {
		forget(handle, query);
		return;
	}
	/* Pages must lead to an end. */
	goes_on = (before != 0 &&
		      (query->before == 0 || before < query->before)) ||
	    skip > query->skip;
	if (goes_on && (!has_rows_max(query) || query->rows_left > 0)) {
		query->before = before;
		query->skip = skip;
		query->deadline_at_ms = client_now_ms() + query->timeout_ms;
		return;
	}
	if ((before != 0 || skip != 0) && !goes_on)
		finish(handle, query, APPVSS_E_PROTOCOL,
		    "the broker goes on with what it has sent", 0);
	else
		finish(handle, query, APPVSS_OK, "", before);
	forget(handle, query);
}

void
query_receive_error(struct appvss *handle, const char *verb, int error,
    const char *text)
{
	struct query *query = find_asked(handle);

	if (query == NULL || strcmp(verb, verb_of(query)) != 0)
		return;
	query->is_asked = false;
	if (!query->is_over)
		finish(handle, query, error, text, 0);
	forget(handle, query);
}

void
query_discard(struct appvss *handle)
{
	struct query *query;

	/* analyze: likewise. */
	while ((query = TAILQ_FIRST(&handle->queries)) != NULL)
		forget(handle, query);
}

static bool
is_valid(const struct appvss_query *query,
    const struct appvss_query_callbacks *callbacks)
{
	static const struct wire_key_def name_def = { "name", WIRE_NAME, 0, 0 };

	return (query != NULL && callbacks != NULL && callbacks->end != NULL &&
	    query->question >= APPVSS_ASK_STATUS &&
	    query->question <= APPVSS_ASK_EVENTS &&
	    query->id <= PROTO_COUNTER_MAX &&
	    query->before <= PROTO_COUNTER_MAX &&
	    query->timeout_ms <= PROTO_MS_MAX &&
	    (query->name == NULL ||
		wire_suits_type(&name_def, query->name, strlen(query->name))));
}

static int
add_query(struct appvss *handle, const struct appvss_query *wanted,
    const struct appvss_query_callbacks *callbacks, void *arg)
{
	struct query *query;

	if (handle->is_closing)
		return (APPVSS_E_CLOSED);
	if (handle->nqueries == CLIENT_QUERIES_MAX)
		return (APPVSS_E_LIMIT);
	query = calloc(1, sizeof(*query));
	if (query == NULL)
		return (APPVSS_E_NOMEM);
	query->callbacks = *callbacks;
	query->arg = arg;
	query->question = wanted->question;
	if (wanted->name != NULL)
		snprintf(query->name, sizeof(query->name), "%s", wanted->name);
	query->id = wanted->id;
	query->before = has_rows_max(query) ? wanted->before : 0;
	query->rows_left = PROTO_LIMIT_MAX;
	if (has_rows_max(query))
		query->rows_left = wanted->rows_max != 0 ? wanted->rows_max :
							   APPVSS_ROWS_DEFAULT;
	query->timeout_ms = wanted->timeout_ms != 0 ? wanted->timeout_ms :
						      APPVSS_QUERY_MS_DEFAULT;
	query->deadline_at_ms = client_now_ms() + query->timeout_ms;
	TAILQ_INSERT_TAIL(&handle->queries, query, link);
	handle->nqueries++;
	return (APPVSS_OK);
}

int
appvss_ask(struct appvss *handle, const struct appvss_query *query,
    const struct appvss_query_callbacks *callbacks, void *arg)
{
	int error;

	error = client_check(handle);
	if (error != APPVSS_OK)
		return (error);
	if (!is_valid(query, callbacks))
		return (APPVSS_E_INVAL);
	client_lock(handle);
	error = add_query(handle, query, callbacks, arg);
	client_unlock_changed(handle);
	return (error);
}
