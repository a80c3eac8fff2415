/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's request queue: scenes of FACTS' faults in single steps.  The
 * exhaustive exploration is test_vss_queue_model.
 */
#include <check.h>
#include <string.h>

#include "kernel/hv_appvss/hv_appvss_queue.h"

#define APP HV_APPVSS_DEV_APP
#define FS  HV_APPVSS_DEV_FS

static struct hv_appvss_queue queue;
static struct hv_appvss_actions actions;
static uint64_t now_us;
static bool app_required;

static void
setup(void)
{
	/* It need not be clean before. */
	memset(&queue, 0xa5, sizeof(queue));
	hv_appvss_queue_init(&queue);
	now_us = 1000;
	app_required = false;
}

static void
step(enum hv_appvss_event_type type, enum hv_appvss_dev_id dev,
    enum hv_vss_op_t op)
{
	struct hv_appvss_event event = { .type = type,
		.dev = dev,
		.op = op,
		.app_required = app_required,
		/* analyze: there is one side effect. */
		.now_us = now_us++ };

	ck_assert_int_eq(hv_appvss_queue_step(&queue, &event, &actions),
	    HV_APPVSS_TAKEN);
}

static void
host(enum hv_vss_op_t op)
{
	step(HV_APPVSS_EV_HOST, APP, op);
}

static void
open_both(void)
{
	step(HV_APPVSS_EV_OPEN, APP, HV_VSS_NONE);
	step(HV_APPVSS_EV_OPEN, FS, HV_VSS_NONE);
}

static enum hv_appvss_verdict
answer(enum hv_appvss_dev_id dev, uint64_t msgid, enum hv_vss_op_t op,
    bool success)
{
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_ANSWER,
		.dev = dev,
		.op = op,
		.success = success,
		.msgid = msgid,
		/* analyze: likewise. */
		.now_us = now_us++ };

	return (hv_appvss_queue_step(&queue, &event, &actions));
}

/* dev reads exactly op. */
static uint64_t
reads(enum hv_appvss_dev_id dev, enum hv_vss_op_t op)
{
	enum hv_vss_op_t got = HV_VSS_NONE;
	uint64_t msgid = 0;

	ck_assert(hv_appvss_queue_read(&queue, dev, &got, &msgid));
	ck_assert_int_eq(got, op);
	return (msgid);
}

/* dev reads op and answers it. */
static uint64_t
serve(enum hv_appvss_dev_id dev, enum hv_vss_op_t op, bool success)
{
	uint64_t msgid = reads(dev, op);

	ck_assert_int_eq(answer(dev, msgid, op, success), HV_APPVSS_TAKEN);
	return (msgid);
}

static const struct hv_appvss_action *
find(enum hv_appvss_action_type type)
{
	size_t i;

	for (i = 0; i < actions.count; i++)
		if (actions.list[i].type == type)
			return (&actions.list[i]);
	return (NULL);
}

static void
assert_saved_reply(bool success)
{
	const struct hv_appvss_action *reply = find(HV_APPVSS_ACT_REPLY_SAVED);

	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->success, success);
}

static void
assert_refused(void)
{
	const struct hv_appvss_action *reply = find(HV_APPVSS_ACT_REPLY_NEW);

	ck_assert_ptr_nonnull(reply);
	ck_assert(!reply->success);
}

/* The record of an operation that has ended in this very step. */
static void
assert_recorded(uint64_t msgid, enum hv_vss_op_t op, enum hv_vss_told told)
{
	const struct hv_appvss_action *done = find(HV_APPVSS_ACT_DONE);
	const struct hv_appvss_result *result;

	ck_assert_ptr_nonnull(done);
	ck_assert_uint_eq(done->result.msgid, msgid);
	ck_assert_int_eq(done->result.op, op);
	ck_assert_int_eq(done->result.told, told);
	ck_assert(!done->result.own);
	result = hv_appvss_queue_result(&queue, msgid);
	ck_assert_ptr_nonnull(result);
	ck_assert_int_eq(result->told, told);
}

static void
freeze_both(void)
{
	host(HV_VSS_FREEZE);
	serve(APP, HV_VSS_FREEZE, true);
	serve(FS, HV_VSS_FREEZE, true);
	assert_saved_reply(true);
}

START_TEST(stages_in_order)
{
	uint64_t msgid, same;

	open_both();
	host(HV_VSS_CHECK);
	ck_assert(!hv_appvss_queue_waits(&queue, FS));
	msgid = serve(APP, HV_VSS_CHECK, true);
	ck_assert_ptr_null(find(HV_APPVSS_ACT_REPLY_SAVED));
	same = serve(FS, HV_VSS_CHECK, true);
	assert_saved_reply(true);
	ck_assert_uint_eq(msgid, same);
	assert_recorded(msgid, HV_VSS_CHECK, VSS_TOLD_SUCCESS);
	/* Each event is a microsecond. */
	ck_assert_uint_eq(hv_appvss_queue_result(&queue, msgid)->elapsed_us, 2);
	freeze_both();
	host(HV_VSS_THAW);
	ck_assert(!hv_appvss_queue_waits(&queue, APP));
	serve(FS, HV_VSS_THAW, true);
	same = serve(APP, HV_VSS_THAW, true);
	assert_saved_reply(true);
	assert_recorded(same, HV_VSS_THAW, VSS_TOLD_SUCCESS);
	ck_assert_int_eq(hv_appvss_queue_result(&queue, msgid)->told,
	    VSS_TOLD_SUCCESS);
	ck_assert_ptr_null(hv_appvss_queue_result(&queue, 99));
}
END_TEST

START_TEST(without_openers)
{
	host(HV_VSS_FREEZE);
	assert_refused();
	assert_recorded(1, HV_VSS_FREEZE, VSS_TOLD_FAIL);
	host(HV_VSS_THAW);
	assert_saved_reply(false);
	step(HV_APPVSS_EV_OPEN, APP, HV_VSS_NONE);
	host(HV_VSS_FREEZE);
	assert_refused();
	ck_assert(!hv_appvss_queue_waits(&queue, APP));
	step(HV_APPVSS_EV_CLOSE, APP, HV_VSS_NONE);
	step(HV_APPVSS_EV_OPEN, FS, HV_VSS_NONE);
	app_required = true;
	host(HV_VSS_FREEZE);
	assert_refused();
	app_required = false;
	host(HV_VSS_FREEZE);
	serve(FS, HV_VSS_FREEZE, true);
	assert_saved_reply(true);
}
END_TEST

START_TEST(one_request_at_a_time)
{
	open_both();
	host(HV_VSS_CHECK);
	host(HV_VSS_FREEZE);
	assert_refused();
	host(HV_VSS_THAW);
	assert_refused();
	serve(APP, HV_VSS_CHECK, true);
	serve(FS, HV_VSS_CHECK, true);
	assert_saved_reply(true);
}
END_TEST

START_TEST(answers_are_judged)
{
	uint64_t msgid;

	open_both();
	host(HV_VSS_FREEZE);
	ck_assert_int_eq(answer(APP, 1, HV_VSS_FREEZE, true),
	    HV_APPVSS_UNKNOWN);
	msgid = reads(APP, HV_VSS_FREEZE);
	ck_assert_int_eq(answer(APP, msgid, HV_VSS_CHECK, true),
	    HV_APPVSS_INVALID);
	ck_assert_int_eq(answer(APP, msgid + 1, HV_VSS_FREEZE, true),
	    HV_APPVSS_UNKNOWN);
	ck_assert_int_eq(answer(APP, msgid + HV_APPVSS_RESULTS_MAX,
			     HV_VSS_FREEZE, true),
	    HV_APPVSS_UNKNOWN);
	ck_assert_int_eq(answer(FS, msgid, HV_VSS_FREEZE, true),
	    HV_APPVSS_UNKNOWN);
	ck_assert_int_eq(answer(APP, msgid, HV_VSS_FREEZE, true),
	    HV_APPVSS_TAKEN);
	ck_assert_int_eq(answer(APP, msgid, HV_VSS_FREEZE, true),
	    HV_APPVSS_UNKNOWN);
}
END_TEST

START_TEST(late_answer)
{
	uint64_t msgid, thaw;

	open_both();
	host(HV_VSS_FREEZE);
	msgid = reads(APP, HV_VSS_FREEZE);
	step(HV_APPVSS_EV_TIMEOUT, APP, HV_VSS_NONE);
	assert_saved_reply(false);
	ck_assert_int_eq(hv_appvss_queue_result(&queue, msgid)->told,
	    VSS_TOLD_TIMEOUT);
	thaw = reads(APP, HV_VSS_THAW);
	ck_assert_int_eq(answer(APP, msgid, HV_VSS_FREEZE, true),
	    HV_APPVSS_LATE);
	ck_assert_uint_eq(actions.count, 0);
	ck_assert_int_eq(answer(APP, msgid, HV_VSS_FREEZE, true),
	    HV_APPVSS_UNKNOWN);
	ck_assert_int_eq(answer(APP, thaw, HV_VSS_THAW, true), HV_APPVSS_TAKEN);
	ck_assert_ptr_null(find(HV_APPVSS_ACT_REPLY_SAVED));
	ck_assert(!queue.busy);
}
END_TEST

START_TEST(timeout_opens_nothing)
{
	step(HV_APPVSS_EV_OPEN, FS, HV_VSS_NONE);
	host(HV_VSS_FREEZE);
	step(HV_APPVSS_EV_TIMEOUT, APP, HV_VSS_NONE);
	assert_saved_reply(false);
	host(HV_VSS_FREEZE);
	serve(FS, HV_VSS_FREEZE, true);
	assert_saved_reply(true);
}
END_TEST

START_TEST(application_hears_of_failed_file_systems)
{
	const struct hv_appvss_action *done;

	open_both();
	host(HV_VSS_FREEZE);
	serve(APP, HV_VSS_FREEZE, true);
	serve(FS, HV_VSS_FREEZE, false);
	assert_saved_reply(false);
	serve(APP, HV_VSS_THAW, true);
	ck_assert(!queue.busy);
	/* The record of a THAW that nobody asked for. */
	done = find(HV_APPVSS_ACT_DONE);
	ck_assert_ptr_nonnull(done);
	ck_assert(done->result.own);
	ck_assert_int_eq(done->result.told, VSS_TOLD_FAIL);
	ck_assert_uint_eq(done->result.elapsed_us, 1);

	/* Likewise when its opener dies, or hangs: the application first. */
	host(HV_VSS_FREEZE);
	serve(APP, HV_VSS_FREEZE, true);
	step(HV_APPVSS_EV_CLOSE, FS, HV_VSS_NONE);
	assert_saved_reply(false);
	serve(APP, HV_VSS_THAW, true);
	step(HV_APPVSS_EV_OPEN, FS, HV_VSS_NONE);
	host(HV_VSS_FREEZE);
	serve(APP, HV_VSS_FREEZE, true);
	reads(FS, HV_VSS_FREEZE);
	step(HV_APPVSS_EV_TIMEOUT, APP, HV_VSS_NONE);
	assert_saved_reply(false);
	serve(APP, HV_VSS_THAW, true);
	serve(FS, HV_VSS_THAW, true);
	ck_assert(!queue.busy);
}
END_TEST

START_TEST(thaw_ends_pending_freeze)
{
	uint64_t freeze;

	open_both();
	host(HV_VSS_FREEZE);
	freeze = reads(APP, HV_VSS_FREEZE);
	host(HV_VSS_THAW);
	assert_saved_reply(false);
	assert_recorded(freeze, HV_VSS_FREEZE, VSS_TOLD_FAIL);
	ck_assert_ptr_nonnull(find(HV_APPVSS_ACT_SAVE));
	serve(APP, HV_VSS_THAW, true);
	ck_assert_int_eq(answer(APP, freeze, HV_VSS_FREEZE, true),
	    HV_APPVSS_LATE);
	serve(FS, HV_VSS_THAW, true);
	assert_saved_reply(true);
}
END_TEST

START_TEST(freeze_while_frozen)
{
	uint64_t msgid;

	open_both();
	freeze_both();
	host(HV_VSS_CHECK);
	assert_refused();
	ck_assert(!queue.busy);
	host(HV_VSS_FREEZE);
	assert_refused();
	serve(FS, HV_VSS_THAW, true);
	/* The host's own THAW takes ours over; its snapshot is spoilt. */
	host(HV_VSS_THAW);
	ck_assert_ptr_nonnull(find(HV_APPVSS_ACT_TIMER_START));
	msgid = serve(APP, HV_VSS_THAW, true);
	assert_saved_reply(false);
	assert_recorded(msgid, HV_VSS_THAW, VSS_TOLD_FAIL);
	/* Who has read ours by then is not asked again. */
	freeze_both();
	host(HV_VSS_FREEZE);
	serve(FS, HV_VSS_THAW, true);
	msgid = reads(APP, HV_VSS_THAW);
	host(HV_VSS_THAW);
	ck_assert(!hv_appvss_queue_waits(&queue, APP));
	ck_assert_int_eq(answer(APP, msgid, HV_VSS_THAW, true),
	    HV_APPVSS_TAKEN);
	assert_saved_reply(false);
	freeze_both();
	host(HV_VSS_THAW);
	serve(FS, HV_VSS_THAW, true);
	serve(APP, HV_VSS_THAW, true);
	assert_saved_reply(true);
}
END_TEST

START_TEST(file_systems_lost_while_frozen)
{
	open_both();
	freeze_both();
	step(HV_APPVSS_EV_CLOSE, FS, HV_VSS_NONE);
	serve(APP, HV_VSS_THAW, true);
	step(HV_APPVSS_EV_OPEN, FS, HV_VSS_NONE);
	host(HV_VSS_THAW);
	serve(FS, HV_VSS_THAW, true);
	serve(APP, HV_VSS_THAW, true);
	assert_saved_reply(false);
	/* The host has been told; another THAW ends nothing that was lost. */
	host(HV_VSS_THAW);
	serve(FS, HV_VSS_THAW, true);
	serve(APP, HV_VSS_THAW, true);
	assert_saved_reply(true);
}
END_TEST

START_TEST(application_lost)
{
	open_both();
	host(HV_VSS_FREEZE);
	reads(APP, HV_VSS_FREEZE);
	step(HV_APPVSS_EV_CLOSE, APP, HV_VSS_NONE);
	serve(FS, HV_VSS_FREEZE, true);
	assert_saved_reply(true);
	host(HV_VSS_THAW);
	serve(FS, HV_VSS_THAW, true);
	assert_saved_reply(true);
	step(HV_APPVSS_EV_OPEN, APP, HV_VSS_NONE);
	freeze_both();
	step(HV_APPVSS_EV_CLOSE, APP, HV_VSS_NONE);
	host(HV_VSS_THAW);
	serve(FS, HV_VSS_THAW, true);
	assert_saved_reply(true);

	app_required = true;
	step(HV_APPVSS_EV_OPEN, APP, HV_VSS_NONE);
	host(HV_VSS_FREEZE);
	reads(APP, HV_VSS_FREEZE);
	step(HV_APPVSS_EV_CLOSE, APP, HV_VSS_NONE);
	assert_saved_reply(false);
	ck_assert(!hv_appvss_queue_waits(&queue, FS));

	/* While held: only the THAW can tell the host. */
	step(HV_APPVSS_EV_OPEN, APP, HV_VSS_NONE);
	freeze_both();
	step(HV_APPVSS_EV_CLOSE, APP, HV_VSS_NONE);
	host(HV_VSS_THAW);
	serve(FS, HV_VSS_THAW, true);
	assert_saved_reply(false);
}
END_TEST

START_TEST(next_opener_has_read_nothing)
{
	uint64_t msgid;
	int i;

	open_both();
	/* Of whichever operation. */
	for (i = 0; i < HV_APPVSS_RESULTS_MAX; i++) {
		host(HV_VSS_THAW);
		msgid = reads(FS, HV_VSS_THAW);
		step(HV_APPVSS_EV_CLOSE, FS, HV_VSS_NONE);
		step(HV_APPVSS_EV_OPEN, FS, HV_VSS_NONE);
		ck_assert_int_eq(answer(FS, msgid, HV_VSS_THAW, true),
		    HV_APPVSS_UNKNOWN);
		serve(APP, HV_VSS_THAW, true);
		assert_saved_reply(false);
	}
}
END_TEST

START_TEST(thaw_that_nobody_reads_is_kept)
{
	open_both();
	freeze_both();
	host(HV_VSS_THAW);
	step(HV_APPVSS_EV_TIMEOUT, APP, HV_VSS_NONE);
	assert_saved_reply(false);
	serve(APP, HV_VSS_THAW, true);
	step(HV_APPVSS_EV_TIMEOUT, APP, HV_VSS_NONE);
	step(HV_APPVSS_EV_TIMEOUT, APP, HV_VSS_NONE);
	host(HV_VSS_FREEZE);
	assert_refused();
	serve(FS, HV_VSS_THAW, true);
	ck_assert(!queue.busy);
	freeze_both();
}
END_TEST

/* The end of an operation is recorded once, in the step that was the last. */
static void
assert_done(enum hv_vss_op_t op, enum hv_vss_told told, bool own,
    uint64_t elapsed_us)
{
	const struct hv_appvss_action *done = find(HV_APPVSS_ACT_DONE);
	size_t i, count = 0;

	ck_assert_ptr_nonnull(done);
	for (i = 0; i < actions.count; i++)
		count += actions.list[i].type == HV_APPVSS_ACT_DONE;
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(done->result.op, op);
	ck_assert_int_eq(done->result.told, told);
	ck_assert_int_eq(done->result.own, own);
	ck_assert_uint_eq(done->result.elapsed_us, elapsed_us);
}

START_TEST(results_tell_ends_and_times)
{
	uint64_t msgid;

	open_both();
	host(HV_VSS_CHECK);
	serve(APP, HV_VSS_CHECK, true);
	now_us += 500;
	msgid = serve(FS, HV_VSS_CHECK, true);
	assert_done(HV_VSS_CHECK, VSS_TOLD_SUCCESS, false, 502);
	ck_assert_uint_eq(hv_appvss_queue_result(&queue, msgid)->elapsed_us,
	    502);

	/* Our own: nobody is told of it. */
	freeze_both();
	host(HV_VSS_FREEZE);
	assert_refused();
	serve(FS, HV_VSS_THAW, true);
	ck_assert_ptr_null(find(HV_APPVSS_ACT_DONE));
	now_us += 500;
	serve(APP, HV_VSS_THAW, true);
	assert_done(HV_VSS_THAW, VSS_TOLD_FAIL, true, 502);

	/* The host's from when it has asked, if it takes ours over. */
	freeze_both();
	host(HV_VSS_FREEZE);
	msgid = serve(FS, HV_VSS_THAW, true);
	now_us += 500;
	host(HV_VSS_THAW);
	ck_assert_int_eq(hv_appvss_queue_result(&queue, msgid)->told,
	    VSS_TOLD_PENDING);
	serve(APP, HV_VSS_THAW, true);
	assert_done(HV_VSS_THAW, VSS_TOLD_FAIL, false, 1);
	/* What was lost has been told. */
	host(HV_VSS_THAW);
	serve(FS, HV_VSS_THAW, true);
	serve(APP, HV_VSS_THAW, true);
	assert_saved_reply(true);
}
END_TEST

/* Whoever has read a THAW has been told of it: nothing waits for the answer. */
START_TEST(thaw_that_was_read_ends_at_the_limit)
{
	step(HV_APPVSS_EV_OPEN, FS, HV_VSS_NONE);
	host(HV_VSS_FREEZE);
	serve(FS, HV_VSS_FREEZE, true);
	host(HV_VSS_THAW);
	reads(FS, HV_VSS_THAW);
	step(HV_APPVSS_EV_TIMEOUT, APP, HV_VSS_NONE);
	assert_saved_reply(false);
	ck_assert(!queue.busy);
	host(HV_VSS_THAW);
	serve(FS, HV_VSS_THAW, true);
	assert_saved_reply(true);

	/* A freeze that was lost is told of once, also if that is the answer.
	 */
	host(HV_VSS_FREEZE);
	serve(FS, HV_VSS_FREEZE, true);
	step(HV_APPVSS_EV_CLOSE, FS, HV_VSS_NONE);
	step(HV_APPVSS_EV_OPEN, FS, HV_VSS_NONE);
	host(HV_VSS_THAW);
	step(HV_APPVSS_EV_TIMEOUT, APP, HV_VSS_NONE);
	assert_saved_reply(false);
	serve(FS, HV_VSS_THAW, true);
	host(HV_VSS_THAW);
	serve(FS, HV_VSS_THAW, true);
	assert_saved_reply(true);
}
END_TEST

START_TEST(detach_answers)
{
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_TIMEOUT };

	open_both();
	host(HV_VSS_FREEZE);
	step(HV_APPVSS_EV_DETACH, APP, HV_VSS_NONE);
	assert_saved_reply(false);
	assert_done(HV_VSS_FREEZE, VSS_TOLD_FAIL, false, 1);
	ck_assert(!hv_appvss_queue_waits(&queue, APP));
	ck_assert_int_eq(hv_appvss_queue_step(&queue, &event, &actions),
	    HV_APPVSS_GONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vss_queue");
	TCase *tcase = tcase_create("queue");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, stages_in_order);
	tcase_add_test(tcase, without_openers);
	tcase_add_test(tcase, one_request_at_a_time);
	tcase_add_test(tcase, answers_are_judged);
	tcase_add_test(tcase, late_answer);
	tcase_add_test(tcase, timeout_opens_nothing);
	tcase_add_test(tcase, application_hears_of_failed_file_systems);
	tcase_add_test(tcase, thaw_ends_pending_freeze);
	tcase_add_test(tcase, freeze_while_frozen);
	tcase_add_test(tcase, file_systems_lost_while_frozen);
	tcase_add_test(tcase, application_lost);
	tcase_add_test(tcase, next_opener_has_read_nothing);
	tcase_add_test(tcase, thaw_that_nobody_reads_is_kept);
	tcase_add_test(tcase, results_tell_ends_and_times);
	tcase_add_test(tcase, thaw_that_was_read_ends_at_the_limit);
	tcase_add_test(tcase, detach_answers);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
