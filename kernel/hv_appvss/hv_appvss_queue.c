/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request queue: see the header for its rules.
 */
#ifdef _KERNEL
#include <sys/param.h>
#include <sys/systm.h>
#else
#include <string.h>
#endif

#include "hv_appvss_queue.h"

#define APP HV_APPVSS_DEV_APP
#define FS  HV_APPVSS_DEV_FS

/* One step: the queue, the event and the actions that it causes. */
struct step {
	struct hv_appvss_queue *q;
	const struct hv_appvss_event *ev;
	struct hv_appvss_actions *out;
};

static struct hv_appvss_action *
act(struct step *s, enum hv_appvss_action_type type)
{
	struct hv_appvss_action *action;

	/*
	 * The exploration in the tests proves that the list is long enough; a
	 * longer one would overwrite its last entry, not memory behind it.
	 */
	if (s->out->count < HV_APPVSS_ACTIONS_MAX)
		s->out->count++;
	action = &s->out->list[s->out->count - 1];
	memset(action, 0, sizeof(*action));
	action->type = type;
	return (action);
}

static void
act_reply(struct step *s, enum hv_appvss_action_type type, bool success)
{
	act(s, type)->success = success;
}

static void
act_wake(struct step *s, enum hv_appvss_dev_id dev)
{
	act(s, HV_APPVSS_ACT_WAKE)->dev = dev;
}

static struct hv_appvss_result *
result_slot(struct hv_appvss_queue *q, uint64_t msgid)
{
	return (&q->results[msgid % HV_APPVSS_RESULTS_MAX]);
}

static enum hv_appvss_dev_id
other(enum hv_appvss_dev_id dev)
{
	return (dev == APP ? FS : APP);
}

/* What the host was told, once; later changes of the operation do not count. */
static void
record_told(struct step *s, enum hv_vss_told told)
{
	struct hv_appvss_result *result = result_slot(s->q, s->q->msgid);

	if (result->told != VSS_TOLD_PENDING)
		return;
	result->told = told;
	result->elapsed_us = s->ev->now_us - result->started_us;
	act(s, HV_APPVSS_ACT_DONE)->result = *result;
}

static void
stage_set(struct step *s, enum hv_appvss_dev_id dev)
{
	s->q->stage = dev;
	s->q->read = false;
	act_wake(s, dev);
}

/* The current stage is over; a request that was not read is withdrawn. */
static void
stage_leave(struct step *s)
{
	if (!s->q->read)
		act_wake(s, s->q->stage);
	s->q->peer[s->q->stage].todo = false;
}

static void
operation_begin(struct step *s, enum hv_vss_op_t op, bool own)
{
	struct hv_appvss_queue *q = s->q;
	struct hv_appvss_result *result;

	q->busy = true;
	q->own = own;
	q->failed = false;
	q->op = op;
	q->msgid = q->next_msgid++;
	result = result_slot(q, q->msgid);
	memset(result, 0, sizeof(*result));
	result->msgid = q->msgid;
	result->op = op;
	result->own = own;
	result->started_us = s->ev->now_us;
	/* Nobody waits for an own THAW: what the host knows is the FAIL. */
	result->told = own ? VSS_TOLD_FAIL : VSS_TOLD_PENDING;
	act(s, HV_APPVSS_ACT_TIMER_START);
}

static void
operation_end(struct step *s)
{
	struct hv_appvss_result *result = result_slot(s->q, s->q->msgid);

	s->q->busy = false;
	act(s, HV_APPVSS_ACT_TIMER_STOP);
	if (result->own) {
		result->elapsed_us = s->ev->now_us - result->started_us;
		act(s, HV_APPVSS_ACT_DONE)->result = *result;
	}
}

/*
 * File systems first, but for an application that must not wait for file
 * systems that nobody knows to be frozen, or that are stuck in their freeze.
 */
static void
thaw_first_stage(struct step *s)
{
	struct hv_appvss_queue *q = s->q;
	bool app_first = q->peer[FS].held != HV_APPVSS_HELD_FROZEN &&
	    q->peer[APP].held != HV_APPVSS_HELD_NO;

	if (q->peer[APP].todo && (app_first || !q->peer[FS].todo))
		stage_set(s, APP);
	else
		stage_set(s, FS);
}

/* Starts a THAW of the driver's own for whoever may be frozen, if anybody. */
static void
thaw_own(struct step *s)
{
	struct hv_appvss_queue *q = s->q;

	if (q->peer[FS].held == HV_APPVSS_HELD_FROZEN)
		q->lost = true;
	q->peer[APP].todo = q->peer[APP].held != HV_APPVSS_HELD_NO;
	q->peer[FS].todo = q->peer[FS].held != HV_APPVSS_HELD_NO;
	if (!q->peer[APP].todo && !q->peer[FS].todo)
		return;
	operation_begin(s, HV_VSS_THAW, true);
	thaw_first_stage(s);
}

/*
 * Ends CHECK or FREEZE.  After a FREEZE that failed, whoever read it is thawed;
 * told is SUCCESS, FAIL or TIMEOUT.
 */
static void
freeze_end(struct step *s, enum hv_vss_told told)
{
	struct hv_appvss_queue *q = s->q;
	bool success = told == VSS_TOLD_SUCCESS;

	act_reply(s, HV_APPVSS_ACT_REPLY_SAVED, success);
	record_told(s, told);
	q->peer[APP].todo = q->peer[FS].todo = false;
	operation_end(s);
	if (!success && q->op == HV_VSS_FREEZE)
		thaw_own(s);
}

/* The next stage of a THAW, or its end. */
static void
thaw_continue(struct step *s)
{
	struct hv_appvss_queue *q = s->q;

	if (q->peer[FS].todo)
		stage_set(s, FS);
	else if (q->peer[APP].todo)
		stage_set(s, APP);
	else {
		if (!q->own) {
			act_reply(s, HV_APPVSS_ACT_REPLY_SAVED, !q->failed);
			record_told(s,
			    q->failed ? VSS_TOLD_FAIL : VSS_TOLD_SUCCESS);
			q->lost = false;
		}
		operation_end(s);
	}
}

static void
host_thaw(struct step *s)
{
	struct hv_appvss_queue *q = s->q;
	struct hv_appvss_result *result;

	if (q->busy && q->own) {
		/* Our own THAW becomes the host's, with a limit of its own. */
		q->own = false;
		result = result_slot(q, q->msgid);
		result->own = false;
		result->told = VSS_TOLD_PENDING;
		result->started_us = s->ev->now_us;
		/* Only the file systems' word makes it a success. */
		if (q->peer[FS].open && !result->read[FS])
			q->peer[FS].todo = true;
		act(s, HV_APPVSS_ACT_TIMER_START);
	} else {
		q->peer[APP].todo = q->peer[APP].open;
		q->peer[FS].todo = q->peer[FS].open;
		operation_begin(s, HV_VSS_THAW, false);
		if (q->peer[APP].todo || q->peer[FS].todo)
			thaw_first_stage(s);
	}
	q->failed = q->failed || q->lost || !q->peer[FS].open;
	act(s, HV_APPVSS_ACT_SAVE);
	if (!q->peer[APP].todo && !q->peer[FS].todo)
		thaw_continue(s);
}

static void
host_freeze(struct step *s)
{
	struct hv_appvss_queue *q = s->q;
	bool app = q->peer[APP].open;

	if (!q->peer[FS].open || (!app && s->ev->app_required)) {
		operation_begin(s, s->ev->op, false);
		act_reply(s, HV_APPVSS_ACT_REPLY_NEW, false);
		record_told(s, VSS_TOLD_FAIL);
		operation_end(s);
		return;
	}
	/* Here nothing is frozen: the host gave up on an earlier freeze. */
	if (s->ev->op == HV_VSS_FREEZE)
		q->lost = false;
	operation_begin(s, s->ev->op, false);
	act(s, HV_APPVSS_ACT_SAVE);
	q->peer[APP].todo = app;
	q->peer[FS].todo = true;
	stage_set(s, app ? APP : FS);
}

static void
step_host(struct step *s)
{
	struct hv_appvss_queue *q = s->q;
	bool thaw = s->ev->op == HV_VSS_THAW;

	if (q->busy && thaw && q->op == HV_VSS_FREEZE) {
		act_reply(s, HV_APPVSS_ACT_REPLY_SAVED, false);
		record_told(s, VSS_TOLD_FAIL);
		stage_leave(s);
		host_thaw(s);
	} else if (thaw && (!q->busy || q->own)) {
		host_thaw(s);
	} else if (q->busy) {
		act_reply(s, HV_APPVSS_ACT_REPLY_NEW, false);
	} else if (q->peer[FS].held != HV_APPVSS_HELD_NO) {
		act_reply(s, HV_APPVSS_ACT_REPLY_NEW, false);
		if (s->ev->op == HV_VSS_FREEZE)
			thaw_own(s);
	} else {
		host_freeze(s);
	}
}

/* The opener of the current stage has answered, with success or not. */
static void
stage_answered(struct step *s, bool success)
{
	struct hv_appvss_queue *q = s->q;
	enum hv_appvss_dev_id dev = q->stage;

	stage_leave(s);
	if (q->op == HV_VSS_THAW) {
		if (!success)
			q->failed = true;
		thaw_continue(s);
		return;
	}
	/* Who says FAIL to a FREEZE has undone it. */
	if (q->op == HV_VSS_FREEZE)
		q->peer[dev].held = success ? HV_APPVSS_HELD_FROZEN :
					      HV_APPVSS_HELD_NO;
	if (!success)
		freeze_end(s, VSS_TOLD_FAIL);
	else if (q->peer[FS].todo)
		stage_set(s, FS);
	else
		freeze_end(s, VSS_TOLD_SUCCESS);
}

static enum hv_appvss_verdict
step_answer(struct step *s)
{
	struct hv_appvss_queue *q = s->q;
	const struct hv_appvss_event *ev = s->ev;
	struct hv_appvss_result *result = result_slot(q, ev->msgid);

	if (ev->msgid == 0 || result->msgid != ev->msgid ||
	    !result->read[ev->dev] || result->answered[ev->dev])
		return (HV_APPVSS_UNKNOWN);
	if (result->op != ev->op)
		return (HV_APPVSS_INVALID);
	result->answered[ev->dev] = true;
	if (!q->busy || q->msgid != ev->msgid || q->stage != ev->dev ||
	    !q->read)
		return (HV_APPVSS_LATE);
	stage_answered(s, ev->success);
	return (HV_APPVSS_TAKEN);
}

static void
step_timeout(struct step *s)
{
	struct hv_appvss_queue *q = s->q;
	enum hv_appvss_dev_id stage = q->stage;

	if (!q->busy)
		return;
	if (q->op != HV_VSS_THAW) {
		stage_leave(s);
		freeze_end(s, VSS_TOLD_TIMEOUT);
		return;
	}
	/*
	 * The host waits no longer, but the thaw goes on as our own.  Who has
	 * read it has been told; who has not keeps it, after the other one.
	 */
	if (!q->own) {
		act_reply(s, HV_APPVSS_ACT_REPLY_SAVED, false);
		record_told(s, VSS_TOLD_TIMEOUT);
		q->own = true;
		q->lost = false;
	}
	if (q->read) {
		q->peer[stage].todo = false;
		q->failed = true;
	}
	if (q->peer[other(stage)].todo) {
		if (!q->read)
			act_wake(s, stage);
		stage_set(s, other(stage));
	} else if (!q->peer[stage].todo) {
		operation_end(s);
		return;
	}
	act(s, HV_APPVSS_ACT_TIMER_START);
}

/* The opener of a stage has gone: for a thaw, that stage is done. */
static void
close_thaw(struct step *s)
{
	struct hv_appvss_queue *q = s->q;
	enum hv_appvss_dev_id dev = s->ev->dev;

	if (!q->peer[dev].todo)
		return;
	if (dev == FS)
		q->failed = true;
	if (q->stage == dev) {
		stage_leave(s);
		thaw_continue(s);
	} else {
		q->peer[dev].todo = false;
	}
}

static void
close_freeze(struct step *s)
{
	struct hv_appvss_queue *q = s->q;
	enum hv_appvss_dev_id dev = s->ev->dev;

	if (dev == APP && !s->ev->app_required) {
		if (q->stage == APP) {
			stage_leave(s);
			stage_set(s, FS);
		}
		return;
	}
	stage_leave(s);
	freeze_end(s, VSS_TOLD_FAIL);
}

static void
step_close(struct step *s)
{
	struct hv_appvss_queue *q = s->q;
	enum hv_appvss_dev_id dev = s->ev->dev;
	struct hv_appvss_peer *peer = &q->peer[dev];
	bool holding = peer->held == HV_APPVSS_HELD_FROZEN &&
	    q->peer[FS].held == HV_APPVSS_HELD_FROZEN;
	size_t i;

	peer->open = false;
	/* Who closes its device thaws: its kernel or its guardian does. */
	peer->held = HV_APPVSS_HELD_NO;
	/* The next opener has not read what this one did. */
	for (i = 0; i < HV_APPVSS_RESULTS_MAX; i++) {
		q->results[i].read[dev] = false;
		q->results[i].answered[dev] = false;
	}

	if (q->busy) {
		if (q->op == HV_VSS_THAW) {
			if (holding && (dev == FS || s->ev->app_required))
				q->failed = true;
			close_thaw(s);
		} else {
			close_freeze(s);
		}
	} else if (holding && dev == FS) {
		q->lost = true;
		thaw_own(s);
	} else if (holding && s->ev->app_required) {
		q->lost = true;
	}
}

static void
step_detach(struct step *s)
{
	struct hv_appvss_queue *q = s->q;

	if (q->busy) {
		if (!q->own) {
			act_reply(s, HV_APPVSS_ACT_REPLY_SAVED, false);
			record_told(s, VSS_TOLD_FAIL);
		}
		operation_end(s);
	}
	q->detached = true;
	act_wake(s, APP);
	act_wake(s, FS);
}

void
hv_appvss_queue_init(struct hv_appvss_queue *queue)
{
	memset(queue, 0, sizeof(*queue));
	queue->next_msgid = 1;
}

enum hv_appvss_verdict
hv_appvss_queue_step(struct hv_appvss_queue *queue,
    const struct hv_appvss_event *event, struct hv_appvss_actions *actions)
{
	struct step s = { queue, event, actions };

	actions->count = 0;
	if (queue->detached)
		return (HV_APPVSS_GONE);
	switch (event->type) {
	case HV_APPVSS_EV_HOST:
		step_host(&s);
		break;
	case HV_APPVSS_EV_ANSWER:
		return (step_answer(&s));
	case HV_APPVSS_EV_TIMEOUT:
		step_timeout(&s);
		break;
	case HV_APPVSS_EV_OPEN:
		queue->peer[event->dev].open = true;
		break;
	case HV_APPVSS_EV_CLOSE:
		step_close(&s);
		break;
	case HV_APPVSS_EV_DETACH:
		step_detach(&s);
		break;
	}
	return (HV_APPVSS_TAKEN);
}

bool
hv_appvss_queue_waits(const struct hv_appvss_queue *queue,
    enum hv_appvss_dev_id dev)
{
	return (queue->busy && !queue->detached && queue->stage == dev &&
	    !queue->read);
}

bool
hv_appvss_queue_read(struct hv_appvss_queue *queue, enum hv_appvss_dev_id dev,
    enum hv_vss_op_t *op, uint64_t *msgid)
{
	if (!hv_appvss_queue_waits(queue, dev))
		return (false);
	queue->read = true;
	result_slot(queue, queue->msgid)->read[dev] = true;
	if (queue->op == HV_VSS_FREEZE)
		queue->peer[dev].held = HV_APPVSS_HELD_TOLD;
	else if (queue->op == HV_VSS_THAW)
		queue->peer[dev].held = HV_APPVSS_HELD_NO;
	*op = queue->op;
	*msgid = queue->msgid;
	return (true);
}

const struct hv_appvss_result *
hv_appvss_queue_result(const struct hv_appvss_queue *queue, uint64_t msgid)
{
	const struct hv_appvss_result *result =
	    &queue->results[msgid % HV_APPVSS_RESULTS_MAX];

	return (msgid != 0 && result->msgid == msgid ? result : NULL);
}
