/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request over appvssd's socket and its answer, within a time limit.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "sdk/wire.h"

#define CLIENT_LIMIT_MS 2000 /* for everything, connection included */
/* For a reload, which waits for the end of a transaction: any but the longest
 */
#define CLIENT_RELOAD_MS 180000
#define CLIENT_ITEMS_MAX 10000 /* in an answer; more is an error */

struct client {
	const char *socket; /* borrows */
	int fd;
	long long deadline_ms; /* -1: none */
	size_t length;
	size_t used; /* bytes of the line that was given out last */
	char in[WIRE_LINE_MAX];
};

/*
 * Connects and says HELLO, as program; NULL: as appvssctl.  EX_OK, or a status
 * after a message.
 */
int client_open(struct client *client, const char *socket, const char *program);
void client_close(struct client *client);

int client_send(struct client *client, struct wire_line *line);
/*
 * The next message.  An ERROR from the broker is printed, and is a failure.
 */
int client_receive(struct client *client, struct wire_msg *msg);
/* The same, but an ERROR is a message like others. */
int client_receive_any(struct client *client, struct wire_msg *msg);
/* Whether there is something to receive now, the end too. */
bool client_has_line(struct client *client);
/* From now on it may take so long; -1: for ever. */
void client_set_limit(struct client *client, long long limit_ms);

#endif /* CLIENT_H */
