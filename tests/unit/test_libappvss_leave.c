/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libappvss when somebody leaves: a participant is unregistered, a handle is
 * closed or its process forks, inside of callbacks and outside, frozen or not.
 */
#include <sys/wait.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sdk_rig.h"

#define REGISTER_DB                                                    \
	"REGISTER name=db order=50 required=0 check=1 freeze_ms=5000 " \
	"thaw_ms=5000"

const char *const rig_hello = "HELLO version=1 program=test_libappvss_leave";

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

static void
unregister_inside(struct app *app, const struct appvss_request *request)
{
	if ((int)request->operation == app->hook_result) {
		app->hook = NULL;
		appvss_unregister(app->participant);
		/* From here on it is gone for the caller. */
		ck_assert_int_eq(appvss_ready(app->participant, NULL),
		    APPVSS_E_INVAL);
	}
}

START_TEST(test_unregister_inside_check)
{
	rig_begin(&rig, &db);
	db.hook = unregister_inside;
	db.hook_result = APPVSS_CHECK;
	db.check_answer = APPVSS_PENDING;
	rig_say(&rig, "CHECK name=db id=6 remaining_ms=4000");
	rig_expect(&rig, "UNREGISTER name=db");
	rig_settle(&rig);
	ck_assert_str_eq(db.log, "check 6");
}
END_TEST

/* No READY for what is thawed the next moment. */
START_TEST(test_unregister_inside_freeze)
{
	rig_begin(&rig, &db);
	db.hook = unregister_inside;
	db.hook_result = APPVSS_FREEZE;
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig,
	    "FAIL name=db id=7 op=freeze text=\"unregistered while frozen\"");
	rig_expect(&rig, "UNREGISTER name=db");
	rig_settle(&rig);
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost");
}
END_TEST

START_TEST(test_unregister_inside_thaw)
{
	freeze_db();
	db.hook = unregister_inside;
	db.hook_result = APPVSS_THAW;
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	rig_expect(&rig, "UNREGISTER name=db");
	rig_settle(&rig);
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 done");
}
END_TEST

START_TEST(test_unregister_frozen)
{
	freeze_db();
	appvss_unregister(db.participant);
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost");
	rig_expect(&rig,
	    "FAIL name=db id=7 op=freeze text=\"unregistered while frozen\"");
	rig_expect(&rig, "UNREGISTER name=db");
	/* The same name can come back on the same connection. */
	db.log[0] = '\0';
	rig_add(&rig, &db, "db");
	rig_expect(&rig, REGISTER_DB);
	rig_say(&rig, "OK verb=UNREGISTER name=db");
	rig_say(&rig, "OK verb=REGISTER name=db");
	RIG_UNTIL(&rig, strcmp(db.log, "status ok") == 0);
}
END_TEST

static void
misuse_inside(struct app *app, const struct appvss_request *request)
{
	(void)request;
	app->hook_result = appvss_dispatch(app->handle) == APPVSS_E_INVAL &&
	    appvss_wait(app->handle, 0) == APPVSS_E_INVAL &&
	    appvss_run(app->handle) == APPVSS_E_INVAL &&
	    appvss_start(app->handle) == APPVSS_E_INVAL;
}

START_TEST(test_no_nesting)
{
	rig_begin(&rig, &db);
	db.hook = misuse_inside;
	rig_say(&rig, "CHECK name=db id=6 remaining_ms=4000");
	rig_expect(&rig, "READY name=db id=6 op=check");
	ck_assert_int_eq(db.hook_result, 1);
}
END_TEST

static void
close_inside(struct app *app, const struct appvss_request *request)
{
	struct appvss_participant *other;
	struct appvss_options options;

	if ((int)request->operation != app->hook_result)
		return;
	appvss_close(app->handle);
	appvss_close(app->handle); /* once is enough, twice does no harm */
	appvss_options_init(&options);
	options.name = "other";
	ck_assert_int_eq(appvss_register(app->handle, &options, &app_callbacks,
			     app, &other),
	    APPVSS_E_CLOSED);
}

/* Closed by a callback: thawed all the same, and the caller is told. */
START_TEST(test_close_inside)
{
	static const char *const logs[] = { "check 7", "freeze 7; thaw 7 lost",
		"freeze 7; thaw 7 done" };
	char said[512];
	ssize_t length;

	rig_begin(&rig, &db);
	rig_add(&rig, &web, "web");
	db.hook = close_inside;
	db.hook_result = _i + 1;
	if (_i == 0)
		rig_say(&rig, "CHECK name=db id=7 remaining_ms=4000");
	else
		rig_say(&rig,
		    "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	if (_i == 2)
		rig_say(&rig,
		    "THAW name=db id=7 reason=done remaining_ms=5000");
	while (appvss_dispatch(rig.handle) != APPVSS_E_CLOSED)
		continue;
	rig.handle = NULL;
	ck_assert_str_eq(db.log, logs[_i]);
	length = read(rig.conn, said, sizeof(said) - 1);
	ck_assert_int_gt(length, 0);
	said[length] = '\0';
	ck_assert_ptr_nonnull(strstr(said, "UNREGISTER name=db\n"));
	ck_assert_ptr_nonnull(strstr(said, "UNREGISTER name=web\n"));
	ck_assert_int_eq(read(rig.conn, said, 1), 0);
}
END_TEST

/* A thaw that appvss_unregister() calls closes the handle: it goes at its end.
 */
START_TEST(test_close_inside_unregister)
{
	freeze_db();
	db.hook = close_inside;
	db.hook_result = APPVSS_THAW;
	appvss_unregister(db.participant);
	rig.handle = NULL;
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost");
}
END_TEST

START_TEST(test_close_frozen)
{
	char said[512];
	ssize_t length;

	freeze_db();
	appvss_close(rig.handle);
	rig.handle = NULL;
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost");
	length = read(rig.conn, said, sizeof(said) - 1);
	ck_assert_int_gt(length, 0);
	said[length] = '\0';
	ck_assert_str_eq(said,
	    "FAIL name=db id=7 op=freeze text=\"unregistered while frozen\"\n"
	    "UNREGISTER name=db\n");
	ck_assert_int_eq(read(rig.conn, said, 1), 0);
}
END_TEST

/* A forked child can do nothing to its parent's connection. */
START_TEST(test_fork)
{
	int status;
	pid_t pid;

	freeze_db();
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (appvss_dispatch(rig.handle) != APPVSS_E_FORKED ||
		    appvss_wait(rig.handle, 0) != APPVSS_E_FORKED ||
		    appvss_run(rig.handle) != APPVSS_E_FORKED ||
		    appvss_start(rig.handle) != APPVSS_E_FORKED ||
		    appvss_ready(db.participant, NULL) != APPVSS_E_FORKED ||
		    appvss_get_fd(rig.handle) != -1 ||
		    appvss_get_timeout_ms(rig.handle) != 0)
			_exit(1);
		appvss_stop(rig.handle);
		appvss_unregister(db.participant);
		appvss_close(rig.handle);
		_exit(strcmp(db.log, "freeze 7") == 0 ? 0 : 2);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	rig_settle(&rig);
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("libappvss_leave");
	TCase *tc = tcase_create("leaving");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_unregister_inside_check);
	tcase_add_test(tc, test_unregister_inside_freeze);
	tcase_add_test(tc, test_unregister_inside_thaw);
	tcase_add_test(tc, test_unregister_frozen);
	tcase_add_test(tc, test_no_nesting);
	tcase_add_loop_test(tc, test_close_inside, 0, 3);
	tcase_add_test(tc, test_close_inside_unregister);
	tcase_add_test(tc, test_close_frozen);
	tcase_add_test(tc, test_fork);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
