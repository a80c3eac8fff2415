/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history process: the real program, spawned on a directory of its own, fed
 * with lines, and its file looked at with SQLite.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "history_rig.h"

START_TEST(rows_are_committed_and_acknowledged)
{
	struct stat st;

	rig_start();
	rig_put(RUN_1);
	ck_assert_str_eq(rig_answer(), "READY last_id=0");
	rig_put(
	    "BEGIN seq=1 id=1 op=freeze source=device"
	    " msgid=18446744073709551615 at_ms=1100\n"
	    "HELD seq=2 id=1 proof=1 parts=\"[[\\\"db\\\",50,1,1,9,7,8]]\"\n"
	    "STATE seq=3 id=1 at_ms=1200 state=held consistency=application"
	    " elapsed_ms=100\nCOMMIT\n");
	/* All of it at once. */
	ck_assert_str_eq(rig_answer(), "ACK seq=3");
	/* A reader sees it now: nothing is left to be written. */
	ck_assert_str_eq(rig_query("SELECT state FROM state"), "held");
	ck_assert_int_eq(rig_count_files("-journal"), 0);
	ck_assert_str_eq(
	    rig_query("SELECT run || '/' || id || '/' || proof || n || parts"
		      " FROM held"),
	    "1/1/12[[\"db\",50,1,1,9,7,8]]");
	rig_put("PART seq=4 id=1 phase=final name=db program=\"a b\""
		" result=ready pid=7 uid=8 order=50 required=1 told_at_ms=1"
		" ready_at_ms=9\n"
		"STATE seq=5 id=1 at_ms=1300 state=done\n");
	rig_await("ACK seq=5");
	ck_assert_str_eq(
	    rig_query("SELECT name || program || pid || uid || ready_at_ms ||"
		      " ifnull(thawed_at_ms, '-') FROM part"),
	    "dba b789-");
	ck_assert_str_eq(rig_query("SELECT msgid FROM txn"), "-1");
	ck_assert_int_eq(stat(rig_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_str_eq(rig_query("PRAGMA user_version"), "3");
	ck_assert_str_eq(rig_query("PRAGMA journal_mode"), "delete");
}
END_TEST

/* They wait for what is committed with them, but not for long. */
START_TEST(rows_of_a_freeze_reach_the_disk_without_a_commit)
{
	rig_start();
	rig_put(RUN_1 "BEGIN seq=1 id=1 op=freeze source=device at_ms=1\n");
	rig_await("ACK seq=1");
	ck_assert_str_eq(rig_query("SELECT op FROM txn"), "freeze");
	rig_put("EVENT seq=2 id=1 at_ms=2 kind=progress\n");
	rig_await("ACK seq=2");
	/* Nor is it lost when the broker dies before that. */
	rig_put(
	    "HELD seq=3 id=1 proof=1 parts=\"[[\\\"last\\\",50,0,1,2,3,4]]\"\n");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_str_eq(rig_query("SELECT count(*) FROM held"), "1");
}
END_TEST

START_TEST(what_was_read_is_committed_at_the_end)
{
	rig_start();
	rig_put(
	    RUN_1 "BEGIN seq=1 id=1 op=check source=device at_ms=1\n"
		  "STATE seq=2 id=1 at_ms=2 state=done\nEND seq=3 at_ms=3\n");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_str_eq(rig_query("SELECT state FROM state"), "done");
	ck_assert_str_eq(rig_query("SELECT ended_at_ms FROM run"), "3");
}
END_TEST

START_TEST(nothing_is_opened_before_the_first_line)
{
	rig_start();
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_int_eq(rig_count_files("history"), 0);
}
END_TEST

START_TEST(duplicates_are_ignored)
{
	rig_start();
	rig_put(RUN_1 "BEGIN seq=1 id=1 op=check source=device at_ms=1\n"
		      "STATE seq=2 id=1 at_ms=2 state=done\n");
	rig_await("ACK seq=2");
	ck_assert_int_eq(rig_finish(), EX_OK);
	rig_start();
	rig_put(RUN_1 "BEGIN seq=1 id=1 op=check source=device at_ms=1\n"
		      "STATE seq=2 id=1 at_ms=2 state=done\n");
	ck_assert_str_eq(rig_answer(), "READY last_id=1");
	rig_await("ACK seq=2");
	rig_put("STATE seq=3 id=1 at_ms=3 state=late\n");
	rig_await("ACK seq=3");
	ck_assert_str_eq(rig_query("SELECT count(*) FROM state"), "2");
	ck_assert_str_eq(rig_query("SELECT count(*) FROM run"), "1");
	ck_assert_str_eq(rig_query("SELECT count(*) FROM event"), "0");
	rig_finish();
}
END_TEST

START_TEST(killed_at_any_moment_each_row_is_there_once)
{
	char line[128];
	uint64_t acked = 0, next = 1, kills = 0;
	const uint64_t rows = 3000;

	while (acked < rows) {
		const uint64_t stop_at = acked + 1 + (kills * 131) % 300;

		rig_start();
		rig_put(RUN_1);
		for (next = acked + 1; next <= rows && next <= stop_at + 200;
		     next++) {
			snprintf(line, sizeof(line),
			    "EVENT seq=%llu at_ms=1 kind=k text=%llu\n",
			    (unsigned long long)next, (unsigned long long)next);
			rig_put(line);
		}
		while (acked < rows && acked < stop_at) {
			unsigned long long seq;

			if (sscanf(rig_answer(), "ACK seq=%llu", &seq) == 1)
				acked = seq;
		}
		rig_kill();
		kills++;
	}
	ck_assert_uint_gt(kills, 4);
	ck_assert_str_eq(rig_query("SELECT count(*) FROM event"), "3000");
	ck_assert_str_eq(rig_query("SELECT count(DISTINCT text) FROM event"),
	    "3000");
	ck_assert_str_eq(rig_query("PRAGMA integrity_check"), "ok");
}
END_TEST

START_TEST(next_run_ends_what_the_last_one_left)
{
	rig_start();
	rig_put(RUN_1
	    "BEGIN seq=1 id=1 op=freeze source=device at_ms=1\n"
	    "STATE seq=2 id=1 at_ms=2 state=held consistency=application\n"
	    "STATE seq=3 id=1 at_ms=3 state=done consistency=application\n"
	    "BEGIN seq=4 id=2 op=freeze source=device at_ms=4\n"
	    "STATE seq=5 id=2 at_ms=5 state=held consistency=application\n");
	rig_await("ACK seq=5");
	rig_kill();
	rig_start();
	rig_put(RUN_2);
	ck_assert_str_eq(rig_answer(), "READY last_id=2");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_str_eq(
	    rig_query("SELECT group_concat(id || state || consistency || reason"
		      " || by_run) FROM state WHERE state = 'interrupted'"),
	    "2interruptednonebroker_died2");
	/* The proof itself is as it was. */
	ck_assert_str_eq(rig_query(
			     "SELECT consistency FROM state WHERE id = 2"),
	    "application");
	ck_assert_str_eq(rig_query("SELECT group_concat(kind) FROM event"),
	    "gap");
}
END_TEST

START_TEST(what_a_requestor_held_was_no_snapshot_of_the_host)
{
	rig_start();
	rig_put(RUN_1
	    "DRIVER seq=1 at_ms=1 instance=7 snapshots=4 opened=1\n"
	    "BEGIN seq=2 id=1 op=freeze source=device at_ms=1\n"
	    "STATE seq=3 id=1 at_ms=2 state=held consistency=application\n"
	    "BEGIN seq=4 id=2 op=freeze source=requestor at_ms=4\n"
	    "STATE seq=5 id=2 at_ms=5 state=held consistency=application\n");
	rig_await("ACK seq=5");
	rig_kill();
	/* Two more: transaction 1, and one that nobody here has seen. */
	rig_start();
	rig_put(RUN_2 "DRIVER seq=1 at_ms=9 instance=7 snapshots=6 opened=1\n");
	ck_assert_str_eq(rig_answer(), "READY last_id=2");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_str_eq(rig_query("SELECT group_concat(substr(text, 1, 12))"
				   " FROM event WHERE text LIKE 'snap%'"),
	    "snapshots=4 ,snapshots=1 ");
}
END_TEST

START_TEST(clean_end_is_no_gap)
{
	rig_start();
	rig_put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\nEND seq=2 at_ms=3\n");
	rig_finish();
	rig_start();
	rig_put(RUN_2);
	rig_finish();
	ck_assert_str_eq(rig_query(
			     "SELECT count(*) FROM event WHERE kind='gap'"),
	    "0");
	ck_assert_str_eq(rig_query("SELECT count(*) FROM run"), "2");
}
END_TEST

START_TEST(known_participants_are_told_and_forgotten)
{
	rig_start();
	rig_put(RUN_1 "KNOWN seq=1 at_ms=1 name=web program=\"a b\"\n"
		      "KNOWN seq=2 at_ms=1 name=db program=old\n"
		      "KNOWN seq=3 at_ms=2 name=db program=new\n"
		      "KNOWN seq=4 at_ms=2 name=gone\n"
		      "FORGET seq=5 at_ms=3 name=gone\n");
	rig_await("ACK seq=5");
	rig_finish();
	rig_start();
	rig_put(RUN_2);
	ck_assert_str_eq(rig_answer(), "KNOWN name=db program=new");
	ck_assert_str_eq(rig_answer(), "KNOWN name=web program=\"a b\"");
	ck_assert_str_eq(rig_answer(), "READY last_id=0");
	rig_finish();
}
END_TEST

START_TEST(garbage_is_set_aside_and_told)
{
	rig_write_file(
	    "This is a letter to my aunt, and certainly no database.");
	rig_start();
	rig_put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	rig_await("ACK seq=1");
	rig_finish();
	ck_assert_int_eq(rig_count_files("history.db.corrupt-"), 1);
	ck_assert_str_eq(rig_query("SELECT count(*) FROM event WHERE"
				   " kind = 'set_aside' AND text LIKE"
				   " '%history.db.corrupt-%Z'"),
	    "1");
}
END_TEST

START_TEST(foreign_database_is_set_aside)
{
	rig_query("CREATE TABLE addresses(name TEXT)");
	rig_start();
	rig_put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	rig_await("ACK seq=1");
	rig_finish();
	ck_assert_int_eq(rig_count_files("history.db.corrupt-"), 1);
	ck_assert_str_eq(rig_query("SELECT count(*) FROM sqlite_schema"
				   " WHERE name = 'addresses'"),
	    "0");
}
END_TEST

START_TEST(damaged_page_is_set_aside)
{
	char junk[8192];
	int fd;

	rig_start();
	rig_put(RUN_1);
	for (int i = 1; i < 2000; i++) {
		char line[128];

		snprintf(line, sizeof(line),
		    "EVENT seq=%d at_ms=1 kind=k text=nr%d\n", i, i);
		rig_put(line);
	}
	rig_await("ACK seq=1999");
	rig_finish();
	memset(junk, 0x5a, sizeof(junk));
	fd = open(rig_path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), 40960), sizeof(junk));
	close(fd);
	rig_start();
	rig_put(RUN_2 "EVENT seq=1 at_ms=1 kind=k\n");
	rig_await("ACK seq=1");
	rig_finish();
	ck_assert_int_eq(rig_count_files("history.db.corrupt-"), 1);
	ck_assert_str_eq(rig_query("SELECT count(*) FROM event"), "2");
}
END_TEST

START_TEST(missing_directory_is_an_error)
{
	snprintf(rig_path, sizeof(rig_path), "%s/not/there.db", rig_directory);
	rig_start();
	rig_put(RUN_1);
	ck_assert_str_eq(rig_answer(), "");
	ck_assert_int_eq(rig_finish(), EX_CANTCREAT);
}
END_TEST

START_TEST(locked_file_is_waited_for)
{
	static char lines[65536];
	size_t length = 0;
	sqlite3 *db;

	rig_start();
	rig_put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	rig_await("ACK seq=1");
	ck_assert_int_eq(sqlite3_open(rig_path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
	    SQLITE_OK);
	for (int i = 2; i < 1000; i++)
		length += (size_t)snprintf(lines + length,
		    sizeof(lines) - length, "EVENT seq=%d at_ms=1 kind=k\n", i);
	rig_put(lines);
	ck_assert_int_eq(poll(&(struct pollfd) { rig_sock, POLLIN, 0 }, 1, 300),
	    0);
	ck_assert_int_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	rig_await("ACK seq=999");
	rig_finish();
	ck_assert_str_eq(rig_query("SELECT count(*) FROM event"), "999");
}
END_TEST

/* A broker that died is not outlived for ever by a process that cannot write.
 */
START_TEST(locked_file_is_given_up_without_a_broker)
{
	sqlite3 *db;

	rig_start();
	rig_put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	rig_await("ACK seq=1");
	ck_assert_int_eq(sqlite3_open(rig_path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
	    SQLITE_OK);
	rig_put("EVENT seq=2 at_ms=1 kind=k\n");
	ck_assert_int_eq(rig_finish(), EX_IOERR);
	sqlite3_close(db);
	ck_assert_str_eq(rig_query("SELECT count(*) FROM event"), "1");
}
END_TEST

START_TEST(vanished_file_is_noticed)
{
	rig_start();
	rig_put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	rig_await("ACK seq=1");
	ck_assert_int_eq(unlink(rig_path), 0);
	rig_put("EVENT seq=2 at_ms=1 kind=k\n");
	/* Not acknowledged: the next process gets it again. */
	ck_assert_str_eq(rig_answer(), "");
	ck_assert_int_eq(rig_finish(), EX_IOERR);
	rig_start();
	rig_put(RUN_1 "EVENT seq=2 at_ms=1 kind=k\n");
	rig_await("ACK seq=2");
	rig_finish();
}
END_TEST

START_TEST(nonsense_ends_it)
{
	static const char *const nonsense[] = { "EVENT seq=1 at_ms=1 kind=k\n",
		RUN_1 "HELLO\n", RUN_1 "EVENT seq=0 at_ms=1 kind=k\n",
		"run run=1\n" };

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		rig_start();
		rig_put(nonsense[i]);
		ck_assert_int_eq(rig_finish(), EX_PROTOCOL);
	}
}
END_TEST

START_TEST(signals_do_not_end_it)
{
	rig_start();
	rig_put(RUN_1);
	rig_await("READY last_id=0");
	kill(rig_child, SIGTERM);
	kill(rig_child, SIGINT);
	rig_put("EVENT seq=1 at_ms=1 kind=k\n");
	rig_await("ACK seq=1");
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("history");
	TCase *tcase = tcase_create("history");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
	tcase_add_test(tcase, rows_are_committed_and_acknowledged);
	tcase_add_test(tcase, rows_of_a_freeze_reach_the_disk_without_a_commit);
	tcase_add_test(tcase, what_was_read_is_committed_at_the_end);
	tcase_add_test(tcase, nothing_is_opened_before_the_first_line);
	tcase_add_test(tcase, duplicates_are_ignored);
	tcase_add_test(tcase, killed_at_any_moment_each_row_is_there_once);
	tcase_add_test(tcase, next_run_ends_what_the_last_one_left);
	tcase_add_test(tcase,
	    what_a_requestor_held_was_no_snapshot_of_the_host);
	tcase_add_test(tcase, clean_end_is_no_gap);
	tcase_add_test(tcase, known_participants_are_told_and_forgotten);
	tcase_add_test(tcase, garbage_is_set_aside_and_told);
	tcase_add_test(tcase, foreign_database_is_set_aside);
	tcase_add_test(tcase, damaged_page_is_set_aside);
	tcase_add_test(tcase, missing_directory_is_an_error);
	tcase_add_test(tcase, locked_file_is_waited_for);
	tcase_add_test(tcase, locked_file_is_given_up_without_a_broker);
	tcase_add_test(tcase, vanished_file_is_noticed);
	tcase_add_test(tcase, nonsense_ends_it);
	tcase_add_test(tcase, signals_do_not_end_it);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
