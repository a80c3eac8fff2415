/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HISTORY of clients: asks the history process, one question at a time, and
 * hands its answer on.  Never waits for it: what is not answered in time, and
 * everything while a freeze is under way, is answered `unavailable'.
 *
 * One question of a client at a time, and QUERY_MAX of all together; others are
 * answered `busy'.  What a client does not read is its connection's to bound.
 */
#ifndef QUERY_H
#define QUERY_H

#include <stdbool.h>

#define QUERY_MAX 32
#define QUERY_MS  2000 /* from the question to the end of the answer */

struct client;
struct event_base;
struct histq;
struct query;
struct wire_msg;

/* queue is borrowed.  NULL with errno. */
struct query *query_create(struct event_base *base, struct histq *queue);
void query_destroy(struct query *query);

/* A HISTORY message. */
void query_ask(struct query *query, struct client *client,
    const struct wire_msg *msg);
/* The client is gone. */
void query_forget(struct query *query, const struct client *client);

/* A freeze is under way, from its first FREEZE to the end of its THAW. */
void query_hold(struct query *query, bool held);

/* From the history process: ITEM or DONE of histwire.h; it is gone. */
void query_answer(struct query *query, const struct wire_msg *msg);
void query_lost(struct query *query);

#endif /* QUERY_H */
