/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shares of the output buffers: see outpool.h.
 */
#include <stdlib.h>

#include "outpool.h"

static struct outpool_user *
outpool_user(struct outpool *pool, uid_t uid)
{
	struct outpool_user *user;

	LIST_FOREACH(user, &pool->users, entry) {
		if (user->uid == uid)
			return (user);
	}
	user = calloc(1, sizeof(*user));
	if (user == NULL)
		return (NULL);
	user->uid = uid;
	LIST_INSERT_HEAD(&pool->users, user, entry);
	return (user);
}

static void
outpool_add(struct outpool *pool, struct outpool_buffer *buffer, size_t bytes)
{
	pool->bytes += bytes - buffer->bytes;
	buffer->user->bytes += bytes - buffer->bytes;
	buffer->bytes = bytes;
}

int
outpool_set(struct outpool *pool, struct outpool_buffer *buffer, uid_t uid,
    size_t bytes)
{
	if (bytes > 0 && buffer->user == NULL) {
		buffer->user = outpool_user(pool, uid);
		if (buffer->user == NULL)
			return (-1);
		buffer->user->buffers++;
		LIST_INSERT_HEAD(&pool->buffers, buffer, entry);
	}
	if (buffer->user == NULL)
		return (0);
	outpool_add(pool, buffer, bytes);
	if (bytes > 0)
		return (0);
	LIST_REMOVE(buffer, entry);
	if (--buffer->user->buffers == 0) {
		LIST_REMOVE(buffer->user, entry);
		free(buffer->user);
	}
	buffer->user = NULL;
	return (0);
}

struct outpool_buffer *
outpool_greediest(const struct outpool *pool)
{
	const struct outpool_user *user, *most = NULL;
	struct outpool_buffer *buffer, *largest = NULL;

	LIST_FOREACH(user, &pool->users, entry) {
		if (most == NULL || user->bytes > most->bytes)
			most = user;
	}
	LIST_FOREACH(buffer, &pool->buffers, entry) {
		if (buffer->user == most &&
		    (largest == NULL || buffer->bytes > largest->bytes))
			largest = buffer;
	}
	return (largest);
}
