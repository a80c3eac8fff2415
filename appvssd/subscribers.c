/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that watch: see subscribers.h and appvss-protocol(7).
 */
#include <assert.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "sdk/proto.h"
#include "subscribers.h"
#include "txn.h"

/* So many bytes of lines are gathered; the next one sends them at once. */
#define SUBSCRIBERS_LINES_MAX ((size_t)64 * 1024)

void
subscribers_flush(struct subscribers *subscribers)
{
	size_t i;

	for (i = 0; i < subscribers->count && subscribers->lines_bytes > 0; i++)
		client_send_bytes(subscribers->clients[i], subscribers->lines,
		    subscribers->lines_bytes);
	subscribers->lines_bytes = 0;
}

static void
subscribers_on_event(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	subscribers_flush(arg);
}

int
subscribers_init(struct subscribers *subscribers, struct event_base *base)
{
	*subscribers = (struct subscribers) { .clients = NULL };
	subscribers->event = event_new(base, -1, 0, subscribers_on_event,
	    subscribers);
	return (subscribers->event == NULL ? -1 : 0);
}

void
subscribers_fini(struct subscribers *subscribers)
{
	subscribers_flush(subscribers);
	if (subscribers->event != NULL)
		event_free(subscribers->event);
	free(subscribers->clients);
	free(subscribers->lines);
}

static bool
subscribers_have(const struct subscribers *subscribers,
    const struct client *client)
{
	size_t i;

	for (i = 0; i < subscribers->count; i++) {
		if (subscribers->clients[i] == client)
			return (true);
	}
	return (false);
}

static bool
subscribers_reserve(struct subscribers *subscribers)
{
	struct client **clients;
	size_t max;

	if (subscribers->lines == NULL)
		subscribers->lines = malloc(SUBSCRIBERS_LINES_MAX);
	if (subscribers->lines == NULL)
		return (false);
	if (subscribers->count < subscribers->max)
		return (true);
	max = subscribers->max == 0 ? 4 : subscribers->max * 2;
	clients = realloc(subscribers->clients, max * sizeof(*clients));
	if (clients == NULL)
		return (false);
	subscribers->clients = clients;
	subscribers->max = max;
	return (true);
}

void
subscribers_add(struct subscribers *subscribers, struct client *client)
{
	struct wire_line line;

	if (subscribers_have(subscribers, client)) {
		client_send_error(client, "again", "SUBSCRIBE", NULL, NULL);
		return;
	}
	if (!subscribers_reserve(subscribers)) {
		client_send_error(client, "limit", "SUBSCRIBE", NULL,
		    "out of memory");
		return;
	}
	/* What happened before is not for this one. */
	subscribers_flush(subscribers);
	subscribers->clients[subscribers->count++] = client;
	wire_begin(&line, &proto_broker_grammar, PB_OK);
	wire_put_text(&line, PK_VERB, "SUBSCRIBE");
	client_send(client, &line);
}

void
subscribers_remove(struct subscribers *subscribers, const struct client *client)
{
	size_t i;

	for (i = 0; i < subscribers->count; i++) {
		if (subscribers->clients[i] != client)
			continue;
		subscribers->clients[i] =
		    subscribers->clients[--subscribers->count];
		return;
	}
}

static void
subscribers_start(struct wire_line *line, const char *kind, uint64_t id)
{
	wire_begin(line, &proto_broker_grammar, PB_EVENT);
	wire_put_text(line, PK_KIND, kind);
	if (id != 0)
		wire_put_uint(line, PK_ID, id);
}

static void
subscribers_put(struct wire_line *line, unsigned key, const char *text)
{
	if (text != NULL && text[0] != '\0')
		wire_put_text(line, key, text);
}

static void
subscribers_send(struct subscribers *subscribers, struct wire_line *line)
{
	enum wire_error error;

	error = wire_end(line);
	assert(error == WIRE_OK);
	(void)error;
	if (subscribers->lines_bytes + line->length > SUBSCRIBERS_LINES_MAX)
		subscribers_flush(subscribers);
	if (subscribers->lines_bytes == 0)
		event_active(subscribers->event, EV_TIMEOUT, 1);
	memcpy(subscribers->lines + subscribers->lines_bytes, line->bytes,
	    line->length);
	subscribers->lines_bytes += line->length;
}

void
subscribers_begin(struct subscribers *subscribers, const struct txn *txn,
    const char *source)
{
	struct wire_line line;

	if (subscribers->count == 0)
		return;
	subscribers_start(&line, "begin", txn->id);
	wire_put_text(&line, PK_OP, txn_op_word(txn->op));
	wire_put_text(&line, PK_SOURCE, source);
	subscribers_send(subscribers, &line);
}

void
subscribers_held(struct subscribers *subscribers, const struct txn *txn)
{
	struct wire_line line;

	if (subscribers->count == 0)
		return;
	subscribers_start(&line, "held", txn->id);
	wire_put_text(&line, PK_CONSISTENCY,
	    txn_consistency_word(txn_prospect(txn)));
	wire_put_uint(&line, PK_ELAPSED_MS, txn->held_at_ms - txn->begun_at_ms);
	wire_put_uint(&line, PK_HOLD_MS, txn->hold_ms);
	subscribers_send(subscribers, &line);
}

/* What a participant came to, so long after it was told. */
static void
subscribers_put_answer(struct subscribers *subscribers, const struct txn *txn,
    size_t part, enum txn_op op, const char *name, const char *text,
    uint64_t now_ms)
{
	const struct txn_part *at = &txn->parts[part];
	bool thaw = op == TXN_OP_THAW;
	struct wire_line line;

	subscribers_start(&line, "answer", txn->id);
	wire_put_text(&line, PK_OP, txn_op_word(op));
	wire_put_text(&line, PK_NAME, name);
	wire_put_text(&line, PK_RESULT,
	    thaw ? txn_thaw_word(at->thaw) : txn_result_word(at->result));
	wire_put_uint(&line, PK_ELAPSED_MS,
	    now_ms - (thaw ? at->thaw_told_at_ms : at->told_at_ms));
	subscribers_put(&line, PK_TEXT, text);
	subscribers_send(subscribers, &line);
}

void
subscribers_told(struct subscribers *subscribers, const struct txn *txn,
    const struct txn_action *action, const char *name)
{
	const struct txn_part *part = &txn->parts[action->part];
	bool thaw = action->type == TXN_ACT_SEND_THAW;
	struct wire_line line;

	if (subscribers->count == 0)
		return;
	/* It has said nothing, so this is where that is seen. */
	if (thaw && part->result == TXN_RESULT_TIMEOUT)
		subscribers_put_answer(subscribers, txn, action->part,
		    TXN_OP_FREEZE, name, NULL, part->thaw_told_at_ms);
	subscribers_start(&line, "told", txn->id);
	wire_put_text(&line, PK_OP, txn_op_word(thaw ? TXN_OP_THAW : txn->op));
	wire_put_text(&line, PK_NAME, name);
	wire_put_uint(&line, PK_REMAINING_MS, action->remaining_ms);
	subscribers_send(subscribers, &line);
}

void
subscribers_answered(struct subscribers *subscribers, const struct txn *txn,
    const struct txn_event *event, const char *name, const char *text)
{
	if (subscribers->count > 0)
		subscribers_put_answer(subscribers, txn, event->part, event->op,
		    name, text, event->now_ms);
}

void
subscribers_progress(struct subscribers *subscribers,
    const struct wire_msg *msg)
{
	static const unsigned numbers[] = { PK_PERCENT, PK_REMAINING_MS };
	struct wire_line line;
	size_t i;

	if (subscribers->count == 0)
		return;
	subscribers_start(&line, "progress", wire_get_uint(msg, PK_ID, 0));
	wire_put_text(&line, PK_NAME, wire_get_text(msg, PK_NAME, ""));
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (wire_has(msg, numbers[i]))
			wire_put_uint(&line, numbers[i],
			    wire_get_uint(msg, numbers[i], 0));
	}
	subscribers_put(&line, PK_TEXT, wire_get_text(msg, PK_TEXT, NULL));
	subscribers_send(subscribers, &line);
}

void
subscribers_ended(struct subscribers *subscribers, const struct txn *txn,
    const struct subscribers_end *end)
{
	struct wire_line line;

	if (subscribers->count == 0)
		return;
	subscribers_start(&line, "end", txn->id);
	wire_put_text(&line, PK_OP, txn_op_word(txn->op));
	wire_put_text(&line, PK_OUTCOME, end->outcome);
	wire_put_text(&line, PK_CONSISTENCY, end->consistency);
	subscribers_put(&line, PK_REASON, end->reason);
	subscribers_put(&line, PK_NAME, end->culprit);
	wire_put_uint(&line, PK_ELAPSED_MS,
	    txn->ended_at_ms - txn->begun_at_ms);
	subscribers_send(subscribers, &line);
}

void
subscribers_participant(struct subscribers *subscribers, const char *kind,
    const char *name)
{
	struct wire_line line;

	if (subscribers->count == 0)
		return;
	subscribers_start(&line, kind, 0);
	wire_put_text(&line, PK_NAME, name);
	subscribers_send(subscribers, &line);
}
