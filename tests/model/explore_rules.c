/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of the design about transactions, as assertions on every step.
 */
#include <string.h>

#include "explore.h"

const struct txn_limits explore_limits = {
	.check_ms = 8000,
	.freeze_ms = 10000,
	.commit_ms = 500,
	.hold_ms = 60000,
	.thaw_ms = 9000,
	.answer_ms = 14000,
	.pause_ms = TXN_PAUSE_MS,
	.rearm_ms = TXN_REARM_MS,
};

static bool
violated(struct explorer *explorer, bool holds, const char *rule)
{
	if (!holds && explorer->violation == NULL)
		explorer->violation = rule;
	return (!holds);
}

#define RULE(holds, rule) (void)violated(explorer, (holds), (rule))

static uint32_t
hold_limit_ms(const struct explorer *explorer)
{
	return (explorer->source == REQUESTOR ? REQUESTOR_HOLD_MS :
						explore_limits.hold_ms);
}

static void
check_send_freeze(struct explorer *explorer, struct node *node,
    const struct txn_action *action)
{
	uint8_t bit = (uint8_t)(1u << action->part);
	size_t i;

	RULE(node->txn.op == TXN_OP_FREEZE, "only a FREEZE freezes");
	RULE(!node->ghost.held_ever, "nobody is frozen after the release");
	RULE((node->ghost.asked & bit) == 0, "FREEZE is sent once");
	RULE((node->ghost.connected & bit) != 0, "FREEZE is sent to clients");
	RULE(!node->parts[action->part].owes_thaw,
	    "no FREEZE for one that is still frozen");
	RULE(action->remaining_ms <= explore_limits.freeze_ms &&
		action->remaining_ms <= node->parts[action->part].freeze_ms,
	    "the budget of a FREEZE is kept");
	RULE(action->hold_ms > action->remaining_ms + hold_limit_ms(explorer) +
		    TXN_PAUSE_MS + TXN_REARM_MS,
	    "a library's own limit is longer than ours");
	for (i = 0; i < explorer->nparts; i++)
		RULE(node->parts[i].order >= node->parts[action->part].order ||
			node->parts[i].phase != TXN_PHASE_ASKED,
		    "lower orders have answered before higher ones are told");
	node->ghost.asked |= bit;
	node->ghost.unthawed |= bit;
}

static void
check_send_thaw(struct explorer *explorer, struct node *node,
    const struct txn_action *action)
{
	uint8_t bit = (uint8_t)(1u << action->part);
	size_t i;

	RULE((node->ghost.unthawed & bit) != 0,
	    "THAW is sent once, to those that were sent FREEZE");
	node->ghost.unthawed &= (uint8_t)~bit;
	node->ghost.unconfirmed |= bit;
	RULE(action->remaining_ms > 0, "a thaw has time to answer");
	RULE(action->remaining_ms <= explore_limits.thaw_ms &&
		action->remaining_ms <= node->parts[action->part].thaw_ms,
	    "the budget of a THAW is kept");
	node->ghost.thaw_due_ms[action->part] = node->now_ms +
	    node->parts[action->part].thaw_ms;
	if (node->txn.state == TXN_FREEZING || node->txn.state == TXN_HELD) {
		RULE(!node->parts[action->part].required,
		    "only optional participants are thawed early");
		return;
	}
	for (i = 0; i < explorer->nparts; i++)
		RULE((node->ghost.unthawed >> i & 1u) == 0 ||
			node->parts[i].order <= node->parts[action->part].order,
		    "higher orders are thawed first");
}

static void
check_release(struct explorer *explorer, const struct node *node)
{
	size_t i;

	RULE(node->now_ms < node->txn.begun_at_ms + explore_limits.answer_ms,
	    "no release after the driver's limit");
	for (i = 0; i < explorer->nparts; i++) {
		const struct txn_part *part = &node->parts[i];

		RULE(!part->required ||
			(part->result == TXN_RESULT_READY &&
			    part->phase == TXN_PHASE_READY &&
			    (node->ghost.connected >> i & 1u) != 0),
		    "a release needs every required participant READY");
		RULE(part->result == TXN_RESULT_READY ||
			(node->ghost.unthawed >> i & 1u) == 0,
		    "who failed was thawed before the release");
	}
}

static void
check_answer(struct explorer *explorer, struct node *node,
    const struct txn_action *action, bool *intruder_open)
{
	RULE(!node->ghost.source_gone ||
		action->request.source != node->txn.begun.source ||
		action->request.msgid == MSGID_INTRUDER,
	    "a source that has gone is not answered");
	if (action->request.msgid == MSGID_BEGUN) {
		RULE(node->ghost.begun_open, "a request is answered once");
		node->ghost.begun_open = false;
		if (action->success && action->op == TXN_OP_FREEZE) {
			check_release(explorer, node);
			node->ghost.held_ever = true;
		}
	} else if (action->request.msgid == MSGID_THAW) {
		RULE(node->ghost.thaw_open, "a THAW is answered once");
		node->ghost.thaw_open = false;
		RULE(action->success == (node->txn.outcome == TXN_OUTCOME_DONE),
		    "THAW succeeds if and only if the hold was good");
	} else {
		RULE(*intruder_open, "an intruder is answered once");
		*intruder_open = false;
		RULE(!action->success, "an intruder is answered FAIL");
	}
}

static void
check_finished(struct explorer *explorer, struct node *node)
{
	const struct txn *txn = &node->txn;
	enum txn_consistency consistency;
	size_t i, nready;

	node->ghost.finished = true;
	RULE(txn->state == TXN_IDLE, "finished is idle");
	RULE(!node->ghost.begun_open && !node->ghost.thaw_open,
	    "every request is answered by the end");
	RULE(node->ghost.unthawed == 0, "IDLE: everyone was sent THAW");
	RULE((node->ghost.unconfirmed & ~node->ghost.owes) == 0,
	    "a thaw that is not confirmed is handed over");
	RULE(txn->outcome != TXN_OUTCOME_NONE, "an outcome is known");
	consistency = txn_consistency(txn);
	RULE(consistency == TXN_CONSISTENCY_NONE ||
		(txn->outcome == TXN_OUTCOME_DONE && node->ghost.held_ever &&
		    txn->op == TXN_OP_FREEZE),
	    "only a snapshot that was held and thawed is worth something");
	RULE(consistency == TXN_CONSISTENCY_NONE || !node->ghost.told_fail,
	    "what the host was told FAIL for is worth nothing");
	RULE(consistency == TXN_CONSISTENCY_NONE || !node->ghost.lost_required,
	    "a required participant lost while held makes it worthless");
	RULE(consistency == TXN_CONSISTENCY_NONE || !node->ghost.freeze_in_hold,
	    "a hold that was begun anew is worth nothing");
	nready = 0;
	for (i = 0; i < explorer->nparts; i++)
		nready += node->parts[i].result == TXN_RESULT_READY;
	RULE(consistency != TXN_CONSISTENCY_APPLICATION ||
		(nready > 0 && nready == explorer->nparts),
	    "application needs a READY, and nobody missing");
	RULE(txn->outcome != TXN_OUTCOME_DONE || txn->op != TXN_OP_FREEZE ||
		(consistency == TXN_CONSISTENCY_APPLICATION) ==
		    (nready > 0 && nready == explorer->nparts),
	    "nobody missing makes it application");
}

/* What is being committed before the release says who is ready. */
static void
check_proof(struct explorer *explorer, const struct node *before,
    const struct node *node, bool commits)
{
	size_t i;

	if (!before->txn.committing || !node->txn.committing)
		return;
	for (i = 0; i < explorer->nparts; i++)
		RULE(commits ||
			(before->parts[i].result == TXN_RESULT_READY) ==
			    (node->parts[i].result == TXN_RESULT_READY),
		    "the held row says who is ready at the release");
	RULE(node->txn.step_at_ms == before->txn.step_at_ms,
	    "nobody delays the release by failing while it is committed");
}

void
explore_check_actions(struct explorer *explorer, const struct node *before,
    struct node *node, const struct txn_actions *actions, bool intruder)
{
	bool commits = false, intruder_open = intruder;
	size_t i;

	for (i = 0; i < actions->count; i++) {
		const struct txn_action *action = &actions->items[i];

		switch (action->type) {
		case TXN_ACT_SEND_CHECK:
			RULE(node->txn.op == TXN_OP_CHECK, "CHECK asks CHECK");
			break;
		case TXN_ACT_SEND_FREEZE:
			check_send_freeze(explorer, node, action);
			break;
		case TXN_ACT_SEND_THAW:
			check_send_thaw(explorer, node, action);
			break;
		case TXN_ACT_COMMIT_HELD:
			RULE(before->txn.state != TXN_HELD,
			    "the held row is committed before the release");
			commits = true;
			break;
		case TXN_ACT_ANSWER:
			check_answer(explorer, node, action, &intruder_open);
			break;
		case TXN_ACT_OWES:
			RULE((node->ghost.unconfirmed >> action->part & 1u) !=
				0,
			    "only who was sent THAW owes one");
			node->ghost.owes |= (uint8_t)(1u << action->part);
			break;
		case TXN_ACT_FINISHED:
			RULE(i + 1 == actions->count, "finished comes last");
			check_finished(explorer, node);
			break;
		}
	}
	RULE(!intruder_open, "an intruder is answered at once");
	check_proof(explorer, before, node, commits);
}

/* Rules about a step as a whole. */
void
explore_check_step(struct explorer *explorer, const struct node *before,
    const struct node *node)
{
	const struct txn_event *event = &node->event;
	uint8_t old[KEY_BYTES], new[KEY_BYTES];
	size_t i;

	RULE(node->txn.state == TXN_IDLE ||
		txn_next_at_ms(&node->txn) != UINT64_MAX,
	    "a transaction always has a deadline");
	RULE((node->txn.state == TXN_IDLE) == node->ghost.finished,
	    "idle is finished");
	RULE(node->txn.state != TXN_HELD || node->ghost.held_ever,
	    "held means released");
	RULE(node->txn.state != TXN_HELD || node->txn.rearmed ||
		node->txn.step_at_ms ==
		    node->txn.held_at_ms + hold_limit_ms(explorer),
	    "the limit while held is the source's own, or the usual one");
	for (i = 0; i < explorer->nparts; i++) {
		const struct txn_part *part = &node->parts[i];

		RULE((node->txn.state != TXN_FREEZING &&
			 node->txn.state != TXN_HELD) ||
			part->required ||
			(part->result != TXN_RESULT_FAILED &&
			    part->result != TXN_RESULT_TIMEOUT) ||
			(node->ghost.unthawed >> i & 1u) == 0,
		    "an optional participant that fails is thawed at once");
		RULE(node->txn.state != TXN_FREEZING || !part->required ||
			part->result == TXN_RESULT_NONE ||
			part->result == TXN_RESULT_READY,
		    "a required participant that fails ends it at once");
	}
	for (i = 0; i < explorer->nparts; i++) {
		const bool waits = (node->ghost.unconfirmed >> i & 1u) != 0 &&
		    (node->ghost.owes >> i & 1u) == 0;

		RULE(!waits ||
			(event->type == TXN_EV_TICK ?
				node->now_ms < node->ghost.thaw_due_ms[i] :
				txn_next_at_ms(&node->txn) <=
				    node->ghost.thaw_due_ms[i]),
		    "a thaw that is not confirmed in its own time is owed");
	}
	if (node->txn.state == TXN_THAWING)
		RULE(!node->ghost.begun_open,
		    "the driver is told FAIL before the thaw is waited for");
	if (node->txn.state == TXN_HELD || node->txn.state == TXN_THAWING)
		RULE(node->txn.asked == 0,
		    "who was asked last has answered, or is thawed first");
	if (node->txn.late_answers != before->txn.late_answers) {
		RULE(event->type == TXN_EV_READY || event->type == TXN_EV_FAIL,
		    "only answers are late");
		explore_make_key(explorer, before, old);
		explore_make_key(explorer, node, new);
		RULE(memcmp(old, new, KEY_BYTES) == 0,
		    "a late answer changes nothing but a counter");
	}
	if (before->txn.state == TXN_HELD && event->type == TXN_EV_TICK &&
	    event->now_ms >= before->txn.step_at_ms)
		RULE(node->txn.state != TXN_HELD ||
			(node->txn.rearmed && !before->txn.rearmed),
		    "the limit while held counts, once re-armed");
}

/* Keeps the ghost's account of the event itself. */
bool
explore_note_event(const struct node *before, struct node *node)
{
	const struct txn_event *event = &node->event;
	struct ghost *ghost = &node->ghost;
	uint8_t bit = (uint8_t)(1u << (event->part % 8));
	bool from_source = event->request.source == before->txn.begun.source;

	switch (event->type) {
	case TXN_EV_THAW:
		if (before->txn.state == TXN_HELD && from_source) {
			ghost->thaw_open = true;
			ghost->told_fail = event->told == TXN_TOLD_FAIL;
			return (false);
		}
		return (true);
	case TXN_EV_CHECK:
	case TXN_EV_FREEZE:
		if (before->txn.state == TXN_HELD && from_source &&
		    event->type == TXN_EV_FREEZE)
			ghost->freeze_in_hold = true;
		return (true);
	case TXN_EV_GONE:
		ghost->connected &= (uint8_t)~bit;
		if (before->txn.state == TXN_HELD &&
		    node->parts[event->part].required &&
		    (ghost->unthawed & bit) != 0)
			ghost->lost_required = true;
		ghost->unthawed &= (uint8_t)~bit;
		ghost->unconfirmed &= (uint8_t)~bit;
		return (false);
	case TXN_EV_READY:
		if (event->op == TXN_OP_THAW &&
		    node->parts[event->part].phase == TXN_PHASE_THAWING)
			ghost->unconfirmed &= (uint8_t)~bit;
		return (false);
	case TXN_EV_FAIL:
		if (before->txn.state == TXN_HELD &&
		    event->op == TXN_OP_FREEZE &&
		    node->parts[event->part].required)
			ghost->lost_required = true;
		return (false);
	case TXN_EV_SOURCE_GONE:
		if (from_source) {
			ghost->source_gone = true;
			ghost->begun_open = ghost->thaw_open = false;
		}
		return (false);
	case TXN_EV_COMMITTED:
	case TXN_EV_LATE:
	case TXN_EV_SHUTDOWN:
	case TXN_EV_TICK:
		break;
	}
	return (false);
}
