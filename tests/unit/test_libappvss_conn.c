/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libappvss when the broker is absent, vanishes, is slow, or speaks nonsense:
 * the fail-safe thaw, reconnection, and the borders of the line protocol.
 */
#include <sys/socket.h>

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sdk_rig.h"

#define REGISTER_DB                                                    \
	"REGISTER name=db order=50 required=0 check=1 freeze_ms=5000 " \
	"thaw_ms=5000"

const char *const rig_hello = "HELLO version=1 program=test_libappvss_conn";

static struct rig rig;
static struct app db;

static void
teardown(void)
{
	rig_stop(&rig);
}

static void
freeze_db(void)
{
	rig_begin(&rig, &db);
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig, "READY name=db id=7 op=freeze");
}

/* Back again: the participant is registered without its doing anything. */
static void
come_back(void)
{
	rig_greet(&rig);
	rig_expect(&rig, REGISTER_DB);
	rig_say(&rig, "OK verb=REGISTER name=db");
	rig_settle(&rig);
}

START_TEST(test_no_broker_at_first)
{
	rig_start(&rig);
	rig_open(&rig);
	rig_add(&rig, &db, "db");
	ck_assert_int_eq(appvss_get_fd(rig.handle), -1);
	ck_assert_int_eq(appvss_get_timeout_ms(rig.handle), 0);
	RIG_UNTIL(&rig, strcmp(db.log, "status unavailable") == 0);
	/* Said once, not at every try. */
	ck_assert_int_eq(appvss_wait(rig.handle, -1), 0);
	ck_assert_int_eq(appvss_wait(rig.handle, -1), 0);
	ck_assert_str_eq(db.log, "status unavailable");
	rig_listen(&rig);
	come_back();
	ck_assert_str_eq(db.log, "status unavailable; status ok");
	/* The backoff begins anew. */
	rig_drop(&rig);
	ck_assert_int_eq(appvss_dispatch(rig.handle), 0);
	ck_assert_int_le(appvss_get_timeout_ms(rig.handle), 100);
}
END_TEST

START_TEST(test_reconnect)
{
	rig_begin(&rig, &db);
	rig_drop(&rig);
	come_back();
	ck_assert_str_eq(db.log, "status unavailable; status ok");
	rig_say(&rig, "FREEZE name=db id=8 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig, "READY name=db id=8 op=freeze");
}
END_TEST

/* The time to the next try doubles from 100 ms to 5 s. */
START_TEST(test_backoff)
{
	int64_t before_ms = rig_now_ms(), took_ms;
	int tries, timeout_ms, backoff_ms;

	rig_start(&rig);
	rig_open(&rig);
	for (tries = 0; tries < 7; tries++) {
		backoff_ms = tries < 6 ? 100 << tries : 5000;
		timeout_ms = appvss_get_timeout_ms(rig.handle);
		took_ms = rig_now_ms() - before_ms;
		ck_assert_int_le(timeout_ms, backoff_ms);
		ck_assert_int_ge(timeout_ms, backoff_ms - (int)took_ms - 1);
		while (appvss_get_timeout_ms(rig.handle) > 0)
			poll(NULL, 0, appvss_get_timeout_ms(rig.handle));
		before_ms = rig_now_ms();
		ck_assert_int_eq(appvss_dispatch(rig.handle), 0);
	}
}
END_TEST

START_TEST(test_broker_vanishes_frozen)
{
	freeze_db();
	rig_drop(&rig);
	RIG_UNTIL(&rig, !appvss_is_frozen(db.participant));
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost; status unavailable");
	come_back();
	/* The broker that came back may ask: nothing is left to do. */
	rig_say(&rig, "THAW name=db id=7 reason=lost remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_str_eq(db.log,
	    "freeze 7; thaw 7 lost; status unavailable; status ok");
}
END_TEST

/* What the broker said last counts, even if it is gone when it is read. */
START_TEST(test_broker_thaws_and_vanishes)
{
	freeze_db();
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_drop(&rig);
	RIG_UNTIL(&rig, strstr(db.log, "unavailable") != NULL);
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 done; status unavailable");
}
END_TEST

START_TEST(test_vanishes_while_pending)
{
	rig_begin(&rig, &db);
	db.freeze_answer = APPVSS_PENDING;
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_settle(&rig);
	rig_drop(&rig);
	/* The library finds out by this write, or has not yet: no SIGPIPE. */
	ck_assert_int_eq(appvss_ready(db.participant, NULL), APPVSS_E_STALE);
	ck_assert_int_eq(appvss_get_timeout_ms(rig.handle), 0);
	ck_assert_str_eq(db.log, "freeze 7");
	ck_assert_int_eq(appvss_dispatch(rig.handle), 0);
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost; status unavailable");
	ck_assert_int_eq(appvss_ready(db.participant, NULL), APPVSS_E_STALE);
}
END_TEST

/* The thaw that the last broker asked for is no word to the next. */
START_TEST(test_vanishes_while_thawing)
{
	freeze_db();
	db.thaw_answer = APPVSS_PENDING;
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_settle(&rig);
	rig_drop(&rig);
	RIG_UNTIL(&rig, strstr(db.log, "unavailable") != NULL);
	come_back();
	ck_assert_int_eq(appvss_progress(db.participant, 50, 1, NULL), 0);
	ck_assert_int_eq(appvss_ready(db.participant, NULL), 0);
	ck_assert_int_eq(appvss_is_frozen(db.participant), 0);
	rig_say(&rig, "FREEZE name=db id=8 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig, "READY name=db id=8 op=freeze");
}
END_TEST

/* Begun alone, and asked for after all: that is what is answered. */
START_TEST(test_asked_while_thawing_alone)
{
	freeze_db();
	db.thaw_answer = APPVSS_PENDING;
	rig_drop(&rig);
	RIG_UNTIL(&rig, strstr(db.log, "unavailable") != NULL);
	come_back();
	rig_say(&rig, "THAW name=db id=9 reason=lost remaining_ms=5000");
	rig_settle(&rig);
	ck_assert_int_eq(appvss_progress(db.participant, 50, 1, NULL), 0);
	rig_expect(&rig, "PROGRESS name=db id=9 percent=50 remaining_ms=1");
	ck_assert_int_eq(appvss_ready(db.participant, NULL), 0);
	rig_expect(&rig, "READY name=db id=9 op=thaw");
	ck_assert_str_eq(db.log,
	    "freeze 7; thaw 7 lost; status unavailable; status ok");
}
END_TEST

START_TEST(test_asked_after_failing_alone)
{
	freeze_db();
	db.thaw_answer = APPVSS_FAIL;
	rig_drop(&rig);
	RIG_UNTIL(&rig, strstr(db.log, "unavailable") != NULL);
	come_back();
	rig_say(&rig, "THAW name=db id=7 reason=lost remaining_ms=5000");
	rig_expect(&rig, "FAIL name=db id=7 op=thaw");
	db.thaw_answer = APPVSS_READY;
	rig_say(&rig, "THAW name=db id=7 reason=lost remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
}
END_TEST

START_TEST(test_hold_limit)
{
	rig_begin(&rig, &db);
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=1500");
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	ck_assert_int_le(appvss_get_timeout_ms(rig.handle), 1500);
	rig_expect(&rig,
	    "FAIL name=db id=7 op=freeze text=\"no thaw came within the limit: "
	    "thawed by itself\"");
	RIG_UNTIL(&rig, !appvss_is_frozen(db.participant));
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost");
	rig_say(&rig, "THAW name=db id=7 reason=expired remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost");
}
END_TEST

/* READY cannot be said any more once the thaw by the limit is due. */
START_TEST(test_hold_limit_pending)
{
	rig_begin(&rig, &db);
	db.freeze_answer = APPVSS_PENDING;
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=100");
	RIG_UNTIL(&rig, db.log[0] != '\0');
	while (appvss_get_timeout_ms(rig.handle) > 0)
		poll(NULL, 0, appvss_get_timeout_ms(rig.handle));
	ck_assert_int_eq(appvss_ready(db.participant, NULL), APPVSS_E_STALE);
	rig_expect(&rig,
	    "FAIL name=db id=7 op=freeze text=\"no thaw came within the limit: "
	    "thawed by itself\"");
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost");
}
END_TEST

/* A limit noticed much too late was slept through: the thaw gets its chance. */
START_TEST(test_hold_limit_after_pause)
{
	rig_begin(&rig, &db);
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=1000");
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	poll(NULL, 0, 2200);
	ck_assert_int_eq(appvss_dispatch(rig.handle), 0);
	ck_assert_str_eq(db.log, "freeze 7");
	ck_assert_int_gt(appvss_get_timeout_ms(rig.handle), 1000);
	rig_say(&rig, "THAW name=db id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 done");
}
END_TEST

START_TEST(test_late_ready)
{
	rig_begin(&rig, &db);
	db.freeze_answer = APPVSS_PENDING;
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_settle(&rig);
	rig_say(&rig, "THAW name=db id=7 reason=aborted remaining_ms=5000");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_int_eq(appvss_ready(db.participant, NULL), APPVSS_E_STALE);
	rig_settle(&rig);
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 aborted");
}
END_TEST

/* A freeze that nobody waits for any more is not begun. */
START_TEST(test_late_freeze)
{
	rig_begin(&rig, &db);
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=0 hold_ms=70000");
	rig_expect(&rig,
	    "FAIL name=db id=7 op=freeze text=\"the request was read too "
	    "late\"");
	ck_assert_str_eq(db.log, "");
}
END_TEST

START_TEST(test_byte_by_byte)
{
	const char *line = "FREEZE name=db id=7 remaining_ms=4000 "
			   "hold_ms=70000\nTHAW name=db id=7 reason=done "
			   "remaining_ms=5000\n";

	rig_begin(&rig, &db);
	for (; *line != '\0'; line++) {
		ck_assert_int_eq(send(rig.conn, line, 1, MSG_NOSIGNAL), 1);
		ck_assert_int_eq(appvss_dispatch(rig.handle), 0);
	}
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	rig_expect(&rig, "READY name=db id=7 op=thaw");
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 done");
}
END_TEST

START_TEST(test_longest_line)
{
	char line[4097];

	rig_begin(&rig, &db);
	memset(line, 'x', sizeof(line));
	memcpy(line, "CHECK name=db id=1 remaining_ms=1 future=", 41);
	line[4095] = '\0';
	rig_say(&rig, line);
	rig_expect(&rig, "READY name=db id=1 op=check");
	line[4095] = 'x';
	line[4096] = '\0';
	rig_say(&rig, line);
	RIG_UNTIL(&rig, strstr(db.log, "protocol") != NULL);
	come_back();
	ck_assert_str_eq(db.log, "check 1; status protocol; status ok");
}
END_TEST

static const char *const nonsense[] = {
	"hello",
	"FREEZE name=db id=7",
	"FREEZE name=db id=x remaining_ms=1 hold_ms=1",
	"FREEZE name=db id=8 id=8 remaining_ms=1 hold_ms=1",
	"ERROR code=grammar",
	"ERROR code=too_long text=\"too long\"",
};

/* Nonsense ends the connection, and so thaws. */
START_TEST(test_nonsense)
{
	freeze_db();
	rig_say(&rig, nonsense[_i]);
	RIG_UNTIL(&rig, strstr(db.log, "protocol") != NULL);
	ck_assert_str_eq(db.log, "freeze 7; thaw 7 lost; status protocol");
	come_back();
}
END_TEST

/* Of a newer broker, or about a line that does not matter. */
START_TEST(test_ignored)
{
	freeze_db();
	rig_say(&rig, "NEWS name=db what=\"new thing\"");
	rig_say(&rig, "EVENT kind=new_thing id=7 what=1");
	rig_say(&rig, "EVENT what=\"of a broker that has another idea of it\"");
	rig_say(&rig, "ERROR code=unknown_verb verb=PROGRESS");
	rig_say(&rig, "ERROR code=bad_value verb=READY name=db");
	rig_say(&rig, "OK verb=REGISTER name=nobody");
	rig_settle(&rig);
	ck_assert_int_eq(appvss_is_frozen(db.participant), 1);
	ck_assert_str_eq(db.log, "freeze 7");
}
END_TEST

START_TEST(test_name_taken)
{
	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	rig_add(&rig, &db, "db");
	rig_greet(&rig);
	rig_expect(&rig, REGISTER_DB);
	rig_say(&rig, "ERROR code=name_taken verb=REGISTER name=db");
	rig_expect(&rig, REGISTER_DB);
	ck_assert_str_eq(db.log, "status name_taken");
	rig_say(&rig, "ERROR code=name_taken verb=REGISTER name=db");
	rig_expect(&rig, REGISTER_DB);
	rig_say(&rig, "OK verb=REGISTER name=db");
	RIG_UNTIL(&rig, strstr(db.log, "ok") != NULL);
	ck_assert_str_eq(db.log, "status name_taken; status ok");
}
END_TEST

START_TEST(test_refused)
{
	static const char *const codes[] = { "denied", "limit", "bad_value" };
	static const char *const logs[] = { "status denied", "status limit",
		"status inval" };
	char line[128];

	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	rig_add(&rig, &db, "db");
	rig_greet(&rig);
	rig_expect(&rig, REGISTER_DB);
	snprintf(line, sizeof(line),
	    "ERROR code=%s verb=REGISTER name=db text=\"for you\"", codes[_i]);
	rig_say(&rig, line);
	RIG_UNTIL(&rig, db.log[0] != '\0');
	ck_assert_str_eq(db.log, logs[_i]);
	/* Asked again, but not soon; of a wrong value only when it is new. */
	if (_i == 2)
		ck_assert_int_eq(appvss_get_timeout_ms(rig.handle), -1);
	else
		ck_assert_int_gt(appvss_get_timeout_ms(rig.handle), 20000);
	db.log[0] = '\0';
	rig_drop(&rig);
	come_back();
	ck_assert_str_eq(db.log, "status unavailable; status ok");
}
END_TEST

/* What was granted is taken away by a reload of the broker's configuration. */
START_TEST(test_turned_out)
{
	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	rig_add(&rig, &db, "db");
	rig_greet(&rig);
	rig_expect(&rig, REGISTER_DB);
	rig_say(&rig, "OK verb=REGISTER name=db");
	RIG_UNTIL(&rig, strstr(db.log, "ok") != NULL);
	rig_say(&rig, "ERROR code=denied verb=REGISTER name=db text=reload");
	RIG_UNTIL(&rig, strstr(db.log, "denied") != NULL);
	ck_assert_str_eq(db.log, "status ok; status denied");
	/* Asked again, for the configuration may change again, but not soon. */
	ck_assert_int_gt(appvss_get_timeout_ms(rig.handle), 20000);
}
END_TEST

static const struct {
	const char *line;
	const char *log;
} greetings[] = {
	{ "ERROR code=version", "status protocol" },
	{ "ERROR code=limit text=full", "status limit" },
	{ "ERROR code=denied", "status denied" },
	{ "WELCOME version=2", "status protocol" },
	{ "THAW name=db id=7 reason=done remaining_ms=5", "status protocol" },
};

START_TEST(test_not_welcome)
{
	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	rig_add(&rig, &db, "db");
	rig_accept(&rig);
	rig_expect(&rig, rig_hello);
	/* The answer has its limit, too. */
	ck_assert_int_ge(appvss_get_timeout_ms(rig.handle), 0);
	ck_assert_int_le(appvss_get_timeout_ms(rig.handle), 5000);
	rig_say(&rig, greetings[_i].line);
	RIG_UNTIL(&rig, db.log[0] != '\0');
	ck_assert_str_eq(db.log, greetings[_i].log);
	rig_drop(&rig);
	come_back();
}
END_TEST

/* A broker that is stopped between accept and WELCOME is given up. */
START_TEST(test_no_answer)
{
	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	rig_add(&rig, &db, "db");
	rig_accept(&rig);
	RIG_UNTIL(&rig, db.log[0] != '\0');
	ck_assert_str_eq(db.log, "status unavailable");
	rig_drop(&rig);
	come_back();
}
END_TEST

/* Progress for a broker that does not read is left out; answers are not. */
START_TEST(test_broker_does_not_read)
{
	char text[513];
	int sent, lines = 0;

	rig_begin(&rig, &db);
	db.freeze_answer = APPVSS_PENDING;
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_settle(&rig);
	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (sent = 0; sent < 5000; sent++)
		ck_assert_int_eq(appvss_progress(db.participant, 1, 1, text),
		    0);
	ck_assert_int_eq(appvss_get_events(rig.handle), POLLIN | POLLOUT);
	ck_assert_int_eq(appvss_ready(db.participant, NULL), 0);
	for (;; lines++) {
		RIG_UNTIL(&rig, rig_has_line(&rig));
		if (strncmp(rig.in, "READY", 5) == 0)
			break;
		rig_skip(&rig);
	}
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	ck_assert_int_gt(lines, 10);
	ck_assert_int_lt(lines, 2000);
	rig_settle(&rig);
	ck_assert_str_eq(db.log, "freeze 7");
}
END_TEST

/* What did not go at once goes when the broker reads again, in order. */
START_TEST(test_short_writes)
{
	char text[513], expected[600];
	int lines, more, size = 4096, i;

	rig_begin(&rig, &db);
	/* Small, so that writes are cut in the middle of a line. */
	ck_assert_int_eq(setsockopt(appvss_get_fd(rig.handle), SOL_SOCKET,
			     SO_SNDBUF, &size, (socklen_t)sizeof(size)),
	    0);
	db.freeze_answer = APPVSS_PENDING;
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_settle(&rig);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (lines = 0, more = 0; more < 80; lines++) {
		if (appvss_get_events(rig.handle) != POLLIN)
			more++;
		ck_assert_int_eq(appvss_progress(db.participant, 1,
				     (uint32_t)lines, text),
		    0);
	}
	ck_assert_int_eq(appvss_get_events(rig.handle), POLLIN | POLLOUT);
	ck_assert_int_eq(appvss_ready(db.participant, NULL), 0);
	for (i = 0; i < lines; i++) {
		snprintf(expected, sizeof(expected),
		    "PROGRESS name=db id=7 percent=1 remaining_ms=%d text=%s",
		    i, text);
		rig_expect(&rig, expected);
	}
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	ck_assert_int_eq(appvss_get_events(rig.handle), POLLIN);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("libappvss_conn");
	TCase *tc = tcase_create("connection");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_no_broker_at_first);
	tcase_add_test(tc, test_reconnect);
	tcase_add_test(tc, test_backoff);
	tcase_add_test(tc, test_broker_vanishes_frozen);
	tcase_add_test(tc, test_broker_thaws_and_vanishes);
	tcase_add_test(tc, test_vanishes_while_pending);
	tcase_add_test(tc, test_vanishes_while_thawing);
	tcase_add_test(tc, test_asked_while_thawing_alone);
	tcase_add_test(tc, test_asked_after_failing_alone);
	tcase_add_test(tc, test_hold_limit);
	tcase_add_test(tc, test_hold_limit_pending);
	tcase_add_test(tc, test_hold_limit_after_pause);
	tcase_add_test(tc, test_late_ready);
	tcase_add_test(tc, test_late_freeze);
	tcase_add_test(tc, test_byte_by_byte);
	tcase_add_test(tc, test_longest_line);
	tcase_add_loop_test(tc, test_nonsense, 0, COUNT(nonsense));
	tcase_add_test(tc, test_ignored);
	tcase_add_test(tc, test_name_taken);
	tcase_add_loop_test(tc, test_refused, 0, 3);
	tcase_add_test(tc, test_turned_out);
	tcase_add_loop_test(tc, test_not_welcome, 0, COUNT(greetings));
	tcase_add_test(tc, test_no_answer);
	tcase_add_test(tc, test_broker_does_not_read);
	tcase_add_test(tc, test_short_writes);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
