/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transaction machine by example, continued: CHECK, and what comes at
 * another time, from somebody else, or as a number that nobody expects.
 */
#include <check.h>
#include <stdlib.h>

#include "txn_rig.h"

START_TEST(check_fails_for_an_absent_required_one)
{
	struct txn_action action;

	parts[0].required = true;
	parts[0].present = false;
	rig_begin(TXN_EV_CHECK, 1);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
}
END_TEST

START_TEST(check_asks_who_wants_it)
{
	struct txn_action action;

	parts[1].wants_check = true;
	/* Two who cannot be asked. */
	parts[0].wants_check = parts[2].wants_check = true;
	parts[0].present = false;
	parts[2].owes_thaw = true;
	rig_begin(TXN_EV_CHECK, 3);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_CHECK, &action), 1);
	ck_assert_uint_eq(action.part, 1);
	rig_answer(TXN_EV_READY, 1, TXN_OP_CHECK);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_NONE);
	ck_assert_int_eq(txn.state, TXN_IDLE);
}
END_TEST

START_TEST(check_waits_no_longer_than_the_slice)
{
	struct txn_action action;

	parts[0].wants_check = true;
	parts[0].freeze_ms = 3000;
	rig_begin(TXN_EV_CHECK, 1);
	rig_tick_next();
	ck_assert_uint_eq(now_ms, 103000);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(parts[0].result, TXN_RESULT_TIMEOUT);
}
END_TEST

START_TEST(check_ends_when_the_last_one_has_gone)
{
	struct txn_action action;

	parts[0].wants_check = true;
	rig_begin(TXN_EV_CHECK, 1);
	rig_answer(TXN_EV_GONE, 0, TXN_OP_CHECK);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(action.success);
	ck_assert_int_eq(parts[0].result, TXN_RESULT_GONE);
	ck_assert_int_eq(txn.state, TXN_IDLE);
}
END_TEST

START_TEST(source_gone_before_its_thaw_was_answered_is_lost)
{
	rig_hold(1);
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_step((struct txn_event) { .type = TXN_EV_SOURCE_GONE });
	rig_all_thawed(1);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, NULL), 0);
	ck_assert_uint_eq(rig_acted(TXN_ACT_FINISHED, NULL), 1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_LOST);
	ck_assert_int_eq(txn.reason, TXN_REASON_SOURCE_GONE);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_NONE);
}
END_TEST

START_TEST(shutdown_is_the_reason)
{
	struct txn_action action;

	rig_begin(TXN_EV_FREEZE, 1);
	rig_step((struct txn_event) { .type = TXN_EV_SHUTDOWN });
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_SHUTDOWN);
	ck_assert_uint_eq(txn.culprit, SIZE_MAX);
	rig_all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
	rig_hold(1);
	rig_step((struct txn_event) { .type = TXN_EV_SHUTDOWN });
	rig_all_thawed(1);
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
	rig_begin(TXN_EV_FREEZE, 1);
	rig_begin(TXN_EV_FREEZE, 1);
	refused(TXN_REASON_BUSY);
	rig_begin(TXN_EV_CHECK, 1);
	refused(TXN_REASON_BUSY);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	rig_commit();
	rig_begin(TXN_EV_CHECK, 1);
	refused(TXN_REASON_BUSY);
	rig_step((struct txn_event) { .type = TXN_EV_FREEZE,
	    .request = { .source = 1 } });
	refused(TXN_REASON_BUSY);
	rig_step((struct txn_event) { .type = TXN_EV_THAW,
	    .request = { .source = 1 } });
	refused(TXN_REASON_BUSY);
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_all_thawed(1);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

START_TEST(thaw_before_the_release_aborts)
{
	struct txn_action action;

	parts[1].order = 60;
	rig_begin(TXN_EV_FREEZE, 2);
	rig_thaw(TXN_TOLD_UNKNOWN);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 2);
	/* The last one is that of the FREEZE. */
	ck_assert_int_eq(action.op, TXN_OP_FREEZE);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_HOST_THAW);
	/* Whose turn had not come has nothing to thaw. */
	rig_answer(TXN_EV_GONE, 1, TXN_OP_FREEZE);
	ck_assert_int_eq(parts[1].thaw, TXN_THAW_NONE);
	rig_all_thawed(1);
	ck_assert_int_eq(txn.outcome, TXN_OUTCOME_ABORTED);
}
END_TEST

START_TEST(thaw_without_freeze_fails)
{
	struct txn_action action;

	rig_thaw(TXN_TOLD_UNKNOWN);
	ck_assert_uint_eq(rig_acted(TXN_ACT_ANSWER, &action), 1);
	ck_assert(!action.success);
	ck_assert_int_eq(action.reason, TXN_REASON_NOT_FROZEN);
	ck_assert_uint_eq(rig_acted(TXN_ACT_FINISHED, NULL), 0);
}
END_TEST

/* Of a request, as of the configuration. */
START_TEST(longest_hold_is_told_as_the_longest)
{
	struct txn_action action;

	rig_step((struct txn_event) { .type = TXN_EV_FREEZE,
	    .hold_ms = UINT32_MAX,
	    .parts = parts,
	    .nparts = 1 });
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_FREEZE, &action), 1);
	ck_assert_uint_eq(action.hold_ms, UINT32_MAX);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	rig_commit();
	ck_assert_uint_eq(txn_next_at_ms(&txn), now_ms + UINT32_MAX);
}
END_TEST

START_TEST(pause_of_months_does_not_look_short)
{
	rig_hold(1);
	now_ms = txn_next_at_ms(&txn) + UINT32_MAX + 5000ULL;
	rig_step((struct txn_event) { .type = TXN_EV_TICK });
	ck_assert_int_eq(txn.state, TXN_HELD);
	ck_assert_uint_eq(txn.late_ms, UINT32_MAX);
}
END_TEST

/* A participant or a requestor that has nothing to do with it. */
START_TEST(who_was_not_in_it_goes_unnoticed)
{
	rig_answer(TXN_EV_GONE, 0, TXN_OP_FREEZE);
	rig_step((struct txn_event) { .type = TXN_EV_SOURCE_GONE });
	ck_assert_uint_eq(actions.count, 0);
	ck_assert_int_eq(txn.state, TXN_IDLE);
	rig_hold(2);
	rig_answer(TXN_EV_GONE, 2, TXN_OP_FREEZE);
	rig_step((struct txn_event) { .type = TXN_EV_SOURCE_GONE,
	    .request = { .source = 1 } });
	ck_assert_uint_eq(actions.count, 0);
	ck_assert_int_eq(txn.state, TXN_HELD);
	rig_thaw(TXN_TOLD_SUCCESS);
	rig_all_thawed(2);
	ck_assert_int_eq(txn_consistency(&txn), TXN_CONSISTENCY_APPLICATION);
}
END_TEST

START_TEST(late_answers_are_counted)
{
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	/* Behind those that are lent. */
	parts[1].phase = TXN_PHASE_READY;
	parts[1].order = 60;
	rig_hold(1);
	rig_answer(TXN_EV_READY, 0, TXN_OP_FREEZE);
	rig_answer(TXN_EV_READY, SIZE_MAX, TXN_OP_FREEZE);
	rig_answer(TXN_EV_FAIL, 1, TXN_OP_FREEZE);
	ck_assert_uint_eq(txn.late_answers, 4);
	ck_assert_int_eq(parts[1].phase, TXN_PHASE_READY);
	ck_assert_int_eq(txn.state, TXN_HELD);
	rig_thaw(TXN_TOLD_SUCCESS);
	ck_assert_uint_eq(rig_acted(TXN_ACT_SEND_THAW, NULL), 1);
	rig_all_thawed(1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("txn_meanwhile");
	TCase *tcase = tcase_create("examples");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, rig_setup, NULL);
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
