/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libappvss: register an application with appvssd(8), so that its data is in
 * order on disk when the hypervisor takes a snapshot.  See appvss(3); the
 * protocol underneath is appvss-protocol(7).
 *
 * A handle (struct appvss) is one connection to the broker; it carries one or
 * more participants.  There is no global state.  Three ways to run a handle:
 *
 *	in a loop of one's own	appvss_get_fd(), appvss_get_events(),
 *				appvss_get_timeout_ms(), appvss_dispatch()
 *	without a loop		appvss_run(), or appvss_wait()
 *	in the library's thread	appvss_start()
 *
 * Threads: until appvss_start() a handle, its participants and its questions
 * belong to one thread at a time (of two handles each may have its own), and
 * only appvss_stop() may be called by others.  After appvss_start() every
 * function may be called by every thread, but for those that run a handle.
 * Callbacks of a handle never overlap, and run without a lock of the library's.
 *
 * The rule that keeps a machine alive: between freeze and thaw a participant
 * writes nothing to the file systems that are being frozen.
 *
 * Functions that return int return 0 (or a positive value where stated) or a
 * negative enum appvss_error.
 */
#ifndef APPVSS_H
#define APPVSS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define APPVSS_NAME_MAX		 64  /* bytes in a participant's name */
#define APPVSS_TEXT_MAX		 512 /* bytes of a text that come through */
#define APPVSS_ORDER_DEFAULT	 50 /* 0..99: lower freezes first, thaws last */
#define APPVSS_FREEZE_MS_DEFAULT 5000
#define APPVSS_THAW_MS_DEFAULT	 5000

enum appvss_error {
	APPVSS_OK = 0,
	APPVSS_E_INVAL = -1,	  /* bad argument, or called at a wrong time */
	APPVSS_E_NOMEM = -2,	  /* out of memory */
	APPVSS_E_NAME_TAKEN = -3, /* another connection has the name */
	APPVSS_E_DENIED = -4,	  /* the broker's configuration forbids it */
	APPVSS_E_LIMIT = -5,	  /* too many clients or names */
	APPVSS_E_PROTOCOL =
	    -6, /* the broker spoke nonsense, or another version */
	APPVSS_E_UNAVAILABLE =
	    -7,		      /* no broker at the socket; it is tried again */
	APPVSS_E_STALE = -8,  /* the transaction is over, or answered already */
	APPVSS_E_SYSTEM = -9, /* a system call failed; errno says why */
	APPVSS_E_CLOSED = -10, /* the handle was closed by a callback */
	APPVSS_E_FORKED =
	    -11, /* the handle is another process's, see fork(2) */
	APPVSS_E_NOT_FOUND = -12, /* no such transaction is recorded */
};

/* A constant English text. */
const char *appvss_strerror(int error);
/* "0.1.0" */
const char *appvss_version(void);

enum appvss_operation { APPVSS_CHECK = 1, APPVSS_FREEZE, APPVSS_THAW };

/* Why a thaw came. */
enum appvss_reason {
	APPVSS_REASON_NONE = 0, /* not a thaw */
	APPVSS_REASON_DONE,	/* the snapshot was taken */
	APPVSS_REASON_ABORTED,	/* it was given up; nothing was captured */
	APPVSS_REASON_EXPIRED,	/* the thaw never came in time */
	APPVSS_REASON_LOST, /* the broker vanished, or this library's limit */
};

struct appvss;
struct appvss_participant;

/* What a callback is asked to do.  Valid during the callback only. */
struct appvss_request {
	enum appvss_operation operation;
	enum appvss_reason reason; /* of a thaw */
	uint64_t transaction;	   /* appvssd's id; 0 if never known */
	uint32_t remaining_ms;	   /* time left to answer */
	uint32_t hold_ms; /* of a freeze: thawed by itself after this */
	uint64_t ticket;  /* of this call, for appvss_answer_ticket() */
};

/* What a callback returns. */
enum appvss_answer {
	APPVSS_READY = 0, /* done */
	APPVSS_PENDING,	  /* appvss_ready() or appvss_fail() will follow */
	APPVSS_FAIL, /* could not; the participant is still asked to thaw */
};

/*
 * Callbacks of a participant.  They run inside appvss_dispatch() (thaw also
 * inside appvss_unregister() and appvss_close()), or in the library's thread
 * after appvss_start().  They may call every function but those that run the
 * handle.  freeze: stop writing, bring data to disk.  thaw: go on; comes
 * exactly once for every freeze, whatever its answer was, and once more after
 * each failed thaw.  check is optional (NULL: not asked).
 */
struct appvss_callbacks {
	enum appvss_answer (*check)(struct appvss_participant *participant,
	    const struct appvss_request *request, void *arg);
	enum appvss_answer (*freeze)(struct appvss_participant *participant,
	    const struct appvss_request *request, void *arg);
	enum appvss_answer (*thaw)(struct appvss_participant *participant,
	    const struct appvss_request *request, void *arg);
	/*
	 * Optional: registered (error APPVSS_OK), refused by the broker, or
	 * disconnected (APPVSS_E_UNAVAILABLE; a new try follows by itself).
	 * text is for people and may be "".
	 */
	void (*status)(struct appvss_participant *participant, int error,
	    const char *text, void *arg);
};

/*
 * Begin with appvss_options_init(), then set what differs; names and texts are
 * copied.
 */
struct appvss_options {
	const char *name;    /* required: [A-Za-z0-9._-], 1..APPVSS_NAME_MAX */
	const char *program; /* for people, e.g. "PostgreSQL"; NULL: none */
	const char *version; /* of the program, for people; NULL: none */
	int order;	     /* 0..99; needs a configuration entry if changed */
	int required; /* 1: a failure vetoes the snapshot; needs one too */
	uint32_t freeze_ms; /* longest freeze; the broker may allow less */
	uint32_t thaw_ms;   /* longest thaw */
	/* 1: wants to be asked before a freeze; 0: not, though it could; -1
	 * (the default): if there is a check callback. */
	int wants_check;
};

/* Sets every member to its default; name to NULL. */
void appvss_options_init(struct appvss_options *options);

/*
 * Makes a handle for the broker at socket_path (NULL: environment
 * APPVSS_SOCKET, else the compiled-in path) and begins to connect.  A broker
 * that is not there is no error: it is tried again with backoff.  The caller
 * owns the handle.
 */
int appvss_open(struct appvss **handlep, const char *socket_path);

/*
 * Unregisters (as far as the broker can be told at once), thaws participants
 * that are frozen, ends the library's thread, disconnects and frees the handle
 * with its participants.  NULL is allowed.  In a callback it only marks: the
 * handle goes when the callbacks under way have returned, and the function that
 * ran them returns APPVSS_E_CLOSED.  Otherwise, after appvss_start(), it waits
 * for the callback that runs: hold no lock then that a callback takes.
 * In a forked child it frees, and neither speaks nor calls.
 */
void appvss_close(struct appvss *handle);

/*
 * Adds a participant; it is registered now or at the next connection, and again
 * after every reconnection.  The handle owns it; callbacks is copied.
 */
int appvss_register(struct appvss *handle, const struct appvss_options *options,
    const struct appvss_callbacks *callbacks, void *arg,
    struct appvss_participant **participantp);

/*
 * Thaws it if it is frozen, tells the broker that it leaves, and frees it.  In
 * a callback it only marks, and the end of the dispatch does that.  Otherwise,
 * after appvss_start(), it waits for the library's thread to have done it: hold
 * no lock then that a callback takes.
 */
void appvss_unregister(struct appvss_participant *participant);

/*
 * The descriptor to poll (level-triggered), or -1 while there is none: wait for
 * the timeout.  It changes: ask before every wait.
 */
int appvss_get_fd(const struct appvss *handle);
/* POLLIN, POLLOUT or both; 0 while there is no descriptor. */
short appvss_get_events(const struct appvss *handle);
/*
 * The longest time until the next appvss_dispatch(); -1: no limit.  0 in a
 * forked child, where appvss_dispatch() says why.
 */
int appvss_get_timeout_ms(const struct appvss *handle);

/*
 * Reads, writes, reconnects, runs callbacks and the fail-safe thaw; never
 * blocks.  Call it when poll(2) returns, also on its timeout.  0 even while
 * disconnected.  APPVSS_E_CLOSED: a callback has closed the handle, which is
 * gone.  APPVSS_E_INVAL: called by a callback, or after appvss_start().
 */
int appvss_dispatch(struct appvss *handle);

/* poll(2) and dispatch once; -1: no limit.  Errors as appvss_dispatch(). */
int appvss_wait(struct appvss *handle, int timeout_ms);

/*
 * Waits and dispatches until appvss_stop(): then 0, and the handle is as it
 * was. Errors as appvss_dispatch().
 */
int appvss_run(struct appvss *handle);

/*
 * Lets appvss_run() return: the one that runs, or else the next.  May be called
 * by any thread, by callbacks and by signal handlers.
 */
void appvss_stop(struct appvss *handle);

/*
 * Starts a thread that runs the handle until appvss_close(), for programs
 * without a loop: callbacks run in it, one at a time, and what must be thawed
 * by itself is thawed at once, if no other callback of the same handle runs.
 * The thread has all signals blocked.  APPVSS_E_SYSTEM: no thread could be
 * made.
 */
int appvss_start(struct appvss *handle);

/*
 * The answer after APPVSS_PENDING to the operation under way.  text (NULL:
 * none) is shown to people.  APPVSS_E_STALE: too late, the broker went on
 * without it; a thaw has been or will be delivered.
 *
 * appvss_fail is also for a participant that was READY to a freeze and does not
 * hold it any more: the snapshot is then not taken for a good one.  Its thaw
 * comes all the same.
 */
int appvss_ready(struct appvss_participant *participant, const char *text);
int appvss_fail(struct appvss_participant *participant, const char *text);

/*
 * The same for one call of a callback, named by its request's ticket: what
 * comes too late can then not be taken for the answer to the next call.  For
 * programs whose answers come from other threads or later events.
 */
int appvss_answer_ticket(struct appvss_participant *participant,
    uint64_t ticket, enum appvss_answer answer, const char *text);

/* Says that the operation goes on.  Never extends the time. */
int appvss_progress(struct appvss_participant *participant, unsigned percent,
    uint32_t remaining_ms, const char *text);

/* The text that goes with an APPVSS_FAIL (or READY) returned by a callback. */
void appvss_set_text(struct appvss_participant *participant, const char *text);

const char *appvss_get_name(const struct appvss_participant *participant);
/* 1 between the freeze callback and the thaw that succeeded. */
int appvss_is_frozen(const struct appvss_participant *participant);

/* What the broker can be asked. */
enum appvss_question {
	APPVSS_ASK_STATUS = 1,	 /* what it is doing, and who is registered */
	APPVSS_ASK_TRANSACTIONS, /* recorded ones, newest first */
	APPVSS_ASK_TRANSACTION,	 /* everything about one */
	APPVSS_ASK_EVENTS,	 /* recorded events, newest first */
};

/* Begin with appvss_query_init(); the name is copied. */
struct appvss_query {
	enum appvss_question question;
	uint64_t id; /* APPVSS_ASK_TRANSACTION; 0: the newest freeze */
	/* APPVSS_ASK_TRANSACTIONS: of this participant; NULL: all. */
	const char *name;
	/* TRANSACTIONS and EVENTS: go on where an answer ended; 0: at first. */
	uint64_t before;
	uint32_t rows_max;   /* TRANSACTIONS and EVENTS: at most so many rows */
	uint32_t timeout_ms; /* for each 100 of them */
};

#define APPVSS_ROWS_DEFAULT	20
#define APPVSS_QUERY_MS_DEFAULT 5000

/* What a row is about, and so which members it has; see appvss_ask(3). */
enum appvss_row_kind {
	APPVSS_ROW_OTHER = 0, /* of a newer broker: see kind_word */
	APPVSS_ROW_BROKER,    /* of APPVSS_ASK_STATUS, as the next two */
	APPVSS_ROW_PARTICIPANT,
	APPVSS_ROW_DEBT,	/* somebody who still has to thaw */
	APPVSS_ROW_TRANSACTION, /* of the history, as all below */
	APPVSS_ROW_RUN,
	APPVSS_ROW_GENERATION,
	APPVSS_ROW_STATE,
	APPVSS_ROW_EVENT,
};

/* A number that was not said. */
#define APPVSS_UNKNOWN UINT64_MAX

/*
 * One row of an answer, valid during the callback only.  Words and texts that
 * were not said are "", never NULL; such numbers are APPVSS_UNKNOWN.  Texts
 * come from other programs: escape what is shown on a terminal.
 */
struct appvss_row {
	enum appvss_row_kind kind;
	const char *kind_word;
	const char *name;
	const char *program;
	const char *state;
	const char *operation;
	const char *source;
	const char *outcome;
	const char *consistency;
	const char *result;
	const char *thaw;
	const char *reason;
	const char *host;
	const char *device;
	const char *history;
	const char *text;
	uint64_t id;
	uint64_t at_ms; /* wall clock, since 1970 */
	uint64_t elapsed_ms;
	uint64_t remaining_ms;
	uint64_t age_ms;
	uint64_t flush_ms;
	uint64_t late_ms;
	uint64_t told_at_ms; /* this and the next three: of the transaction */
	uint64_t ready_at_ms;
	uint64_t thaw_told_at_ms;
	uint64_t thawed_at_ms;
	uint64_t msgid;
	uint64_t pid;
	uint64_t uid;
	uint64_t order;
	uint64_t required;
	uint64_t present;
	uint64_t percent;
	uint64_t participants;
	uint64_t ready;
	uint64_t queued;
	uint64_t dropped;
	uint64_t late;
};

/* How an answer ended.  Valid during the callback only. */
struct appvss_end {
	int error;	  /* APPVSS_OK, or why there are no more rows */
	const char *text; /* for people; may be "" */
	/* There are more rows: ask again with this; 0: there are none. */
	uint64_t next_before;
};

/*
 * Called where the callbacks of participants are called: row (which may be
 * NULL) for each row, then end exactly once, at the latest by appvss_close().
 */
struct appvss_query_callbacks {
	void (*row)(struct appvss *handle, const struct appvss_row *row,
	    void *arg);
	void (*end)(struct appvss *handle, const struct appvss_end *end,
	    void *arg);
};

/* A question, with defaults for the rest. */
void appvss_query_init(struct appvss_query *query,
    enum appvss_question question);

/*
 * Asks the broker, now or as soon as the connection that is being made is
 * there. It is asked once: without a broker the answer ends with
 * APPVSS_E_UNAVAILABLE. Answers come in the order of the questions.
 * APPVSS_E_LIMIT: 64 are open.
 */
int appvss_ask(struct appvss *handle, const struct appvss_query *query,
    const struct appvss_query_callbacks *callbacks, void *arg);

#ifdef __cplusplus
}
#endif

#endif /* APPVSS_H */
