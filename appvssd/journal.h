/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history as the broker lives with it: the numbers of transactions when it
 * starts, the commit that a release waits for, and the last rows when it ends.
 * Knows nothing of participants and decides nothing about transactions.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct event_base;
struct histq;
struct histq_run;
struct journal;
struct query;

/* From the event loop; lost and committed never from inside a call. */
struct journal_callbacks {
	/*
	 * Each participant that the history knows, and the end of that list:
	 * from each history process.  The first list may come after started.
	 */
	void (*known)(void *arg, const char *name, const char *program,
	    int64_t uid);
	void (*listed)(void *arg);
	/* As histq.h has it, before listed. */
	void (*unsure)(void *arg, uint64_t msgid, uint64_t instance);
	/* Rows were confirmed: there is room for others. */
	void (*room)(void *arg);
	/* Transactions have numbers from now on.  Once. */
	void (*started)(void *arg);
	/* The rows of journal_commit() are on disk, or will not be in time. */
	void (*committed)(void *arg, bool committed);
	/* After journal_end(): nothing more is to be waited for.  Once. */
	void (*ended)(void *arg);
};

/* run is borrowed for the call.  0 and an owned journal; or -1 with errno. */
int journal_create(struct journal **journalp, struct event_base *base,
    size_t max_rows, const struct histq_run *run,
    const struct journal_callbacks *callbacks, void *arg);
void journal_destroy(struct journal *journal);

/* The queue for rows; lent. */
struct histq *journal_queue(const struct journal *journal);

/* Questions of clients about what is in it; lent. */
struct query *journal_query(const struct journal *journal);

/* How much it keeps: appvssd.conf(5). */
void journal_set_keep(struct journal *journal, const struct config *config);

/* A history process was started; takes fd. */
void journal_attach(struct journal *journal, int fd);

bool journal_is_started(const struct journal *journal);
/* The number of the next transaction; after started. */
uint64_t journal_next_id(struct journal *journal);

/*
 * Has everything up to the row seq committed; committed follows, once for the
 * last such call.  False: it cannot be, and nothing follows.
 */
bool journal_commit(struct journal *journal, uint64_t seq);
/* Nobody waits for that commit any more. */
void journal_forget_commit(struct journal *journal);

/* The last rows of this run; ended follows, perhaps at once. */
void journal_end(struct journal *journal);

/* For STATUS: ok, behind, down. */
const char *journal_word(const struct journal *journal);
/* For STATUS: the name that a file was given that could not be used, or "". */
const char *journal_set_aside(const struct journal *journal);

#endif /* JOURNAL_H */
