/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waits between tries: see parent_backoff.h.  Pure.
 */
#include "parent_backoff.h"

void
parent_backoff_init(struct parent_backoff *backoff, uint32_t first_ms,
    uint32_t max_ms, uint32_t good_ms)
{
	backoff->first_ms = first_ms;
	backoff->max_ms = max_ms;
	backoff->good_ms = good_ms;
	backoff->wait_ms = first_ms;
	backoff->started_at_ms = UINT64_MAX;
	backoff->next_at_ms = 0;
}

void
parent_backoff_started(struct parent_backoff *backoff, uint64_t now_ms)
{
	backoff->started_at_ms = now_ms;
}

uint32_t
parent_backoff_ended(struct parent_backoff *backoff, uint64_t now_ms)
{
	uint32_t wait_ms;

	if (backoff->started_at_ms <= now_ms &&
	    now_ms - backoff->started_at_ms >= backoff->good_ms)
		backoff->wait_ms = backoff->first_ms;
	/* Counts once, whatever fails before the next start. */
	backoff->started_at_ms = UINT64_MAX;
	wait_ms = backoff->wait_ms;
	backoff->next_at_ms = now_ms + wait_ms;
	backoff->wait_ms = wait_ms > backoff->max_ms / 2 ? backoff->max_ms :
							   wait_ms * 2;
	return (wait_ms);
}
