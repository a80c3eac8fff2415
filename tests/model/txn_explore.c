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

#include "explore.h"

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
	intruder = explore_note_event(before, &node);
	txn_step(&node.txn, event, &actions);
	explorer->steps++;
	explore_check_actions(explorer, before, &node, &actions, intruder);
	explore_check_step(explorer, before, &node);
	node.txn.late_answers = 0;
	/* The end is checked and not kept: what follows is another root. */
	if (!node.ghost.finished)
		explore_add_node(explorer, &node);
	if (explorer->violation != NULL) {
		explore_print_setup(explorer);
		explore_print_trace(explorer, index);
		node.depth = explorer->nodes[index].depth + 1;
		printf("  %u. t=%llu %s part=%zd op=%s -> %s\n", node.depth,
		    (unsigned long long)event->now_ms,
		    explore_event_word(event->type), (ssize_t)event->part,
		    txn_op_word(event->op), txn_state_word(node.txn.state));
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
		/* Those of one that has gone are of one that has come back. */
		for (j = 0; j < 3; j++) {
			event.op = ops[j];
			event.type = TXN_EV_READY;
			if (!explore_event(explorer, index, &event))
				return (false);
			event.type = TXN_EV_FAIL;
			if (!explore_event(explorer, index, &event))
				return (false);
		}
		if ((explorer->nodes[index].ghost.connected >> i & 1u) == 0)
			continue;
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

	for (event.request.source = DEVICE; event.request.source <= REQUESTOR;
	     event.request.source++) {
		if (gone && event.request.source == explorer->source)
			continue;
		event.request.msgid = MSGID_INTRUDER;
		event.type = TXN_EV_CHECK;
		if (!explore_event(explorer, index, &event))
			return (false);
		event.type = TXN_EV_FREEZE;
		if (!explore_event(explorer, index, &event))
			return (false);
		event.type = TXN_EV_THAW;
		if (state == TXN_HELD &&
		    event.request.source == explorer->source)
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
	/* It may have passed; time does not go back. */
	if (next_at_ms > event.now_ms)
		event.now_ms = next_at_ms;
	if (!explore_event(explorer, index, &event))
		return (false);
	/*
	 * A paused guest.  In the other states a late tick is one that finds
	 * more deadlines passed: the longest pause stands for all.
	 */
	event.now_ms += UINT64_C(20) * 60 * 1000;
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
	struct txn_event event = { .type = TXN_EV_TICK, .now_ms = node.now_ms };
	unsigned ticks;

	node.txn.parts = node.parts;
	for (ticks = 0; node.txn.state != TXN_IDLE; ticks++) {
		if (ticks > 3 * MAX_PARTS + 5) {
			explore_print_setup(explorer);
			explore_print_trace(explorer, index);
			printf("violated: time alone ends a transaction\n");
			return (false);
		}
		/* A deadline may have passed; time does not go back. */
		if (event.now_ms < txn_next_at_ms(&node.txn))
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
		    explorer->tablesize * sizeof(*explorer->table));
	memset(&root, 0, sizeof(root));
	txn_init(&root.txn, &explore_limits);
	memcpy(root.parts, explorer->setup, sizeof(root.parts));
	for (i = 0; i < explorer->nparts; i++)
		if (root.parts[i].present)
			root.ghost.connected |= (uint8_t)(1u << i);
	root.now_ms = START_MS;
	root.ghost.begun_open = true;
	before = root;
	event.type = op == TXN_OP_CHECK ? TXN_EV_CHECK : TXN_EV_FREEZE;
	event.request.msgid = MSGID_BEGUN;
	event.request.source = explorer->source;
	event.hold_ms = explorer->source == REQUESTOR ? REQUESTOR_HOLD_MS : 0;
	event.parts = root.parts;
	event.nparts = explorer->nparts;
	root.event = event;
	txn_step(&root.txn, &event, &actions);
	explorer->violation = NULL;
	explore_check_actions(explorer, &before, &root, &actions, false);
	explore_add_node(explorer, &root);
	if (explorer->violation != NULL) {
		explore_print_setup(explorer);
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

static struct txn_part
kind_of_part(unsigned kind)
{
	struct txn_part part = {
		.order = 10,
		.wants_check = true,
		.present = true,
		.freeze_ms = 5000,
		.thaw_ms = 5000,
	};

	part.required = kind & 1u;
	switch (kind / 2) {
	case 0:
		break;
	case 1:
		part.order = 20;
		part.freeze_ms = 3000;
		part.thaw_ms = 2000;
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
		part.thaw_ms = 20000;
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
	uint32_t last;
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
	/* Who begins it makes no difference to more participants. */
	last = nparts <= 2 ? REQUESTOR : DEVICE;
	for (explorer->source = DEVICE; explorer->source <= last;
	     explorer->source++) {
		for (op = TXN_OP_CHECK; op <= TXN_OP_FREEZE; op++) {
			if (!explore(explorer, op))
				return (false);
			totals->states += explorer->nnodes;
			if (explorer->nnodes > totals->largest)
				totals->largest = explorer->nnodes;
		}
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
