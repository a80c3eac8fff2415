/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transaction machine: which event does what in which state.  See txn.h for
 * its contract.  Must stay free of I/O, clocks and allocation, because the
 * model test explores it exhaustively.
 */
#include "txn_impl.h"

void
txn_init(struct txn *txn, const struct txn_limits *limits)
{
	*txn = (struct txn) { .limits = *limits,
		.culprit = TXN_NOBODY,
		.thaw_at_ms = UINT64_MAX };
}

/* CHECK or FREEZE. */
static void
txn_on_request(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions)
{
	enum txn_reason reason;
	enum txn_op op;

	if (txn->state == TXN_IDLE) {
		txn_begin(txn, event, actions);
		return;
	}
	op = event->type == TXN_EV_CHECK ? TXN_OP_CHECK : TXN_OP_FREEZE;
	reason = TXN_REASON_BUSY;
	if (op == TXN_OP_FREEZE && txn->state == TXN_HELD &&
	    event->request.source == txn->begun.source) {
		/* A second freeze would flush into frozen file systems. */
		txn->superseded = true;
		reason = TXN_REASON_NEW_FREEZE;
	}
	txn_answer(actions, event->request, op, false, reason);
}

/* THAW of the source that holds: was it a snapshot that is worth something? */
static void
txn_judge_hold(struct txn *txn, enum txn_told told)
{
	txn->told = told;
	if (told == TXN_TOLD_FAIL)
		txn_blame(txn, TXN_OUTCOME_ABORTED, TXN_REASON_FS_FAILED,
		    TXN_NOBODY);
	else if (txn->superseded)
		txn_blame(txn, TXN_OUTCOME_SUPERSEDED, TXN_REASON_NEW_FREEZE,
		    TXN_NOBODY);
	else if (txn->required_lost)
		txn_blame(txn, TXN_OUTCOME_ABORTED, TXN_REASON_DISCONNECTED,
		    txn->culprit);
	else
		txn_blame(txn, TXN_OUTCOME_DONE, TXN_REASON_NONE, TXN_NOBODY);
}

static void
txn_on_thaw(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions)
{
	if (txn->state != TXN_IDLE &&
	    event->request.source != txn->begun.source) {
		txn_answer(actions, event->request, TXN_OP_THAW, false,
		    TXN_REASON_BUSY);
		return;
	}
	switch (txn->state) {
	case TXN_IDLE:
	case TXN_CHECKING:
	case TXN_THAWING:
		txn_answer(actions, event->request, TXN_OP_THAW, false,
		    TXN_REASON_NOT_FROZEN);
		break;
	case TXN_FREEZING:
		txn_answer(actions, event->request, TXN_OP_THAW, false,
		    TXN_REASON_NOT_FROZEN);
		txn_abort(txn, TXN_REASON_HOST_THAW, TXN_NOBODY, event->now_ms,
		    actions);
		break;
	case TXN_HELD:
		txn->thaw = event->request;
		txn->thaw_waits = true;
		txn_judge_hold(txn, event->told);
		txn_begin_thaw(txn, event->now_ms, actions);
		break;
	}
}

/* Goes on after something has happened to a participant. */
void
txn_advance(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	switch (txn->state) {
	case TXN_IDLE:
	case TXN_HELD:
		break;
	case TXN_CHECKING:
		txn_check_advance(txn, now_ms, actions);
		break;
	case TXN_FREEZING:
		txn_freeze_advance(txn, now_ms, actions);
		break;
	case TXN_THAWING:
		txn_thaw_advance(txn, now_ms, actions);
		break;
	}
}

/* Nobody knows what it wrote after this. */
static void
txn_part_lost(struct txn *txn, size_t index)
{
	struct txn_part *part = &txn->parts[index];

	part->result = TXN_RESULT_LOST;
	if (part->required && !txn->required_lost) {
		txn->required_lost = true;
		txn->culprit = index;
	}
}

static void
txn_on_ready(struct txn *txn, const struct txn_event *event)
{
	struct txn_part *part = &txn->parts[event->part];

	part->phase = txn->op == TXN_OP_CHECK ? TXN_PHASE_FINISHED :
						TXN_PHASE_READY;
	part->result = TXN_RESULT_READY;
	part->answered_at_ms = event->now_ms;
	txn->asked--;
}

bool
txn_expects(const struct txn *txn, size_t part, enum txn_op op, bool ready)
{
	enum txn_phase phase;

	if (txn->state == TXN_IDLE || part >= txn->nparts)
		return (false);
	phase = txn->parts[part].phase;
	if (op == TXN_OP_THAW)
		return (phase == TXN_PHASE_THAWING);
	if (op != txn->op || txn->state == TXN_THAWING)
		return (false);
	if (phase == TXN_PHASE_ASKED)
		return (true);
	/* It thawed by itself, and says so. */
	return (op == TXN_OP_FREEZE && !ready && phase == TXN_PHASE_READY);
}

/* READY and FAIL: what does not fit is late or a duplicate, and only counted.
 */
static void
txn_on_answer(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions)
{
	bool ready;

	ready = event->type == TXN_EV_READY;
	if (!txn_expects(txn, event->part, event->op, ready)) {
		txn->late_answers++;
		return;
	}
	if (event->op == TXN_OP_THAW)
		txn_part_thawed(txn, event->part,
		    ready ? TXN_THAW_OK : TXN_THAW_FAILED, event->now_ms,
		    actions);
	else if (ready)
		txn_on_ready(txn, event);
	else if (txn->state == TXN_HELD)
		txn_part_lost(txn, event->part);
	else
		txn_part_failed(txn, event->part, TXN_RESULT_FAILED,
		    event->now_ms, actions);
	txn_advance(txn, event->now_ms, actions);
}

static void
txn_on_gone(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions)
{
	struct txn_part *part;

	if (txn->state == TXN_IDLE || event->part >= txn->nparts)
		return;
	part = &txn->parts[event->part];
	if (part->phase == TXN_PHASE_FINISHED)
		return;
	if (part->phase == TXN_PHASE_THAWING) {
		txn_part_thawed(txn, event->part, TXN_THAW_GONE, event->now_ms,
		    actions);
	} else if (txn->state == TXN_HELD || txn->state == TXN_THAWING) {
		if (txn->state == TXN_HELD)
			txn_part_lost(txn, event->part);
		part->thaw = TXN_THAW_GONE;
		part->phase = TXN_PHASE_FINISHED;
	} else {
		txn_part_failed(txn, event->part, TXN_RESULT_GONE,
		    event->now_ms, actions);
	}
	txn_advance(txn, event->now_ms, actions);
}

static void
txn_tick_held(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	uint64_t late_ms;

	late_ms = now_ms - txn->step_at_ms;
	if (late_ms > txn->limits.pause_ms && !txn->rearmed) {
		txn->rearmed = true;
		txn->step_at_ms = now_ms + txn->limits.rearm_ms;
		txn->late_ms = txn_until(late_ms, 0);
		return;
	}
	txn_blame(txn, TXN_OUTCOME_EXPIRED, TXN_REASON_NO_THAW, TXN_NOBODY);
	txn_begin_thaw(txn, now_ms, actions);
}

/* The deadline of the state, not of those who thaw. */
static void
txn_tick_step(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	switch (txn->state) {
	case TXN_IDLE:
		break;
	case TXN_CHECKING:
		txn_tick_asked(txn, now_ms, actions);
		break;
	case TXN_FREEZING:
		if (txn->committing)
			txn_release(txn, now_ms, actions);
		else
			txn_tick_asked(txn, now_ms, actions);
		break;
	case TXN_HELD:
		txn_tick_held(txn, now_ms, actions);
		break;
	case TXN_THAWING:
		txn_tick_thawing(txn, now_ms, actions);
		break;
	}
}

static void
txn_on_tick(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	if (now_ms < txn_next_at_ms(txn))
		return;
	/* Who thaws too long is not waited for, in whatever state. */
	txn_expire_thaws(txn, now_ms, actions);
	if (now_ms >= txn->step_at_ms)
		txn_tick_step(txn, now_ms, actions);
	else if (txn->state == TXN_THAWING)
		txn_thaw_advance(txn, now_ms, actions);
}

/* The source vanished, or appvssd must end: there is nobody left to hold for.
 */
static void
txn_on_end(struct txn *txn, enum txn_outcome outcome, enum txn_reason reason,
    uint64_t now_ms, struct txn_actions *actions)
{
	switch (txn->state) {
	case TXN_IDLE:
	case TXN_THAWING:
		break;
	case TXN_CHECKING:
		txn_blame(txn, TXN_OUTCOME_ABORTED, reason, TXN_NOBODY);
		txn_check_end(txn, now_ms, actions);
		break;
	case TXN_FREEZING:
		txn_abort(txn, reason, TXN_NOBODY, now_ms, actions);
		break;
	case TXN_HELD:
		txn_blame(txn, outcome, reason, TXN_NOBODY);
		txn_begin_thaw(txn, now_ms, actions);
		break;
	}
}

static void
txn_on_source_gone(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions)
{
	if (txn->state == TXN_IDLE ||
	    event->request.source != txn->begun.source)
		return;
	/* There is nobody left to answer. */
	txn->begun_waits = false;
	if (txn->thaw_waits) {
		/* The host may never learn that it went well. */
		txn->thaw_waits = false;
		if (txn->outcome == TXN_OUTCOME_DONE) {
			txn->outcome = TXN_OUTCOME_LOST;
			txn->reason = TXN_REASON_SOURCE_GONE;
		}
	}
	txn_on_end(txn, TXN_OUTCOME_LOST, TXN_REASON_SOURCE_GONE, event->now_ms,
	    actions);
}

void
txn_step(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions)
{
	actions->count = 0;
	switch (event->type) {
	case TXN_EV_CHECK:
	case TXN_EV_FREEZE:
		txn_on_request(txn, event, actions);
		break;
	case TXN_EV_THAW:
		txn_on_thaw(txn, event, actions);
		break;
	case TXN_EV_READY:
	case TXN_EV_FAIL:
		txn_on_answer(txn, event, actions);
		break;
	case TXN_EV_GONE:
		txn_on_gone(txn, event, actions);
		break;
	case TXN_EV_COMMITTED:
		if (txn->state == TXN_FREEZING && txn->committing) {
			txn->proved = event->committed;
			txn_release(txn, event->now_ms, actions);
		}
		break;
	case TXN_EV_LATE:
		if (txn->state == TXN_HELD)
			txn_on_end(txn, TXN_OUTCOME_ABORTED, TXN_REASON_LATE,
			    event->now_ms, actions);
		break;
	case TXN_EV_SOURCE_GONE:
		txn_on_source_gone(txn, event, actions);
		break;
	case TXN_EV_SHUTDOWN:
		txn_on_end(txn, TXN_OUTCOME_ABORTED, TXN_REASON_SHUTDOWN,
		    event->now_ms, actions);
		break;
	case TXN_EV_TICK:
		txn_on_tick(txn, event->now_ms, actions);
		break;
	}
}

uint64_t
txn_next_at_ms(const struct txn *txn)
{
	return (txn->state == TXN_IDLE ?
		UINT64_MAX :
		txn_min(txn->step_at_ms, txn->thaw_at_ms));
}

enum txn_consistency
txn_prospect(const struct txn *txn)
{
	size_t i, nready;

	nready = 0;
	for (i = 0; i < txn->nparts; i++) {
		if (txn->parts[i].result != TXN_RESULT_READY)
			return (TXN_CONSISTENCY_FILESYSTEM);
		nready++;
	}
	return (nready > 0 ? TXN_CONSISTENCY_APPLICATION :
			     TXN_CONSISTENCY_FILESYSTEM);
}

enum txn_consistency
txn_consistency(const struct txn *txn)
{
	if (txn->op != TXN_OP_FREEZE || txn->outcome != TXN_OUTCOME_DONE)
		return (TXN_CONSISTENCY_NONE);
	return (txn_prospect(txn));
}
