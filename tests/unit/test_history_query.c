/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the history process: pages, and who waits for whom.
 */
#include <check.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "history_rig.h"

static void
start_with_rows(void)
{
	rig_start();
	rig_put(RUN_1
	    "BEGIN seq=1 id=1 op=check source=device msgid=4 at_ms=1000\n"
	    "STATE seq=2 id=1 at_ms=1002 state=done consistency=none"
	    " host=success elapsed_ms=2\n"
	    "BEGIN seq=3 id=2 op=freeze source=device"
	    " msgid=18446744073709551615 at_ms=2000\n"
	    "PART seq=4 id=2 phase=held name=db program=\"a b\" result=ready"
	    " pid=7 uid=8 order=50 required=1 told_at_ms=0 ready_at_ms=25\n"
	    "STATE seq=5 id=2 at_ms=2030 state=held consistency=application"
	    " elapsed_ms=30\n"
	    "EVENT seq=6 id=2 at_ms=2031 kind=note text=\"x \\x1b[31m\"\n"
	    "PART seq=7 id=2 phase=final name=db program=\"a b\" result=ready"
	    " thaw=ok pid=7 uid=8 order=50 required=1 told_at_ms=0"
	    " ready_at_ms=25 thaw_told_at_ms=75 thawed_at_ms=100\n"
	    "PART seq=8 id=2 phase=final name=slow result=timeout thaw=ok"
	    " pid=9 uid=8 order=60 told_at_ms=25\n"
	    "STATE seq=9 id=2 at_ms=2100 state=done consistency=filesystem"
	    " host=success reason=timeout culprit=slow elapsed_ms=100\n"
	    "EVENT seq=10 at_ms=3000 kind=gap text=free\n"
	    "BEGIN seq=11 id=3 op=check source=device at_ms=4000\n");
	rig_await("ACK seq=11");
}

#define TXN_1                                                             \
	"kind=transaction id=1 at_ms=1000 op=check source=device msgid=4" \
	" outcome=done consistency=none host=success elapsed_ms=2"        \
	" participants=0 ready=0"
#define TXN_2                                                             \
	"kind=transaction id=2 at_ms=2000 op=freeze source=device"        \
	" msgid=18446744073709551615 outcome=done consistency=filesystem" \
	" reason=timeout name=slow host=success elapsed_ms=100"           \
	" participants=2 ready=1"
#define TXN_3                                                             \
	"kind=transaction id=3 at_ms=4000 op=check source=device msgid=0" \
	" outcome=unfinished participants=0 ready=0"

START_TEST(transactions_come_in_pages)
{
	start_with_rows();
	rig_put("QUERY query=1 kind=transactions\n");
	ck_assert_str_eq(rig_answer(), "ITEM query=1 " TXN_3);
	ck_assert_str_eq(rig_answer(), "ITEM query=1 " TXN_2);
	ck_assert_str_eq(rig_answer(), "ITEM query=1 " TXN_1);
	ck_assert_str_eq(rig_answer(), "DONE query=1");
	rig_put("QUERY query=2 kind=transactions limit=1 before=3\n");
	ck_assert_str_eq(rig_answer(), "ITEM query=2 " TXN_2);
	ck_assert_str_eq(rig_answer(), "DONE query=2 before=2");
	rig_put("QUERY query=3 kind=transactions limit=5 before=2\n");
	ck_assert_str_eq(rig_answer(), "ITEM query=3 " TXN_1);
	ck_assert_str_eq(rig_answer(), "DONE query=3");
	rig_put("QUERY query=4 kind=transactions name=db\n");
	ck_assert_str_eq(rig_answer(), "ITEM query=4 " TXN_2);
	ck_assert_str_eq(rig_answer(), "DONE query=4");
	rig_put("QUERY query=5 kind=transactions name=nobody\n");
	ck_assert_str_eq(rig_answer(), "DONE query=5");
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

START_TEST(transaction_has_everything)
{
	static const char *const items[] = {
		TXN_2,
		"kind=run id=2 at_ms=1000 program=v text=b1",
		"kind=generation id=2 text=g1",
		"kind=state id=2 at_ms=2030 state=held"
		" consistency=application elapsed_ms=30 late_ms=0",
		"kind=state id=2 at_ms=2100 state=done consistency=filesystem"
		" reason=timeout name=slow host=success elapsed_ms=100"
		" late_ms=0",
		"kind=participant id=2 name=db state=final result=ready thaw=ok"
		" pid=7 uid=8 order=50 required=1 told_at_ms=0 ready_at_ms=25"
		" thaw_told_at_ms=75 thawed_at_ms=100 program=\"a b\"",
		"kind=participant id=2 name=slow state=final result=timeout"
		" thaw=ok pid=9 uid=8 order=60 required=0 told_at_ms=25",
		"kind=event id=2 at_ms=2031 reason=note"
		" text=\"x \\x1b[31m\"",
	};
	const size_t count = sizeof(items) / sizeof(items[0]);
	char line[512];

	start_with_rows();
	/* Whatever the size of the pages, the same items. */
	for (size_t limit = 1; limit <= count + 1; limit++) {
		size_t seen = 0;
		bool more = true;

		while (more) {
			snprintf(line, sizeof(line),
			    "QUERY query=9 kind=transaction skip=%zu"
			    " limit=%zu%s\n",
			    seen, limit, seen % 2 == 0 ? "" : " id=2");
			rig_put(line);
			for (size_t i = 0; i < limit && seen < count;
			     i++, seen++) {
				snprintf(line, sizeof(line), "ITEM query=9 %s",
				    items[seen]);
				ck_assert_str_eq(rig_answer(), line);
			}
			snprintf(line, sizeof(line), "DONE query=9 skip=%zu",
			    seen);
			more = strcmp(rig_answer(), line) == 0;
		}
		ck_assert_uint_eq(seen, count);
	}
	rig_put("QUERY query=1 kind=transaction id=99\n");
	ck_assert_str_eq(rig_answer(), "DONE query=1 code=unknown_id");
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

START_TEST(events_come_in_pages)
{
	start_with_rows();
	rig_put("QUERY query=1 kind=events limit=1\n");
	ck_assert_str_eq(rig_answer(),
	    "ITEM query=1 kind=event id=0 at_ms=3000 reason=gap text=free");
	ck_assert_str_eq(rig_answer(), "DONE query=1 before=2");
	rig_put("QUERY query=2 kind=events before=2\n");
	ck_assert_str_eq(rig_answer(),
	    "ITEM query=2 kind=event id=2 at_ms=2031 reason=note"
	    " text=\"x \\x1b[31m\"");
	ck_assert_str_eq(rig_answer(), "DONE query=2");
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

/* A thousand participants: many pages, each of them once. */
START_TEST(large_transaction_is_complete)
{
	char line[2048], text[513];
	size_t skip = 0, parts = 0, pages = 0;

	memset(text, '\x01', sizeof(text) - 1);
	rig_start();
	rig_put(RUN_1 "BEGIN seq=1 id=1 op=freeze source=device at_ms=1\n");
	for (unsigned i = 0; i < 1000; i++) {
		char *at = line +
		    snprintf(line, sizeof(line),
			"PART seq=%u id=1 phase=final name=p%u"
			" result=failed text=\"",
			i + 2, i);

		/* As long as the broker makes them: every byte escaped. */
		for (unsigned j = 0; j < 400; j++)
			at += snprintf(at, 5, "\\x01");
		strcpy(at, "\"\n");
		rig_put(line);
	}
	rig_put("STATE seq=1002 id=1 at_ms=2 state=done\n");
	rig_await("ACK seq=1002");
	do {
		const char *answer;

		snprintf(line, sizeof(line),
		    "QUERY query=1 kind=transaction id=1 skip=%zu limit=100\n",
		    skip);
		rig_put(line);
		for (;;) {
			answer = rig_answer();
			if (strncmp(answer, "DONE ", 5) == 0)
				break;
			if (strstr(answer, "kind=participant") != NULL)
				parts++;
		}
		pages++;
		skip = 0;
		(void)sscanf(answer, "DONE query=1 skip=%zu", &skip);
	} while (skip != 0);
	ck_assert_uint_eq(parts, 1000);
	ck_assert_uint_gt(pages, 10);
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

START_TEST(empty_file_has_nothing)
{
	rig_start();
	rig_put(RUN_1);
	rig_await("READY last_id=0");
	rig_put("QUERY query=1 kind=transactions\n");
	ck_assert_str_eq(rig_answer(), "DONE query=1");
	rig_put("QUERY query=2 kind=transaction id=1\n");
	ck_assert_str_eq(rig_answer(), "DONE query=2 code=unknown_id");
	rig_put("QUERY query=3 kind=events\n");
	ck_assert_str_eq(rig_answer(), "DONE query=3");
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

START_TEST(nothing_is_read_during_a_freeze)
{
	start_with_rows();
	rig_put("BEGIN seq=12 id=4 op=freeze source=device at_ms=5000\n"
		"QUERY query=1 kind=transactions\n");
	rig_await("DONE query=1 code=unavailable");
	rig_put("STATE seq=13 id=4 at_ms=5001 state=held\nCOMMIT\n");
	rig_await("ACK seq=13");
	rig_put("QUERY query=2 kind=transactions\n");
	ck_assert_str_eq(rig_answer(), "DONE query=2 code=unavailable");
	rig_put("STATE seq=14 id=4 at_ms=5002 state=done\n"
		"QUERY query=3 kind=transactions limit=1 before=4\n");
	rig_await("ITEM query=3 " TXN_3);
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

/* A row and its commit do not wait for the answer, and it comes in the end. */
START_TEST(rows_go_first)
{
	start_with_rows();
	rig_put("QUERY query=1 kind=transactions limit=1\n"
		"EVENT seq=12 at_ms=1 kind=k\nCOMMIT\n");
	ck_assert_str_eq(rig_answer(), "ACK seq=12");
	rig_await("DONE query=1 before=3");
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

START_TEST(locked_file_is_unavailable)
{
	sqlite3 *db;

	start_with_rows();
	ck_assert_int_eq(sqlite3_open(rig_path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
	    SQLITE_OK);
	rig_put("QUERY query=1 kind=transactions\n");
	ck_assert_str_eq(rig_answer(), "DONE query=1 code=unavailable");
	sqlite3_close(db);
	rig_put("QUERY query=2 kind=transactions limit=1\n");
	rig_await("DONE query=2 before=3");
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

START_TEST(unknown_kind_ends_it)
{
	rig_start();
	rig_put(RUN_1 "QUERY query=1 kind=everything\n");
	ck_assert_int_eq(rig_finish(), EX_PROTOCOL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("history_query");
	TCase *tcase = tcase_create("history_query");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
	tcase_add_test(tcase, transactions_come_in_pages);
	tcase_add_test(tcase, transaction_has_everything);
	tcase_add_test(tcase, events_come_in_pages);
	tcase_add_test(tcase, large_transaction_is_complete);
	tcase_add_test(tcase, empty_file_has_nothing);
	tcase_add_test(tcase, nothing_is_read_during_a_freeze);
	tcase_add_test(tcase, rows_go_first);
	tcase_add_test(tcase, locked_file_is_unavailable);
	tcase_add_test(tcase, unknown_kind_ends_it);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
