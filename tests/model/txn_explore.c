/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Explores every interleaving of a transaction: for each set of participants a
 * breadth-first search over all events that can happen in each state, with the
 * rules of the design as assertions after every step.  The search is breadth
 * first, so the first violation that is found has the shortest trace; it is
 * printed.  Time moves only by ticks, to the next deadline or past it.
 *
 * usage: txn_explore [MAX PARTICIPANTS], 5 by default; TXN_EXPLORE_MAX in the
 * environment likewise (the slow sanitizer builds set it).
 */
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/txn.h"

#define MAX_PARTS      5
#define DEVICE	       0u
#define REQUESTOR      1u
#define MSGID_BEGUN    1u
#define MSGID_THAW     2u
#define MSGID_INTRUDER 3u
#define KEY_BYTES      160
#define START_MS       1000

static const struct txn_limits limits = {
	.check_ms = 8000,
	.freeze_ms = 10000,
	.commit_ms = 500,
	.hold_ms = 60000,
	.thaw_ms = 9000,
	.answer_ms = 14000,
};

/* What the world knows, beside what the machine believes. */
struct ghost {
	uint8_t connected;   /* bits of participants */
	uint8_t asked;	     /* were sent FREEZE */
	uint8_t unthawed;    /* ... and not THAW, and are still connected */
	uint8_t unconfirmed; /* were sent THAW and did not say READY */
	uint8_t owes;	     /* handed over for retries */
	bool begun_open;
	bool thaw_open;
	bool source_gone;
	bool held_ever;
	bool freeze_in_hold;
	bool lost_required;
	bool told_fail;
	bool finished;
	bool released_late;
};

struct node {
	struct txn txn;
	struct txn_part parts[MAX_PARTS];
	struct ghost ghost;
	uint64_t now_ms;
	size_t parent;
	struct txn_event event;
	unsigned depth;
};

struct explorer {
	struct txn_part setup[MAX_PARTS];
	size_t nparts;
	enum txn_op op;
	struct node *nodes;
	size_t nnodes, maxnodes;
	size_t *table;
	size_t tablesize;
	uint64_t steps;
	const char *violation;
};

/* --- printing ------------------------------------------------------------ */

static const char *
event_word(enum txn_event_type type)
{
	switch (type) {
	case TXN_EV_CHECK:
		return ("CHECK");
	case TXN_EV_FREEZE:
		return ("FREEZE");
	case TXN_EV_THAW:
		return ("THAW");
	case TXN_EV_READY:
		return ("ready");
	case TXN_EV_FAIL:
		return ("fail");
	case TXN_EV_GONE:
		return ("gone");
	case TXN_EV_COMMITTED:
		return ("committed");
	case TXN_EV_LATE:
		return ("late");
	case TXN_EV_SOURCE_GONE:
		return ("source gone");
	case TXN_EV_SHUTDOWN:
		return ("shutdown");
	case TXN_EV_TICK:
		return ("tick");
	}
	return ("?");
}

static void
print_trace(const struct explorer *explorer, size_t index)
{
	const struct node *node = &explorer->nodes[index];
	size_t i;

	if (node->depth > 0)
		print_trace(explorer, node->parent);
	printf("  %u. t=%llu %s source=%u part=%zd op=%s told=%d -> %s\n",
	    node->depth, (unsigned long long)node->event.now_ms,
	    event_word(node->event.type), node->event.request.source,
	    (ssize_t)node->event.part, txn_op_word(node->event.op),
	    (int)node->event.told, txn_state_word(node->txn.state));
	for (i = 0; i < explorer->nparts; i++)
		printf("       %zu: phase=%d result=%s thaw=%s\n", i,
		    (int)node->parts[i].phase,
		    txn_result_word(node->parts[i].result),
		    txn_thaw_word(node->parts[i].thaw));
}

static void
print_setup(const struct explorer *explorer)
{
	size_t i;

	printf("participants of a %s:\n", txn_op_word(explorer->op));
	for (i = 0; i < explorer->nparts; i++)
		printf("  %zu: order=%u%s%s%s freeze_ms=%u\n", i,
		    explorer->setup[i].order,
		    explorer->setup[i].required ? " required" : " optional",
		    explorer->setup[i].present ? "" : " absent",
		    explorer->setup[i].owes_thaw ? " owes a thaw" : "",
		    explorer->setup[i].freeze_ms);
}

/* --- states seen --------------------------------------------------------- */

static uint8_t *
put_number(uint8_t *at, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0) {
		*at++ = value & 0xff;
		value >>= 8;
	}
	return (at);
}

static uint32_t
until(uint64_t at_ms, uint64_t now_ms)
{
	return ((uint32_t)(at_ms - now_ms));
}

static int
compare_parts(const void *a, const void *b)
{
	return (memcmp(a, b, 16));
}

/*
 * What of a participant decides what can happen next, and what the rules will
 * say at the end.  While thawing, of its result only READY or not; once it is
 * finished, neither how, nor whether it is still connected.
 */
static void
put_part_key(const struct node *node, size_t i, uint8_t key[16])
{
	const struct txn_part *part = &node->parts[i];
	const struct ghost *ghost = &node->ghost;
	unsigned bits, result;
	bool finished;
	uint8_t *at;

	finished = part->phase == TXN_PHASE_FINISHED;
	result = part->result;
	if (node->txn.state == TXN_THAWING)
		result = part->result == TXN_RESULT_READY;
	bits = (unsigned)(!finished && (ghost->connected >> i & 1u) != 0) |
	    (ghost->asked >> i & 1u) << 1 | (ghost->unthawed >> i & 1u) << 2 |
	    (((unsigned)ghost->unconfirmed & ~(unsigned)ghost->owes) >> i & 1u)
		<< 3 |
	    (unsigned)part->required << 4 | (unsigned)part->present << 5 |
	    (unsigned)part->owes_thaw << 6;
	at = put_number(key, part->order, 1);
	at = put_number(at, bits, 1);
	at = put_number(at, part->phase, 1);
	at = put_number(at, result, 1);
	at = put_number(at, part->phase == TXN_PHASE_THAWING ? part->step : 0,
	    1);
	at = put_number(at, part->freeze_ms, 2);
	if (part->phase == TXN_PHASE_ASKED)
		(void)put_number(at, until(part->deadline_at_ms, node->now_ms),
		    4);
}

/*
 * The key of a state.  Participants of equal setup and state are
 * interchangeable, so their parts of the key are sorted.
 */
static void
make_key(const struct explorer *explorer, const struct node *node,
    uint8_t key[KEY_BYTES])
{
	const struct txn *txn = &node->txn;
	const struct ghost *ghost = &node->ghost;
	uint8_t parts[MAX_PARTS][16] = { { 0 } }, *at;
	bool spoiled, thawing;
	uint64_t age_ms;
	size_t i;

	memset(key, 0, KEY_BYTES);
	for (i = 0; i < explorer->nparts; i++)
		put_part_key(node, i, parts[i]);
	qsort(parts, explorer->nparts, sizeof(parts[0]), compare_parts);
	memcpy(key, parts, sizeof(parts));
	at = put_number(key + sizeof(parts), txn->state, 1);
	at = put_number(at,
	    (unsigned)txn->begun_waits | (unsigned)txn->thaw_waits << 1 |
		(unsigned)txn->committing << 2 | (unsigned)txn->released << 3 |
		(unsigned)txn->superseded << 4 |
		(unsigned)txn->required_lost << 5 |
		(unsigned)txn->rearmed << 6 |
		(unsigned)(txn->reason != TXN_REASON_NONE) << 7,
	    1);
	thawing = txn->state == TXN_THAWING;
	spoiled = ghost->told_fail || ghost->lost_required ||
	    ghost->freeze_in_hold;
	at = put_number(at, txn->outcome, 1);
	at = put_number(at, txn->order, 1);
	at = put_number(at, txn->asked, 1);
	at = put_number(at, txn->thawing, 1);
	at = put_number(at, txn->step, 1);
	at = put_number(at, txn->step_thawing, 1);
	if (txn->state != TXN_IDLE) {
		at = put_number(at, until(txn->step_at_ms, node->now_ms), 4);
		at = put_number(at,
		    txn->state == TXN_HELD ?
			0 :
			until(txn->budget_at_ms, node->now_ms),
		    4);
	}
	if (txn->state == TXN_FREEZING) {
		age_ms = node->now_ms - txn->begun_at_ms;
		at = put_number(at,
		    age_ms > limits.answer_ms ? limits.answer_ms : age_ms, 4);
	}
	(void)put_number(at,
	    (unsigned)ghost->begun_open | (unsigned)ghost->thaw_open << 1 |
		(unsigned)ghost->source_gone << 2 |
		(unsigned)ghost->held_ever << 3 |
		(unsigned)(thawing ? spoiled : ghost->freeze_in_hold) << 4 |
		(unsigned)(thawing ? 0 : ghost->lost_required) << 5 |
		(unsigned)(thawing ? 0 : ghost->told_fail) << 6,
	    1);
}

static uint64_t
hash_key(const uint8_t key[KEY_BYTES])
{
	uint64_t hash;
	size_t i;

	hash = UINT64_C(14695981039346656037);
	for (i = 0; i < KEY_BYTES; i++)
		hash = (hash ^ key[i]) * UINT64_C(1099511628211);
	return (hash ^ hash >> 29);
}

static void
grow_table(struct explorer *explorer)
{
	uint8_t key[KEY_BYTES];
	size_t i, slot;

	free(explorer->table);
	explorer->tablesize = explorer->tablesize == 0 ?
	    1u << 16 :
	    explorer->tablesize * 4;
	explorer->table = calloc(explorer->tablesize, sizeof(size_t));
	if (explorer->table == NULL)
		err(1, "calloc");
	for (i = 0; i < explorer->nnodes; i++) {
		make_key(explorer, &explorer->nodes[i], key);
		slot = hash_key(key) & (explorer->tablesize - 1);
		while (explorer->table[slot] != 0)
			slot = (slot + 1) & (explorer->tablesize - 1);
		explorer->table[slot] = i + 1;
	}
}

/* Appends the node unless its state was seen. */
static void
add_node(struct explorer *explorer, const struct node *node)
{
	uint8_t key[KEY_BYTES], other[KEY_BYTES];
	size_t slot;

	if (2 * (explorer->nnodes + 1) > explorer->tablesize)
		grow_table(explorer);
	make_key(explorer, node, key);
	slot = hash_key(key) & (explorer->tablesize - 1);
	while (explorer->table[slot] != 0) {
		make_key(explorer, &explorer->nodes[explorer->table[slot] - 1],
		    other);
		if (memcmp(key, other, KEY_BYTES) == 0)
			return;
		slot = (slot + 1) & (explorer->tablesize - 1);
	}
	if (explorer->nnodes == explorer->maxnodes) {
		explorer->maxnodes = explorer->maxnodes == 0 ?
		    4096 :
		    explorer->maxnodes * 2;
		explorer->nodes = realloc(explorer->nodes,
		    explorer->maxnodes * sizeof(*explorer->nodes));
		if (explorer->nodes == NULL)
			err(1, "realloc");
	}
	explorer->nodes[explorer->nnodes] = *node;
	explorer->table[slot] = ++explorer->nnodes;
}

/* --- the rules ----------------------------------------------------------- */

static bool
violated(struct explorer *explorer, bool holds, const char *rule)
{
	if (!holds && explorer->violation == NULL)
		explorer->violation = rule;
	return (!holds);
}

#define RULE(holds, rule) (void)violated(explorer, (holds), (rule))

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
	RULE(action->remaining_ms <= limits.freeze_ms &&
		action->remaining_ms <= node->parts[action->part].freeze_ms,
	    "the budget of a FREEZE is kept");
	RULE(action->hold_ms > action->remaining_ms + limits.hold_ms +
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
	RULE(node->txn.state != TXN_THAWING || action->remaining_ms > 0,
	    "a thaw has time to answer");
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

	RULE(node->now_ms < node->txn.begun_at_ms + limits.answer_ms,
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

static void
check_actions(struct explorer *explorer, const struct node *before,
    struct node *node, const struct txn_actions *actions, bool intruder)
{
	bool intruder_open = intruder;
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
}

/* Rules about a step as a whole. */
static void
check_step(struct explorer *explorer, const struct node *before,
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
	if (node->txn.state == TXN_THAWING)
		RULE(!node->ghost.begun_open,
		    "the driver is told FAIL before the thaw is waited for");
	if (node->txn.late_answers != before->txn.late_answers) {
		RULE(event->type == TXN_EV_READY || event->type == TXN_EV_FAIL,
		    "only answers are late");
		make_key(explorer, before, old);
		make_key(explorer, node, new);
		RULE(memcmp(old, new, KEY_BYTES) == 0,
		    "a late answer changes nothing but a counter");
	}
	if (before->txn.state == TXN_HELD && event->type == TXN_EV_TICK &&
	    event->now_ms >= txn_next_at_ms(&before->txn))
		RULE(node->txn.state != TXN_HELD ||
			(node->txn.rearmed && !before->txn.rearmed),
		    "the limit while held counts, once re-armed");
}

/* --- events -------------------------------------------------------------- */

/* Keeps the ghost's account of the event itself. */
static bool
note_event(const struct node *before, struct node *node)
{
	const struct txn_event *event = &node->event;
	struct ghost *ghost = &node->ghost;
	uint8_t bit = (uint8_t)(1u << (event->part % 8));
	bool from_source = event->request.source == DEVICE;

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

/* Makes one step from a node; returns false on a violation. */
static bool
explore_event(struct explorer *explorer, size_t index,
    const struct txn_event *event)
{
	struct txn_action items[TXN_ACTIONS_MAX(MAX_PARTS)];
	struct txn_actions actions = { items, 0,
		TXN_ACTIONS_MAX(explorer->nparts) };
	struct node node = explorer->nodes[index];
	const struct node *before;
	bool intruder;

	node.parent = index;
	node.depth++;
	node.event = *event;
	node.now_ms = event->now_ms;
	node.txn.parts = node.parts;
	before = &explorer->nodes[index];
	intruder = note_event(before, &node);
	txn_step(&node.txn, event, &actions);
	explorer->steps++;
	check_actions(explorer, before, &node, &actions, intruder);
	check_step(explorer, before, &node);
	node.txn.late_answers = 0;
	/* The end is checked and not kept: what follows is another root. */
	if (!node.ghost.finished)
		add_node(explorer, &node);
	if (explorer->violation != NULL) {
		print_setup(explorer);
		print_trace(explorer, index);
		node.depth = explorer->nodes[index].depth + 1;
		printf("  %u. t=%llu %s part=%zd op=%s -> %s\n", node.depth,
		    (unsigned long long)event->now_ms, event_word(event->type),
		    (ssize_t)event->part, txn_op_word(event->op),
		    txn_state_word(node.txn.state));
		printf("violated: %s\n", explorer->violation);
		return (false);
	}
	return (true);
}

static bool
explore_parts(struct explorer *explorer, size_t index)
{
	struct txn_event event = { .now_ms = explorer->nodes[index].now_ms };
	static const enum txn_op ops[] = { TXN_OP_CHECK, TXN_OP_FREEZE,
		TXN_OP_THAW };
	size_t i, j;

	for (i = 0; i < explorer->nparts; i++) {
		event.part = i;
		if ((explorer->nodes[index].ghost.connected >> i & 1u) == 0)
			continue;
		for (j = 0; j < 3; j++) {
			event.op = ops[j];
			event.type = TXN_EV_READY;
			if (!explore_event(explorer, index, &event))
				return (false);
			event.type = TXN_EV_FAIL;
			if (!explore_event(explorer, index, &event))
				return (false);
		}
		event.type = TXN_EV_GONE;
		if (!explore_event(explorer, index, &event))
			return (false);
	}
	return (true);
}

static bool
explore_source(struct explorer *explorer, size_t index)
{
	static const enum txn_told told[] = { TXN_TOLD_UNKNOWN,
		TXN_TOLD_SUCCESS, TXN_TOLD_FAIL };
	const struct node *node = &explorer->nodes[index];
	struct txn_event event = { .now_ms = node->now_ms };
	enum txn_state state = node->txn.state;
	bool gone = node->ghost.source_gone;
	size_t i;

	for (event.request.source = gone ? REQUESTOR : DEVICE;
	     event.request.source <= REQUESTOR; event.request.source++) {
		event.request.msgid = MSGID_INTRUDER;
		event.type = TXN_EV_CHECK;
		if (!explore_event(explorer, index, &event))
			return (false);
		event.type = TXN_EV_FREEZE;
		if (!explore_event(explorer, index, &event))
			return (false);
		event.type = TXN_EV_THAW;
		if (state == TXN_HELD && event.request.source == DEVICE)
			event.request.msgid = MSGID_THAW;
		for (i = 0; i < 3; i++) {
			event.told = told[i];
			if (!explore_event(explorer, index, &event))
				return (false);
		}
		event.told = TXN_TOLD_UNKNOWN;
		event.type = TXN_EV_SOURCE_GONE;
		if (!explore_event(explorer, index, &event))
			return (false);
	}
	return (true);
}

static bool
explore_rest(struct explorer *explorer, size_t index)
{
	const struct node *node = &explorer->nodes[index];
	struct txn_event event = { .now_ms = node->now_ms };
	uint64_t next_at_ms = txn_next_at_ms(&node->txn);

	event.type = TXN_EV_SHUTDOWN;
	if (!explore_event(explorer, index, &event))
		return (false);
	event.type = TXN_EV_LATE;
	if (!explore_event(explorer, index, &event))
		return (false);
	event.type = TXN_EV_COMMITTED;
	event.committed = true;
	if (!explore_event(explorer, index, &event))
		return (false);
	event.committed = false;
	if (!explore_event(explorer, index, &event))
		return (false);
	if (next_at_ms == UINT64_MAX)
		return (true);
	event.type = TXN_EV_TICK;
	if (!explore_event(explorer, index, &event)) /* too early */
		return (false);
	event.now_ms = next_at_ms;
	if (!explore_event(explorer, index, &event))
		return (false);
	/*
	 * A paused guest.  In the other states a late tick is one that finds
	 * more deadlines passed: the longest pause stands for all.
	 */
	event.now_ms = next_at_ms + 20 * 60 * 1000;
	return (explore_event(explorer, index, &event));
}

/* With ticks alone every transaction ends, after a bounded number of them. */
static bool
check_liveness(struct explorer *explorer, size_t index)
{
	struct txn_action items[TXN_ACTIONS_MAX(MAX_PARTS)];
	struct txn_actions actions = { items, 0,
		TXN_ACTIONS_MAX(explorer->nparts) };
	struct node node = explorer->nodes[index];
	struct txn_event event = { .type = TXN_EV_TICK };
	unsigned ticks;

	node.txn.parts = node.parts;
	for (ticks = 0; node.txn.state != TXN_IDLE; ticks++) {
		if (ticks > 3 * MAX_PARTS + 5) {
			print_setup(explorer);
			print_trace(explorer, index);
			printf("violated: time alone ends a transaction\n");
			return (false);
		}
		event.now_ms = txn_next_at_ms(&node.txn);
		txn_step(&node.txn, &event, &actions);
	}
	return (true);
}

static bool
explore(struct explorer *explorer, enum txn_op op)
{
	struct txn_action items[TXN_ACTIONS_MAX(MAX_PARTS)];
	struct txn_actions actions = { items, 0,
		TXN_ACTIONS_MAX(explorer->nparts) };
	struct txn_event event = { .now_ms = START_MS };
	struct node root, before;
	size_t i;

	explorer->op = op;
	explorer->nnodes = 0;
	if (explorer->table != NULL)
		memset(explorer->table, 0,
		    explorer->tablesize * sizeof(size_t));
	memset(&root, 0, sizeof(root));
	txn_init(&root.txn, &limits);
	memcpy(root.parts, explorer->setup, sizeof(root.parts));
	for (i = 0; i < explorer->nparts; i++)
		if (root.parts[i].present)
			root.ghost.connected |= (uint8_t)(1u << i);
	root.now_ms = START_MS;
	root.ghost.begun_open = true;
	before = root;
	event.type = op == TXN_OP_CHECK ? TXN_EV_CHECK : TXN_EV_FREEZE;
	event.request.msgid = MSGID_BEGUN;
	event.parts = root.parts;
	event.nparts = explorer->nparts;
	root.event = event;
	txn_step(&root.txn, &event, &actions);
	explorer->violation = NULL;
	check_actions(explorer, &before, &root, &actions, false);
	add_node(explorer, &root);
	if (explorer->violation != NULL) {
		print_setup(explorer);
		printf("violated at the start: %s\n", explorer->violation);
		return (false);
	}
	for (i = 0; i < explorer->nnodes; i++) {
		if (!check_liveness(explorer, i))
			return (false);
		if (explorer->nodes[i].ghost.finished)
			continue;
		if (!explore_parts(explorer, i) ||
		    !explore_source(explorer, i) || !explore_rest(explorer, i))
			return (false);
	}
	return (true);
}

/* --- the sets of participants -------------------------------------------- */

static struct txn_part
kind_of_part(unsigned kind)
{
	struct txn_part part = {
		.order = 10,
		.wants_check = true,
		.present = true,
		.freeze_ms = 5000,
	};

	part.required = kind & 1u;
	switch (kind / 2) {
	case 0:
		break;
	case 1:
		part.order = 20;
		part.freeze_ms = 3000;
		break;
	case 2:
		part.present = false;
		part.wants_check = false;
		break;
	case 3:
		part.owes_thaw = true;
		break;
	default:
		part.order = 30;
		part.freeze_ms = 20000;
		part.wants_check = false;
		break;
	}
	return (part);
}

struct totals {
	uint64_t sets, states, steps;
	size_t largest;
};

/* All multisets of nparts kinds below nkinds. */
static bool
explore_sets(struct explorer *explorer, size_t nparts, unsigned nkinds,
    const unsigned *kinds, size_t chosen, unsigned first, struct totals *totals)
{
	enum txn_op op;
	unsigned kind;

	if (chosen < nparts) {
		for (kind = first; kind < nkinds; kind++) {
			explorer->setup[chosen] = kind_of_part(kinds[kind]);
			if (!explore_sets(explorer, nparts, nkinds, kinds,
				chosen + 1, kind, totals))
				return (false);
		}
		return (true);
	}
	explorer->nparts = nparts;
	for (op = TXN_OP_CHECK; op <= TXN_OP_FREEZE; op++) {
		if (!explore(explorer, op))
			return (false);
		totals->states += explorer->nnodes;
		if (explorer->nnodes > totals->largest)
			totals->largest = explorer->nnodes;
	}
	totals->sets++;
	totals->steps = explorer->steps;
	return (true);
}

int
main(int argc, char *argv[])
{
	/* Few participants of every kind; more of the kinds that interact. */
	static const unsigned all_kinds[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	static const unsigned four_kinds[] = { 0, 1, 2, 3 };
	static const unsigned five_kinds[] = { 0, 1, 2 };
	struct explorer explorer = { .nparts = 0 };
	struct totals totals = { 0, 0, 0, 0 };
	const char *number;
	size_t nparts, max;
	bool good;

	number = argc > 1 ? argv[1] : getenv("TXN_EXPLORE_MAX");
	max = number != NULL ? strtoul(number, NULL, 10) : MAX_PARTS;
	if (max > MAX_PARTS)
		errx(1, "at most %d participants", MAX_PARTS);
	for (nparts = 0; nparts <= max; nparts++) {
		if (nparts <= 3)
			good = explore_sets(&explorer, nparts,
			    nparts < 3 ? 10 : 8, all_kinds, 0, 0, &totals);
		else if (nparts == 4)
			good = explore_sets(&explorer, nparts, 4, four_kinds, 0,
			    0, &totals);
		else
			good = explore_sets(&explorer, nparts, 3, five_kinds, 0,
			    0, &totals);
		if (!good)
			return (1);
		printf("up to %zu participants: %llu sets, %llu states "
		       "(largest %zu), %llu steps, no rule violated\n",
		    nparts, (unsigned long long)totals.sets,
		    (unsigned long long)totals.states, totals.largest,
		    (unsigned long long)totals.steps);
		(void)fflush(stdout);
	}
	free(explorer.nodes);
	free(explorer.table);
	return (0);
}
