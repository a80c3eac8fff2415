/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that watch: every event is one EVENT line, made once for all of them.
 * Lines are gathered, and sent when the event loop has nothing else to do now:
 * whoever watches must not delay a transaction by a call for every line and
 * watcher.  One that does not read is dropped as every client is.  Costs
 * nothing while nobody watches.
 */
#ifndef SUBSCRIBERS_H
#define SUBSCRIBERS_H

#include <stddef.h>

struct client;
struct event;
struct event_base;
struct txn;
struct txn_action;
struct txn_event;
struct wire_msg;

struct subscribers {
	struct client **clients; /* owned array; none twice */
	size_t count, max;
	struct event *event; /* owned: sends what is gathered */
	char *lines;	     /* owned, ended; NULL before the first SUBSCRIBE */
	size_t lines_bytes;
};

/* -1: out of memory. */
int subscribers_init(struct subscribers *subscribers, struct event_base *base);
/* Sends what is gathered, while the clients are there. */
void subscribers_fini(struct subscribers *subscribers);
/* Before who subscribed changes, or before the end. */
void subscribers_flush(struct subscribers *subscribers);
/* SUBSCRIBE: answers OK or ERROR. */
void subscribers_add(struct subscribers *subscribers, struct client *client);
void subscribers_remove(struct subscribers *subscribers,
    const struct client *client);

/*
 * Of the transaction that runs.  kind=begin: source is the name of who asked
 * for it; kind=held: he was told that everybody is frozen.
 */
void subscribers_begin(struct subscribers *subscribers, const struct txn *txn,
    const char *source);
void subscribers_held(struct subscribers *subscribers, const struct txn *txn);
/* kind=told: a participant is told to check, freeze or thaw. */
void subscribers_told(struct subscribers *subscribers, const struct txn *txn,
    const struct txn_action *action, const char *name);
/* kind=answer: READY or FAIL, after the machine's step; text may be NULL. */
void subscribers_answered(struct subscribers *subscribers,
    const struct txn *txn, const struct txn_event *event, const char *name,
    const char *text);
/* kind=progress: what a PROGRESS line said. */
void subscribers_progress(struct subscribers *subscribers,
    const struct wire_msg *msg);

/* kind=end.  Words, or "". */
struct subscribers_end {
	const char *outcome;
	const char *consistency;
	const char *reason;
	const char *culprit; /* participant */
};
void subscribers_ended(struct subscribers *subscribers, const struct txn *txn,
    const struct subscribers_end *end);

/* kind=registered, absent, forgotten, recovered: of a participant. */
void subscribers_participant(struct subscribers *subscribers, const char *kind,
    const char *name);

#endif /* SUBSCRIBERS_H */
