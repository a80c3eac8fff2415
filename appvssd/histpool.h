/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory of the history queue: all of it is taken at once, and locked with
 * the broker's.  The bytes of a row are in chunks, because the longest row is
 * ten times as long as most are.  Knows nothing of what rows say.
 */
#ifndef HISTPOOL_H
#define HISTPOOL_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct histpool_chunk;

struct slot {
	TAILQ_ENTRY(slot) entry;
	uint64_t seq;
	struct histpool_chunk *chunks; /* of the row's bytes */
	size_t length;
	bool detail; /* may be dropped to make room */
};

TAILQ_HEAD(slot_list, slot);

struct histpool {
	struct slot *slots; /* owns; all of them */
	size_t nslots;
	struct slot_list unused;
	struct histpool_chunk *chunks; /* owns; all of them */
	struct histpool_chunk *unused_chunks;
	size_t nunused_chunks;
};

/* For max_rows rows of the usual length.  0, or -1: out of memory. */
int histpool_init(struct histpool *pool, size_t max_rows);
void histpool_fini(struct histpool *pool);

/* Whether a row of length bytes has room. */
bool histpool_has_room(const struct histpool *pool, size_t length);
/* A slot with these bytes, in no list; there must be room. */
struct slot *histpool_take(struct histpool *pool, const char *bytes,
    size_t length);
/* In no list any more. */
void histpool_give(struct histpool *pool, struct slot *slot);
/* Copies the row's bytes; out has room for them. */
void histpool_copy(const struct slot *slot, char *out);

#endif /* HISTPOOL_H */
