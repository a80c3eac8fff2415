/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of appvss-protocol(7): makes the lines that are sent and
 * gives the lines that are received to the participants that they name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"

const char *
session_program_name(void)
{
#ifdef __GLIBC__
	return (program_invocation_short_name);
#else
	return (getprogname());
#endif
}

bool
session_send_line(struct appvss *handle)
{
	if (wire_end(&handle->line) != WIRE_OK)
		return (false);
	return (conn_send_line(handle));
}

void
session_hello(struct appvss *handle)
{
	wire_begin(&handle->line, &proto_client_grammar, PC_HELLO);
	wire_put_uint(&handle->line, PK_VERSION, PROTO_VERSION);
	wire_put_text(&handle->line, PK_PROGRAM, session_program_name());
	(void)session_send_line(handle);
}

static void
send_register(struct appvss_participant *participant)
{
	struct wire_line *line = &participant->handle->line;

	wire_begin(line, &proto_client_grammar, PC_REGISTER);
	wire_put_text(line, PK_NAME, participant->name);
	if (participant->program[0] != '\0')
		wire_put_text(line, PK_PROGRAM, participant->program);
	wire_put_uint(line, PK_ORDER, (uint64_t)participant->order);
	wire_put_uint(line, PK_REQUIRED, participant->required != 0);
	wire_put_uint(line, PK_CHECK, participant->wants_check);
	wire_put_uint(line, PK_FREEZE_MS, participant->freeze_ms);
	wire_put_uint(line, PK_THAW_MS, participant->thaw_ms);
	if (session_send_line(participant->handle))
		participant->registration = REG_ASKED;
}

void
session_register(struct appvss *handle, uint64_t now_ms)
{
	struct appvss_participant *participant;

	if (handle->state != CLIENT_WELCOMED)
		return;
	TAILQ_FOREACH(participant, &handle->participants, link) {
		if (!conn_has_room(handle))
			return;
		if (participant->registration == REG_NONE &&
		    !participant->is_leaving &&
		    participant->register_at_ms <= now_ms)
			send_register(participant);
	}
}

bool
session_unregister(struct appvss_participant *participant)
{
	struct appvss *handle = participant->handle;

	if (handle->state != CLIENT_WELCOMED ||
	    (participant->registration != REG_ASKED &&
		participant->registration != REG_DONE))
		return (false);
	wire_begin(&handle->line, &proto_client_grammar, PC_UNREGISTER);
	wire_put_text(&handle->line, PK_NAME, participant->name);
	return (session_send_line(handle));
}

bool
session_answer(struct appvss_participant *participant, unsigned verb,
    uint64_t id, enum appvss_operation operation, const char *text)
{
	static const char *const words[] = { [APPVSS_CHECK] = "check",
		[APPVSS_FREEZE] = "freeze",
		[APPVSS_THAW] = "thaw" };
	struct appvss *handle = participant->handle;

	if (handle->state != CLIENT_WELCOMED)
		return (false);
	wire_begin(&handle->line, &proto_client_grammar, verb);
	wire_put_text(&handle->line, PK_NAME, participant->name);
	wire_put_uint(&handle->line, PK_ID, id);
	wire_put_text(&handle->line, PK_OP, words[operation]);
	if (text != NULL && text[0] != '\0')
		wire_put_text(&handle->line, PK_TEXT, text);
	return (session_send_line(handle));
}

bool
session_progress(struct appvss_participant *participant, uint64_t id,
    unsigned percent, uint32_t remaining_ms, const char *text)
{
	struct appvss *handle = participant->handle;

	if (handle->state != CLIENT_WELCOMED)
		return (false);
	/* Answers need the room more. */
	if (!conn_has_room(handle))
		return (true);
	wire_begin(&handle->line, &proto_client_grammar, PC_PROGRESS);
	wire_put_text(&handle->line, PK_NAME, participant->name);
	wire_put_uint(&handle->line, PK_ID, id);
	wire_put_uint(&handle->line, PK_PERCENT, percent);
	wire_put_uint(&handle->line, PK_REMAINING_MS, remaining_ms);
	if (text != NULL && text[0] != '\0')
		wire_put_text(&handle->line, PK_TEXT, text);
	return (session_send_line(handle));
}

static struct appvss_participant *
find_participant(struct appvss *handle, const char *name)
{
	struct appvss_participant *participant;

	TAILQ_FOREACH(participant, &handle->participants, link)
		if (!participant->is_leaving &&
		    strcmp(participant->name, name) == 0)
			return (participant);
	return (NULL);
}

static int
error_of_code(const char *code)
{
	static const struct {
		const char *code;
		int error;
	} codes[] = {
		{ "name_taken", APPVSS_E_NAME_TAKEN },
		{ "denied", APPVSS_E_DENIED },
		{ "limit", APPVSS_E_LIMIT },
		{ "bad_value", APPVSS_E_INVAL },
		{ "unknown_id", APPVSS_E_NOT_FOUND },
		{ "unknown_verb", APPVSS_E_PROTOCOL },
		{ "version", APPVSS_E_PROTOCOL },
		{ "grammar", APPVSS_E_PROTOCOL },
		{ "too_long", APPVSS_E_PROTOCOL },
	};
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, code) == 0)
			return (codes[i].error);
	return (APPVSS_E_UNAVAILABLE);
}

static void
receive_refusal(struct appvss_participant *participant, int error,
    const char *text)
{
	uint64_t now_ms = client_now_ms();

	participant->registration = REG_NONE;
	if (error == APPVSS_E_NAME_TAKEN) {
		/* Perhaps a predecessor whose end was not noticed yet. */
		participant->register_at_ms = now_ms +
		    participant->register_backoff_ms;
		participant->register_backoff_ms *= 2;
		if (participant->register_backoff_ms > CLIENT_BACKOFF_MAX_MS)
			participant->register_backoff_ms =
			    CLIENT_BACKOFF_MAX_MS;
	} else if (error == APPVSS_E_INVAL) {
		participant->registration = REG_REFUSED;
	} else {
		participant->register_at_ms = now_ms + CLIENT_REFUSED_RETRY_MS;
	}
	participant_report(participant, error, text);
}

static void
receive_error(struct appvss *handle, const struct wire_msg *msg)
{
	const char *code = wire_get_text(msg, PK_CODE, "");
	const char *name = wire_get_text(msg, PK_NAME, NULL);
	const char *verb = wire_get_text(msg, PK_VERB, "");
	const char *text = wire_get_text(msg, PK_TEXT, code);
	struct appvss_participant *participant;
	int error = error_of_code(code);

	/* Without a name it is the connection that the broker complains of. */
	if (handle->state != CLIENT_WELCOMED ||
	    (name == NULL && error == APPVSS_E_PROTOCOL &&
		strcmp(code, "unknown_verb") != 0)) {
		conn_lose(handle, error, text);
		return;
	}
	if (name == NULL)
		query_receive_error(handle, verb, error, text);
	if (name == NULL || strcmp(verb, "REGISTER") != 0)
		return;
	participant = find_participant(handle, name);
	/* A reload of the broker's configuration ends what was granted. */
	if (participant != NULL &&
	    (participant->registration == REG_ASKED ||
		participant->registration == REG_DONE))
		receive_refusal(participant, error, text);
}

static void
receive_ok(struct appvss *handle, const struct wire_msg *msg)
{
	struct appvss_participant *participant;

	if (strcmp(wire_get_text(msg, PK_VERB, ""), "REGISTER") != 0)
		return;
	participant = find_participant(handle, wire_get_text(msg, PK_NAME, ""));
	if (participant == NULL || participant->registration != REG_ASKED)
		return;
	participant->registration = REG_DONE;
	participant->register_backoff_ms = CLIENT_BACKOFF_MIN_MS;
	participant_report(participant, APPVSS_OK, "");
}

static enum appvss_reason
reason_of_word(const char *word)
{
	if (strcmp(word, "done") == 0)
		return (APPVSS_REASON_DONE);
	if (strcmp(word, "expired") == 0)
		return (APPVSS_REASON_EXPIRED);
	if (strcmp(word, "lost") == 0)
		return (APPVSS_REASON_LOST);
	return (APPVSS_REASON_ABORTED);
}

/* What of a time is left, as the line may have waited for other callbacks. */
static uint32_t
left_ms(const struct appvss *handle, uint64_t remaining_ms)
{
	uint64_t passed_ms = client_now_ms() - handle->received_at_ms;

	return (passed_ms < remaining_ms ?
		(uint32_t)(remaining_ms - passed_ms) :
		0);
}

static void
receive_request(struct appvss *handle, const struct wire_msg *msg)
{
	struct appvss_participant *participant;
	uint64_t id = wire_get_uint(msg, PK_ID, 0);
	uint32_t remaining_ms = left_ms(handle,
	    wire_get_uint(msg, PK_REMAINING_MS, 0));

	/* One that just left: the broker will know when it reads UNREGISTER. */
	participant = find_participant(handle, wire_get_text(msg, PK_NAME, ""));
	if (participant == NULL)
		return;
	switch ((enum proto_broker_verb)msg->verb) {
	case PB_CHECK:
		operation_check(participant, id, remaining_ms);
		return;
	case PB_FREEZE:
		operation_freeze(participant, id, remaining_ms,
		    left_ms(handle, wire_get_uint(msg, PK_HOLD_MS, 1)));
		return;
	case PB_THAW:
		operation_thaw(participant, id,
		    reason_of_word(wire_get_text(msg, PK_REASON, "")),
		    remaining_ms);
		return;
	case PB_WELCOME:
	case PB_OK:
	case PB_ERROR:
	case PB_ITEM:
	case PB_EVENT:
	case PB_END:
	case PB_COUNT:
		return;
	}
}

static void
receive_welcome(struct appvss *handle, const struct wire_msg *msg)
{
	if (wire_get_uint(msg, PK_VERSION, 0) != PROTO_VERSION) {
		conn_lose(handle, APPVSS_E_PROTOCOL,
		    "the broker speaks another version");
		return;
	}
	handle->state = CLIENT_WELCOMED;
	handle->backoff_ms = CLIENT_BACKOFF_MIN_MS;
}

void
session_receive(struct appvss *handle, const char *line, size_t length)
{
	struct wire_msg *msg = &handle->msg;
	enum wire_error error;

	error = wire_decode(&proto_broker_grammar, line, length, msg);
	if (error == WIRE_E_UNKNOWN_VERB)
		return; /* of a newer broker */
	/* Nobody here has subscribed: no reason to thaw anybody. */
	if (error != WIRE_E_GRAMMAR && error != WIRE_E_TOO_LONG &&
	    msg->verb == PB_EVENT)
		return;
	if (error != WIRE_OK && error != WIRE_E_GRAMMAR &&
	    error != WIRE_E_TOO_LONG && msg->verb == PB_ITEM) {
		query_receive_item(handle, NULL);
		return;
	}
	if (error != WIRE_OK ||
	    (handle->state != CLIENT_WELCOMED && msg->verb != PB_WELCOME &&
		msg->verb != PB_ERROR)) {
		conn_lose(handle, APPVSS_E_PROTOCOL,
		    "the broker sent a line that makes no sense");
		return;
	}
	switch ((enum proto_broker_verb)msg->verb) {
	case PB_WELCOME:
		receive_welcome(handle, msg);
		return;
	case PB_OK:
		receive_ok(handle, msg);
		return;
	case PB_ERROR:
		receive_error(handle, msg);
		return;
	case PB_CHECK:
	case PB_FREEZE:
	case PB_THAW:
		receive_request(handle, msg);
		return;
	case PB_ITEM:
		query_receive_item(handle, msg);
		return;
	case PB_END:
		query_receive_end(handle, msg);
		return;
	case PB_EVENT:
	case PB_COUNT:
		return;
	}
}
