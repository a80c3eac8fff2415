/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reader of history files, on files that the real history process made.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "appvssd/history_read.h"

#define RUN(n, boot, generation)                       \
	"RUN run=" #n " at_ms=" #n "000 boot_id=" boot \
	" generation=" generation " version=v\n"
#define BEGIN(seq, id, op) \
	"BEGIN seq=" #seq " id=" #id " op=" op " source=device at_ms=10\n"
#define STATE(seq, id, state, consistency)                    \
	"STATE seq=" #seq " id=" #id " at_ms=20 state=" state \
	" consistency=" consistency " host=none elapsed_ms=" #seq "\n"
#define PART(seq, id, phase, name, result)                        \
	"PART seq=" #seq " id=" #id " phase=" phase " name=" name \
	" result=" result " told_at_ms=1 ready_at_ms=2\n"
#define READY(name, rest) "[\\\"" name "\\\"," rest "]"
#define PROOF_AGAIN(seq, id, proof, parts) \
	"HELD seq=" #seq " id=" #id " proof=" #proof " parts=\"[" parts "]\"\n"
#define PROOF(seq, id, parts) PROOF_AGAIN(seq, id, 1, parts)
#define HELD(seq, id)                               \
	PROOF(seq, id, READY("db", "50,1,1,2,7,8")) \
	STATE(seq##1, id, "held", "application")
/* As versions 1 and 2 had it. */
#define HELD_BEFORE_3(seq, id)               \
	PART(seq, id, "held", "db", "ready") \
	STATE(seq##1, id, "held", "application")
#define TO_VERSION_2 "DROP TABLE held; PRAGMA user_version = 2"

static char directory[] = "/tmp/appvss-read.XXXXXX";
static char path[64];
static char journal[80];
static char error[HISTORY_ERROR_SIZE];
static struct history *history;

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/history.db", directory);
	snprintf(journal, sizeof(journal), "%s-journal", path);
}

static void
teardown(void)
{
	char command[128];

	history_close(history);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static void
feed(const char *lines)
{
	char command[256];
	FILE *pipe;

	snprintf(command, sizeof(command),
	    "python3 tests/integration/history_feed.py"
	    " appvssd/appvssd-history %s >/dev/null",
	    path);
	pipe = popen(command, "w");
	ck_assert_ptr_nonnull(pipe);
	ck_assert_int_ge(fputs(lines, pipe), 0);
	ck_assert_int_eq(pclose(pipe), 0);
}

static void
sql(const char *text)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
open_it(void)
{
	ck_assert_msg(history_open(&history, path, error) == HISTORY_OK, "%s",
	    error);
}

static const struct history_filter any;

static struct history_evidence
prove(const char *lines)
{
	struct history_evidence evidence;

	feed(lines);
	open_it();
	ck_assert_int_eq(history_prove(history, &evidence), HISTORY_OK);
	return (evidence);
}

START_TEST(lists_newest_first)
{
	struct history_txn *txns;
	size_t count;

	feed(RUN(1, "a", "g") BEGIN(1, 1, "check") STATE(2, 1, "done", "none")
		BEGIN(3, 2, "freeze") HELD(4, 2) PART(50, 2, "final", "db",
		    "lost") PART(51, 2, "final", "web", "ready")
		    STATE(52, 2, "done", "filesystem"));
	open_it();
	ck_assert_int_eq(history_list(history, &any, 10, &txns, &count),
	    HISTORY_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(txns[0].id, 2);
	ck_assert_str_eq(txns[0].last.state, "done");
	ck_assert_str_eq(txns[0].last.consistency, "filesystem");
	/* One that was ready and was then lost is not ready. */
	ck_assert_uint_eq(txns[0].parts, 2);
	ck_assert_uint_eq(txns[0].parts_ready, 1);
	ck_assert_str_eq(txns[1].op, "check");
	free(txns);
	ck_assert_int_eq(history_list(history, &any, 1, &txns, &count),
	    HISTORY_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(txns[0].id, 2);
	free(txns);
}
END_TEST

START_TEST(finds_one_with_all_its_rows)
{
	struct history_detail detail;

	feed(RUN(1, "a", "g") BEGIN(1, 7, "freeze") HELD(2,
	    7) "EVENT seq=30 id=7 at_ms=5 kind=note text=\"a b\"\n" BEGIN(31, 8,
	    "check") STATE(32, 8, "done", "none"));
	open_it();
	ck_assert_int_eq(history_find(history, 7, &detail), HISTORY_OK);
	ck_assert_uint_eq(detail.nstates, 1);
	ck_assert_uint_eq(detail.nparts, 1);
	ck_assert_uint_eq(detail.nevents, 1);
	ck_assert_str_eq(detail.events[0].text, "a b");
	ck_assert_str_eq(detail.run.boot_id, "a");
	ck_assert_int_eq(detail.parts[0].ready_at_ms, 2);
	ck_assert_int_eq(detail.parts[0].thawed_at_ms, -1);
	history_detail_fini(&detail);
	/* 0 is the newest freeze; the check is newer. */
	ck_assert_int_eq(history_find(history, 0, &detail), HISTORY_OK);
	ck_assert_int_eq(detail.txn.id, 7);
	history_detail_fini(&detail);
	ck_assert_int_eq(history_find(history, 9, &detail), HISTORY_E_NONE);
}
END_TEST

START_TEST(held_row_at_the_end_is_the_proof)
{
	struct history_evidence evidence = prove(
	    RUN(1, "a", "g") BEGIN(1, 1, "freeze") HELD(2, 1));

	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_HELD);
	ck_assert_int_eq(evidence.detail.txn.id, 1);
	ck_assert_str_eq(evidence.detail.parts[0].name, "db");
	history_detail_fini(&evidence.detail);
}
END_TEST

/* Several rows, bytes that are no text, and what there was no room for. */
START_TEST(proof_says_what_each_did)
{
	const struct history_part *parts;
	struct history_evidence evidence = prove(RUN(1, "a", "g") BEGIN(1, 1,
	    "freeze") PROOF(2, 1,
	    READY("db",
		"50,1,1,250,7,8,\\\"a b\\\",\\\"\\\\u001b\\xff \\\\\\\"\\\"") "," READY("web",
		"20,0,null,3,9,10")) PROOF(3, 1,
	    READY("more", "60,0,1,2,3,4,\\\"[\\\\\\\"x\\\\\\\",\\\""))
		STATE(4, 1, "held", "application"));

	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_HELD);
	ck_assert_uint_eq(evidence.detail.nparts, 3);
	ck_assert_uint_eq(evidence.detail.txn.parts, 3);
	ck_assert_uint_eq(evidence.detail.txn.parts_ready, 3);
	parts = evidence.detail.parts;
	ck_assert_str_eq(parts[0].name, "web");
	ck_assert_str_eq(parts[0].phase, "held");
	ck_assert_str_eq(parts[0].result, "ready");
	ck_assert_int_eq(parts[0].told_at_ms, -1);
	ck_assert_int_eq(parts[0].ready_at_ms, 3);
	ck_assert_int_eq(parts[0].thawed_at_ms, -1);
	ck_assert_str_eq(parts[0].program, "");
	ck_assert_str_eq(parts[1].name, "db");
	ck_assert_int_eq(parts[1].order, 50);
	ck_assert(parts[1].required);
	ck_assert_int_eq(parts[1].ready_at_ms, 250);
	ck_assert_int_eq(parts[1].pid, 7);
	ck_assert_int_eq(parts[1].uid, 8);
	ck_assert_str_eq(parts[1].program, "a b");
	ck_assert_str_eq(parts[1].text, "\x1b\xff \"");
	ck_assert_str_eq(parts[2].program, "[\"x\",");
	history_detail_fini(&evidence.detail);
}
END_TEST

/* Who failed while the first was written is not called ready. */
START_TEST(last_proof_counts)
{
	struct history_evidence evidence = prove(
	    RUN(1, "a", "g") BEGIN(1, 1, "freeze") PROOF(2, 1,
		READY("db", "50,1,1,2,7,8") "," READY("web", "50,0,1,2,7,8"))
		STATE(3, 1, "held", "application")
		    PROOF_AGAIN(4, 1, 2, READY("web", "50,0,1,2,7,8"))
			STATE(5, 1, "held", "filesystem"));

	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_HELD);
	ck_assert_uint_eq(evidence.detail.nparts, 1);
	ck_assert_str_eq(evidence.detail.parts[0].name, "web");
	ck_assert_str_eq(evidence.detail.txn.last.consistency, "filesystem");
	history_detail_fini(&evidence.detail);
	history_close(history);
	history = NULL;
	/* Nor if nobody is left. */
	sql("INSERT INTO held VALUES(1, 1, 3, 6, '[]')");
	open_it();
	ck_assert_int_eq(history_prove(history, &evidence), HISTORY_OK);
	ck_assert_uint_eq(evidence.detail.nparts, 0);
	history_detail_fini(&evidence.detail);
}
END_TEST

/* Of each what became of it; of one whose last row was dropped the proof. */
START_TEST(final_rows_go_before_the_proof)
{
	struct history_filter filter = { .app = "web" };
	struct history_detail detail;
	struct history_txn *txns;
	size_t count;

	feed(RUN(1, "a", "g") BEGIN(1, 1, "freeze") PROOF(2, 1,
	    READY("db", "50,1,1,2,7,8") "," READY("web",
		"50,0,1,2,7,8,\\\"[\\\\\\\"no\\\\\\\",\\\"")) STATE(3, 1,
	    "held", "application") PART(4, 1, "final", "db", "lost")
		STATE(5, 1, "done", "filesystem"));
	open_it();
	ck_assert_int_eq(history_find(history, 1, &detail), HISTORY_OK);
	ck_assert_uint_eq(detail.nparts, 2);
	ck_assert_uint_eq(detail.txn.parts, 2);
	ck_assert_uint_eq(detail.txn.parts_ready, 1);
	ck_assert_str_eq(detail.parts[0].result, "lost");
	ck_assert_str_eq(detail.parts[1].name, "web");
	ck_assert_str_eq(detail.parts[1].result, "ready");
	history_detail_fini(&detail);
	ck_assert_int_eq(history_list(history, &filter, 9, &txns, &count),
	    HISTORY_OK);
	ck_assert_uint_eq(count, 1);
	free(txns);
	filter.app = "no";
	ck_assert_int_eq(history_list(history, &filter, 9, &txns, &count),
	    HISTORY_OK);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(version_2_proves_as_well)
{
	struct history_filter filter = { .app = "db" };
	struct history_evidence evidence;
	struct history_txn *txns;
	size_t count;

	feed(RUN(1, "a", "g") BEGIN(1, 1, "freeze") HELD_BEFORE_3(2, 1));
	sql(TO_VERSION_2);
	open_it();
	ck_assert_int_eq(history_prove(history, &evidence), HISTORY_OK);
	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_HELD);
	ck_assert_uint_eq(evidence.detail.nparts, 1);
	ck_assert_str_eq(evidence.detail.parts[0].name, "db");
	ck_assert_uint_eq(evidence.detail.txn.parts_ready, 1);
	history_detail_fini(&evidence.detail);
	ck_assert_int_eq(history_list(history, &filter, 9, &txns, &count),
	    HISTORY_OK);
	ck_assert_uint_eq(count, 1);
	free(txns);
}
END_TEST

/* Names that cannot be read are not left out without a word. */
START_TEST(proof_that_is_no_list)
{
	struct history_evidence evidence;

	feed(RUN(1, "a", "g") BEGIN(1, 1, "freeze") HELD(2, 1));
	sql("UPDATE held SET parts = substr(parts, 1, 9)");
	open_it();
	ck_assert_int_eq(history_prove(history, &evidence), HISTORY_E_FORMAT);
}
END_TEST

START_TEST(no_proof_once_it_is_over)
{
	struct history_evidence evidence = prove(RUN(1, "a", "g") BEGIN(1, 1,
	    "freeze") HELD(2, 1) STATE(30, 1, "done", "application"));

	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_FINISHED);
	history_detail_fini(&evidence.detail);
}
END_TEST

START_TEST(no_proof_once_the_end_began_to_be_written)
{
	struct history_evidence evidence = prove(RUN(1, "a", "g") BEGIN(1, 1,
	    "freeze") HELD(2, 1) PART(30, 1, "final", "db", "ready"));

	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_UNENDED);
	history_detail_fini(&evidence.detail);
}
END_TEST

START_TEST(no_proof_once_something_followed)
{
	struct history_evidence evidence = prove(RUN(1, "a", "g")
		BEGIN(1, 1, "freeze") HELD(2, 1) BEGIN(30, 2, "check"));

	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_UNENDED);
	history_detail_fini(&evidence.detail);
}
END_TEST

START_TEST(another_boot_went_on)
{
	struct history_evidence evidence;

	feed(RUN(1, "a", "g") BEGIN(1, 1, "freeze") HELD(2, 1));
	evidence = prove(RUN(2, "b", "h") BEGIN(1, 2, "check"));
	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_RESUMED);
	ck_assert_int_eq(evidence.detail.txn.id, 1);
	ck_assert_str_eq(evidence.next.boot_id, "b");
	ck_assert_str_eq(evidence.detail.run.generation, "g");
	ck_assert_str_eq(evidence.next.generation, "h");
	ck_assert_uint_eq(evidence.later, 1);
	ck_assert_int_eq(evidence.newest.id, 1);
	history_detail_fini(&evidence.detail);
}
END_TEST

START_TEST(same_boot_means_that_appvssd_died)
{
	struct history_evidence evidence;

	feed(RUN(1, "a", "g") BEGIN(1, 1, "freeze") HELD(2, 1));
	evidence = prove(RUN(2, "a", "g"));
	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_FINISHED);
	ck_assert_str_eq(evidence.detail.txn.last.state, "interrupted");
	history_detail_fini(&evidence.detail);
}
END_TEST

START_TEST(nothing_recorded_proves_nothing)
{
	struct history_evidence evidence = prove(
	    RUN(1, "a", "g") BEGIN(1, 1, "check"));

	ck_assert_int_eq(evidence.proof, HISTORY_PROOF_EMPTY);
}
END_TEST

/* Dies in the middle of a commit, with changed pages in the database. */
static void
leave_hot_journal(void)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		sqlite3 *db;

		sqlite3_open(path, &db);
		sqlite3_exec(db,
		    "PRAGMA cache_size = 1; BEGIN IMMEDIATE;"
		    "UPDATE state SET consistency = 'forged';"
		    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		    " FROM c WHERE i < 2000) INSERT INTO event(run, id, at_ms,"
		    " kind, text) SELECT 1, 1, i, 'forged',"
		    " hex(randomblob(100)) FROM c",
		    NULL, NULL, NULL);
		sqlite3_db_cacheflush(db);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
}

static unsigned
count_copies(const char *place)
{
	DIR *dir = opendir(place);
	struct dirent *entry;
	unsigned count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, "appvss-history.", 15) == 0)
			count++;
	if (dir != NULL)
		closedir(dir);
	return (count);
}

START_TEST(hot_journal_is_rolled_back_in_a_copy)
{
	struct history_detail detail;
	struct stat before[2], after[2];
	unsigned copies = count_copies("/dev/shm");

	feed(RUN(1, "a", "g") BEGIN(1, 1, "freeze") HELD(2, 1));
	leave_hot_journal();
	ck_assert_int_eq(stat(path, &before[0]), 0);
	ck_assert_int_eq(stat(journal, &before[1]), 0);
	ck_assert_int_gt(before[1].st_size, 512);
	open_it();
	ck_assert_int_eq(history_find(history, 1, &detail), HISTORY_OK);
	ck_assert_str_eq(detail.states[0].consistency, "application");
	ck_assert_uint_eq(detail.nevents, 0);
	history_detail_fini(&detail);
	/* The original is evidence: not a byte of it has changed. */
	ck_assert_int_eq(stat(path, &after[0]), 0);
	ck_assert_int_eq(stat(journal, &after[1]), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(before[i].st_mtim.tv_sec,
		    after[i].st_mtim.tv_sec);
		ck_assert_int_eq(before[i].st_mtim.tv_nsec,
		    after[i].st_mtim.tv_nsec);
		ck_assert_int_eq(before[i].st_size, after[i].st_size);
	}
	ck_assert_uint_eq(count_copies("/dev/shm"), copies);
}
END_TEST

START_TEST(busy_file_is_a_message)
{
	struct timespec began, ended;
	sqlite3 *db;

	feed(RUN(1, "a", "g") BEGIN(1, 1, "freeze"));
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
	    SQLITE_OK);
	clock_gettime(CLOCK_MONOTONIC, &began);
	ck_assert_int_eq(history_open(&history, path, error), HISTORY_E_BUSY);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	ck_assert_ptr_nonnull(strstr(error, "frozen"));
	ck_assert_int_lt(ended.tv_sec - began.tv_sec, 15);
	sqlite3_close(db);
}
END_TEST

START_TEST(writer_can_commit_after_close)
{
	feed(RUN(1, "a", "g") BEGIN(1, 1, "freeze"));
	open_it();
	history_close(history);
	history = NULL;
	sql("UPDATE run SET last_seq = 5");
}
END_TEST

START_TEST(files_that_are_no_history)
{
	FILE *file;

	ck_assert_int_eq(history_open(&history, path, error),
	    HISTORY_E_MISSING);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(history_open(&history, path, error),
	    HISTORY_E_MISSING);
	for (int i = 0; i < 1000; i++)
		fputs("Not a database at all. ", file);
	fclose(file);
	ck_assert_int_eq(history_open(&history, path, error), HISTORY_E_FORMAT);
	ck_assert_int_eq(unlink(path), 0);
	sql("CREATE TABLE t(a)");
	ck_assert_int_eq(history_open(&history, path, error), HISTORY_E_FORMAT);
	ck_assert_int_eq(history_open(&history, directory, error),
	    HISTORY_E_FORMAT);
}
END_TEST

START_TEST(newer_version_is_refused_by_its_name)
{
	feed(RUN(1, "a", "g"));
	sql("PRAGMA user_version = 12");
	ck_assert_int_eq(history_open(&history, path, error), HISTORY_E_FORMAT);
	ck_assert_ptr_nonnull(strstr(error, "version 12"));
}
END_TEST

START_TEST(write_ahead_log_is_refused)
{
	feed(RUN(1, "a", "g"));
	sql("PRAGMA journal_mode = WAL");
	ck_assert_int_eq(history_open(&history, path, error), HISTORY_E_FORMAT);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("history_read");
	TCase *tcase = tcase_create("history_read");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lists_newest_first);
	tcase_add_test(tcase, finds_one_with_all_its_rows);
	tcase_add_test(tcase, held_row_at_the_end_is_the_proof);
	tcase_add_test(tcase, proof_says_what_each_did);
	tcase_add_test(tcase, last_proof_counts);
	tcase_add_test(tcase, final_rows_go_before_the_proof);
	tcase_add_test(tcase, version_2_proves_as_well);
	tcase_add_test(tcase, proof_that_is_no_list);
	tcase_add_test(tcase, no_proof_once_it_is_over);
	tcase_add_test(tcase, no_proof_once_the_end_began_to_be_written);
	tcase_add_test(tcase, no_proof_once_something_followed);
	tcase_add_test(tcase, another_boot_went_on);
	tcase_add_test(tcase, same_boot_means_that_appvssd_died);
	tcase_add_test(tcase, nothing_recorded_proves_nothing);
	tcase_add_test(tcase, hot_journal_is_rolled_back_in_a_copy);
	tcase_add_test(tcase, busy_file_is_a_message);
	tcase_add_test(tcase, writer_can_commit_after_close);
	tcase_add_test(tcase, files_that_are_no_history);
	tcase_add_test(tcase, newer_version_is_refused_by_its_name);
	tcase_add_test(tcase, write_ahead_log_is_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
