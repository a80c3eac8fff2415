/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libappvss asks for status and history: rows as structures, pages, and an end
 * for every question whatever the broker does.
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sdk_rig.h"

const char *const rig_hello = "HELLO version=1 program=test_libappvss_query";

static struct rig rig;
static struct app db;

/* What came to one question. */
struct asked {
	int rows;
	uint64_t first_id, last_id;
	char log[512];
	int ends;
	int error;
	char text[128];
	uint64_t next_before;
	bool is_closing;    /* its end closes the handle */
	struct asked *then; /* its end asks this one */
};

static void
teardown(void)
{
	rig_stop(&rig);
}

static void ask(struct asked *asked, enum appvss_question question);

static void
on_row(struct appvss *handle, const struct appvss_row *row, void *arg)
{
	struct asked *asked = arg;
	size_t length = strlen(asked->log);

	ck_assert_ptr_eq(handle, rig.handle);
	ck_assert_int_eq(asked->ends, 0);
	if (asked->rows++ == 0)
		asked->first_id = row->id;
	asked->last_id = row->id;
	snprintf(asked->log + length, sizeof(asked->log) - length, "%s%d %s %s",
	    length > 0 ? "; " : "", (int)row->kind, row->name, row->state);
}

static void
on_end(struct appvss *handle, const struct appvss_end *end, void *arg)
{
	struct asked *asked = arg;

	ck_assert_ptr_eq(handle, rig.handle);
	asked->ends++;
	asked->error = end->error;
	snprintf(asked->text, sizeof(asked->text), "%s", end->text);
	asked->next_before = end->next_before;
	if (asked->is_closing)
		appvss_close(handle);
	if (asked->then != NULL)
		ask(asked->then, APPVSS_ASK_STATUS);
}

static const struct appvss_query_callbacks callbacks = { on_row, on_end };

static void
ask(struct asked *asked, enum appvss_question question)
{
	struct appvss_query query;

	appvss_query_init(&query, question);
	ck_assert_int_eq(appvss_ask(rig.handle, &query, &callbacks, asked), 0);
}

/* The broker's side of items 'from' down to 'to'. */
static void
say_items(uint64_t from, uint64_t to)
{
	char line[128];

	for (; from >= to; from--) {
		snprintf(line, sizeof(line),
		    "ITEM kind=transaction id=%ju op=freeze", (uintmax_t)from);
		rig_say(&rig, line);
	}
}

START_TEST(test_status)
{
	static struct asked asked = { 0 };

	rig_begin(&rig, &db);
	ask(&asked, APPVSS_ASK_STATUS);
	rig_expect(&rig, "STATUS");
	rig_say(&rig, "ITEM kind=broker state=idle pid=5 history=ok");
	rig_say(&rig,
	    "ITEM kind=participant name=db state=frozen present=1 order=0");
	rig_say(&rig, "ITEM kind=debt name=db id=4 text=\"owes it\"");
	rig_say(&rig, "ITEM kind=novelty name=x");
	rig_say(&rig, "END verb=STATUS");
	RIG_UNTIL(&rig, asked.ends == 1);
	ck_assert_str_eq(asked.log, "1  idle; 2 db frozen; 3 db ; 0 x ");
	ck_assert_int_eq(asked.error, 0);
	ck_assert_uint_eq(asked.first_id, APPVSS_UNKNOWN);
	ck_assert_uint_eq(asked.next_before, 0);
	ck_assert_int_eq(appvss_get_timeout_ms(rig.handle), -1);
}
END_TEST

static struct appvss_row seen;
static char seen_texts[256];

static void
keep_row(struct appvss *handle, const struct appvss_row *row, void *arg)
{
	(void)handle;
	(void)arg;
	seen = *row;
	snprintf(seen_texts, sizeof(seen_texts), "%s|%s|%s|%s|%s|%s|%s|%s|%s",
	    row->kind_word, row->operation, row->source, row->outcome,
	    row->consistency, row->reason, row->host, row->program, row->text);
}

START_TEST(test_row_members)
{
	const struct appvss_query_callbacks keep = { keep_row, on_end };
	static struct asked asked = { 0 };
	struct appvss_query query;

	rig_begin(&rig, &db);
	appvss_query_init(&query, APPVSS_ASK_TRANSACTION);
	query.id = 12;
	ck_assert_int_eq(appvss_ask(rig.handle, &query, &keep, &asked), 0);
	rig_expect(&rig, "HISTORY kind=transaction id=12 limit=100");
	rig_say(&rig,
	    "ITEM kind=transaction id=12 at_ms=1763676001000 op=freeze "
	    "source=device msgid=18446744073709551614 outcome=aborted "
	    "consistency=none reason=timeout name=db host=fail elapsed_ms=812 "
	    "participants=3 ready=2 program=\"a \\x1b[1m\" text=\"t t\" "
	    "told_at_ms=1 ready_at_ms=2 thaw_told_at_ms=3 thawed_at_ms=4 "
	    "pid=5 uid=6 order=7 required=1 late_ms=9");
	rig_say(&rig, "END verb=HISTORY");
	RIG_UNTIL(&rig, asked.ends == 1);
	ck_assert_str_eq(seen_texts,
	    "transaction|freeze|device|aborted|none|timeout|fail|a \x1b[1m|t "
	    "t");
	ck_assert_int_eq(seen.kind, APPVSS_ROW_TRANSACTION);
	ck_assert_uint_eq(seen.id, 12);
	ck_assert_uint_eq(seen.at_ms, 1763676001000);
	ck_assert_uint_eq(seen.msgid, 18446744073709551614u);
	ck_assert_uint_eq(seen.elapsed_ms, 812);
	ck_assert_uint_eq(seen.participants, 3);
	ck_assert_uint_eq(seen.ready, 2);
	ck_assert_uint_eq(seen.told_at_ms, 1);
	ck_assert_uint_eq(seen.ready_at_ms, 2);
	ck_assert_uint_eq(seen.thaw_told_at_ms, 3);
	ck_assert_uint_eq(seen.thawed_at_ms, 4);
	ck_assert_uint_eq(seen.pid, 5);
	ck_assert_uint_eq(seen.uid, 6);
	ck_assert_uint_eq(seen.order, 7);
	ck_assert_uint_eq(seen.required, 1);
	ck_assert_uint_eq(seen.late_ms, 9);
	ck_assert_uint_eq(seen.age_ms, APPVSS_UNKNOWN);
}
END_TEST

/* More than the broker gives at once. */
START_TEST(test_pages)
{
	static struct asked asked = { 0 };
	struct appvss_query query;

	rig_begin(&rig, &db);
	appvss_query_init(&query, APPVSS_ASK_TRANSACTIONS);
	query.name = "db";
	query.rows_max = 130;
	query.before = 1000;
	ck_assert_int_eq(appvss_ask(rig.handle, &query, &callbacks, &asked), 0);
	rig_expect(&rig,
	    "HISTORY kind=transactions name=db before=1000 limit=100");
	say_items(999, 900);
	rig_say(&rig, "END verb=HISTORY before=900");
	rig_expect(&rig,
	    "HISTORY kind=transactions name=db before=900 limit=30");
	/* A search that has found nothing yet. */
	rig_say(&rig, "END verb=HISTORY before=500");
	rig_expect(&rig,
	    "HISTORY kind=transactions name=db before=500 limit=30");
	say_items(499, 470);
	rig_say(&rig, "END verb=HISTORY before=470");
	RIG_UNTIL(&rig, asked.ends == 1);
	ck_assert_int_eq(asked.error, 0);
	ck_assert_int_eq(asked.rows, 130);
	ck_assert_uint_eq(asked.last_id, 470);
	ck_assert_uint_eq(asked.next_before, 470);
	rig_settle(&rig);
}
END_TEST

START_TEST(test_pages_of_one_transaction)
{
	static struct asked asked = { 0 };

	rig_begin(&rig, &db);
	ask(&asked, APPVSS_ASK_TRANSACTION);
	rig_expect(&rig, "HISTORY kind=transaction id=0 limit=100");
	say_items(110, 11);
	rig_say(&rig, "END verb=HISTORY skip=100");
	rig_expect(&rig, "HISTORY kind=transaction id=0 skip=100 limit=100");
	say_items(10, 1);
	rig_say(&rig, "END verb=HISTORY");
	RIG_UNTIL(&rig, asked.ends == 1);
	ck_assert_int_eq(asked.rows, 110);
	ck_assert_uint_eq(asked.next_before, 0);
}
END_TEST

static const struct {
	const char *line;
	int error;
	const char *text;
} refusals[] = {
	{ "ERROR code=unavailable verb=HISTORY text=\"a freeze is under way\"",
	    APPVSS_E_UNAVAILABLE, "a freeze is under way" },
	{ "ERROR code=busy verb=HISTORY", APPVSS_E_UNAVAILABLE, "busy" },
	{ "ERROR code=unknown_id verb=HISTORY", APPVSS_E_NOT_FOUND,
	    "unknown_id" },
	{ "ERROR code=denied verb=HISTORY", APPVSS_E_DENIED, "denied" },
	{ "ERROR code=unknown_verb verb=HISTORY", APPVSS_E_PROTOCOL,
	    "unknown_verb" },
	{ "ITEM kind=event id=minus", APPVSS_E_PROTOCOL,
	    "the broker sent a row that makes no sense" },
	{ "END verb=HISTORY before=9\nEND verb=HISTORY before=9",
	    APPVSS_E_PROTOCOL, "the broker goes on with what it has sent" },
};

/* None of them is a reason to end the connection, and so to thaw. */
START_TEST(test_refused)
{
	static struct asked asked = { 0 }, next = { 0 };

	rig_begin(&rig, &db);
	rig_say(&rig, "FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000");
	rig_expect(&rig, "READY name=db id=7 op=freeze");
	asked.then = &next;
	ask(&asked, APPVSS_ASK_EVENTS);
	rig_expect(&rig, "HISTORY kind=events limit=20");
	if (_i == 6) {
		rig_say(&rig, "END verb=HISTORY before=9");
		rig_expect(&rig, "HISTORY kind=events before=9 limit=20");
	}
	rig_say(&rig,
	    _i == 6 ? "END verb=HISTORY before=9" : refusals[_i].line);
	if (_i == 5)
		rig_say(&rig, "END verb=HISTORY");
	RIG_UNTIL(&rig, asked.ends == 1);
	ck_assert_int_eq(asked.error, refusals[_i].error);
	ck_assert_str_eq(asked.text, refusals[_i].text);
	rig_expect(&rig, "STATUS");
	rig_say(&rig, "ITEM kind=broker state=held\nEND verb=STATUS");
	RIG_UNTIL(&rig, next.ends == 1);
	ck_assert_str_eq(next.log, "1  held");
	ck_assert_str_eq(db.log, "freeze 7");
}
END_TEST

START_TEST(test_no_broker)
{
	static struct asked asked = { 0 };

	rig_start(&rig);
	rig_open(&rig);
	ask(&asked, APPVSS_ASK_STATUS);
	ck_assert_int_eq(appvss_get_timeout_ms(rig.handle), 0);
	ck_assert_int_eq(appvss_dispatch(rig.handle), 0);
	ck_assert_int_eq(asked.ends, 1);
	ck_assert_int_eq(asked.error, APPVSS_E_UNAVAILABLE);
	ck_assert_str_ne(asked.text, "");
	rig_listen(&rig);
}
END_TEST

/* Asked once: what was lost ends, what the end asks is for the next broker. */
START_TEST(test_lost)
{
	static struct asked first = { 0 }, second = { 0 }, third = { 0 };

	rig_begin(&rig, &db);
	first.then = &third;
	ask(&first, APPVSS_ASK_STATUS);
	ask(&second, APPVSS_ASK_EVENTS);
	rig_expect(&rig, "STATUS");
	rig_say(&rig, "ITEM kind=broker state=idle");
	rig_drop(&rig);
	RIG_UNTIL(&rig, second.ends == 1);
	ck_assert_int_eq(first.ends, 1);
	ck_assert_int_eq(first.rows, 1);
	ck_assert_int_eq(first.error, APPVSS_E_UNAVAILABLE);
	ck_assert_int_eq(second.error, APPVSS_E_UNAVAILABLE);
	ck_assert_int_eq(third.ends, 0);
	RIG_UNTIL(&rig, third.ends == 1 || appvss_get_fd(rig.handle) >= 0);
}
END_TEST

/* An answer that came too late is not taken for the next one. */
START_TEST(test_late_answer)
{
	static struct asked asked = { 0 }, next = { 0 };
	struct appvss_query query;

	rig_begin(&rig, &db);
	appvss_query_init(&query, APPVSS_ASK_EVENTS);
	query.timeout_ms = 50;
	ck_assert_int_eq(appvss_ask(rig.handle, &query, &callbacks, &asked), 0);
	RIG_UNTIL(&rig, asked.ends == 1);
	ck_assert_int_eq(asked.error, APPVSS_E_UNAVAILABLE);
	rig_expect(&rig, "HISTORY kind=events limit=20");
	ask(&next, APPVSS_ASK_EVENTS);
	rig_settle(&rig);
	rig_say(&rig, "ITEM kind=event id=1 reason=late");
	rig_say(&rig, "END verb=HISTORY");
	rig_expect(&rig, "HISTORY kind=events limit=20");
	rig_say(&rig, "ITEM kind=event id=2 reason=new");
	rig_say(&rig, "END verb=HISTORY");
	RIG_UNTIL(&rig, next.ends == 1);
	ck_assert_int_eq(next.rows, 1);
	ck_assert_uint_eq(next.first_id, 2);
	ck_assert_int_eq(asked.rows, 0);
	ck_assert_int_eq(asked.ends, 1);
}
END_TEST

START_TEST(test_limits)
{
	static struct asked many[65] = { { 0 } };
	struct appvss_query query;
	int i;

	rig_begin(&rig, &db);
	appvss_query_init(&query, APPVSS_ASK_STATUS);
	for (i = 0; i < 64; i++)
		ck_assert_int_eq(appvss_ask(rig.handle, &query, &callbacks,
				     &many[i]),
		    0);
	ck_assert_int_eq(appvss_ask(rig.handle, &query, &callbacks, &many[64]),
	    APPVSS_E_LIMIT);
	for (i = 0; i < 64; i++) {
		rig_expect(&rig, "STATUS");
		rig_say(&rig, "END verb=STATUS");
	}
	RIG_UNTIL(&rig, many[63].ends == 1);
	query.question = 9;
	ck_assert_int_eq(appvss_ask(rig.handle, &query, &callbacks, many),
	    APPVSS_E_INVAL);
	query.question = APPVSS_ASK_TRANSACTIONS;
	query.name = "not a name";
	ck_assert_int_eq(appvss_ask(rig.handle, &query, &callbacks, many),
	    APPVSS_E_INVAL);
	ck_assert_int_eq(appvss_ask(NULL, &query, &callbacks, many),
	    APPVSS_E_INVAL);
}
END_TEST

/* Rows that nobody has asked for, or more than were asked for. */
START_TEST(test_unasked)
{
	static struct asked asked = { 0 };
	struct appvss_query query;

	rig_begin(&rig, &db);
	rig_say(&rig, "ITEM kind=broker state=idle");
	rig_say(&rig, "ITEM state=idle");
	rig_say(&rig, "END verb=STATUS");
	rig_settle(&rig);
	appvss_query_init(&query, APPVSS_ASK_EVENTS);
	query.rows_max = 2;
	ck_assert_int_eq(appvss_ask(rig.handle, &query, &callbacks, &asked), 0);
	rig_expect(&rig, "HISTORY kind=events limit=2");
	rig_say(&rig, "END verb=STATUS");
	say_items(9, 1);
	rig_say(&rig, "END verb=HISTORY");
	RIG_UNTIL(&rig, asked.ends == 1);
	ck_assert_int_eq(asked.rows, 2);
	ck_assert_str_eq(db.log, "");
}
END_TEST

/* Every question has its end, also if the handle is closed first. */
START_TEST(test_close)
{
	static struct asked asked = { 0 }, next = { 0 };

	rig_begin(&rig, &db);
	asked.is_closing = _i == 1;
	ask(&asked, APPVSS_ASK_STATUS);
	ask(&next, APPVSS_ASK_STATUS);
	rig_expect(&rig, "STATUS");
	if (_i == 1) {
		rig_say(&rig, "END verb=STATUS");
		while (appvss_dispatch(rig.handle) != APPVSS_E_CLOSED)
			continue;
	} else {
		appvss_close(rig.handle);
		ck_assert_int_eq(asked.error, APPVSS_E_CLOSED);
	}
	rig.handle = NULL;
	ck_assert_int_eq(asked.ends, 1);
	ck_assert_int_eq(next.ends, 1);
	ck_assert_int_eq(next.error, APPVSS_E_CLOSED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("libappvss_query");
	TCase *tc = tcase_create("questions");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_status);
	tcase_add_test(tc, test_row_members);
	tcase_add_test(tc, test_pages);
	tcase_add_test(tc, test_pages_of_one_transaction);
	tcase_add_loop_test(tc, test_refused, 0, 7);
	tcase_add_test(tc, test_no_broker);
	tcase_add_test(tc, test_lost);
	tcase_add_test(tc, test_late_answer);
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_unasked);
	tcase_add_loop_test(tc, test_close, 0, 2);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
