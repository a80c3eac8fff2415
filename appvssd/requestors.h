/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that ask for a snapshot by themselves: CHECK, FREEZE and THAW on the
 * socket, as a source of requests.  Owns who waits for which answer, and who
 * holds; decides nothing about transactions.
 *
 * A requestor that disconnects while it holds has gone as a source, unless it
 * asked for a detached hold: then whoever has its uid, or an admin, thaws by
 * the number of the transaction, and only the limit guards it.
 */
#ifndef REQUESTORS_H
#define REQUESTORS_H

#include <sys/types.h>

#include "source.h"

/* A THAW that comes too late is told how so many holds ended before it. */
#define REQUESTORS_ENDED_MAX 16

struct client;
struct wire_msg;

/* A hold that ended; id 0: none. */
struct requestors_past {
	struct source_end end;
	const struct client *client; /* whose it was; NULL: gone, detached */
};

struct requestors {
	const struct source_upcalls *upcalls;
	void *arg;
	uint32_t max_hold_ms;	     /* nobody may ask for more */
	struct requestors_ask *asks; /* owned: without an answer yet */
	/* The hold; source 0: there is none. */
	uint32_t source;
	uint64_t id;
	struct client *client; /* NULL: detached, its client has gone */
	uid_t uid;
	bool detach;
	bool told; /* its client had an answer that says how it ended */
	struct requestors_past past[REQUESTORS_ENDED_MAX];
	unsigned next_past;
	uint32_t next_instance;
	uint64_t next_msgid;
};

void requestors_init(struct requestors *requestors, uint32_t max_hold_ms,
    const struct source_upcalls *upcalls, void *arg);
void requestors_fini(struct requestors *requestors);

struct source requestors_source(struct requestors *requestors);

/* CHECK, FREEZE or THAW of a client that may; admin: also what others hold. */
void requestors_on_message(struct requestors *requestors, struct client *client,
    const struct wire_msg *msg, bool admin);
void requestors_on_closed(struct requestors *requestors, struct client *client);

#endif /* REQUESTORS_H */
