/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history process and files that are older, newer, damaged, or too full.
 */
#include <sys/stat.h>

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "history_rig.h"

/* As version 1 made it, with a row or two in each table. */
static const char version_1[] =
    "PRAGMA application_id = 1095784019; PRAGMA user_version = 1;"
    "CREATE TABLE run(n INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE,"
    " started_at_ms INTEGER NOT NULL, boot_id TEXT NOT NULL,"
    " generation TEXT NOT NULL, version TEXT NOT NULL,"
    " last_seq INTEGER NOT NULL, ended_at_ms INTEGER);"
    "CREATE TABLE txn(n INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " id INTEGER NOT NULL, op TEXT NOT NULL, source TEXT NOT NULL,"
    " msgid INTEGER NOT NULL, at_ms INTEGER NOT NULL, UNIQUE(run, id));"
    "CREATE INDEX txn_id ON txn(id);"
    "CREATE TABLE state(n INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " id INTEGER NOT NULL, by_run INTEGER NOT NULL, state TEXT NOT NULL,"
    " consistency TEXT NOT NULL, reason TEXT NOT NULL,"
    " culprit TEXT NOT NULL, host TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " elapsed_ms INTEGER, late_ms INTEGER NOT NULL);"
    "CREATE INDEX state_txn ON state(run, id);"
    "CREATE TABLE part(n INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " id INTEGER NOT NULL, phase TEXT NOT NULL, name TEXT NOT NULL,"
    " program TEXT NOT NULL, result TEXT NOT NULL, thaw TEXT NOT NULL,"
    " text TEXT NOT NULL, pid INTEGER NOT NULL, uid INTEGER NOT NULL,"
    " ord INTEGER NOT NULL, required INTEGER NOT NULL,"
    " told_at_ms INTEGER, ready_at_ms INTEGER, thaw_told_at_ms INTEGER,"
    " thawed_at_ms INTEGER);"
    "CREATE INDEX part_txn ON part(run, id);"
    "CREATE TABLE event(n INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " id INTEGER NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,"
    " text TEXT NOT NULL);"
    "CREATE TABLE known(name TEXT PRIMARY KEY, program TEXT NOT NULL,"
    " since_ms INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO run VALUES(1, '0000000000000009', 1, 'b', 'g', 'v', 3, 5);"
    "INSERT INTO txn VALUES(1, 1, 7, 'freeze', 'device', 0, 1);"
    "INSERT INTO state VALUES(1, 1, 7, 1, 'done', 'application', '', '',"
    " 'success', 2, 3, 0);"
    "INSERT INTO event VALUES(1, 1, 0, 1, 'k', 'old');"
    "INSERT INTO known VALUES('db', 'old program', 1);";

START_TEST(older_version_is_brought_to_this_one)
{
	rig_exec(version_1);
	rig_start();
	rig_put(RUN_2);
	ck_assert_str_eq(rig_answer(), "KNOWN name=db program=\"old program\"");
	ck_assert_str_eq(rig_answer(), "READY last_id=7");
	rig_put("KNOWN seq=1 at_ms=9 name=db program=new uid=42\n");
	rig_await("ACK seq=1");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_str_eq(rig_query("PRAGMA user_version"), "3");
	ck_assert_str_eq(rig_query("SELECT name || program || uid FROM known"),
	    "dbnew42");
	ck_assert_str_eq(rig_query("SELECT text FROM event"), "old");
	ck_assert_str_eq(rig_query("SELECT state FROM state"), "done");
	ck_assert_str_eq(rig_query("PRAGMA integrity_check"), "ok");
	ck_assert_int_eq(rig_count_files("history.db."), 0);
}
END_TEST

/* What it proves is as it was, and the next proof has its table. */
START_TEST(version_2_is_brought_to_this_one)
{
	rig_start();
	rig_put(
	    RUN_1 "BEGIN seq=1 id=1 op=freeze source=device at_ms=1\n"
		  "PART seq=2 id=1 phase=held name=db result=ready order=7\n"
		  "STATE seq=3 id=1 at_ms=2 state=held\nCOMMIT\n");
	rig_await("ACK seq=3");
	rig_finish();
	rig_exec("DROP TABLE held; PRAGMA user_version = 2");
	rig_start();
	rig_put(RUN_2);
	rig_await("READY last_id=1");
	rig_put("BEGIN seq=1 id=2 op=freeze source=device at_ms=3\n"
		"HELD seq=2 id=2 proof=1 parts=\"[[\\\"db\\\",7,0,1,2,3,4]]\"\n"
		"STATE seq=3 id=2 at_ms=4 state=held\nCOMMIT\n");
	rig_await("ACK seq=3");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_str_eq(rig_query("PRAGMA user_version"), "3");
	ck_assert_str_eq(rig_query("SELECT phase || name || ord FROM part"),
	    "helddb7");
	ck_assert_str_eq(rig_query("SELECT id || parts FROM held"),
	    "2[[\"db\",7,0,1,2,3,4]]");
	ck_assert_str_eq(rig_query("PRAGMA integrity_check"), "ok");
	ck_assert_int_eq(rig_count_files("history.db."), 0);
}
END_TEST

/* A new file and one that was brought to this version are the same. */
START_TEST(old_and_new_files_have_the_same_tables)
{
	static const char sql[] = "SELECT group_concat(name || coalesce(sql,"
				  " ''), ';') FROM (SELECT * FROM sqlite_schema"
				  " ORDER BY name)";
	char *fresh;

	rig_start();
	rig_put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	rig_await("ACK seq=1");
	rig_finish();
	fresh = strdup(rig_query(sql));
	ck_assert_int_eq(unlink(rig_path), 0);
	rig_exec(version_1);
	rig_start();
	rig_put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	rig_await("ACK seq=1");
	rig_finish();
	ck_assert_str_eq(rig_query(sql), fresh);
	free(fresh);
}
END_TEST

/* All of the change or nothing of it: here its last step cannot be done. */
START_TEST(change_that_fails_leaves_the_old_file)
{
	rig_exec(version_1);
	rig_exec("CREATE TABLE held(x)");
	rig_start();
	rig_put(RUN_2);
	rig_await("READY last_id=7");
	ck_assert_str_eq(rig_answer(), "");
	ck_assert_int_eq(rig_finish(), EX_IOERR);
	ck_assert_str_eq(rig_query("PRAGMA user_version"), "1");
	ck_assert_str_eq(rig_query("SELECT count(*) FROM sqlite_schema"
				   " WHERE name = 'event_txn'"),
	    "0");
	ck_assert_str_eq(rig_query("SELECT count(*) FROM run"), "1");
}
END_TEST

/* What it knows goes on: ids, and who is to be missed. */
START_TEST(newer_version_is_set_aside_unharmed)
{
	char set_aside[256], line[320];
	struct stat before, after;

	rig_exec(version_1);
	rig_exec("ALTER TABLE known ADD COLUMN uid INTEGER;"
		 "UPDATE known SET uid = 42; PRAGMA user_version = 99");
	ck_assert_int_eq(stat(rig_path, &before), 0);
	rig_start();
	rig_put(RUN_2 "EVENT seq=1 at_ms=1 kind=k\n");
	ck_assert_str_eq(rig_answer(),
	    "KNOWN name=db program=\"old program\" uid=42");
	snprintf(line, sizeof(line), "%s", rig_answer());
	ck_assert_int_eq(sscanf(line, "READY last_id=7 set_aside=%255s",
			     set_aside),
	    1);
	rig_await("ACK seq=1");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_ptr_nonnull(strstr(set_aside, "/history.db.newer-"));
	ck_assert_int_eq(stat(set_aside, &after), 0);
	ck_assert_int_eq(after.st_ino, before.st_ino);
	ck_assert_int_eq(after.st_size, before.st_size);
	ck_assert_int_eq(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	ck_assert_str_eq(rig_query("SELECT text FROM event"
				   " WHERE kind = 'set_aside'"),
	    set_aside);
	ck_assert_str_eq(rig_query("SELECT name || uid FROM known"), "db42");
}
END_TEST

static void
put_many_events(unsigned first, unsigned last)
{
	char line[320];

	for (unsigned i = first; i <= last; i++) {
		snprintf(line, sizeof(line),
		    "EVENT seq=%u at_ms=1 kind=k text=nr%u-%0200d\n", i, i, 0);
		rig_put(line);
	}
}

/* From the third page on: the first ones are needed to open it. */
static void
damage(void)
{
	char junk[4096];
	struct stat st;
	int fd;

	memset(junk, 0x5a, sizeof(junk));
	ck_assert_int_eq(stat(rig_path, &st), 0);
	fd = open(rig_path, O_WRONLY);
	for (off_t at = 20 * 4096; at < st.st_size; at += 4096)
		ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), at),
		    sizeof(junk));
	close(fd);
}

/* The check of a file that is too large to be waited for. */
START_TEST(damage_is_found_by_a_check_that_comes_later)
{
	char line[320];

	rig_start();
	rig_put(RUN_1 "BEGIN seq=1 id=5 op=check source=device at_ms=1\n"
		      "KNOWN seq=2 at_ms=1 name=db uid=3\n");
	put_many_events(3, 2000);
	rig_await("ACK seq=2000");
	rig_finish();
	damage();
	rig_start_with((const char *[]) { "--check-bytes", "0", NULL });
	rig_put(RUN_2);
	ck_assert_str_eq(rig_answer(), "KNOWN name=db program=\"\" uid=3");
	ck_assert_str_eq(rig_answer(), "READY last_id=5");
	/* The broker hears it all again, of the new file. */
	ck_assert_str_eq(rig_answer(), "KNOWN name=db program=\"\" uid=3");
	snprintf(line, sizeof(line), "%s", rig_answer());
	ck_assert_ptr_nonnull(strstr(line, "READY last_id=5 set_aside="));
	ck_assert_ptr_nonnull(strstr(line, "history.db.corrupt-"));
	rig_put("EVENT seq=1 at_ms=1 kind=after\n");
	rig_await("ACK seq=1");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_str_eq(rig_query("SELECT group_concat(kind) FROM event"),
	    "set_aside,after");
	ck_assert_str_eq(rig_query("SELECT boot_id FROM run"), "b2");
}
END_TEST

/* Rows that meet the damage are not lost with it. */
START_TEST(damage_that_a_row_meets_is_set_aside)
{
	rig_start();
	rig_put(RUN_1);
	put_many_events(1, 2000);
	rig_await("ACK seq=2000");
	rig_finish();
	damage();
	rig_start_with((const char *[]) { "--check-bytes", "0", NULL });
	rig_put(RUN_2 "EVENT seq=1 at_ms=1 kind=first\n"
		      "EVENT seq=2 at_ms=1 kind=second\n");
	rig_await("ACK seq=2");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_int_eq(rig_count_files("history.db.corrupt-"), 1);
	ck_assert_str_eq(rig_query("SELECT group_concat(kind) FROM event"),
	    "set_aside,first,second");
	ck_assert_str_eq(rig_query("PRAGMA integrity_check"), "ok");
}
END_TEST

static unsigned
put_checks(unsigned seq, unsigned first_id, unsigned last_id, unsigned at_ms)
{
	char lines[512];

	for (unsigned id = first_id; id <= last_id; id++) {
		snprintf(lines, sizeof(lines),
		    "BEGIN seq=%u id=%u op=check source=device at_ms=%u\n"
		    "PART seq=%u id=%u phase=final name=db result=ready\n"
		    "EVENT seq=%u id=%u at_ms=1 kind=progress\n"
		    "STATE seq=%u id=%u at_ms=%u state=done\n",
		    seq, id, at_ms, seq + 1, id, seq + 2, id, seq + 3, id,
		    at_ms);
		rig_put(lines);
		seq += 4;
	}
	return (seq);
}

#define IDS "SELECT group_concat(id) FROM (SELECT id FROM txn ORDER BY n)"

START_TEST(count_is_kept_and_what_provenance_needs)
{
	char line[512];
	unsigned seq;

	/* 1 was held when the machine went away, and came back as a disk. */
	rig_start();
	rig_put(RUN_1 "BEGIN seq=1 id=1 op=freeze source=device at_ms=1\n"
		      "PART seq=2 id=1 phase=held name=db result=ready\n"
		      "STATE seq=3 id=1 at_ms=1 state=held\nCOMMIT\n");
	rig_await("ACK seq=3");
	rig_kill();
	rig_start_with((const char *[]) { "--keep-count", "3", NULL });
	/* 2 is the newest proof, 3 the newest freeze. */
	rig_put(RUN_2 "BEGIN seq=1 id=2 op=freeze source=device at_ms=1\n"
		      "STATE seq=2 id=2 at_ms=1 state=held\n"
		      "STATE seq=3 id=2 at_ms=1 state=done\n"
		      "BEGIN seq=4 id=3 op=freeze source=device at_ms=1\n"
		      "STATE seq=5 id=3 at_ms=1 state=aborted\n");
	seq = put_checks(6, 4, 300, 1);
	for (unsigned i = 0; i < 10; i++, seq++) {
		snprintf(line, sizeof(line),
		    "EVENT seq=%u at_ms=1 kind=free text=%u\n", seq, i);
		rig_put(line);
	}
	snprintf(line, sizeof(line), "ACK seq=%u", seq - 1);
	rig_await(line);
	rig_await_value(IDS, "1,2,3,4,298,299,300");
	rig_await_value("SELECT group_concat(text) FROM event WHERE id = 0",
	    "7,8,9");
	ck_assert_str_eq(rig_query("SELECT count(DISTINCT id) FROM part"), "5");
	ck_assert_str_eq(rig_query("SELECT count(*) FROM event WHERE id <> 0"),
	    "4");
	ck_assert_str_eq(rig_query("SELECT count(*) FROM state"), "9");
	ck_assert_str_eq(rig_query("SELECT count(*) FROM run"), "2");
	ck_assert_int_eq(rig_finish(), EX_OK);
	ck_assert_str_eq(rig_query("PRAGMA integrity_check"), "ok");
}
END_TEST

/* Ids of 1970; those that are newer than the clock stay in any case. */
START_TEST(age_counts_when_the_clock_is_steady)
{
	char line[64];
	unsigned seq;

	rig_start_with((
	    const char *[]) { "--keep-days", "1", "--keep-count", "50", NULL });
	rig_put(RUN_1);
	seq = put_checks(1, 1, 100, 1);
	snprintf(line, sizeof(line), "ACK seq=%u", seq - 1);
	rig_await(line);
	/* The count was seen to; for the age it is too early. */
	rig_await_value("SELECT count(*) FROM txn", "50");
	ck_assert_int_eq(rig_finish(), EX_OK);
	rig_start_with(
	    (const char *[]) { "--keep-days", "1", "--settle-ms", "0", NULL });
	rig_put(RUN_2 "BEGIN seq=1 id=101 op=check source=device"
		      " at_ms=9000000000000\n"
		      "STATE seq=2 id=101 at_ms=9000000000000 state=done\n");
	rig_await("ACK seq=2");
	rig_await_value(IDS, "101");
	rig_await_value("SELECT group_concat(boot_id) FROM run", "b2");
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

static long long
size_and_time(void)
{
	struct stat st;

	ck_assert_int_eq(stat(rig_path, &st), 0);
	return ((long long)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec +
	    st.st_size);
}

/* Not even a journal beside it: from BEGIN to the end nothing is removed. */
START_TEST(nothing_is_removed_during_a_freeze)
{
	long long before;

	rig_start_with((const char *[]) { "--keep-count", "1", NULL });
	rig_put(RUN_1);
	(void)put_checks(1, 1, 20, 1);
	rig_put("BEGIN seq=81 id=21 op=freeze source=device at_ms=1\n"
		"STATE seq=82 id=21 at_ms=1 state=held\nCOMMIT\n");
	rig_await("ACK seq=82");
	before = size_and_time();
	(void)poll(NULL, 0, 1500);
	ck_assert_int_eq(size_and_time(), before);
	ck_assert_str_eq(rig_query("SELECT count(*) FROM txn"), "21");
	rig_put("STATE seq=83 id=21 at_ms=2 state=done\n");
	rig_await_value("SELECT count(*) FROM txn", "1");
	ck_assert_int_eq(rig_finish(), EX_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("history_file");
	TCase *tcase = tcase_create("history_file");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, rig_setup, rig_teardown);
	tcase_add_test(tcase, older_version_is_brought_to_this_one);
	tcase_add_test(tcase, version_2_is_brought_to_this_one);
	tcase_add_test(tcase, old_and_new_files_have_the_same_tables);
	tcase_add_test(tcase, change_that_fails_leaves_the_old_file);
	tcase_add_test(tcase, newer_version_is_set_aside_unharmed);
	tcase_add_test(tcase, damage_is_found_by_a_check_that_comes_later);
	tcase_add_test(tcase, damage_that_a_row_meets_is_set_aside);
	tcase_add_test(tcase, count_is_kept_and_what_provenance_needs);
	tcase_add_test(tcase, age_counts_when_the_clock_is_steady);
	tcase_add_test(tcase, nothing_is_removed_during_a_freeze);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
