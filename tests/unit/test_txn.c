/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transaction machine by example: what the exploration cannot say, namely
 * which outcome, reason and consistency a given course of events has.
 */
#include <check.h>
#include <stdlib.h>

#include "txn_rig.h"

START_TEST(whole_snapshot_is_application)
{
	struct txn_action action;

	rig_hold(2);
	ck_assert(txn.proved);
	rig_thaw(TXN_TOLD_SUCCESS);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 2);
	ck_assert_int_eq(action.outcome, TXN_OUTCOME_DONE);
	rig_all_thawed(2);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

/* Its own time counts, in whatever state; the others are not waited for. */
START_TEST(thaw_has_its_own_limit)
{
	struct txn_action action;

	parts[0].thaw_ms = 100;
	rig_hold(2);
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_int_eq(txn.state, TXN_THAWING);
	ck_assert_uint_eq(txn_next_at_ms(&txn), now_ms + 100);
	rig_tick_next();
	ck_assert_int_eq(txn.state, TXN_IDLE);
	ck_assert_int_eq(parts[0].thaw, TXN_THAW_TIMEOUT);
	ck_assert_uint_eq(rig_acted(TXN_ACT_OWES, &action), 1);
	ck_assert_uint_eq(action.part, 0);
}
END_TEST

START_TEST(early_thaw_is_owed_while_held)
{
	rig_begin(TXN_EV_FREEZE, 2);
	parts[0].thaw_ms = 100;
	rig_answer(TXN_EV_FAIL, 0, TXN_OP_FREEZE);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, NULL), 1);
	rig_answer(TXN_EV_READY, 1, TXN_OP_FREEZE);
	rig_commit();
	ck_assert_int_eq(txn.state, TXN_HELD);
	rig_tick_next();
	ck_assert_uint_eq(rig_acted(TXN_ACT_OWES, NULL), 1);
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_uint_eq(txn_next_at_ms(&txn),
	    txn.held_at_ms + rig_limits.hold_ms);
}
END_TEST

START_TEST(nobody_registered_is_filesystem)
{
	rig_begin(TXN_EV_FREEZE, 0);
	ck_assert_uint_eq(rig_acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	rig_commit();
	rig_thaw(TXN_TOLD_UNKNOWN);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_DONE);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_FILESYSTEM);
}
END_TEST

START_TEST(required_fail_vetoes_and_names_it)
{
	struct txn_action action;

	parts[1].required = true;
	rig_begin(TXN_EV_FREEZE, 2);
	rig_answer(TXN_EV_FAIL, 1, TXN_OP_FREEZE);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_FAILED);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, NULL), 2);
	rig_all_thawed(2);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	ck_assert_uint_eq(txn.culprit, 1);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_NONE);
}
END_TEST

START_TEST(optional_timeout_is_filesystem)
{
	struct txn_action action;

	rig_begin(TXN_EV_FREEZE, 2);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	rig_tick_next();
	ck_assert_uint_eq(now_ms, 105000);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	ck_assert_uint_eq(rig_acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	rig_commit();
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_all_thawed(2);
	ck_assert_int_eq(parts[1].result, TXN_RESULT_TIMEOUT);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_FILESYSTEM);
}
END_TEST

START_TEST(required_one_late_or_gone_vetoes)
{
	parts[0].required = true;
	rig_begin(TXN_EV_FREEZE, 1);
	rig_tick_next();
	rig_all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	ck_assert_int_eq(txn.reason, TXN_REASON_TIMEOUT);
	ck_assert_int_eq(parts[0].result, TXN_RESULT_TIMEOUT);
	rig_begin(TXN_EV_FREEZE, 1);
	rig_answer(TXN_EV_GONE, 0, TXN_OP_FREEZE);
	ck_assert_int_eq(txn.state, TXN_IDLE);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	ck_assert_int_eq(txn.reason, TXN_REASON_DISCONNECTED);
	ck_assert_int_eq(parts[0].thaw, TXN_THAW_GONE);
}
END_TEST

START_TEST(optional_fail_is_filesystem)
{
	struct txn_action action;

	rig_begin(TXN_EV_FREEZE, 2);
	now_ms += 7;
	rig_answer(TXN_EV_FAIL, 1, TXN_OP_FREEZE);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	rig_commit();
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_all_thawed(2);
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
	rig_begin(TXN_EV_FREEZE, 2);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_FREEZE, NULL), 0);
	ck_assert_uint_eq(rig_acted(TXN_ACT_FINISHED, NULL), 1);
	ck_assert_int_eq(txn.state, TXN_IDLE);
	ck_assert_int_eq(txn.reason, TXN_REASON_ABSENT);
}
END_TEST

START_TEST(limit_while_held_expires)
{
	struct txn_action action;

	rig_hold(1);
	rig_tick_next();
	ck_assert_uint_eq(now_ms, 160000);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_int_eq(action.outcome, TXN_OUTCOME_EXPIRED);
	ck_assert_int_eq(txn.reason, TXN_REASON_NO_THAW);
	rig_all_thawed(1);
	rig_thaw(TXN_TOLD_SUCCESS);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_NOT_FROZEN);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_NONE);
}
END_TEST

START_TEST(paused_guest_gets_its_thaw)
{
	rig_hold(1);
	now_ms = txn_next_at_ms(&txn) + TXN_PAUSE_MS + 1;
	rig_step((struct txn_event) { .type = TXN_EV_TICK });
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_uint_eq(txn_next_at_ms(&txn), now_ms + TXN_REARM_MS);
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_all_thawed(1);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

START_TEST(pause_counts_once)
{
	rig_hold(1);
	now_ms = txn_next_at_ms(&txn) + TXN_PAUSE_MS + 1;
	rig_step((struct txn_event) { .type = TXN_EV_TICK });
	now_ms = txn_next_at_ms(&txn) + TXN_PAUSE_MS + 1;
	rig_step((struct txn_event) { .type = TXN_EV_TICK });
	ck_assert_int_eq(txn.state, TXN_THAWING);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_EXPIRED);
}
END_TEST

START_TEST(required_lost_while_held_fails_the_thaw)
{
	struct txn_action action;

	parts[0].required = true;
	rig_hold(2);
	rig_answer(TXN_EV_GONE, 0, TXN_OP_FREEZE);
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_int_eq(parts[0].result, TXN_RESULT_LOST);
	ck_assert_int_eq(parts[0].thaw, TXN_THAW_GONE);
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	ck_assert_int_eq(txn.reason, TXN_REASON_DISCONNECTED);
	ck_assert_uint_eq(txn.culprit, 0);
}
END_TEST

START_TEST(optional_lost_while_held_is_filesystem)
{
	rig_hold(2);
	rig_answer(TXN_EV_GONE, 0, TXN_OP_FREEZE);
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_DONE);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_FILESYSTEM);
}
END_TEST

START_TEST(failing_during_the_commit_is_committed_too)
{
	uint64_t release_at_ms;

	rig_begin(TXN_EV_FREEZE, 3);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	rig_answer(TXN_EV_READY, 1, TXN_OP_FREEZE);
	rig_answer(TXN_EV_READY, 2, TXN_OP_FREEZE);
	ck_assert_uint_eq(rig_acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	ck_assert_int_eq(txn_prospect(&txn), TXN_CONSISTENCY_APPLICATION);
	release_at_ms = txn_next_at_ms(&txn);
	now_ms += 100;
	rig_answer(TXN_EV_FAIL, 1, TXN_OP_FREEZE);
	ck_assert_uint_eq(rig_acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	ck_assert_int_eq(txn_prospect(&txn), TXN_CONSISTENCY_FILESYSTEM);
	rig_answer(TXN_EV_GONE, 2, TXN_OP_FREEZE);
	ck_assert_uint_eq(rig_acted(TXN_ACT_COMMIT_HELD, NULL), 1);
	ck_assert_uint_eq(txn.commits, 3);
	ck_assert_uint_eq(txn_next_at_ms(&txn), release_at_ms);
	/* A thaw that is confirmed changes nothing of it. */
	rig_answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_uint_eq(rig_acted(TXN_ACT_COMMIT_HELD, NULL), 0);
	rig_commit();
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert(txn.proved);
}
END_TEST

START_TEST(host_told_fail_is_none)
{
	rig_hold(1);
	rig_thaw(TXN_TOLD_FAIL);
	rig_all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	ck_assert_int_eq(txn.reason, TXN_REASON_FS_FAILED);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_NONE);
}
END_TEST

START_TEST(freeze_while_held_is_superseded)
{
	struct txn_action action;

	rig_hold(1);
	rig_begin(TXN_EV_FREEZE, 1);
	ck_assert_uint_eq(actions.count, 1);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_NEW_FREEZE);
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_all_thawed(1);
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

	rig_hold(2);
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_answer(TXN_EV_FAIL, 0, TXN_OP_THAW);
	ck_assert_uint_eq(rig_acted(TXN_ACT_OWES, &action), 1);
	ck_assert_uint_eq(action.part, 0);
	rig_answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

START_TEST(order_goes_up_and_comes_down)
{
	struct txn_action action;

	parts[0].order = 10;
	rig_begin(TXN_EV_FREEZE, 2);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_FREEZE, &action), 1);
	ck_assert_uint_eq(action.part, 0);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_FREEZE, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	rig_answer(TXN_EV_READY, 1, TXN_OP_FREEZE);
	rig_commit();
	rig_thaw(TXN_TOLD_SUCCESS);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	/* It hangs: the other one gets its turn within half of the budget. */
	rig_tick_next();
	ck_assert_uint_eq(now_ms, 105000);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 0);
	rig_answer(TXN_EV_READY, 0, TXN_OP_THAW);
	ck_assert_int_eq(txn.state, TXN_THAWING);
	rig_tick_next();
	ck_assert_int_eq(txn.state, TXN_IDLE);
	ck_assert_uint_eq(now_ms, 110000);
	ck_assert_int_eq(parts[1].thaw, TXN_THAW_TIMEOUT);
}
END_TEST

START_TEST(first_and_last_order_thaw_like_the_others)
{
	struct txn_action action;

	parts[0].order = 0;
	parts[1].order = 99;
	rig_begin(TXN_EV_FREEZE, 2);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	rig_answer(TXN_EV_READY, 1, TXN_OP_FREEZE);
	rig_commit();
	rig_thaw(TXN_TOLD_SUCCESS);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	rig_answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 0);
	rig_answer(TXN_EV_READY, 0, TXN_OP_THAW);
	ck_assert_int_eq(txn.state, TXN_IDLE);
}
END_TEST

START_TEST(an_order_thaws_when_all_above_have)
{
	struct txn_action action;

	parts[0].order = 10;
	rig_begin(TXN_EV_FREEZE, 3);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	rig_answer(TXN_EV_READY, 1, TXN_OP_FREEZE);
	rig_answer(TXN_EV_READY, 2, TXN_OP_FREEZE);
	rig_commit();
	rig_thaw(TXN_TOLD_SUCCESS);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, NULL), 2);
	/* Orders share the budget, not participants. */
	ck_assert_uint_eq(txn_next_at_ms(&txn),
	    now_ms + rig_limits.thaw_ms / 2);
	rig_answer(TXN_EV_READY, 1, TXN_OP_THAW);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, NULL), 0);
	rig_answer(TXN_EV_READY, 2, TXN_OP_THAW);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_uint_eq(action.part, 0);
	rig_answer(TXN_EV_READY, 0, TXN_OP_THAW);
	ck_assert_int_eq(txn.state, TXN_IDLE);
}
END_TEST

START_TEST(slow_history_does_not_stop_the_release)
{
	struct txn_action action;

	rig_begin(TXN_EV_FREEZE, 1);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	rig_tick_next();
	ck_assert_uint_eq(now_ms, 100500);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert(!txn.proved);
}
END_TEST

/* The driver would not take it. */
START_TEST(nothing_is_released_too_late)
{
	struct txn_action action;

	rig_begin(TXN_EV_FREEZE, 1);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	now_ms += rig_limits.answer_ms;
	rig_commit();
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_LATE);
	rig_all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
}
END_TEST

START_TEST(late_release_is_an_abort)
{
	struct txn_action action;

	rig_hold(1);
	rig_step((struct txn_event) { .type = TXN_EV_LATE });
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, &action), 1);
	ck_assert_int_eq(action.outcome, TXN_OUTCOME_ABORTED);
	rig_all_thawed(1);
	ck_assert_int_eq(txn.reason, TXN_REASON_LATE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("txn");
	TCase *tcase = tcase_create("examples");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, rig_setup, NULL);
	tcase_add_test(tcase, whole_snapshot_is_application);
	tcase_add_test(tcase, thaw_has_its_own_limit);
	tcase_add_test(tcase, early_thaw_is_owed_while_held);
	tcase_add_test(tcase, nobody_registered_is_filesystem);
	tcase_add_test(tcase, required_fail_vetoes_and_names_it);
	tcase_add_test(tcase, optional_timeout_is_filesystem);
	tcase_add_test(tcase, required_one_late_or_gone_vetoes);
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
	tcase_add_test(tcase, first_and_last_order_thaw_like_the_others);
	tcase_add_test(tcase, an_order_thaws_when_all_above_have);
	tcase_add_test(tcase, slow_history_does_not_stop_the_release);
	tcase_add_test(tcase, nothing_is_released_too_late);
	tcase_add_test(tcase, late_release_is_an_abort);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
