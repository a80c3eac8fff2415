/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer to STATUS: what the broker knows, as ITEM lines.  Reads only.
 */
#ifndef STATUS_H
#define STATUS_H

#include <stddef.h>
#include <stdint.h>

struct client;
struct registry;
struct txn;

struct status {
	const struct txn *txn;
	const struct registry *registry;
	uint64_t now_ms;
	const char *device;    /* open, missing, none */
	const char *history;   /* ok, behind, down */
	const char *set_aside; /* a file that could not be used, or "" */
	uint64_t queued;       /* rows that the history has not confirmed */
	uint64_t dropped;
	uint64_t late; /* answers that nobody waited for */
	/* The last transaction that ended; outcome is NULL if there was none.
	 */
	uint64_t last_id;
	const char *last_outcome;
	const char *last_consistency;
	uint64_t last_ended_at_ms;
};

void status_send(const struct status *status, struct client *client);

#endif /* STATUS_H */
