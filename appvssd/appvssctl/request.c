/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Freezing and thawing as a requestor: see request.h and appvss-protocol(7).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "appvssd/history_read.h"
#include "request.h"
#include "sdk/proto.h"
#include "text.h"

/* The longest budget of a freeze or thaw that appvssd can have, and more. */
#define REQUEST_LIMIT_MS 1000000

static void
copy_word(char out[REQUEST_WORD_SIZE], const struct wire_msg *msg, unsigned key)
{
	(void)snprintf(out, REQUEST_WORD_SIZE, "%s",
	    wire_get_text(msg, key, ""));
}

static void
note_answer(struct request *request, const struct wire_msg *msg)
{
	request->id = wire_get_uint(msg, PK_ID, request->id);
	request->hold_ms = wire_get_uint(msg, PK_HOLD_MS, request->hold_ms);
	copy_word(request->code, msg, PK_CODE);
	copy_word(request->outcome, msg, PK_OUTCOME);
	copy_word(request->consistency, msg, PK_CONSISTENCY);
}

/* Why not: "postgres: failed: disk full". */
static void
warn_refused(const char *what, const struct wire_msg *msg)
{
	char *text = text_escape(wire_get_text(msg, PK_TEXT, ""));
	const char *name = wire_get_text(msg, PK_NAME, "");

	ctl_warn("%s: %s%s%s%s%s", what, name, name[0] != '\0' ? ": " : "",
	    wire_get_text(msg, PK_CODE, "failed"),
	    text != NULL && text[0] != '\0' ? ": " : "",
	    text != NULL ? text : "");
	free(text);
}

/* Waits for OK or ERROR; events before it are noted. */
static int
await_answer(struct request *request, struct wire_msg *msg)
{
	int status;

	do {
		status = client_receive_any(&request->client, msg);
		if (status != EX_OK)
			return (status);
		if (msg->verb == PB_EVENT)
			request->lost = true;
	} while (msg->verb != PB_OK && msg->verb != PB_ERROR);
	note_answer(request, msg);
	return (EX_OK);
}

int
request_freeze(const struct ctl *ctl, struct request *request,
    enum request_kind kind)
{
	static struct wire_msg msg;
	struct wire_line line;
	int status;

	memset(request, 0, sizeof(*request));
	status = client_open(&request->client, ctl->socket,
	    kind == REQUEST_DRILL ? HISTORY_DRILL_PROGRAM " " APPVSS_VERSION :
				    NULL);
	if (status != EX_OK)
		return (status);
	client_set_limit(&request->client, REQUEST_LIMIT_MS);
	wire_begin(&line, &proto_client_grammar, PC_FREEZE);
	if (ctl->hold_ms != 0)
		wire_put_uint(&line, PK_HOLD_MS, ctl->hold_ms);
	if (kind == REQUEST_DETACHED)
		wire_put_uint(&line, PK_DETACH, 1);
	status = client_send(&request->client, &line);
	if (status == EX_OK)
		status = await_answer(request, &msg);
	if (status == EX_OK && msg.verb == PB_ERROR) {
		warn_refused("cannot freeze", &msg);
		status = strcmp(request->code, "denied") == 0 ? EX_NOPERM :
								EX_UNAVAILABLE;
	}
	if (status != EX_OK)
		request_close(request);
	return (status);
}

int
request_thaw(struct request *request)
{
	static struct wire_msg msg;
	struct wire_line line;
	int status;

	client_set_limit(&request->client, REQUEST_LIMIT_MS);
	wire_begin(&line, &proto_client_grammar, PC_THAW);
	wire_put_uint(&line, PK_ID, request->id);
	status = client_send(&request->client, &line);
	if (status == EX_OK)
		status = await_answer(request, &msg);
	if (status != EX_OK || msg.verb == PB_OK)
		return (status);
	warn_refused("the hold was lost", &msg);
	return (strcmp(request->code, "denied") == 0 ? EX_NOPERM : EX_TEMPFAIL);
}

int
request_look(struct request *request)
{
	static struct wire_msg msg;
	int status;

	while (client_has_line(&request->client)) {
		status = client_receive_any(&request->client, &msg);
		if (status != EX_OK)
			return (status);
		if (msg.verb != PB_EVENT)
			continue;
		request->lost = true;
		ctl_warn("the hold was lost: %s",
		    wire_get_text(&msg, PK_REASON, "it is over"));
	}
	return (EX_OK);
}

void
request_close(struct request *request)
{
	client_close(&request->client);
}

bool
request_is_too_little(const struct ctl *ctl, const struct request *request)
{
	if (!ctl->require_application ||
	    strcmp(request->consistency, "application") == 0)
		return (false);
	ctl_warn("not application-consistent: %s", request->consistency);
	return (true);
}
