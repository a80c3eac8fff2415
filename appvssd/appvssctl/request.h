/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hold of appvssctl's own: freezing and thawing over the socket.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "client.h"
#include "ctl.h"

#define REQUEST_WORD_SIZE 65

enum request_kind {
	REQUEST_HELD,	  /* as long as the connection */
	REQUEST_DETACHED, /* until another one thaws */
	REQUEST_DRILL,	  /* as HELD, and is recorded as no snapshot */
};

/* What appvssd said of it last. */
struct request {
	struct client client;
	uint64_t id;
	uint64_t hold_ms;
	bool lost; /* the hold ended by itself */
	char code[REQUEST_WORD_SIZE];
	char outcome[REQUEST_WORD_SIZE];
	char consistency[REQUEST_WORD_SIZE];
};

/*
 * Connects and freezes.  EX_OK: held, with id, hold_ms and consistency;
 * otherwise EX_UNAVAILABLE (vetoed, busy; id is that of the transaction, if
 * there was one) or another status, after a message.
 */
int request_freeze(const struct ctl *ctl, struct request *request,
    enum request_kind kind);
/*
 * EX_OK: the hold was good to the end; EX_TEMPFAIL: it was not; or another
 * status.  After a message, unless it is EX_OK.
 */
int request_thaw(struct request *request);
/* Reads what has come: sets lost.  EX_OK, or a status after a message. */
int request_look(struct request *request);
void request_close(struct request *request);

/* Optional participants failed, and the options do not allow it. */
bool request_is_too_little(const struct ctl *ctl,
    const struct request *request);

#endif /* REQUEST_H */
