/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker's end of the history: a bounded queue of rows that are written,
 * without ever blocking, to the history process, and kept until that process
 * says that they are committed.  Knows nothing of SQLite and touches no disk.
 *
 * Overflow: when the queue holds its maximum (less if many rows are long), the
 * oldest participant and event rows are dropped, and counted in an event row;
 * transaction rows (begin, state) are kept to the last, and refused only when
 * nothing else is left to drop (logged as an error).
 */
#ifndef HISTQ_H
#define HISTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct histq;
struct histrow_held;
struct wire_line;
struct wire_msg;

/* Times of a participant are milliseconds since the transaction began. */
#define HISTQ_NEVER UINT32_MAX

/* The beginning of a transaction. */
struct histq_begin {
	uint64_t id;
	const char *op;	    /* "check", "freeze" */
	const char *source; /* "device", "requestor" */
	uint64_t msgid;	    /* the driver's, or 0 */
	uint64_t at_ms;	    /* wall clock */
};

/*
 * What the driver has counted.  Snapshots since the last such row are ones that
 * nobody here has seen, a gap, but for own of them: a transaction is recorded.
 */
struct histq_driver {
	uint64_t instance;
	uint64_t snapshots;
	unsigned own; /* 0 or 1 */
	bool guess;   /* own is not known: the history guesses */
};

/* One state of a transaction; rows are appended, never rewritten. */
struct histq_state {
	uint64_t id;
	const char *state; /* held, done, aborted, expired, superseded, lost */
	const char *consistency; /* application, filesystem, none */
	const char *reason;	 /* a word, or "" */
	const char *culprit;	 /* the participant that decided it, or "" */
	const char *host;	 /* success, fail, timeout, unknown, none */
	uint64_t at_ms;		 /* wall clock */
	uint32_t elapsed_ms;	 /* since the transaction began */
	uint32_t late_ms; /* of expired: how late the timer was; otherwise 0 */
	/* Of an end: what the driver has counted by then, or NULL. */
	const struct histq_driver *counted;
};

/* One participant of a transaction, as it was when the row was made. */
struct histq_part {
	uint64_t id;
	const char *phase; /* "final" */
	const char *name;
	const char *program;
	const char *result; /* ready, failed, timeout, lost, absent, ... */
	const char *thaw;   /* ok, failed, timeout, gone, none */
	const char *text;   /* from the participant; untrusted */
	uint64_t pid;
	uint64_t uid;
	unsigned order;
	bool required;
	uint32_t told_at_ms;
	uint32_t ready_at_ms;
	uint32_t thaw_told_at_ms;
	uint32_t thawed_at_ms;
};

/* What the history process says.  Called from the event loop. */
struct histq_callbacks {
	/* Before ready: each participant that is known; uid -1: not whose. */
	void (*known)(void *arg, const char *name, const char *program,
	    int64_t uid);
	/*
	 * Before ready: the driver's FREEZE of the last transaction, if the
	 * history cannot tell whether the driver counted it; msgid 0: it can.
	 */
	void (*unsure)(void *arg, uint64_t msgid, uint64_t instance);
	/*
	 * It is open; last_id is the highest transaction id in it, or 0.  Comes
	 * again if the file has to be replaced.  set_aside is the name that a
	 * file has now that could not be used, or "".
	 */
	void (*ready)(void *arg, uint64_t last_id, const char *set_aside);
	/* Every row up to seq is on disk. */
	void (*acked)(void *arg, uint64_t seq);
	/* A line of the answer to a query: ITEM or DONE of histwire.h. */
	void (*answer)(void *arg, const struct wire_msg *msg);
	/* The connection was lost; histq_attach() follows some time. */
	void (*lost)(void *arg);
};

/* What this run of the broker is, for the first row. */
struct histq_run {
	uint64_t run;		/* random, not 0 */
	uint64_t started_at_ms; /* wall clock */
	const char *boot_id;	/* of the kernel; "" if it has none */
	const char *generation; /* of the virtual machine; "" if unknown */
	const char *version;
};

/*
 * Makes a queue of at most max_rows rows (all memory is taken now).  run and
 * its texts are copied.  0 and an owned queue, or -1 with errno.
 */
int histq_create(struct histq **queuep, struct event_base *base,
    size_t max_rows, const struct histq_run *run,
    const struct histq_callbacks *callbacks, void *arg);
void histq_destroy(struct histq *queue);

/* A connection to a (new) history process; takes fd.  Sends again what was not
 * acknowledged. */
void histq_attach(struct histq *queue, int fd);

/*
 * How much the history shall keep; the present process is told now, each one
 * that comes when it is attached.
 */
void histq_set_keep(struct histq *queue, uint32_t days, uint32_t count);

/* While held, nothing is sent: rows wait in the queue. */
void histq_hold(struct histq *queue, bool held);

/* Each appends a row; the return value is its sequence number, 0 if refused. */
uint64_t histq_put_begin(struct histq *queue, const struct histq_begin *row);
uint64_t histq_put_state(struct histq *queue, const struct histq_state *row);
uint64_t histq_put_part(struct histq *queue, const struct histq_part *row);
/* Some of those who are ready; the list is empty afterwards. */
uint64_t histq_put_held(struct histq *queue, struct histrow_held *held);
uint64_t histq_put_event(struct histq *queue, uint64_t id, const char *kind,
    const char *text);
uint64_t histq_put_known(struct histq *queue, const char *name,
    const char *program, int64_t uid);
uint64_t histq_put_forget(struct histq *queue, const char *name);
uint64_t histq_put_driver(struct histq *queue, const struct histq_driver *row);
/* A clean end of this run. */
uint64_t histq_put_end(struct histq *queue);

/*
 * Asks that everything so far be committed now and acknowledged.  What is put
 * later is sent after that, so that nothing else is being written then.
 */
void histq_commit(struct histq *queue);

/*
 * Asks a QUERY of histwire.h, when the rows that wait were sent; ends the line.
 * False: it cannot be asked now.  A query is lost with its connection.
 */
bool histq_ask(struct histq *queue, struct wire_line *line);
/* A query that was not sent yet is not sent.  False: there is none. */
bool histq_ask_no_more(struct histq *queue);

/* The wall clock of rows: milliseconds since 1970. */
uint64_t histq_wall_ms(void);

bool histq_connected(const struct histq *queue);
size_t histq_waiting(const struct histq *queue); /* rows not acknowledged */
uint64_t histq_dropped(const struct histq *queue);

#endif /* HISTQ_H */
