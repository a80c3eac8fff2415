/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the output buffers of all clients take together, and of each user: so
 * that whoever needs room does not lose it to another user's unread output.
 * Bookkeeping only: buffers are the clients' own.
 */
#ifndef OUTPOOL_H
#define OUTPOOL_H

#include <sys/types.h>
#include <sys/queue.h>

#include <stddef.h>

struct outpool_user {
	LIST_ENTRY(outpool_user) entry;
	uid_t uid;
	size_t bytes;
	unsigned buffers;
};

/* A client's buffer; zeroed while it has none. */
struct outpool_buffer {
	LIST_ENTRY(outpool_buffer) entry;
	struct outpool_user *user;
	void *owner; /* the client */
	size_t bytes;
};

struct outpool {
	LIST_HEAD(, outpool_user) users; /* who have buffers */
	LIST_HEAD(, outpool_buffer) buffers;
	size_t bytes;
};

/* The buffer of a client of uid has bytes now; 0: none.  0, or -1 (memory). */
int outpool_set(struct outpool *pool, struct outpool_buffer *buffer, uid_t uid,
    size_t bytes);

/* The largest buffer of the user whose buffers take most; NULL: there is none.
 */
struct outpool_buffer *outpool_greediest(const struct outpool *pool);

#endif /* OUTPOOL_H */
