/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The half of the transaction machine up to the release: CHECK, and FREEZE with
 * its orders, vetoes and the held row.
 */
#include "txn_impl.h"

void
txn_release(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	txn->committing = false;
	if (now_ms >= txn->begun_at_ms + txn->limits.answer_ms) {
		txn_abort(txn, TXN_REASON_LATE, TXN_NOBODY, now_ms, actions);
		return;
	}
	txn->released = true;
	txn_set_state(txn, TXN_HELD);
	txn->held_at_ms = now_ms;
	txn->step_at_ms = now_ms + txn->hold_ms;
	txn_answer_begun(txn, actions, true);
}

static void
txn_commit(struct txn *txn, struct txn_actions *actions)
{
	txn->commits++;
	(void)txn_act(actions, TXN_ACT_COMMIT_HELD);
}

/* Everyone was asked and nobody vetoes. */
static void
txn_begin_commit(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	txn->committing = true;
	txn->step_at_ms = now_ms + txn->limits.commit_ms;
	txn_commit(txn, actions);
}

static bool
txn_next_freeze_order(const struct txn *txn, unsigned *order)
{
	bool found;
	size_t i;

	found = false;
	for (i = 0; i < txn->nparts; i++) {
		if (txn->parts[i].phase != TXN_PHASE_WAITING)
			continue;
		if (!found || txn->parts[i].order < *order)
			*order = txn->parts[i].order;
		found = true;
	}
	return (found);
}

/*
 * After this long a participant thaws by itself: only when ours, which is
 * shorter in every case, has failed.
 */
static uint32_t
txn_own_hold_ms(const struct txn *txn, uint64_t now_ms)
{
	uint64_t hold_ms;

	hold_ms = (uint64_t)txn_until(txn->budget_at_ms, now_ms) +
	    txn->limits.commit_ms + txn->hold_ms + txn->limits.pause_ms +
	    txn->limits.rearm_ms + txn->limits.thaw_ms;
	return (hold_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)hold_ms);
}

static void
txn_ask(struct txn *txn, size_t index, uint64_t deadline_at_ms, uint64_t now_ms,
    struct txn_actions *actions)
{
	struct txn_part *part = &txn->parts[index];
	struct txn_action *action;

	part->phase = TXN_PHASE_ASKED;
	part->told_at_ms = now_ms;
	part->deadline_at_ms = deadline_at_ms;
	txn->asked++;
	txn->step_at_ms = txn_min(txn->step_at_ms, deadline_at_ms);
	action = txn_act(actions,
	    txn->op == TXN_OP_CHECK ? TXN_ACT_SEND_CHECK : TXN_ACT_SEND_FREEZE);
	action->part = index;
	action->remaining_ms = txn_until(deadline_at_ms, now_ms);
	if (txn->op == TXN_OP_FREEZE)
		action->hold_ms = txn_own_hold_ms(txn, now_ms);
}

void
txn_freeze_advance(struct txn *txn, uint64_t now_ms,
    struct txn_actions *actions)
{
	uint64_t deadline_at_ms;
	size_t i;

	if (txn->asked > 0 || txn->committing)
		return;
	if (!txn_next_freeze_order(txn, &txn->order)) {
		txn_begin_commit(txn, now_ms, actions);
		return;
	}
	txn->step_at_ms = txn->budget_at_ms;
	for (i = 0; i < txn->nparts; i++) {
		if (txn->parts[i].phase != TXN_PHASE_WAITING ||
		    txn->parts[i].order != txn->order)
			continue;
		deadline_at_ms = txn_min(txn->budget_at_ms,
		    now_ms + txn->parts[i].freeze_ms);
		txn_ask(txn, i, deadline_at_ms, now_ms, actions);
	}
}

/* The end of a CHECK. */
void
txn_check_end(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	size_t i;

	for (i = 0; i < txn->nparts; i++) {
		if (txn->parts[i].phase == TXN_PHASE_ASKED)
			txn->parts[i].result = TXN_RESULT_CUT;
		txn->parts[i].phase = TXN_PHASE_FINISHED;
	}
	txn->asked = 0;
	txn_blame(txn, TXN_OUTCOME_DONE, TXN_REASON_NONE, TXN_NOBODY);
	txn_answer_begun(txn, actions, txn->outcome == TXN_OUTCOME_DONE);
	txn_finish(txn, now_ms, actions);
}

void
txn_check_advance(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	if (txn->asked == 0)
		txn_check_end(txn, now_ms, actions);
}

/* Puts the participants in their first phase; says who vetoes, or TXN_NOBODY.
 */
static size_t
txn_line_up(struct txn *txn, enum txn_reason *reason)
{
	size_t culprit, i;

	culprit = TXN_NOBODY;
	for (i = 0; i < txn->nparts; i++) {
		struct txn_part *part = &txn->parts[i];

		part->phase = TXN_PHASE_WAITING;
		part->step = 0;
		part->result = TXN_RESULT_NONE;
		part->thaw = TXN_THAW_NONE;
		part->deadline_at_ms = part->told_at_ms = 0;
		part->answered_at_ms = 0;
		part->thaw_told_at_ms = part->thawed_at_ms = 0;
		if (!part->present)
			part->result = TXN_RESULT_ABSENT;
		else if (part->owes_thaw)
			part->result = TXN_RESULT_OWES;
		else
			continue;
		part->phase = TXN_PHASE_FINISHED;
		if (part->required && culprit == TXN_NOBODY) {
			culprit = i;
			*reason = part->present ? TXN_REASON_OWES_THAW :
						  TXN_REASON_ABSENT;
		}
	}
	return (culprit);
}

static void
txn_begin_check(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions)
{
	size_t i;

	txn_set_state(txn, TXN_CHECKING);
	txn->budget_at_ms = txn->step_at_ms = event->now_ms +
	    txn->limits.check_ms;
	for (i = 0; i < txn->nparts; i++) {
		if (txn->parts[i].phase != TXN_PHASE_WAITING)
			continue;
		if (txn->parts[i].wants_check)
			txn_ask(txn, i,
			    txn_min(txn->budget_at_ms,
				event->now_ms + txn->parts[i].freeze_ms),
			    event->now_ms, actions);
		else
			txn->parts[i].phase = TXN_PHASE_FINISHED;
	}
	txn_check_advance(txn, event->now_ms, actions);
}

void
txn_begin(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions)
{
	enum txn_reason reason = TXN_REASON_NONE;
	struct txn next;
	size_t culprit;

	txn_init(&next, &txn->limits);
	next.late_answers = txn->late_answers;
	*txn = next;
	txn->op = event->type == TXN_EV_CHECK ? TXN_OP_CHECK : TXN_OP_FREEZE;
	txn->id = event->id;
	txn->parts = event->parts;
	txn->nparts = event->nparts;
	txn->begun = event->request;
	txn->begun_waits = true;
	txn->begun_at_ms = event->now_ms;
	txn->hold_ms = event->hold_ms != 0 ? event->hold_ms :
					     txn->limits.hold_ms;
	culprit = txn_line_up(txn, &reason);
	if (culprit != TXN_NOBODY) {
		txn_blame(txn, TXN_OUTCOME_ABORTED, reason, culprit);
		txn_check_end(txn, event->now_ms, actions);
	} else if (txn->op == TXN_OP_CHECK) {
		txn_begin_check(txn, event, actions);
	} else {
		txn_set_state(txn, TXN_FREEZING);
		txn->budget_at_ms = event->now_ms + txn->limits.freeze_ms;
		txn_freeze_advance(txn, event->now_ms, actions);
	}
}

/* Of what can go wrong with one that was there when it began. */
static enum txn_reason
txn_reason_of(enum txn_result result)
{
	if (result == TXN_RESULT_TIMEOUT)
		return (TXN_REASON_TIMEOUT);
	if (result == TXN_RESULT_GONE)
		return (TXN_REASON_DISCONNECTED);
	return (TXN_REASON_FAILED);
}

/*
 * A participant's CHECK or FREEZE went wrong before the release.  A required
 * one ends it all; an optional one that was told to freeze, and is still there,
 * is thawed at once.
 */
void
txn_part_failed(struct txn *txn, size_t index, enum txn_result result,
    uint64_t now_ms, struct txn_actions *actions)
{
	struct txn_part *part = &txn->parts[index];
	bool frozen;

	frozen = txn->state == TXN_FREEZING && txn_is_frozen(part) &&
	    result != TXN_RESULT_GONE;
	part->result = result;
	if (part->answered_at_ms == 0 && result == TXN_RESULT_FAILED)
		part->answered_at_ms = now_ms;
	if (!frozen) {
		if (part->phase == TXN_PHASE_ASKED)
			txn->asked--;
		if (txn_is_frozen(part) && txn->op == TXN_OP_FREEZE)
			part->thaw = TXN_THAW_GONE;
		part->phase = TXN_PHASE_FINISHED;
	}
	if (part->required) {
		txn_blame(txn, TXN_OUTCOME_ABORTED, txn_reason_of(result),
		    index);
		if (txn->state == TXN_CHECKING)
			txn_check_end(txn, now_ms, actions);
		else
			txn_abort(txn, txn->reason, index, now_ms, actions);
		return;
	}
	if (frozen)
		txn_send_thaw(txn, index, TXN_OUTCOME_ABORTED, now_ms, actions);
	/*
	 * The row that is under way calls it ready: another one takes that
	 * back, in what is left of the time.
	 */
	if (txn->committing)
		txn_commit(txn, actions);
}

/* Marks who is too late in CHECKING or FREEZING; finds the next deadline. */
void
txn_tick_asked(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	enum txn_state state;
	size_t i;

	state = txn->state;
	txn->step_at_ms = txn->budget_at_ms;
	for (i = 0; i < txn->nparts && txn->state == state; i++) {
		struct txn_part *part = &txn->parts[i];

		if (part->phase != TXN_PHASE_ASKED)
			continue;
		if (now_ms >= part->deadline_at_ms)
			txn_part_failed(txn, i, TXN_RESULT_TIMEOUT, now_ms,
			    actions);
		else
			txn->step_at_ms = txn_min(txn->step_at_ms,
			    part->deadline_at_ms);
	}
	if (txn->state == state)
		txn_advance(txn, now_ms, actions);
}
