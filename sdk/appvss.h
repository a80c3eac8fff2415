/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libappvss: register an application with appvssd(8), so that its data is in
 * order on disk when the hypervisor takes a snapshot.  See appvss(3); the
 * protocol underneath is appvss-protocol(7).
 *
 * A handle (struct appvss) is one connection to the broker; it carries one or
 * more participants.  The library has no thread, no global state and never
 * blocks: the program polls appvss_get_fd() for appvss_get_events(), at most
 * appvss_get_timeout_ms() long, and calls appvss_dispatch(), which calls the
 * participants' callbacks.  A handle and its participants belong to one thread.
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
};

/* What a callback returns. */
enum appvss_answer {
	APPVSS_READY = 0, /* done */
	APPVSS_PENDING,	  /* appvss_ready() or appvss_fail() will follow */
	APPVSS_FAIL, /* could not; the participant is still asked to thaw */
};

/*
 * Callbacks of a participant.  They run inside appvss_dispatch() (thaw also
 * inside appvss_unregister() and appvss_close()), may call any function on
 * their participant but none that dispatches or closes the handle.  freeze:
 * stop writing, bring data to disk.  thaw: go on; comes exactly once for every
 * freeze, whatever its answer was, and once more after each failed thaw.  check
 * is optional (NULL: not asked).
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
	const char *program; /* for people, e.g. "PostgreSQL 15"; NULL: none */
	int order;	     /* 0..99; needs a configuration entry if changed */
	int required; /* 1: a failure vetoes the snapshot; needs one too */
	uint32_t freeze_ms; /* longest freeze; the broker may allow less */
	uint32_t thaw_ms;   /* longest thaw */
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
 * that are frozen, disconnects and frees the handle with its participants. NULL
 * is allowed.
 */
void appvss_close(struct appvss *handle);

/*
 * Adds a participant; it is registered now or at the next connection, and again
 * after every reconnection.  The handle owns it; callbacks is copied.
 */
int appvss_register(struct appvss *handle, const struct appvss_options *options,
    const struct appvss_callbacks *callbacks, void *arg,
    struct appvss_participant **participantp);

/* Thaws it if it is frozen, tells the broker that it leaves, and frees it. */
void appvss_unregister(struct appvss_participant *participant);

/* The descriptor to poll, or -1 while there is none: wait for the timeout. */
int appvss_get_fd(const struct appvss *handle);
/* POLLIN, POLLOUT or both. */
short appvss_get_events(const struct appvss *handle);
/* The longest time until the next appvss_dispatch(); -1: no limit. */
int appvss_get_timeout_ms(const struct appvss *handle);

/*
 * Reads, writes, reconnects, runs callbacks and the fail-safe thaw; never
 * blocks.  Call it when poll(2) returns, also on its timeout.  0 even while
 * disconnected; a negative error when the handle can no longer be used.
 */
int appvss_dispatch(struct appvss *handle);

/* poll(2) and dispatch once, for programs without a loop. */
int appvss_wait(struct appvss *handle, int timeout_ms);

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

/* Says that the operation goes on.  Never extends the time. */
int appvss_progress(struct appvss_participant *participant, unsigned percent,
    uint32_t remaining_ms, const char *text);

/* The text that goes with an APPVSS_FAIL (or READY) returned by a callback. */
void appvss_set_text(struct appvss_participant *participant, const char *text);

const char *appvss_get_name(const struct appvss_participant *participant);
/* 1 between the freeze callback and the thaw that succeeded. */
int appvss_is_frozen(const struct appvss_participant *participant);

#ifdef __cplusplus
}
#endif

#endif /* APPVSS_H */
