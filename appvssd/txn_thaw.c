/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The half of the transaction machine that thaws: orders in reverse, who hangs
 * is waited for beside the next, and everybody is told.
 */
#include "txn_impl.h"

void
txn_finish(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	txn_set_state(txn, TXN_IDLE);
	txn->ended_at_ms = now_ms;
	if (txn->thaw_waits) {
		txn->thaw_waits = false;
		txn_answer(actions, txn->thaw, TXN_OP_THAW,
		    txn->outcome == TXN_OUTCOME_DONE, txn->reason);
	}
	(void)txn_act(actions, TXN_ACT_FINISHED);
}

void
txn_send_thaw(struct txn *txn, size_t index, enum txn_outcome outcome,
    uint64_t now_ms, struct txn_actions *actions)
{
	struct txn_part *part = &txn->parts[index];
	struct txn_action *action;

	if (part->phase == TXN_PHASE_ASKED) {
		txn->asked--;
		if (part->result == TXN_RESULT_NONE)
			part->result = TXN_RESULT_CUT;
	}
	part->phase = TXN_PHASE_THAWING;
	part->thaw_told_at_ms = now_ms;
	part->step = txn->step;
	txn->thawing++;
	txn->step_thawing++;
	action = txn_act(actions, TXN_ACT_SEND_THAW);
	action->part = index;
	action->outcome = outcome;
	part->deadline_at_ms = txn_min(now_ms + part->thaw_ms,
	    txn->state == TXN_THAWING ? txn->budget_at_ms :
					now_ms + txn->limits.thaw_ms);
	txn->thaw_at_ms = txn_min(txn->thaw_at_ms, part->deadline_at_ms);
	action->remaining_ms = txn_until(part->deadline_at_ms, now_ms);
}

/* The highest order that is still frozen, and how many orders there are. */
static bool
txn_next_thaw_order(const struct txn *txn, unsigned *order, unsigned *norders)
{
	bool seen[100] = { false };
	size_t i;

	*norders = 0;
	*order = 0;
	for (i = 0; i < txn->nparts; i++) {
		const struct txn_part *part = &txn->parts[i];

		if (!txn_is_frozen(part) || seen[part->order % 100])
			continue;
		seen[part->order % 100] = true;
		if (*norders == 0 || part->order > *order)
			*order = part->order;
		(*norders)++;
	}
	return (*norders > 0);
}

/*
 * Sends THAW to the next order; false when none is left.  Each order gets an
 * equal share of what is left of the budget, so that one that hangs does not
 * keep the others frozen.
 */
static bool
txn_thaw_order(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	unsigned norders;
	size_t i;

	if (!txn_next_thaw_order(txn, &txn->order, &norders))
		return (false);
	/* Only after a jump of the clock: they must have time to answer. */
	if (txn->budget_at_ms <= now_ms)
		txn->budget_at_ms = now_ms + txn->limits.thaw_ms;
	txn->step_at_ms = now_ms +
	    (txn->budget_at_ms - now_ms + norders - 1) / norders;
	txn->step++;
	txn->step_thawing = 0;
	for (i = 0; i < txn->nparts; i++) {
		if (txn_is_frozen(&txn->parts[i]) &&
		    txn->parts[i].order == txn->order)
			txn_send_thaw(txn, i, txn->outcome, now_ms, actions);
	}
	return (true);
}

/* Goes on while no answer is missing; ends the transaction after the last. */
void
txn_thaw_advance(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	if (txn->step_thawing > 0 || txn_thaw_order(txn, now_ms, actions))
		return;
	if (txn->thawing == 0)
		txn_finish(txn, now_ms, actions);
	else
		txn->step_at_ms = txn->budget_at_ms;
}

/* The end of freezing or holding: txn_blame() has said why. */
void
txn_begin_thaw(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	size_t i;

	txn_set_state(txn, TXN_THAWING);
	txn->committing = false;
	txn->budget_at_ms = now_ms + txn->limits.thaw_ms;
	for (i = 0; i < txn->nparts; i++) {
		if (txn->parts[i].phase == TXN_PHASE_WAITING)
			txn->parts[i].phase = TXN_PHASE_FINISHED;
	}
	/* Whom step 0 thawed, alone and early, is not waited for by steps. */
	txn->step = 1;
	txn->step_thawing = 0;
	txn_thaw_advance(txn, now_ms, actions);
}

void
txn_abort(struct txn *txn, enum txn_reason reason, size_t culprit,
    uint64_t now_ms, struct txn_actions *actions)
{
	txn_blame(txn, TXN_OUTCOME_ABORTED, reason, culprit);
	txn_answer_begun(txn, actions, false);
	txn_begin_thaw(txn, now_ms, actions);
}

/* The end of a thaw, as far as the machine waits for it. */
void
txn_part_thawed(struct txn *txn, size_t index, enum txn_thaw thaw,
    uint64_t now_ms, struct txn_actions *actions)
{
	struct txn_part *part = &txn->parts[index];
	struct txn_action *action;

	part->thaw = thaw;
	part->phase = TXN_PHASE_FINISHED;
	txn->thawing--;
	if (txn->thawing == 0)
		txn->thaw_at_ms = UINT64_MAX;
	if (part->step == txn->step)
		txn->step_thawing--;
	if (thaw == TXN_THAW_OK)
		part->thawed_at_ms = now_ms;
	else if (thaw != TXN_THAW_GONE) {
		action = txn_act(actions, TXN_ACT_OWES);
		action->part = index;
		action->outcome = txn->outcome;
	}
}

/* Marks who is too late, and finds the next deadline of those who thaw. */
void
txn_expire_thaws(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	uint64_t next_at_ms = UINT64_MAX;
	size_t i;

	if (now_ms < txn->thaw_at_ms)
		return;
	for (i = 0; i < txn->nparts; i++) {
		struct txn_part *part = &txn->parts[i];

		if (part->phase != TXN_PHASE_THAWING)
			continue;
		if (now_ms >= part->deadline_at_ms)
			txn_part_thawed(txn, i, TXN_THAW_TIMEOUT, now_ms,
			    actions);
		else
			next_at_ms = txn_min(next_at_ms, part->deadline_at_ms);
	}
	txn->thaw_at_ms = next_at_ms;
}

/* Who hangs is waited for beside the next order, until his own deadline. */
void
txn_tick_thawing(struct txn *txn, uint64_t now_ms, struct txn_actions *actions)
{
	if (txn_thaw_order(txn, now_ms, actions))
		return;
	txn->step_at_ms = txn->budget_at_ms;
	txn_thaw_advance(txn, now_ms, actions);
}
