/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transaction machine for its tests: see txn_rig.h.
 */
#include <check.h>
#include <string.h>

#include "txn_rig.h"

const struct txn_limits rig_limits = {
	.check_ms = 8000,
	.freeze_ms = 10000,
	.commit_ms = 500,
	.hold_ms = 60000,
	.thaw_ms = 10000,
	.answer_ms = 14000,
	.pause_ms = TXN_PAUSE_MS,
	.rearm_ms = TXN_REARM_MS,
};

struct txn txn;
struct txn_part parts[TXN_RIG_PARTS];
struct txn_action items[TXN_ACTIONS_MAX(TXN_RIG_PARTS)];
struct txn_actions actions = { items, 0, TXN_ACTIONS_MAX(TXN_RIG_PARTS) };
uint64_t now_ms;

void
rig_step(struct txn_event event)
{
	event.now_ms = now_ms;
	txn_step(&txn, &event, &actions);
}

size_t
rig_acted(enum txn_action_type type, struct txn_action *last)
{
	size_t count, i;

	count = 0;
	for (i = 0; i < actions.count; i++) {
		if (items[i].type != type)
			continue;
		count++;
		if (last != NULL)
			*last = items[i];
	}
	return (count);
}

void
rig_begin(enum txn_event_type type, size_t nparts)
{
	rig_step((struct txn_event) { .type = type,
	    .id = 7,
	    .request = { .msgid = 1 },
	    .parts = parts,
	    .nparts = nparts });
}

void
rig_answer(enum txn_event_type type, size_t part, enum txn_op op)
{
	rig_step((struct txn_event) { .type = type, .part = part, .op = op });
}

void
rig_thaw(enum txn_told told)
{
	rig_step((struct txn_event) { .type = TXN_EV_THAW,
	    .request = { .msgid = 2 },
	    .told = told });
}

void
rig_commit(void)
{
	rig_step(
	    (struct txn_event) { .type = TXN_EV_COMMITTED, .committed = true });
}

void
rig_tick_next(void)
{
	now_ms = txn_next_at_ms(&txn);
	rig_step((struct txn_event) { .type = TXN_EV_TICK });
}

void
rig_setup(void)
{
	size_t i;

	now_ms = 100000;
	txn_init(&txn, &rig_limits);
	memset(parts, 0, sizeof(parts));
	for (i = 0; i < TXN_RIG_PARTS; i++) {
		parts[i].order = 50;
		parts[i].present = true;
		parts[i].freeze_ms = 5000;
		parts[i].thaw_ms = 20000;
	}
}

void
rig_hold(size_t nparts)
{
	struct txn_action action;
	size_t i;

	rig_begin(TXN_EV_FREEZE, nparts);
	for (i = 0; i < nparts; i++)
		rig_answer(TXN_EV_READY, i, TXN_OP_FREEZE);
	ck_assert_uint_eq(rig_acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	rig_commit();
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
}

void
rig_all_thawed(size_t nparts)
{
	size_t i;

	for (i = 0; i < nparts; i++)
		rig_answer(TXN_EV_READY, i, TXN_OP_THAW);
	ck_assert_int_eq(txn.state, TXN_IDLE);
}
