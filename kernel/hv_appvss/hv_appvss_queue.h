/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's request queue as a state machine: event in, actions out.  Pure:
 * no lock (the caller has one), no clock (time is in the event), no
 * allocation, no I/O.  Owns the order of the two stages of an operation, what
 * is known of both openers, and the results of the last operations.
 *
 * Rules:
 *  - One operation at a time.  A request that comes meanwhile is answered FAIL
 *    at once, but for THAW: it ends a pending FREEZE (answered FAIL) and then
 *    runs itself, or takes over a THAW of the driver's own.
 *  - CHECK and FREEZE go to the application, then to the file systems.  Without
 *    an opener of the file-system device they are answered FAIL at once:
 *    nothing could be frozen.  Without one of the application device they go
 *    on with the file systems alone, or fail if app_required is set; likewise
 *    when that opener goes away in the middle.
 *  - THAW goes to the file systems, then to the application, to whoever has
 *    its device open, whatever the first one says.  When an application is to
 *    be thawed and no freeze of the file systems was acknowledged (they may be
 *    stuck in it), the application goes first.
 *  - Whoever read a FREEZE and did not answer FAIL is offered a THAW, by the
 *    driver itself ("own THAW", no reply to the host) when the host has been
 *    told FAIL.  An own THAW waits as long as it is not read.
 *  - A THAW is answered FAIL when the freeze that it ends had been lost before:
 *    the file-system opener closed, the driver thawed by itself, or the
 *    application closed while app_required is set.
 *  - CHECK while frozen is answered FAIL, and FREEZE while frozen too, followed
 *    by an own THAW: the host lost its THAW and will retry.
 */
#ifndef HV_APPVSS_QUEUE_H
#define HV_APPVSS_QUEUE_H

#ifdef _KERNEL
#include <sys/param.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#include "kernel/hv_snapshot.h"

#define HV_APPVSS_RESULTS_MAX 16 /* operations remembered; oldest forgotten */
#define HV_APPVSS_ACTIONS_MAX 8	 /* no event causes more */

enum hv_appvss_dev_id {
	HV_APPVSS_DEV_APP,
	HV_APPVSS_DEV_FS,
};
#define HV_APPVSS_DEVS 2

enum hv_appvss_event_type {
	HV_APPVSS_EV_HOST,    /* the host asks for op */
	HV_APPVSS_EV_ANSWER,  /* dev answers msgid, op with success or not */
	HV_APPVSS_EV_TIMEOUT, /* the timer of the last TIMER_START fired */
	HV_APPVSS_EV_OPEN,    /* dev has an opener that may write */
	HV_APPVSS_EV_CLOSE,   /* and lost it */
	HV_APPVSS_EV_DETACH,  /* last event: the device goes */
};

struct hv_appvss_event {
	enum hv_appvss_event_type type;
	enum hv_appvss_dev_id dev;
	enum hv_vss_op_t op;
	bool success;
	bool app_required; /* HOST, CLOSE: the policy now */
	uint64_t msgid;
	uint64_t now_us; /* monotonic */
};

enum hv_appvss_action_type {
	HV_APPVSS_ACT_REPLY_NEW,   /* to the request of this very event */
	HV_APPVSS_ACT_REPLY_SAVED, /* to the request that was saved */
	HV_APPVSS_ACT_SAVE,	   /* keep this event's request for later */
	HV_APPVSS_ACT_TIMER_START, /* one limit from now, in place of any */
	HV_APPVSS_ACT_TIMER_STOP,
	HV_APPVSS_ACT_WAKE, /* what waits for dev has changed */
	HV_APPVSS_ACT_DONE, /* an operation ended: result, for the record */
};

/* One operation and its end. */
struct hv_appvss_result {
	uint64_t msgid;
	enum hv_vss_op_t op;
	enum hv_vss_told told;
	bool own; /* the driver's own THAW */
	/* Read and answered by each device. */
	bool read[HV_APPVSS_DEVS];
	bool answered[HV_APPVSS_DEVS];
	uint64_t started_us;
	uint64_t elapsed_us; /* valid once told is not PENDING */
};

struct hv_appvss_action {
	enum hv_appvss_action_type type;
	bool success;			/* REPLY_NEW, REPLY_SAVED */
	enum hv_appvss_dev_id dev;	/* WAKE */
	struct hv_appvss_result result; /* DONE */
};

struct hv_appvss_actions {
	size_t count;
	struct hv_appvss_action list[HV_APPVSS_ACTIONS_MAX];
};

/* What an opener may still have frozen. */
enum hv_appvss_held {
	HV_APPVSS_HELD_NO,
	HV_APPVSS_HELD_TOLD,   /* has read FREEZE */
	HV_APPVSS_HELD_FROZEN, /* has answered it with success */
};

struct hv_appvss_peer {
	bool open;
	bool todo; /* of the current operation: its stage is to come or runs */
	enum hv_appvss_held held;
};

struct hv_appvss_queue {
	uint64_t next_msgid;
	bool detached;
	bool busy;   /* an operation is running; the rest of the block is its */
	bool own;    /* it is the driver's own THAW: no request is saved */
	bool failed; /* its reply will be FAIL whatever else comes */
	bool read;   /* the current stage's opener has read it */
	enum hv_vss_op_t op;
	enum hv_appvss_dev_id stage;
	uint64_t msgid;

	bool lost; /* a freeze that was a success is over before its THAW */
	struct hv_appvss_peer peer[HV_APPVSS_DEVS];
	struct hv_appvss_result results[HV_APPVSS_RESULTS_MAX]; /* by msgid */
};

enum hv_appvss_verdict {
	HV_APPVSS_TAKEN,   /* the event was taken; for an ANSWER: accepted */
	HV_APPVSS_INVALID, /* ANSWER: not the operation of that msgid */
	HV_APPVSS_LATE,	   /* ANSWER: too late, what was done must be undone */
	HV_APPVSS_UNKNOWN, /* ANSWER: no such request, or answered before */
	HV_APPVSS_GONE,	   /* after DETACH */
};

void hv_appvss_queue_init(struct hv_appvss_queue *queue);

/* The only way to change the state, together with hv_appvss_queue_read. */
__attribute__((warn_unused_result)) enum hv_appvss_verdict
hv_appvss_queue_step(struct hv_appvss_queue *queue,
    const struct hv_appvss_event *event, struct hv_appvss_actions *actions);

/* Whether a request waits to be read by dev. */
bool hv_appvss_queue_waits(const struct hv_appvss_queue *queue,
    enum hv_appvss_dev_id dev);

/* dev takes the waiting request.  False if there is none. */
bool hv_appvss_queue_read(struct hv_appvss_queue *queue,
    enum hv_appvss_dev_id dev, enum hv_vss_op_t *op, uint64_t *msgid);

/* What is known of msgid; NULL if it is forgotten or was never given out. */
const struct hv_appvss_result *
hv_appvss_queue_result(const struct hv_appvss_queue *queue, uint64_t msgid);

#endif /* HV_APPVSS_QUEUE_H */
