/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection of the socket: bytes to messages and lines to bytes, HELLO and
 * its deadline, limits.  Knows nothing of participants and transactions.
 *
 * Raw libevent events and direct writes; an output buffer exists only while the
 * peer's socket is full.  A peer that does not read is read no more when
 * CLIENT_OUTPUT_PAUSE bytes wait, and is dropped: when CLIENT_OUTPUT_MAX bytes
 * wait, when nothing was taken for stall_ms, or when the buffers of all
 * together would pass CLIENT_OUTPUT_ALL_MAX and this one is the largest of the
 * user whose buffers take most.  A client is never freed under a caller:
 * client_close() only marks it, and the closed callback comes from the event
 * loop.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "outpool.h"
#include "peercred.h"

#define CLIENT_OUTPUT_MAX     (4u * 1024 * 1024) /* bytes of one */
#define CLIENT_OUTPUT_ALL_MAX (64u * 1024 * 1024)
#define CLIENT_OUTPUT_PAUSE   (16u * 1024)

struct client;
struct event_base;
struct wire_line;
struct wire_msg;

struct client_callbacks {
	/* A message after HELLO, lent. */
	void (*message)(void *arg, struct client *client,
	    const struct wire_msg *msg);
	/* It is freed when this returns. */
	void (*closed)(void *arg, struct client *client);
};

/* What all clients of a set share; times are the owner's to set. */
struct client_pool {
	struct outpool output;
	unsigned hello_ms;  /* for HELLO */
	unsigned stall_ms;  /* for one that does not read */
	unsigned linger_ms; /* for an ERROR before the end */
};

/*
 * Takes fd, also on failure; pool is borrowed.  NULL with errno when out of
 * memory.
 */
struct client *client_create(struct event_base *base, int fd,
    const struct peercred *cred, struct client_pool *pool,
    const struct client_callbacks *callbacks, void *arg);

/* Frees it at once, without a callback: only at the end of the process. */
void client_destroy(struct client *client);

/* Ends the line and sends it.  A line that is spoiled is a bug: asserts. */
void client_send(struct client *client, struct wire_line *line);
/* Sends lines that have been ended. */
void client_send_bytes(struct client *client, const char *bytes, size_t length);

/* The same, for ERROR: code and text; verb and name may be NULL. */
void client_send_error(struct client *client, const char *code,
    const char *verb, const char *name, const char *text);

/* OK for the verb, and the end of the connection once that is written. */
void client_finish(struct client *client, const char *verb);

/* No more callbacks but closed, which comes soon. */
void client_close(struct client *client);

bool client_is_open(const struct client *client);
const struct peercred *client_cred(const struct client *client);
/* What its user keeps with it; NULL at first, and never looked at here. */
void **client_tag(struct client *client);
const char *client_program(const struct client *client); /* lent; may be "" */
/* As peercred_get_groups(). */
int client_groups(const struct client *client, gid_t **gids, size_t *ngids);
/* A number that roles.h keeps here; 0 at first. */
unsigned client_judgement(const struct client *client);
void client_set_judgement(struct client *client, unsigned judgement);

#endif /* CLIENT_H */
