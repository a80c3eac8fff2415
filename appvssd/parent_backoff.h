/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to try again what has ended or failed: the wait doubles from first_ms to
 * max_ms, and starts anew after a run that was long enough to call it good.
 * Pure.
 */
#ifndef PARENT_BACKOFF_H
#define PARENT_BACKOFF_H

#include <stdint.h>

struct parent_backoff {
	uint32_t first_ms;
	uint32_t max_ms;
	uint32_t good_ms; /* a run of this length starts anew */
	uint32_t wait_ms; /* the next wait */
	uint64_t started_at_ms;
	uint64_t next_at_ms; /* not before this time */
};

/* The first try is due at once. */
void parent_backoff_init(struct parent_backoff *backoff, uint32_t first_ms,
    uint32_t max_ms, uint32_t good_ms);
void parent_backoff_started(struct parent_backoff *backoff, uint64_t now_ms);
/* It ended (or could not be started): sets next_at_ms.  Returns the wait. */
uint32_t parent_backoff_ended(struct parent_backoff *backoff, uint64_t now_ms);

#endif /* PARENT_BACKOFF_H */
