/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions about the history: see query.h.
 */
#include <sys/queue.h>

#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "histq.h"
#include "histwire.h"
#include "kernel/vssdev/clock.h"
#include "query.h"
#include "sdk/proto.h"

struct question {
	TAILQ_ENTRY(question) entry;
	struct client *client; /* NULL: nobody waits for the answer */
	uint64_t number;
	uint64_t until_ms;
	const char *kind;
	bool has_before, has_limit;
	uint64_t id, before, skip, limit;
	char name[WIRE_NAME_MAX + 1];
};

TAILQ_HEAD(question_list, question);

struct query {
	struct histq *queue; /* borrows */
	struct event *timer;
	struct question questions[QUERY_MAX];
	struct question_list unused;
	struct question_list waiting; /* in the order of their deadlines */
	struct question *asked; /* the one that the process has, or NULL */
	uint64_t last_number;
	bool held;
};

/* What an item of the process is to clients. */
static const struct {
	enum histwire_key from;
	enum proto_key to;
} item_keys[] = {
	{ HK_KIND, PK_KIND },
	{ HK_ID, PK_ID },
	{ HK_AT_MS, PK_AT_MS },
	{ HK_OP, PK_OP },
	{ HK_SOURCE, PK_SOURCE },
	{ HK_MSGID, PK_MSGID },
	{ HK_STATE, PK_STATE },
	{ HK_OUTCOME, PK_OUTCOME },
	{ HK_CONSISTENCY, PK_CONSISTENCY },
	{ HK_REASON, PK_REASON },
	{ HK_NAME, PK_NAME },
	{ HK_HOST, PK_HOST },
	{ HK_ELAPSED_MS, PK_ELAPSED_MS },
	{ HK_LATE_MS, PK_LATE_MS },
	{ HK_PARTICIPANTS, PK_PARTICIPANTS },
	{ HK_READY, PK_READY },
	{ HK_RESULT, PK_RESULT },
	{ HK_THAW, PK_THAW },
	{ HK_PID, PK_PID },
	{ HK_UID, PK_UID },
	{ HK_ORDER, PK_ORDER },
	{ HK_REQUIRED, PK_REQUIRED },
	{ HK_TOLD_AT_MS, PK_TOLD_AT_MS },
	{ HK_READY_AT_MS, PK_READY_AT_MS },
	{ HK_THAW_TOLD_AT_MS, PK_THAW_TOLD_AT_MS },
	{ HK_THAWED_AT_MS, PK_THAWED_AT_MS },
	{ HK_PROGRAM, PK_PROGRAM },
	{ HK_TEXT, PK_TEXT },
};

static void
query_release(struct query *query, struct question *question)
{
	question->client = NULL;
	if (question == query->asked)
		query->asked = NULL;
	else
		TAILQ_REMOVE(&query->waiting, question, entry);
	TAILQ_INSERT_HEAD(&query->unused, question, entry);
}

/* It gets no answer but this. */
static void
query_fail(struct question *question, const char *code, const char *text)
{
	if (question->client != NULL)
		client_send_error(question->client, code, "HISTORY", NULL,
		    text);
	question->client = NULL;
}

/* The one that was asked is awaited all the same, if it went out. */
static void
query_fail_asked(struct query *query, const char *text)
{
	if (query->asked == NULL)
		return;
	query_fail(query->asked, "unavailable", text);
	if (histq_ask_no_more(query->queue))
		query_release(query, query->asked);
}

static void
query_fail_waiting(struct query *query, const char *text)
{
	struct question *question;

	while ((question = TAILQ_FIRST(&query->waiting)) != NULL) {
		query_fail(question, "unavailable", text);
		query_release(query, question);
	}
}

static void
query_arm(struct query *query)
{
	const struct question *first = query->asked;
	const uint64_t now_ms = clock_now_ms();
	uint64_t after_ms;
	struct timeval after;

	if (first == NULL || first->client == NULL)
		first = TAILQ_FIRST(&query->waiting);
	if (first == NULL) {
		(void)event_del(query->timer);
		return;
	}
	after_ms = first->until_ms > now_ms ? first->until_ms - now_ms : 0;
	after.tv_sec = (time_t)(after_ms / 1000);
	after.tv_usec = (suseconds_t)(after_ms % 1000 * 1000);
	(void)event_add(query->timer, &after);
}

static bool
query_send(struct query *query, const struct question *question)
{
	struct wire_line line;

	wire_begin(&line, &histwire_row_grammar, HR_QUERY);
	wire_put_uint(&line, HK_QUERY, question->number);
	wire_put_text(&line, HK_KIND, question->kind);
	wire_put_uint(&line, HK_ID, question->id);
	wire_put_uint(&line, HK_SKIP, question->skip);
	if (question->has_before)
		wire_put_uint(&line, HK_BEFORE, question->before);
	if (question->has_limit)
		wire_put_uint(&line, HK_LIMIT, question->limit);
	if (question->name[0] != '\0')
		wire_put_text(&line, HK_NAME, question->name);
	return (histq_ask(query->queue, &line));
}

static void
query_next(struct query *query)
{
	struct question *question = TAILQ_FIRST(&query->waiting);

	if (query->asked == NULL && question != NULL) {
		if (query_send(query, question)) {
			TAILQ_REMOVE(&query->waiting, question, entry);
			query->asked = question;
		} else {
			query_fail_waiting(query, "the history is not there");
		}
	}
	query_arm(query);
}

static void
query_on_timer(int fd, short what, void *arg)
{
	static const char text[] = "the history does not answer in time";
	struct query *query = arg;
	struct question *question;
	const uint64_t now_ms = clock_now_ms();

	(void)fd;
	(void)what;
	if (query->asked != NULL && query->asked->until_ms <= now_ms)
		query_fail_asked(query, text);
	while ((question = TAILQ_FIRST(&query->waiting)) != NULL &&
	    question->until_ms <= now_ms) {
		query_fail(question, "unavailable", text);
		query_release(query, question);
	}
	query_next(query);
}

struct query *
query_create(struct event_base *base, struct histq *queue)
{
	struct query *query;

	query = calloc(1, sizeof(*query));
	if (query == NULL)
		return (NULL);
	query->queue = queue;
	TAILQ_INIT(&query->unused);
	TAILQ_INIT(&query->waiting);
	for (size_t i = 0; i < QUERY_MAX; i++)
		TAILQ_INSERT_TAIL(&query->unused, &query->questions[i], entry);
	query->timer = event_new(base, -1, 0, query_on_timer, query);
	if (query->timer == NULL) {
		free(query);
		errno = ENOMEM;
		return (NULL);
	}
	return (query);
}

void
query_destroy(struct query *query)
{
	if (query == NULL)
		return;
	event_free(query->timer);
	free(query);
}

/* What HISTORY asks for; NULL: no kind that there is. */
static const char *
query_kind(const struct wire_msg *msg)
{
	const char *kind = wire_get_text(msg, PK_KIND, NULL);

	if (kind == NULL)
		return (wire_has(msg, PK_ID) ? "transaction" : "transactions");
	if (strcmp(kind, "transaction") == 0)
		return ("transaction");
	if (strcmp(kind, "transactions") == 0)
		return ("transactions");
	return (strcmp(kind, "events") == 0 ? "events" : NULL);
}

static bool
query_is_asking(const struct query *query, const struct client *client)
{
	const struct question *question;

	if (query->asked != NULL && query->asked->client == client)
		return (true);
	TAILQ_FOREACH(question, &query->waiting, entry) {
		if (question->client == client)
			return (true);
	}
	return (false);
}

/* NULL: there is nothing to be asked now, and the ERROR was sent. */
static struct question *
query_admit(struct query *query, struct client *client,
    const struct wire_msg *msg)
{
	const char *code = NULL, *text = NULL;

	if (query_kind(msg) == NULL) {
		code = "bad_value";
		text = "kind";
	} else if (query->held) {
		code = "unavailable";
		text = "a freeze is under way";
	} else if (!histq_connected(query->queue)) {
		code = "unavailable";
		text = "the history is not there";
	} else if (query_is_asking(query, client)) {
		code = "busy";
		text = "the last HISTORY is not answered yet";
	} else if (TAILQ_EMPTY(&query->unused)) {
		code = "busy";
		text = "too many ask for the history";
	}
	if (code == NULL)
		return (TAILQ_FIRST(&query->unused));
	client_send_error(client, code, "HISTORY", NULL, text);
	return (NULL);
}

void
query_ask(struct query *query, struct client *client,
    const struct wire_msg *msg)
{
	struct question *question = query_admit(query, client, msg);

	if (question == NULL)
		return;
	TAILQ_REMOVE(&query->unused, question, entry);
	*question = (struct question) {
		.client = client,
		.number = ++query->last_number,
		.until_ms = clock_now_ms() + QUERY_MS,
		.kind = query_kind(msg),
		.has_before = wire_has(msg, PK_BEFORE),
		.has_limit = wire_has(msg, PK_LIMIT),
		.id = wire_get_uint(msg, PK_ID, 0),
		.before = wire_get_uint(msg, PK_BEFORE, 0),
		.skip = wire_get_uint(msg, PK_SKIP, 0),
		.limit = wire_get_uint(msg, PK_LIMIT, 0),
	};
	(void)snprintf(question->name, sizeof(question->name), "%s",
	    wire_get_text(msg, PK_NAME, ""));
	TAILQ_INSERT_TAIL(&query->waiting, question, entry);
	query_next(query);
}

void
query_forget(struct query *query, const struct client *client)
{
	struct question *question, *next;

	if (query->asked != NULL && query->asked->client == client)
		query->asked->client = NULL;
	for (question = TAILQ_FIRST(&query->waiting); question != NULL;
	     question = next) {
		next = TAILQ_NEXT(question, entry);
		if (question->client == client)
			query_release(query, question);
	}
}

void
query_hold(struct query *query, bool held)
{
	static const char text[] = "a freeze is under way";

	query->held = held;
	if (!held)
		return;
	query_fail_asked(query, text);
	query_fail_waiting(query, text);
	query_arm(query);
}

static void
query_send_item(struct client *client, const struct wire_msg *msg)
{
	struct wire_line line;
	size_t i;

	wire_begin(&line, &proto_broker_grammar, PB_ITEM);
	for (i = 0; i < sizeof(item_keys) / sizeof(item_keys[0]); i++) {
		const unsigned from = item_keys[i].from, to = item_keys[i].to;
		const struct wire_key_def *def = &proto_broker_grammar.keys[to];
		const char *text;

		if (!wire_has(msg, from))
			continue;
		if (def->type == WIRE_UINT) {
			uint64_t number = wire_get_uint(msg, from, 0);

			if (number >= def->min && number <= def->max)
				wire_put_uint(&line, to, number);
			continue;
		}
		text = wire_get_text(msg, from, "");
		if (wire_suits_type(def, text, strlen(text)))
			wire_put_text(&line, to, text);
	}
	client_send(client, &line);
}

static void
query_send_done(struct client *client, const struct wire_msg *msg)
{
	struct wire_line line;

	if (wire_has(msg, HK_CODE)) {
		client_send_error(client, wire_get_text(msg, HK_CODE, ""),
		    "HISTORY", NULL, NULL);
		return;
	}
	wire_begin(&line, &proto_broker_grammar, PB_END);
	wire_put_text(&line, PK_VERB, "HISTORY");
	if (wire_has(msg, HK_BEFORE))
		wire_put_uint(&line, PK_BEFORE,
		    wire_get_uint(msg, HK_BEFORE, 0));
	if (wire_has(msg, HK_SKIP))
		wire_put_uint(&line, PK_SKIP, wire_get_uint(msg, HK_SKIP, 0));
	client_send(client, &line);
}

void
query_answer(struct query *query, const struct wire_msg *msg)
{
	struct question *asked = query->asked;

	if (asked == NULL || wire_get_uint(msg, HK_QUERY, 0) != asked->number)
		return;
	if (msg->verb == HA_ITEM) {
		if (asked->client != NULL)
			query_send_item(asked->client, msg);
		return;
	}
	if (asked->client != NULL)
		query_send_done(asked->client, msg);
	query_release(query, asked);
	query_next(query);
}

void
query_lost(struct query *query)
{
	static const char text[] = "the history is not there";

	if (query->asked != NULL) {
		query_fail(query->asked, "unavailable", text);
		query_release(query, query->asked);
	}
	query_fail_waiting(query, text);
	query_arm(query);
}
