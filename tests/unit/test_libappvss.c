/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libappvss against a broker that is played by hand: what it says, which
 * callbacks it runs, and that each freeze is followed by exactly one thaw
 * whatever happens to the broker.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sdk_rig.h"

const char *const rig_hello = "HELLO version=1 program=test_libappvss";

static struct rig rig;
static struct app db, web;

static void
teardown(void)
{
	rig_stop(&rig);
}

/* Told to freeze 7, it has said READY. */
static void
freeze_db(void)
{
	rig_begin(&rig, &db);
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	ck_assert_str_eq(db.log, "freeze 7");
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
}

START_TEST(test_whole_transaction)
{
	rig_begin(&rig, &db);
	rig_say(&rig, "CHECK name=db id=6 remaining_ms=4000");
	rig_expect(&rig, "READY name=db id=6 op=check");
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_int_eq(appvss_is_frozen(db.participant), 0);
	ck_assert_str_eq(db.log, "check 6; freeze 7; thaw 7 done");
	rig_settle(&rig);
	ck_assert_int_eq(appvss_get_timeout_ms(rig.handle), -1);
}
END_TEST

START_TEST(test_options)
{
	struct appvss_callbacks callbacks = app_callbacks;
	struct appvss_options options;

	callbacks.check = NULL;
	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	appvss_options_init(&options);
	options.name = "pg";
	options.program = "PostgreSQL";
	options.version = "15";
	options.order = 0;
	options.required = 1;
	options.freeze_ms = 2500;
	options.thaw_ms = 0;
	ck_assert_int_eq(appvss_register(rig.handle, &options, &callbacks, &db,
			     &db.participant),
	    0);
	rig_greet(&rig);
	rig_expect(&rig,
	    "REGISTER name=pg program=\"PostgreSQL 15\" order=0 required=1 "
	    "check=0 freeze_ms=2500 thaw_ms=5000");
	/* A broker that asks all the same gets an answer. */
	rig_say(&rig, "CHECK name=pg id=1 remaining_ms=100");
	rig_expect(&rig, "READY name=pg id=1 op=check");
	/* Only a version: then of this program; check is refused by option. */
	appvss_options_init(&options);
	options.name = "v";
	options.version = "0.1 \"beta\"";
	options.wants_check = 0;
	ck_assert_int_eq(appvss_register(rig.handle, &options, &app_callbacks,
			     &web, &web.participant),
	    0);
	rig_expect(&rig,
	    "REGISTER name=v program=\"test_libappvss 0.1 \\\"beta\\\"\" "
	    "order=50 required=0 check=0 freeze_ms=5000 thaw_ms=5000");
	options.name = "w";
	options.wants_check = 1;
	ck_assert_int_eq(appvss_register(rig.handle, &options, &callbacks, &db,
			     &db.participant),
	    APPVSS_E_INVAL);
}
END_TEST

START_TEST(test_bad_arguments)
{
	static const char *const names[] = { NULL, "", "a b", "a/b", "\xc3\xa4",
		"x1234567890123456789012345678901234567890123456789012345678901"
		"234" };
	struct appvss_callbacks callbacks = app_callbacks;
	struct appvss_participant *participant;
	struct appvss_options options;
	char path[300];
	size_t i;

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(appvss_open(&rig.handle, path), APPVSS_E_INVAL);
	rig_begin(&rig, &db);
	appvss_options_init(&options);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		options.name = names[i];
		ck_assert_int_eq(appvss_register(rig.handle, &options,
				     &callbacks, NULL, &participant),
		    APPVSS_E_INVAL);
	}
	options.name = "db";
	ck_assert_int_eq(appvss_register(rig.handle, &options, &callbacks, NULL,
			     &participant),
	    APPVSS_E_NAME_TAKEN);
	options.name = "other";
	options.order = 100;
	ck_assert_int_eq(appvss_register(rig.handle, &options, &callbacks, NULL,
			     &participant),
	    APPVSS_E_INVAL);
	options.order = 50;
	callbacks.thaw = NULL;
	ck_assert_int_eq(appvss_register(rig.handle, &options, &callbacks, NULL,
			     &participant),
	    APPVSS_E_INVAL);
	ck_assert_int_eq(appvss_progress(db.participant, 101, 0, NULL),
	    APPVSS_E_INVAL);
	ck_assert_int_eq(appvss_ready(NULL, NULL), APPVSS_E_INVAL);
	ck_assert_int_eq(appvss_ready(db.participant, NULL), APPVSS_E_STALE);
	rig_settle(&rig);
}
END_TEST

START_TEST(test_pending)
{
	rig_begin(&rig, &db);
	db.check_answer = APPVSS_PENDING;
	db.freeze_answer = APPVSS_PENDING;
	db.thaw_answer = APPVSS_PENDING;
	rig_say(&rig, "CHECK name=db id=6 remaining_ms=4000");
	rig_settle(&rig);
	ck_assert_int_eq(appvss_ready(db.participant, "fine"), 0);
	rig_expect(&rig, "READY name=db id=6 op=check text=fine");
	ck_assert_int_eq(appvss_ready(db.participant, NULL), APPVSS_E_STALE);
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_settle(&rig);
	ck_assert_int_eq(appvss_progress(db.participant, 40, 900, "a b"), 0);
	rig_expect(&rig,
	    "PROGRESS name=db id=7 percent=40 remaining_ms=900 text=\"a b\"");
	ck_assert_int_eq(appvss_ready(db.participant, NULL), 0);
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	ck_assert_int_eq(appvss_ready(db.participant, NULL), APPVSS_E_STALE);
	ck_assert_int_eq(appvss_progress(db.participant, 50, 1, NULL),
	    APPVSS_E_STALE);
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	/* A repetition while the thaw goes on asks nothing anew. */
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_settle(&rig);
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
	ck_assert_int_eq(appvss_ready(db.participant, NULL), 0);
	ck_assert_int_eq(appvss_is_frozen(db.participant), 0);
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	rig_settle(&rig);
	ck_assert_str_eq(db.log, "check 6; freeze 7; thaw 7 done");
}
END_TEST

/* What it said it holds, it does not hold any more: its thaw comes all the
 * same.
 */
START_TEST(test_fail_while_frozen)
{
	rig_begin(&rig, &db);
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	ck_assert_int_eq(appvss_fail(db.participant, "server gone"), 0);
	rig_expect(&rig, "FAIL name=db id=7 op=freeze text=\"server gone\"");
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
	rig_say(&rig, "THAW name=db id=7 reason=aborted remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 aborted");
	ck_assert_int_eq(appvss_fail(db.participant, "no"), APPVSS_E_STALE);
}
END_TEST

START_TEST(test_fail)
{
	rig_begin(&rig, &db);
	db.freeze_answer = APPVSS_FAIL;
	db.text = "disk \"full\"";
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig,
	    "FAIL name=db id=7 op=freeze text=\"disk \\\"full\\\"\"");
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
	db.text = NULL;
	rig_say(&rig, "THAW name=db id=7 reason=aborted remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 aborted");
	db.check_answer = APPVSS_PENDING;
	rig_say(&rig, "CHECK name=db id=8 remaining_ms=1");
	rig_settle(&rig);
	ck_assert_int_eq(appvss_fail(db.participant, "no"), 0);
	rig_expect(&rig, "FAIL name=db id=8 op=check text=no");
}
END_TEST

static void
note_ticket(struct app *app, const struct appvss_request *request)
{
	app->ticket = request->ticket;
}

/* A late answer to a freeze is not taken for one to its thaw. */
START_TEST(test_ticket)
{
	uint64_t freeze_ticket;

	rig_begin(&rig, &db);
	db.hook = note_ticket;
	db.freeze_answer = APPVSS_PENDING;
	db.thaw_answer = APPVSS_PENDING;
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_settle(&rig);
	freeze_ticket = db.ticket;
	rig_say(&rig, "THAW name=db id=7 reason=aborted remaining_ms=5000");
	rig_settle(&rig);
	ck_assert_uint_ne(freeze_ticket, db.ticket);
	ck_assert_int_eq(appvss_answer_ticket(db.participant, freeze_ticket,
			     APPVSS_READY, "late"),
	    APPVSS_E_STALE);
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
	/* What is refused meanwhile changes nothing. */
	rig_say(&rig, "CHECK name=db id=8 remaining_ms=4000");
	rig_expect(&rig,
	    "FAIL name=db id=8 op=check text=\"still frozen by an earlier "
	    "transaction\"");
	ck_assert_int_eq(appvss_answer_ticket(db.participant, db.ticket,
			     APPVSS_PENDING, NULL),
	    APPVSS_E_INVAL);
	ck_assert_int_eq(appvss_answer_ticket(db.participant, db.ticket,
			     APPVSS_READY, "now"),
	    0);
	rig_expect(&rig, "READY name=db id=7 op=thaw text=now");
	ck_assert_int_eq(appvss_answer_ticket(db.participant, db.ticket,
			     APPVSS_READY, "again"),
	    APPVSS_E_STALE);
	rig_settle(&rig);
}
END_TEST

static void
answer_inside(struct app *app, const struct appvss_request *request)
{
	(void)request;
	app->hook_result = appvss_ready(app->participant, "inside");
}

/* Who answers inside of the callback has answered, whatever it returns. */
START_TEST(test_answer_inside_callback)
{
	static const enum appvss_answer answers[] = { APPVSS_PENDING,
		APPVSS_READY, APPVSS_FAIL };

	rig_begin(&rig, &db);
	db.hook = answer_inside;
	db.freeze_answer = answers[_i];
	db.thaw_answer = answers[_i];
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig, "READY name=db id=7 op=freeze text=inside");
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw text=inside");
	rig_settle(&rig);
	ck_assert_int_eq(db.hook_result, 0);
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 done");
}
END_TEST

START_TEST(test_thaw_not_frozen)
{
	rig_begin(&rig, &db);
	rig_say(&rig, "THAW name=db id=5 reason=lost remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=5 op=thaw");
	ck_assert_str_eq(db.log, "");
}
END_TEST

/* The repetition of an older thaw does not undo the freeze that crossed it. */
START_TEST(test_thaw_of_older)
{
	freeze_db();
	rig_say(&rig, "THAW name=db id=5 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=5 op=thaw");
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 done");
}
END_TEST

START_TEST(test_thaw_fails)
{
	freeze_db();
	db.thaw_answer = APPVSS_FAIL;
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "FAIL name=db id=7 op=thaw");
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
	rig_say(&rig, "CHECK name=db id=8 remaining_ms=4000");
	rig_expect(&rig,
	    "FAIL name=db id=8 op=check text=\"still frozen by an earlier "
	    "transaction\"");
	rig_say(&rig, "FREEZE name=db id=9 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig,
	    "FAIL name=db id=9 op=freeze text=\"still frozen by an earlier "
	    "transaction\"");
	rig_settle(&rig);
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 done");
	db.thaw_answer = APPVSS_READY;
	rig_say(&rig, "THAW name=db id=9 reason=aborted remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=9 op=thaw");
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 done; thaw 7 aborted");
}
END_TEST

/* A failed thaw that no broker asks for again is tried again here. */
START_TEST(test_thaw_fails_alone)
{
	freeze_db();
	db.thaw_answer = APPVSS_FAIL;
	rig_hide(&rig);
	rig_drop(&rig);
	RIG_UNTIL(&rig, strstr(db.log, "unavailable") != NULL);
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
	db.thaw_answer = APPVSS_READY;
	RIG_UNTIL(&rig, !appvss_is_frozen(db.participant));
	ck_assert_str_eq(db.log,
	    "freeze 7; thaw 7 lost; status unavailable; thaw 7 lost");
	rig_listen(&rig);
}
END_TEST

/* The broker asked, the thaw failed, and then there is nobody to ask again. */
START_TEST(test_thaw_fails_then_lost)
{
	freeze_db();
	db.thaw_answer = APPVSS_FAIL;
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "FAIL name=db id=7 op=thaw");
	ck_assert_int_eq(appvss_get_timeout_ms(rig.handle), -1);
	db.thaw_answer = APPVSS_READY;
	rig_hide(&rig);
	rig_drop(&rig);
	RIG_UNTIL(&rig, !appvss_is_frozen(db.participant));
	ck_assert_str_eq(db.log,
	    "freeze 7; thaw 7 done; status unavailable; thaw 7 lost");
	rig_listen(&rig);
}
END_TEST

static void
note_remaining(struct app *app, const struct appvss_request *request)
{
	if (app == &db)
		poll(NULL, 0, 60);
	app->hook_result = (int)request->remaining_ms;
}

/* Who waits for another callback has less time, and is told so. */
START_TEST(test_remaining_ms)
{
	rig_begin(&rig, &db);
	rig_add(&rig, &web, "web");
	db.hook = note_remaining;
	web.hook = note_remaining;
	rig_say(&rig,
	    "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000\n"
	    "FREEZE name=web id=7 remaining_ms=4000 hold_ms=70000");
	RIG_UNTIL(&rig, web.hook_result != 0);
	ck_assert_int_le(db.hook_result, 4000);
	ck_assert_int_le(web.hook_result, 3941);
}
END_TEST

START_TEST(test_several_participants)
{
	rig_begin(&rig, &db);
	rig_add(&rig, &web, "web");
	rig_expect(&rig,
	    "REGISTER name=web order=50 required=0 check=1 freeze_ms=5000 "
	    "thaw_ms=5000");
	rig_say(&rig, "OK verb=REGISTER name=web");
	web.freeze_answer = APPVSS_PENDING;
	rig_say(&rig,
	    "FREEZE name=web id=7 remaining_ms=4000 hold_ms=70000\n"
	    "FREEZE name=nobody id=7 remaining_ms=4000 hold_ms=70000\n"
	    "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	ck_assert_int_eq(appvss_ready(web.participant, NULL), 0);
	rig_expect(&rig, "READY name=web id=7 op=freeze");
	rig_say(&rig,
	    "THAW name=db id=7 reason=done remaining_ms=5000\n"
	    "THAW name=web id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	rig_expect(&rig, "READY name=web id=7 op=thaw");
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 done");
	ck_assert_str_eq(web.log, "status ok; freeze 7; thaw 7 done");
	appvss_unregister(web.participant);
	rig_expect(&rig, "UNREGISTER name=web");
	rig_settle(&rig);
}
END_TEST

START_TEST(test_words)
{
	int error;

	for (error = APPVSS_OK; error >= APPVSS_E_NOT_FOUND; error--)
		ck_assert_str_ne(appvss_strerror(error), "unknown error");
	ck_assert_str_eq(appvss_strerror(1), "unknown error");
	ck_assert_str_eq(appvss_version(), APPVSS_VERSION);
	rig_begin(&rig, &db);
	ck_assert_str_eq(appvss_get_name(db.participant), "db");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("libappvss");
	TCase *tc = tcase_create("requests");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_whole_transaction);
	tcase_add_test(tc, test_options);
	tcase_add_test(tc, test_bad_arguments);
	tcase_add_test(tc, test_pending);
	tcase_add_test(tc, test_fail_while_frozen);
	tcase_add_test(tc, test_fail);
	tcase_add_test(tc, test_ticket);
	tcase_add_loop_test(tc, test_answer_inside_callback, 0, 3);
	tcase_add_test(tc, test_thaw_not_frozen);
	tcase_add_test(tc, test_thaw_of_older);
	tcase_add_test(tc, test_thaw_fails);
	tcase_add_test(tc, test_thaw_fails_alone);
	tcase_add_test(tc, test_thaw_fails_then_lost);
	tcase_add_test(tc, test_remaining_ms);
	tcase_add_test(tc, test_several_participants);
	tcase_add_test(tc, test_words);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
