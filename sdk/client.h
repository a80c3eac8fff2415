/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside libappvss: the handle, its connection and its participants.  Private
 * to the library's own files:
 *
 *	client.c	the public functions of a handle; when what is due
 *	thread.c	run, stop, the library's own thread
 *	conn.c		the socket: connect, read lines, write, disconnect
 *	session.c	the protocol: what a line means, what is said at start
 *	participant.c	registration and the public functions of a participant
 *	operation.c	check, freeze, thaw: callbacks, answers, fail-safe thaw
 *	query.c		questions to the broker and their answers
 *	row.c		a line of an answer as a structure
 *	error.c		words and defaults
 *
 * Locking: the handle's mutex guards everything but what is said to be constant
 * or atomic.  Public functions take it, all others expect it.  It is released
 * around every callback; what a callback, or another thread meanwhile, may do
 * is add to the lists, mark and answer.  Only who dispatches removes from the
 * lists, reads lines and changes the connection.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <sys/types.h>
#include <sys/queue.h>
#include <sys/un.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appvss.h"
#include "proto.h"

#define CLIENT_BACKOFF_MIN_MS 100
#define CLIENT_BACKOFF_MAX_MS 5000
/* A refusal by configuration is asked again: somebody may correct it. */
#define CLIENT_REFUSED_RETRY_MS 30000
/* A thaw that failed while no broker asks for it is tried again after this. */
#define CLIENT_THAW_RETRY_MIN_MS 1000
#define CLIENT_THAW_RETRY_MAX_MS 30000
/*
 * A limit that is noticed this late means that the machine was paused (or the
 * program busy): the broker then gives the thaw some more time, so do we, once.
 */
#define CLIENT_PAUSE_MS	      1000
#define CLIENT_PAUSE_GRACE_MS 10000
/*
 * Output that waits for a broker that does not read.  From the first on nothing
 * is read any more and nobody registers; at the second: disconnect.
 */
#define CLIENT_OUT_ROOM (16 * WIRE_LINE_MAX)
#define CLIENT_OUT_MAX	(64 * CLIENT_OUT_ROOM)
/* Reads in one dispatch, so that a talkative broker starves nobody. */
#define CLIENT_READS_MAX 16
/* Questions that are open at a time; more are refused. */
#define CLIENT_QUERIES_MAX 64
#define CLIENT_NEVER	   UINT64_MAX

enum client_state {
	CLIENT_WAITING,	   /* no socket; connects at retry_at_ms */
	CLIENT_CONNECTING, /* until deadline_at_ms */
	CLIENT_GREETING,   /* HELLO sent; WELCOME until deadline_at_ms */
	CLIENT_WELCOMED,
};

struct query;

struct appvss {
	pid_t pid; /* constant: who made it; a forked child may not use it */
	struct sockaddr_un address;
	pthread_mutex_t mutex;
	pthread_cond_t reaped; /* a participant was destroyed */
	pthread_t thread;      /* if has_thread; constant then */
	bool has_thread;
	bool is_abandoned;    /* the thread closed it: nobody joins that */
	atomic_bool is_asked; /* to stop: see thread.c */
	atomic_int wake_fd;   /* of wake_fds[1], once there is one */
	int wake_fds[2];

	enum client_state state;
	int fd;
	bool is_dispatching; /* callbacks may run; whoever does it reaps */
	bool
	    is_closing; /* appvss_close() has come: it ends as soon as it can */
	bool is_broken; /* a write failed: disconnect at the next dispatch */
	uint64_t retry_at_ms;
	uint64_t deadline_at_ms;
	uint32_t backoff_ms;
	int lost_error; /* why there is no connection, while WAITING */
	char lost_text[160];
	TAILQ_HEAD(, appvss_participant) participants;
	TAILQ_HEAD(query_list, query) queries; /* the first is asked or over */
	size_t nqueries;
	uint64_t last_ticket;

	uint64_t received_at_ms; /* when the bytes of in were read */
	bool is_paused; /* lines of in wait until there is room in out */
	size_t in_length;
	char in[WIRE_LINE_MAX];
	size_t out_start;
	size_t out_end;
	size_t out_size;
	char *out; /* owned */
	struct wire_msg msg;
	struct wire_line line;
};

enum registration {
	REG_NONE, /* REGISTER is due at register_at_ms */
	REG_ASKED,
	REG_DONE,
	REG_REFUSED, /* not tried again on this connection */
};

/* Frozen are the phases from FREEZING on. */
enum phase {
	PHASE_IDLE,
	PHASE_CHECKING,
	PHASE_FREEZING, /* the freeze callback has not answered yet */
	PHASE_FROZEN,	/* it has, READY or FAIL */
	PHASE_THAWING,	/* the thaw callback has not answered yet */
	PHASE_STUCK,	/* a thaw failed */
};

struct appvss_participant {
	TAILQ_ENTRY(appvss_participant) link;
	struct appvss *handle; /* borrows */
	struct appvss_callbacks callbacks;
	void *arg; /* borrows */
	char name[APPVSS_NAME_MAX + 1];
	char program[PROTO_PROGRAM_MAX + 1];
	int order;
	int required;
	bool wants_check;
	uint32_t freeze_ms;
	uint32_t thaw_ms;

	enum registration registration;
	uint64_t register_at_ms;
	uint32_t register_backoff_ms;
	bool has_status; /* reported_error was reported */
	int reported_error;

	enum phase phase;
	bool is_leaving;	/* unregistered: freed at the end of dispatch */
	bool *is_gone;		/* of who waits for that; or NULL */
	uint64_t ticket;	/* of the callback that was called last */
	bool is_own_thaw;	/* no broker waits for this thaw's answer */
	uint64_t transaction;	/* of the freeze or check under way */
	uint64_t thaw_id;	/* of the THAW to answer */
	uint64_t hold_until_ms; /* while FREEZING or FROZEN */
	bool has_grace;		/* hold_until_ms was moved once */
	uint64_t thaw_retry_at_ms; /* while STUCK; or CLIENT_NEVER */
	uint32_t thaw_retry_ms;
	char text[APPVSS_TEXT_MAX + 1];
};

/* client.c */
uint64_t client_now_ms(void);
bool client_is_foreign(const struct appvss *handle);
/* An enum appvss_error: whether this process may use it. */
int client_check(const struct appvss *handle);
/* Destroys the participants that left. */
void client_reap(struct appvss *handle);
int client_get_timeout_ms(const struct appvss *handle);
short client_get_events(const struct appvss *handle);
/* APPVSS_E_CLOSED: the caller has to shut and free it now. */
int client_dispatch(struct appvss *handle);
/* Thaws and unregisters everybody; calls back, so not in a callback. */
void client_shut(struct appvss *handle);
/* Nobody has the mutex, or will ever want it. */
void client_free(struct appvss *handle);

/* thread.c */
void client_lock(struct appvss *handle);
void client_unlock(struct appvss *handle);
/* At the end of a public function: the library's thread looks what is new. */
void client_unlock_changed(struct appvss *handle);
/* It runs in a thread of the library's, and that is not the caller. */
bool client_is_elsewhere(const struct appvss *handle);
void client_wake(struct appvss *handle);
/* Waits until the library's thread, if there is one, has shut it. */
void client_join(struct appvss *handle);

/* conn.c */
void conn_start(struct appvss *handle);
/* Finishes a connect(2) that was under way; false while it still is. */
bool conn_finish_connect(struct appvss *handle);
/* Reads what there is and hands complete lines to session_receive(). */
void conn_read(struct appvss *handle);
void conn_write(struct appvss *handle);
bool conn_has_output(const struct appvss *handle);
/* Room for one more line of any length: what can wait should ask first. */
bool conn_has_room(const struct appvss *handle);
/* Queues handle->line and writes as much as goes; false if it was not said. */
bool conn_send_line(struct appvss *handle);
/* Drops the connection; the next try comes after the backoff. */
void conn_lose(struct appvss *handle, int error, const char *text);

/* session.c */
const char *session_program_name(void);
bool session_send_line(struct appvss *handle);
void session_hello(struct appvss *handle);
void session_receive(struct appvss *handle, const char *line, size_t length);
/* Sends the REGISTER lines that are due. */
void session_register(struct appvss *handle, uint64_t now_ms);
bool session_unregister(struct appvss_participant *participant);
bool session_answer(struct appvss_participant *participant, unsigned verb,
    uint64_t id, enum appvss_operation operation, const char *text);
bool session_progress(struct appvss_participant *participant, uint64_t id,
    unsigned percent, uint32_t remaining_ms, const char *text);

/* participant.c */
void participant_report(struct appvss_participant *participant, int error,
    const char *text);
/* Thaws it if it is frozen, says so to the broker, frees it. */
void participant_destroy(struct appvss_participant *participant);

/* operation.c */
/* Answers what is under way; an enum appvss_error. */
int operation_answer(struct appvss_participant *participant, bool is_ready,
    const char *text);
int operation_progress(struct appvss_participant *participant, unsigned percent,
    uint32_t remaining_ms, const char *text);
bool operation_is_frozen(const struct appvss_participant *participant);
void operation_check(struct appvss_participant *participant, uint64_t id,
    uint32_t remaining_ms);
void operation_freeze(struct appvss_participant *participant, uint64_t id,
    uint32_t remaining_ms, uint32_t hold_ms);
void operation_thaw(struct appvss_participant *participant, uint64_t id,
    enum appvss_reason reason, uint32_t remaining_ms);
/* The connection is gone: thaw at once what it had frozen. */
void operation_lose(struct appvss_participant *participant);
/* Thaws what is frozen for too long, or could not be thawed before. */
void operation_run_timers(struct appvss_participant *participant,
    uint64_t now_ms);
uint64_t operation_next_at_ms(const struct appvss_participant *participant);
/* It leaves: thaw it if nobody did yet. */
void operation_leave(struct appvss_participant *participant);

/* query.c */
/* Asks what is next, gives up what takes too long, ends what is lost. */
void query_run(struct appvss *handle, uint64_t now_ms);
uint64_t query_next_at_ms(const struct appvss *handle);
/* msg is NULL if the line could not be read. */
void query_receive_item(struct appvss *handle, const struct wire_msg *msg);
void query_receive_end(struct appvss *handle, const struct wire_msg *msg);
/* Ends the question that is open with an error, if it was the verb's. */
void query_receive_error(struct appvss *handle, const char *verb, int error,
    const char *text);
void query_end_all(struct appvss *handle, int error, const char *text);
/* Without a call. */
void query_discard(struct appvss *handle);

/* row.c */
void row_of_msg(struct appvss_row *row, const struct wire_msg *msg);

#endif /* CLIENT_H */
