/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both halves of the transaction machine need: actions, answers, blame.
 */
#include <assert.h>

#include "txn_impl.h"

void
txn_set_state(struct txn *txn, enum txn_state state)
{
	txn->state = state;
}

struct txn_action *
txn_act(struct txn_actions *actions, enum txn_action_type type)
{
	struct txn_action *action;

	assert(actions->count < actions->max);
	action = &actions->items[actions->count++];
	*action = (struct txn_action) { .type = type, .part = TXN_NOBODY };
	return (action);
}

uint32_t
txn_until(uint64_t at_ms, uint64_t now_ms)
{
	uint64_t left;

	left = at_ms > now_ms ? at_ms - now_ms : 0;
	return (left > UINT32_MAX ? UINT32_MAX : (uint32_t)left);
}

uint64_t
txn_min(uint64_t a, uint64_t b)
{
	return (a < b ? a : b);
}

void
txn_answer(struct txn_actions *actions, struct txn_request request,
    enum txn_op op, bool success, enum txn_reason reason)
{
	struct txn_action *action;

	action = txn_act(actions, TXN_ACT_ANSWER);
	action->request = request;
	action->op = op;
	action->success = success;
	action->reason = reason;
}

/* Answers the CHECK or FREEZE, unless that was done, or its source has gone. */
void
txn_answer_begun(struct txn *txn, struct txn_actions *actions, bool success)
{
	if (!txn->begun_waits)
		return;
	txn->begun_waits = false;
	txn_answer(actions, txn->begun, txn->op, success, txn->reason);
}

/* The first cause is the one that is recorded. */
void
txn_blame(struct txn *txn, enum txn_outcome outcome, enum txn_reason reason,
    size_t culprit)
{
	if (txn->reason == TXN_REASON_NONE) {
		txn->reason = reason;
		txn->culprit = culprit;
	}
	if (txn->outcome == TXN_OUTCOME_NONE)
		txn->outcome = outcome;
}

bool
txn_is_frozen(const struct txn_part *part)
{
	return (
	    part->phase == TXN_PHASE_ASKED || part->phase == TXN_PHASE_READY);
}
