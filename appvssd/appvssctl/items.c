/* SPDX-License-Identifier: BSD-2-Clause */
/* See items.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client.h"
#include "ctl.h"
#include "items.h"
#include "sdk/proto.h"
#include "text.h"

/* Reads ITEM lines until END. */
static int
receive_items(struct client *client, struct items *items)
{
	for (;;) {
		struct wire_msg *msg;
		int status;

		if (items->count == items->room) {
			size_t room = items->room == 0 ? 16 : 2 * items->room;

			if (items->count >= CLIENT_ITEMS_MAX) {
				ctl_warn("appvssd says more than is credible");
				return (EX_PROTOCOL);
			}
			msg = reallocarray(items->msgs, room, sizeof(*msg));
			if (msg == NULL) {
				ctl_warn("no memory");
				return (EX_OSERR);
			}
			items->msgs = msg;
			items->room = room;
		}
		msg = &items->msgs[items->count];
		status = client_receive(client, msg);
		if (status != EX_OK || msg->verb == PB_END)
			return (status);
		if (msg->verb == PB_ITEM)
			items->count++;
	}
}

bool
items_is(const struct wire_msg *msg, const char *kind)
{
	return (strcmp(wire_get_text(msg, PK_KIND, ""), kind) == 0);
}

const struct wire_msg *
items_find(const struct items *items, const char *kind)
{
	for (size_t i = 0; i < items->count; i++)
		if (items_is(&items->msgs[i], kind))
			return (&items->msgs[i]);
	return (NULL);
}

const char *
items_text(const struct wire_msg *msg, unsigned key)
{
	const char *text = wire_get_text(msg, key, "");

	return (text[0] == '\0' ? "-" : text);
}

const char *
items_number(const struct wire_msg *msg, unsigned key,
    char out[ITEMS_NUMBER_SIZE])
{
	if (wire_has(msg, key))
		snprintf(out, ITEMS_NUMBER_SIZE, "%" PRIu64,
		    wire_get_uint(msg, key, 0));
	else
		snprintf(out, ITEMS_NUMBER_SIZE, "-");
	return (out);
}

const char *
items_duration(const struct wire_msg *msg, unsigned key,
    char out[TEXT_DURATION_SIZE])
{
	uint64_t ms = wire_get_uint(msg, key, 0);

	return (text_duration(
	    wire_has(msg, key) && ms <= INT64_MAX ? (int64_t)ms : -1, out));
}

int
items_fetch(struct items *items, const char *socket)
{
	struct client client;
	struct wire_line line;
	int status;

	memset(items, 0, sizeof(*items));
	status = client_open(&client, socket, NULL);
	if (status != EX_OK)
		return (status);
	wire_begin(&line, &proto_client_grammar, PC_STATUS);
	status = client_send(&client, &line);
	if (status == EX_OK)
		status = receive_items(&client, items);
	client_close(&client);
	return (status);
}

void
items_fini(struct items *items)
{
	free(items->msgs);
	memset(items, 0, sizeof(*items));
}
