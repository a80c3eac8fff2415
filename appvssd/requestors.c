/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requestors on the socket: see requestors.h and appvss-protocol(7).
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "requestors.h"
#include "sdk/proto.h"

#define ORIGIN_BYTES 192

/* A request that has no answer yet. */
struct requestors_ask {
	struct requestors_ask *next;
	uint64_t msgid;
	uint32_t source;
	enum txn_op op;
	bool detach;
	struct client *client; /* that is not freed before */
};

void
requestors_init(struct requestors *requestors, uint32_t max_hold_ms,
    const struct source_upcalls *upcalls, void *arg)
{
	*requestors = (struct requestors) {
		.upcalls = upcalls,
		.arg = arg,
		.max_hold_ms = max_hold_ms,
	};
}

void
requestors_fini(struct requestors *requestors)
{
	struct requestors_ask *ask;

	while ((ask = requestors->asks) != NULL) {
		requestors->asks = ask->next;
		free(ask);
	}
}

static const char *
requestors_verb(enum txn_op op)
{
	switch (op) {
	case TXN_OP_CHECK:
		return ("CHECK");
	case TXN_OP_FREEZE:
		return ("FREEZE");
	case TXN_OP_THAW:
		break;
	}
	return ("THAW");
}

/* --- answers ------------------------------------------------------------- */

static void
requestors_put_word(struct wire_line *line, unsigned key, const char *word)
{
	if (word != NULL && word[0] != '\0')
		wire_put_text(line, key, word);
}

static void
requestors_put_end(struct wire_line *line, uint64_t id, const char *outcome,
    const char *consistency)
{
	if (id == 0)
		return;
	wire_put_uint(line, PK_ID, id);
	requestors_put_word(line, PK_OUTCOME, outcome);
	requestors_put_word(line, PK_CONSISTENCY, consistency);
}

static void
requestors_send(struct client *client, const struct source_answer *answer)
{
	struct wire_line line;

	wire_begin(&line, &proto_broker_grammar,
	    answer->success ? PB_OK : PB_ERROR);
	if (!answer->success)
		wire_put_text(&line, PK_CODE, answer->reason);
	wire_put_text(&line, PK_VERB, requestors_verb(answer->op));
	requestors_put_word(&line, PK_NAME, answer->culprit);
	requestors_put_word(&line, PK_TEXT, answer->text);
	requestors_put_end(&line, answer->id, answer->outcome,
	    answer->consistency);
	if (answer->success && answer->op == TXN_OP_FREEZE)
		wire_put_uint(&line, PK_HOLD_MS, answer->hold_ms);
	client_send(client, &line);
}

/* Takes it off the list; it is the caller's to free.  NULL: no such ask. */
static struct requestors_ask *
requestors_take(struct requestors *requestors, uint64_t msgid)
{
	struct requestors_ask **askp, *ask;

	for (askp = &requestors->asks; (ask = *askp) != NULL;
	     askp = &ask->next) {
		if (ask->msgid != msgid)
			continue;
		*askp = ask->next;
		return (ask);
	}
	return (NULL);
}

/* A FREEZE that nobody waits for any more must not hold. */
static int
requestors_answer(void *self, const struct source_answer *answer)
{
	struct requestors *requestors = self;
	struct requestors_ask *ask;

	ask = requestors_take(requestors, answer->msgid);
	if (ask == NULL || !client_is_open(ask->client)) {
		free(ask);
		errno = EPIPE;
		return (-1);
	}
	if (ask->op == TXN_OP_FREEZE && answer->success) {
		requestors->source = ask->source;
		requestors->id = answer->id;
		requestors->client = ask->client;
		requestors->uid = client_cred(ask->client)->uid;
		requestors->detach = ask->detach;
		requestors->told = false;
	} else if (ask->op == TXN_OP_THAW && requestors->source != 0 &&
	    ask->source == requestors->source &&
	    ask->client == requestors->client && answer->outcome != NULL) {
		requestors->told = true;
	}
	requestors_send(ask->client, answer);
	free(ask);
	return (0);
}

/* How a hold ended whose THAW has not come, or will find it ended. */
static void
requestors_ended(void *self, const struct source_end *end)
{
	struct requestors *requestors = self;
	struct requestors_past *past;
	struct wire_line line;

	if (requestors->source == 0 || requestors->source != end->source)
		return;
	past =
	    &requestors->past[requestors->next_past++ % REQUESTORS_ENDED_MAX];
	*past = (struct requestors_past) {
		.end = *end,
		.client = requestors->client,
	};
	if (requestors->client != NULL && !requestors->told &&
	    client_is_open(requestors->client)) {
		wire_begin(&line, &proto_broker_grammar, PB_EVENT);
		wire_put_text(&line, PK_KIND, "released");
		requestors_put_end(&line, end->id, end->outcome,
		    end->consistency);
		requestors_put_word(&line, PK_REASON, end->reason);
		client_send(requestors->client, &line);
	}
	requestors->source = 0;
	requestors->id = 0;
	requestors->client = NULL;
}

static const struct source_ops requestors_ops = {
	.name = "requestor",
	.answer = requestors_answer,
	.ended = requestors_ended,
};

struct source
requestors_source(struct requestors *requestors)
{
	return ((struct source) { &requestors_ops, requestors });
}

/* --- requests ------------------------------------------------------------ */

/* Hands the request up; its answer may come before this returns. */
static void
requestors_ask(struct requestors *requestors, struct client *client,
    const struct source_request *what, bool detach)
{
	const struct peercred *cred = client_cred(client);
	struct source_request request = *what;
	struct requestors_ask *ask;
	char origin[ORIGIN_BYTES];

	ask = calloc(1, sizeof(*ask));
	if (ask == NULL) {
		client_send_error(client, "limit", requestors_verb(what->op),
		    NULL, "out of memory");
		return;
	}
	request.msgid = ++requestors->next_msgid;
	*ask = (struct requestors_ask) {
		.next = requestors->asks,
		.msgid = request.msgid,
		.source = request.source,
		.op = request.op,
		.detach = detach,
		.client = client,
	};
	requestors->asks = ask;
	(void)snprintf(origin, sizeof(origin), "uid=%lu pid=%ld %s",
	    (unsigned long)cred->uid, (long)cred->pid, client_program(client));
	request.origin = origin;
	requestors->upcalls->request(requestors->arg, &request);
}

/* Each FREEZE and CHECK is of a source of its own, so that none supersedes. */
static uint32_t
requestors_new_source(struct requestors *requestors)
{
	const uint32_t last = UINT32_MAX >> SOURCE_KIND_BITS;

	if (requestors->next_instance == last)
		requestors->next_instance = 0;
	return (SOURCE_OF(SOURCE_REQUESTOR, ++requestors->next_instance));
}

static void
requestors_on_freeze(struct requestors *requestors, struct client *client,
    const struct wire_msg *msg)
{
	struct source_request request = { .op = TXN_OP_FREEZE,
		.hold_ms = (uint32_t)wire_get_uint(msg, PK_HOLD_MS, 0) };

	if (request.hold_ms > requestors->max_hold_ms) {
		client_send_error(client, "limit", "FREEZE", NULL,
		    "hold_ms is more than the configuration allows");
		return;
	}
	request.source = requestors_new_source(requestors);
	requestors_ask(requestors, client, &request,
	    wire_get_uint(msg, PK_DETACH, 0) != 0);
}

/* The latest hold that ended and that this THAW can be about; or NULL. */
static const struct requestors_past *
requestors_find_past(const struct requestors *requestors,
    const struct client *client, uint64_t id)
{
	const struct requestors_past *past, *found = NULL;
	size_t i;

	for (i = 0; i < REQUESTORS_ENDED_MAX; i++) {
		past = &requestors->past[i];
		if (past->end.id == 0 ||
		    (id != 0 ? past->end.id != id : past->client != client))
			continue;
		if (found == NULL || past->end.id > found->end.id)
			found = past;
	}
	return (found);
}

static void
requestors_refuse_thaw(const struct requestors *requestors,
    struct client *client, uint64_t id)
{
	const struct requestors_past *past;
	struct wire_line line;

	past = requestors_find_past(requestors, client, id);
	wire_begin(&line, &proto_broker_grammar, PB_ERROR);
	if (past == NULL) {
		wire_put_text(&line, PK_CODE, "not_frozen");
		wire_put_text(&line, PK_VERB, "THAW");
		if (id != 0)
			wire_put_uint(&line, PK_ID, id);
	} else {
		wire_put_text(&line, PK_CODE,
		    past->end.reason[0] != '\0' ? past->end.reason :
						  "not_frozen");
		wire_put_text(&line, PK_VERB, "THAW");
		requestors_put_end(&line, past->end.id, past->end.outcome,
		    past->end.consistency);
		wire_put_text(&line, PK_TEXT, "the hold was over before");
	}
	client_send(client, &line);
}

/* The FREEZE of this client that is not answered yet; 0: none. */
static uint32_t
requestors_freezing(const struct requestors *requestors,
    const struct client *client)
{
	const struct requestors_ask *ask;

	for (ask = requestors->asks; ask != NULL; ask = ask->next) {
		if (ask->client == client && ask->op == TXN_OP_FREEZE)
			return (ask->source);
	}
	return (0);
}

static void
requestors_on_thaw(struct requestors *requestors, struct client *client,
    const struct wire_msg *msg, bool admin)
{
	struct source_request request = { .op = TXN_OP_THAW };
	uint64_t id = wire_get_uint(msg, PK_ID, 0);
	bool own;

	own = requestors->source != 0 && requestors->client == client;
	if (id == 0 && !own)
		request.source = requestors_freezing(requestors, client);
	else if (requestors->source != 0 && (id == 0 || requestors->id == id))
		request.source = requestors->source;
	if (request.source == 0) {
		requestors_refuse_thaw(requestors, client, id);
		return;
	}
	if (request.source == requestors->source && !own && !admin &&
	    (!requestors->detach ||
		requestors->uid != client_cred(client)->uid)) {
		client_send_error(client, "denied", "THAW", NULL,
		    "another user's or connection's hold");
		return;
	}
	requestors_ask(requestors, client, &request, false);
}

void
requestors_on_message(struct requestors *requestors, struct client *client,
    const struct wire_msg *msg, bool admin)
{
	struct source_request request = { .op = TXN_OP_CHECK };

	if (msg->verb == PC_FREEZE) {
		requestors_on_freeze(requestors, client, msg);
	} else if (msg->verb == PC_THAW) {
		requestors_on_thaw(requestors, client, msg, admin);
	} else {
		request.source = requestors_new_source(requestors);
		requestors_ask(requestors, client, &request, false);
	}
}

/* Somebody's THAW of the hold has no answer yet. */
static bool
requestors_is_thawing(const struct requestors *requestors)
{
	const struct requestors_ask *ask;

	for (ask = requestors->asks; ask != NULL; ask = ask->next) {
		if (ask->op == TXN_OP_THAW && ask->source == requestors->source)
			return (true);
	}
	return (false);
}

/* Frees what the client waits for; the source that has gone with it, or 0. */
static uint32_t
requestors_drop_asks(struct requestors *requestors, const struct client *client)
{
	struct requestors_ask **askp, *ask;
	uint32_t gone = 0;

	askp = &requestors->asks;
	while ((ask = *askp) != NULL) {
		if (ask->client != client) {
			askp = &ask->next;
			continue;
		}
		if (ask->op != TXN_OP_THAW)
			gone = ask->source;
		*askp = ask->next;
		free(ask);
	}
	return (gone);
}

void
requestors_on_closed(struct requestors *requestors, struct client *client)
{
	uint32_t gone;
	size_t i;

	for (i = 0; i < REQUESTORS_ENDED_MAX; i++) {
		if (requestors->past[i].client == client)
			requestors->past[i].client = NULL;
	}
	gone = requestors_drop_asks(requestors, client);
	if (requestors->source != 0 && requestors->client == client) {
		requestors->client = NULL;
		/* Another's THAW, that may be, goes on and is answered. */
		if (!requestors->detach && !requestors_is_thawing(requestors))
			gone = requestors->source;
	}
	if (gone != 0)
		requestors->upcalls->gone(requestors->arg, gone);
}
