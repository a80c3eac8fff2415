/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transaction machine by example: what the exploration cannot say, namely
 * which outcome, reason and consistency a given course of events has.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/txn.h"

static const struct txn_limits limits = {
	.check_ms = 8000,
	.freeze_ms = 10000,
	.commit_ms = 500,
	.hold_ms = 60000,
	.thaw_ms = 10000,
	.answer_ms = 14000,
	.pause_ms = TXN_PAUSE_MS,
	.rearm_ms = TXN_REARM_MS,
};

static struct txn txn;
static struct txn_part parts[3];
static struct txn_action items[TXN_ACTIONS_MAX(3)];
static struct txn_actions actions = { items, 0, TXN_ACTIONS_MAX(3) };
static uint64_t now_ms;

static void
step(struct txn_event event)
{
	event.now_ms = now_ms;
	txn_step(&txn, &event, &actions);
}

/* How many actions of a type the last step made; *last is the last of them. */
static size_t
acted(enum txn_action_type type, struct txn_action *last)
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

static void
begin(enum txn_event_type type, size_t nparts)
{
	step((struct txn_event) { .type = type,
	    .id = 7,
	    .request = { .msgid = 1 },
	    .parts = parts,
	    .nparts = nparts });
}

static void
answer(enum txn_event_type type, size_t part, enum txn_op op)
{
	step((struct txn_event) { .type = type, .part = part, .op = op });
}

static void
thaw(enum txn_told told)
{
	step((struct txn_event) { .type = TXN_EV_THAW,
	    .request = { .msgid = 2 },
	    .told = told });
}

static void
commit(void)
{
	step(
	    (struct txn_event) { .type = TXN_EV_COMMITTED, .committed = true });
}

static void
tick_next(void)
{
	now_ms = txn_next_at_ms(&txn);
	step((struct txn_event) { .type = TXN_EV_TICK });
}

static void
setup(void)
{
	size_t i;

	now_ms = 100000;
	txn_init(&txn, &limits);
	memset(parts, 0, sizeof(parts));
	for (i = 0; i < 3; i++) {
		parts[i].order = 50;
		parts[i].present = true;
		parts[i].freeze_ms = 5000;
		parts[i].thaw_ms = 20000;
	}
}

/* Freezes nparts participants that are all ready, up to the release. */
static void
hold(size_t nparts)
{
	struct txn_action action;
	size_t i;

	begin(TXN_EV_FREEZE, nparts);
	for (i = 0; i < nparts; i++)
		answer(TXN_EV_READY, i, TXN_OP_FREEZE);
	ck_assert_uint_eq(acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	commit();
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
}

static void
all_thawed(size_t nparts)
{
	size_t i;

	for (i = 0; i < nparts; i++)
		answer(TXN_EV_READY, i, TXN_OP_THAW);
	ck_assert_int_eq(txn.state, TXN_IDLE);
}

START_TEST(whole_snapshot_is_application)
{
	struct txn_action action;

	hold(2);
	ck_assert(txn.proved);
	thaw(TXN_TOLD_SUCCESS);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_THAW, &action), 2);
	ck_assert_int_eq(action.outcome, TXN_OUTCOME_DONE);
	all_thawed(2);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

/* Its own time counts, in whatever state; the others are not waited for. */
START_TEST(thaw_has_its_own_limit)
{
	struct txn_action action;

	parts[0].thaw_ms = 100;
	hold(2);
	thaw(TXN_TOLD_SUCCESS);
	answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_int_eq(txn.state, TXN_THAWING);
	ck_assert_uint_eq(txn_next_at_ms(&txn), now_ms + 100);
	tick_next();
	ck_assert_int_eq(txn.state, TXN_IDLE);
	ck_assert_int_eq(parts[0].thaw, TXN_THAW_TIMEOUT);
	ck_assert_uint_eq(acted(TXN_ACT_OWES, &action), 1);
	ck_assert_uint_eq(action.part, 0);
}
END_TEST

START_TEST(early_thaw_is_owed_while_held)
{
	begin(TXN_EV_FREEZE, 2);
	parts[0].thaw_ms = 100;
	answer(TXN_EV_FAIL, 0, TXN_OP_FREEZE);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_THAW, NULL), 1);
	answer(TXN_EV_READY, 1, TXN_OP_FREEZE);
	commit();
	ck_assert_int_eq(txn.state, TXN_HELD);
	tick_next();
	ck_assert_uint_eq(acted(TXN_ACT_OWES, NULL), 1);
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_uint_eq(txn_next_at_ms(&txn),
	    txn.held_at_ms + limits.hold_ms);
}
END_TEST

START_TEST(nobody_registered_is_filesystem)
{
	begin(TXN_EV_FREEZE, 0);
	ck_assert_uint_eq(acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	commit();
	thaw(TXN_TOLD_UNKNOWN);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_DONE);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_FILESYSTEM);
}
END_TEST

START_TEST(required_fail_vetoes_and_names_it)
{
	struct txn_action action;

	parts[1].required = true;
	begin(TXN_EV_FREEZE, 2);
	answer(TXN_EV_FAIL, 1, TXN_OP_FREEZE);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_FAILED);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_THAW, NULL), 2);
	all_thawed(2);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	ck_assert_uint_eq(txn.culprit, 1);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_NONE);
}
END_TEST

START_TEST(optional_timeout_is_filesystem)
{
	struct txn_action action;

	begin(TXN_EV_FREEZE, 2);
	answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	tick_next();
	ck_assert_uint_eq(now_ms, 105000);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	ck_assert_uint_eq(acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	commit();
	thaw(TXN_TOLD_SUCCESS);
	all_thawed(2);
	ck_assert_int_eq(parts[1].result, TXN_RESULT_TIMEOUT);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_FILESYSTEM);
}
END_TEST

START_TEST(optional_fail_is_filesystem)
{
	struct txn_action action;

	begin(TXN_EV_FREEZE, 2);
	now_ms += 7;
	answer(TXN_EV_FAIL, 1, TXN_OP_FREEZE);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	commit();
	thaw(TXN_TOLD_SUCCESS);
	all_thawed(2);
	ck_assert_int_eq(parts[1].result, TXN_RESULT_FAILED);
	ck_assert_uint_eq(parts[1].answered_at_ms, parts[1].told_at_ms + 7);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_DONE);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_FILESYSTEM);
}
END_TEST

START_TEST(required_absent_freezes_nobody)
{
	parts[1].required = true;
	parts[1].present = false;
	begin(TXN_EV_FREEZE, 2);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_FREEZE, NULL), 0);
	ck_assert_uint_eq(acted(TXN_ACT_FINISHED, NULL), 1);
	ck_assert_int_eq(txn.state, TXN_IDLE);
	ck_assert_int_eq(txn.reason, TXN_REASON_ABSENT);
}
END_TEST

START_TEST(limit_while_held_expires)
{
	struct txn_action action;

	hold(1);
	tick_next();
	ck_assert_uint_eq(now_ms, 160000);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_int_eq(action.outcome, TXN_OUTCOME_EXPIRED);
	ck_assert_int_eq(txn.reason, TXN_REASON_NO_THAW);
	all_thawed(1);
	thaw(TXN_TOLD_SUCCESS);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_NOT_FROZEN);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_NONE);
}
END_TEST

START_TEST(paused_guest_gets_its_thaw)
{
	hold(1);
	now_ms = txn_next_at_ms(&txn) + TXN_PAUSE_MS + 1;
	step((struct txn_event) { .type = TXN_EV_TICK });
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_uint_eq(txn_next_at_ms(&txn), now_ms + TXN_REARM_MS);
	thaw(TXN_TOLD_SUCCESS);
	all_thawed(1);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

START_TEST(pause_counts_once)
{
	hold(1);
	now_ms = txn_next_at_ms(&txn) + TXN_PAUSE_MS + 1;
	step((struct txn_event) { .type = TXN_EV_TICK });
	now_ms = txn_next_at_ms(&txn) + TXN_PAUSE_MS + 1;
	step((struct txn_event) { .type = TXN_EV_TICK });
	ck_assert_int_eq(txn.state, TXN_THAWING);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_EXPIRED);
}
END_TEST

START_TEST(required_lost_while_held_fails_the_thaw)
{
	struct txn_action action;

	parts[0].required = true;
	hold(2);
	answer(TXN_EV_GONE, 0, TXN_OP_FREEZE);
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_int_eq(parts[0].result, TXN_RESULT_LOST);
	ck_assert_int_eq(parts[0].thaw, TXN_THAW_GONE);
	thaw(TXN_TOLD_SUCCESS);
	answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	ck_assert_int_eq(txn.reason, TXN_REASON_DISCONNECTED);
	ck_assert_uint_eq(txn.culprit, 0);
}
END_TEST

START_TEST(optional_lost_while_held_is_filesystem)
{
	hold(2);
	answer(TXN_EV_GONE, 0, TXN_OP_FREEZE);
	thaw(TXN_TOLD_SUCCESS);
	answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_DONE);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_FILESYSTEM);
}
END_TEST

START_TEST(failing_during_the_commit_is_committed_too)
{
	uint64_t release_at_ms;

	begin(TXN_EV_FREEZE, 3);
	answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	answer(TXN_EV_READY, 1, TXN_OP_FREEZE);
	answer(TXN_EV_READY, 2, TXN_OP_FREEZE);
	ck_assert_uint_eq(acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	ck_assert_int_eq(txn_prospect(&txn), TXN_CONSISTENCY_APPLICATION);
	release_at_ms = txn_next_at_ms(&txn);
	now_ms += 100;
	answer(TXN_EV_FAIL, 1, TXN_OP_FREEZE);
	ck_assert_uint_eq(acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	ck_assert_int_eq(txn_prospect(&txn), TXN_CONSISTENCY_FILESYSTEM);
	answer(TXN_EV_GONE, 2, TXN_OP_FREEZE);
	ck_assert_uint_eq(acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	ck_assert_uint_eq(txn.commits, 3);
	ck_assert_uint_eq(txn_next_at_ms(&txn), release_at_ms);
	/* A thaw that is confirmed changes nothing of it. */
	answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_uint_eq(acted(TXN_ACT_COMMIT_HELD, NULL), 0);
	commit();
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert(txn.proved);
}
END_TEST

START_TEST(host_told_fail_is_none)
{
	hold(1);
	thaw(TXN_TOLD_FAIL);
	all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	ck_assert_int_eq(txn.reason, TXN_REASON_FS_FAILED);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_NONE);
}
END_TEST

START_TEST(freeze_while_held_is_superseded)
{
	struct txn_action action;

	hold(1);
	begin(TXN_EV_FREEZE, 1);
	ck_assert_uint_eq(actions.count, 1);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_NEW_FREEZE);
	thaw(TXN_TOLD_SUCCESS);
	all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_SUPERSEDED);
	ck_assert_int_eq(txn.reason, TXN_REASON_NEW_FREEZE);
	/* It is nobody's fault. */
	ck_assert_uint_eq(txn.culprit, SIZE_MAX);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_NONE);
}
END_TEST

START_TEST(failed_thaw_does_not_fail_the_snapshot)
{
	struct txn_action action;

	hold(2);
	thaw(TXN_TOLD_SUCCESS);
	answer(TXN_EV_FAIL, 0, TXN_OP_THAW);
	ck_assert_uint_eq(acted(TXN_ACT_OWES, &action), 1);
	ck_assert_uint_eq(action.part, 0);
	answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

START_TEST(order_goes_up_and_comes_down)
{
	struct txn_action action;

	parts[0].order = 10;
	begin(TXN_EV_FREEZE, 2);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_FREEZE, &action), 1);
	ck_assert_uint_eq(action.part, 0);
	answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_FREEZE, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	answer(TXN_EV_READY, 1, TXN_OP_FREEZE);
	commit();
	thaw(TXN_TOLD_SUCCESS);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	/* It hangs: the other one gets its turn within half of the budget. */
	tick_next();
	ck_assert_uint_eq(now_ms, 105000);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 0);
	answer(TXN_EV_READY, 0, TXN_OP_THAW);
	ck_assert_int_eq(txn.state, TXN_THAWING);
	tick_next();
	ck_assert_int_eq(txn.state, TXN_IDLE);
	ck_assert_uint_eq(now_ms, 110000);
	ck_assert_int_eq(parts[1].thaw, TXN_THAW_TIMEOUT);
}
END_TEST

START_TEST(slow_history_does_not_stop_the_release)
{
	struct txn_action action;

	begin(TXN_EV_FREEZE, 1);
	answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	tick_next();
	ck_assert_uint_eq(now_ms, 100500);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert(!txn.proved);
}
END_TEST

START_TEST(late_release_is_an_abort)
{
	struct txn_action action;

	hold(1);
	step((struct txn_event) { .type = TXN_EV_LATE });
	ck_assert_uint_eq(acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_int_eq(action.outcome, TXN_OUTCOME_ABORTED);
	all_thawed(1);
	ck_assert_int_eq(txn.reason, TXN_REASON_LATE);
}
END_TEST

START_TEST(check_fails_for_an_absent_required_one)
{
	struct txn_action action;

	parts[0].required = true;
	parts[0].present = false;
	begin(TXN_EV_CHECK, 1);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
}
END_TEST

START_TEST(check_asks_who_wants_it)
{
	struct txn_action action;

	parts[1].wants_check = true;
	begin(TXN_EV_CHECK, 2);
	ck_assert_uint_eq(acted(TXN_ACT_SEND_CHECK, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	answer(TXN_EV_READY, 1, TXN_OP_CHECK);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(txn.state, TXN_IDLE);
}
END_TEST

START_TEST(check_waits_no_longer_than_the_slice)
{
	struct txn_action action;

	parts[0].wants_check = true;
	parts[0].freeze_ms = 3000;
	begin(TXN_EV_CHECK, 1);
	tick_next();
	ck_assert_uint_eq(now_ms, 103000);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(parts[0].result, TXN_RESULT_TIMEOUT);
}
END_TEST

START_TEST(check_ends_when_the_last_one_has_gone)
{
	struct txn_action action;

	parts[0].wants_check = true;
	begin(TXN_EV_CHECK, 1);
	answer(TXN_EV_GONE, 0, TXN_OP_CHECK);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(parts[0].result, TXN_RESULT_GONE);
	ck_assert_int_eq(txn.state, TXN_IDLE);
}
END_TEST

START_TEST(source_gone_before_its_thaw_was_answered_is_lost)
{
	hold(1);
	thaw(TXN_TOLD_SUCCESS);
	step((struct txn_event) { .type = TXN_EV_SOURCE_GONE });
	all_thawed(1);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, NULL), 0);
	ck_assert_uint_eq(acted(TXN_ACT_FINISHED, NULL), 1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_LOST);
	ck_assert_int_eq(txn.reason, TXN_REASON_SOURCE_GONE);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_NONE);
}
END_TEST

START_TEST(shutdown_is_the_reason)
{
	struct txn_action action;

	begin(TXN_EV_FREEZE, 1);
	step((struct txn_event) { .type = TXN_EV_SHUTDOWN });
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_SHUTDOWN);
	ck_assert_uint_eq(txn.culprit, SIZE_MAX);
	all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	hold(1);
	step((struct txn_event) { .type = TXN_EV_SHUTDOWN });
	all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	ck_assert_int_eq(txn.reason, TXN_REASON_SHUTDOWN);
}
END_TEST

static void
refused(enum txn_reason reason)
{
	ck_assert_uint_eq(actions.count, 1);
	ck_assert_int_eq(items[0].type, TXN_ACT_ANSWER);
	ck_assert(!items[0].success);
	ck_assert_int_eq(items[0].reason, reason);
}

/* Neither spoils the snapshot that runs. */
START_TEST(whoever_comes_meanwhile_is_told_busy)
{
	begin(TXN_EV_FREEZE, 1);
	begin(TXN_EV_FREEZE, 1);
	refused(TXN_REASON_BUSY);
	begin(TXN_EV_CHECK, 1);
	refused(TXN_REASON_BUSY);
	answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	commit();
	begin(TXN_EV_CHECK, 1);
	refused(TXN_REASON_BUSY);
	step((struct txn_event) { .type = TXN_EV_FREEZE,
	    .request = { .source = 1 } });
	refused(TXN_REASON_BUSY);
	step((struct txn_event) { .type = TXN_EV_THAW,
	    .request = { .source = 1 } });
	refused(TXN_REASON_BUSY);
	thaw(TXN_TOLD_SUCCESS);
	all_thawed(1);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

START_TEST(thaw_before_the_release_aborts)
{
	struct txn_action action;

	begin(TXN_EV_FREEZE, 1);
	thaw(TXN_TOLD_UNKNOWN);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 2);
	/* The last one is that of the FREEZE. */
	ck_assert_int_eq(action.op, TXN_OP_FREEZE);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_HOST_THAW);
	all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
}
END_TEST

START_TEST(thaw_without_freeze_fails)
{
	struct txn_action action;

	thaw(TXN_TOLD_UNKNOWN);
	ck_assert_uint_eq(acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_NOT_FROZEN);
	ck_assert_uint_eq(acted(TXN_ACT_FINISHED, NULL), 0);
}
END_TEST

/* Of a request, as of the configuration. */
START_TEST(longest_hold_is_told_as_the_longest)
{
	struct txn_action action;

	step((struct txn_event) { .type = TXN_EV_FREEZE,
	    .hold_ms = UINT32_MAX,
	    .parts = parts,
	    .nparts = 1 });
	ck_assert_uint_eq(acted(TXN_ACT_SEND_FREEZE, &action), 1);
	ck_assert_uint_eq(action.hold_ms, UINT32_MAX);
	answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	commit();
	ck_assert_uint_eq(txn_next_at_ms(&txn), now_ms + UINT32_MAX);
}
END_TEST

START_TEST(pause_of_months_does_not_look_short)
{
	hold(1);
	now_ms = txn_next_at_ms(&txn) + UINT32_MAX + 5000ULL;
	step((struct txn_event) { .type = TXN_EV_TICK });
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_uint_eq(txn.late_ms, UINT32_MAX);
}
END_TEST

/* A participant or a requestor that has nothing to do with it. */
START_TEST(who_was_not_in_it_goes_unnoticed)
{
	answer(TXN_EV_GONE, 0, TXN_OP_FREEZE);
	step((struct txn_event) { .type = TXN_EV_SOURCE_GONE });
	ck_assert_uint_eq(actions.count, 0);
	ck_assert_int_eq(txn.state, TXN_IDLE);
	hold(2);
	answer(TXN_EV_GONE, 2, TXN_OP_FREEZE);
	step((struct txn_event) { .type = TXN_EV_SOURCE_GONE,
	    .request = { .source = 1 } });
	ck_assert_uint_eq(actions.count, 0);
	ck_assert_int_eq(txn.state, TXN_HELD);
	thaw(TXN_TOLD_SUCCESS);
	all_thawed(2);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

START_TEST(late_answers_are_counted)
{
	answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	hold(1);
	answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	answer(TXN_EV_READY, SIZE_MAX, TXN_OP_FREEZE);
	/* Behind those that were lent. */
	parts[1].phase = TXN_PHASE_READY;
	answer(TXN_EV_FAIL, 1, TXN_OP_FREEZE);
	ck_assert_uint_eq(txn.late_answers, 4);
	ck_assert_int_eq(parts[1].phase, TXN_PHASE_READY);
	ck_assert_int_eq(txn.state, TXN_HELD);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("txn");
	TCase *tcase = tcase_create("examples");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, whole_snapshot_is_application);
	tcase_add_test(tcase, thaw_has_its_own_limit);
	tcase_add_test(tcase, early_thaw_is_owed_while_held);
	tcase_add_test(tcase, nobody_registered_is_filesystem);
	tcase_add_test(tcase, required_fail_vetoes_and_names_it);
	tcase_add_test(tcase, optional_timeout_is_filesystem);
	tcase_add_test(tcase, optional_fail_is_filesystem);
	tcase_add_test(tcase, required_absent_freezes_nobody);
	tcase_add_test(tcase, limit_while_held_expires);
	tcase_add_test(tcase, paused_guest_gets_its_thaw);
	tcase_add_test(tcase, pause_counts_once);
	tcase_add_test(tcase, required_lost_while_held_fails_the_thaw);
	tcase_add_test(tcase, optional_lost_while_held_is_filesystem);
	tcase_add_test(tcase, failing_during_the_commit_is_committed_too);
	tcase_add_test(tcase, host_told_fail_is_none);
	tcase_add_test(tcase, freeze_while_held_is_superseded);
	tcase_add_test(tcase, failed_thaw_does_not_fail_the_snapshot);
	tcase_add_test(tcase, order_goes_up_and_comes_down);
	tcase_add_test(tcase, slow_history_does_not_stop_the_release);
	tcase_add_test(tcase, late_release_is_an_abort);
	tcase_add_test(tcase, check_fails_for_an_absent_required_one);
	tcase_add_test(tcase, check_asks_who_wants_it);
	tcase_add_test(tcase, check_waits_no_longer_than_the_slice);
	tcase_add_test(tcase, check_ends_when_the_last_one_has_gone);
	tcase_add_test(tcase, source_gone_before_its_thaw_was_answered_is_lost);
	tcase_add_test(tcase, shutdown_is_the_reason);
	tcase_add_test(tcase, whoever_comes_meanwhile_is_told_busy);
	tcase_add_test(tcase, thaw_before_the_release_aborts);
	tcase_add_test(tcase, thaw_without_freeze_fails);
	tcase_add_test(tcase, longest_hold_is_told_as_the_longest);
	tcase_add_test(tcase, pause_of_months_does_not_look_short);
	tcase_add_test(tcase, who_was_not_in_it_goes_unnoticed);
	tcase_add_test(tcase, late_answers_are_counted);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
