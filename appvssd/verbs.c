/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dispatcher of clients' messages: see verbs.h.
 */
#include <sys/types.h>

#include <assert.h>

#include "access.h"
#include "client.h"
#include "participants.h"
#include "query.h"
#include "reload.h"
#include "requestors.h"
#include "roles.h"
#include "sdk/proto.h"
#include "subscribers.h"
#include "verbs.h"

/* The role that a verb needs. */
static unsigned
verbs_role(enum proto_client_verb verb)
{
	switch (verb) {
	case PC_REGISTER:
	case PC_UNREGISTER:
	case PC_READY:
	case PC_FAIL:
	case PC_PROGRESS:
		return (ACCESS_PARTICIPATE);
	case PC_HELLO:
	case PC_STATUS:
	case PC_SUBSCRIBE:
	case PC_HISTORY:
		return (ACCESS_OBSERVE);
	case PC_QUIT: /* any */
		return (~0u);
	case PC_CHECK:
	case PC_FREEZE:
	case PC_THAW:
		return (ACCESS_REQUEST);
	case PC_FORGET:
	case PC_RELOAD:
	case PC_COUNT:
		break;
	}
	return (ACCESS_ADMIN);
}

static bool
verbs_may(struct client *client, unsigned roles, const struct wire_msg *msg)
{
	if ((roles & verbs_role((enum proto_client_verb)msg->verb)) != 0)
		return (true);
	client_send_error(client, "denied",
	    proto_client_grammar.verbs[msg->verb].name,
	    wire_get_text(msg, PK_NAME, NULL), "not allowed for this user");
	return (false);
}

void
verbs_on_message(const struct verbs *verbs, struct client *client,
    const struct wire_msg *msg)
{
	const unsigned roles = roles_of(verbs->roles, client);

	if (!verbs_may(client, roles, msg))
		return;
	switch ((enum proto_client_verb)msg->verb) {
	case PC_REGISTER:
		participants_on_register(verbs->participants, client, msg);
		break;
	case PC_UNREGISTER:
		participants_on_unregister(verbs->participants, client, msg);
		break;
	case PC_READY:
	case PC_FAIL:
		participants_on_answer(verbs->participants, client, msg);
		break;
	case PC_PROGRESS:
		participants_on_progress(verbs->participants, client, msg);
		break;
	case PC_FORGET:
		participants_on_forget(verbs->participants, client, msg);
		break;
	case PC_STATUS:
		verbs->upcalls->status(verbs->arg, client);
		break;
	case PC_SUBSCRIBE:
		subscribers_add(verbs->subscribers, client);
		break;
	case PC_CHECK:
	case PC_FREEZE:
	case PC_THAW:
		requestors_on_message(verbs->requestors, client, msg,
		    (roles & ACCESS_ADMIN) != 0);
		break;
	case PC_RELOAD:
		reload_ask(verbs->reload, client);
		break;
	case PC_QUIT:
		client_finish(client, "QUIT");
		break;
	case PC_HISTORY:
		query_ask(verbs->query, client, msg);
		break;
	case PC_HELLO: /* the client module's own */
	case PC_COUNT:
		assert(0);
	}
}

void
verbs_on_closed(const struct verbs *verbs, struct client *client)
{
	subscribers_remove(verbs->subscribers, client);
	requestors_on_closed(verbs->requestors, client);
	query_forget(verbs->query, client);
	reload_drop(verbs->reload, client);
	participants_on_closed(verbs->participants, client);
}
