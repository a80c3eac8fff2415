/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots and chunks of the history queue: see histpool.h.
 */
#include <stdlib.h>
#include <string.h>

#include "histpool.h"
#include "histrow.h"

#define CHUNK_BYTES   232 /* most rows are shorter */
#define CHUNKS(bytes) (((bytes) + CHUNK_BYTES - 1) / CHUNK_BYTES)

struct histpool_chunk {
	struct histpool_chunk *next;
	char bytes[CHUNK_BYTES];
};

static void
histpool_give_chunk(struct histpool *pool, struct histpool_chunk *chunk)
{
	chunk->next = pool->unused_chunks;
	pool->unused_chunks = chunk;
	pool->nunused_chunks++;
}

int
histpool_init(struct histpool *pool, size_t max_rows)
{
	/* One for each, half as many again for rows that are longer. */
	const size_t nchunks = max_rows + max_rows / 2 +
	    CHUNKS(HISTROW_BYTES_MAX);
	size_t i;

	*pool = (struct histpool) { .nslots = max_rows };
	TAILQ_INIT(&pool->unused);
	pool->slots = calloc(max_rows, sizeof(*pool->slots));
	pool->chunks = calloc(nchunks, sizeof(*pool->chunks));
	if (pool->slots == NULL || pool->chunks == NULL) {
		histpool_fini(pool);
		return (-1);
	}
	for (i = 0; i < max_rows; i++)
		TAILQ_INSERT_TAIL(&pool->unused, &pool->slots[i], entry);
	for (i = 0; i < nchunks; i++)
		histpool_give_chunk(pool, &pool->chunks[i]);
	return (0);
}

void
histpool_fini(struct histpool *pool)
{
	free(pool->slots);
	free(pool->chunks);
	pool->slots = NULL;
	pool->chunks = NULL;
}

bool
histpool_has_room(const struct histpool *pool, size_t length)
{
	return (!TAILQ_EMPTY(&pool->unused) &&
	    pool->nunused_chunks >= CHUNKS(length));
}

struct slot *
histpool_take(struct histpool *pool, const char *bytes, size_t length)
{
	struct slot *slot = TAILQ_FIRST(&pool->unused);
	struct histpool_chunk *chunk, **link = &slot->chunks;
	size_t part;

	TAILQ_REMOVE(&pool->unused, slot, entry);
	slot->length = length;
	for (; length > 0; length -= part) {
		part = length < CHUNK_BYTES ? length : CHUNK_BYTES;
		chunk = pool->unused_chunks;
		pool->unused_chunks = chunk->next;
		pool->nunused_chunks--;
		memcpy(chunk->bytes, bytes, part);
		bytes += part;
		*link = chunk;
		link = &chunk->next;
	}
	*link = NULL;
	return (slot);
}

void
histpool_give(struct histpool *pool, struct slot *slot)
{
	struct histpool_chunk *chunk;

	while ((chunk = slot->chunks) != NULL) {
		slot->chunks = chunk->next;
		histpool_give_chunk(pool, chunk);
	}
	TAILQ_INSERT_HEAD(&pool->unused, slot, entry);
}

void
histpool_copy(const struct slot *slot, char *out)
{
	const struct histpool_chunk *chunk;
	size_t left = slot->length, part;

	for (chunk = slot->chunks; chunk != NULL; chunk = chunk->next) {
		part = left < CHUNK_BYTES ? left : CHUNK_BYTES;
		memcpy(out, chunk->bytes, part);
		out += part;
		left -= part;
	}
}
