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

#define PROGRAM		"appvssd/appvssd-history"
#define ANSWER_LIMIT_MS 20000
#define RUN_1		"RUN run=1 at_ms=1000 boot_id=b1 generation=g1 version=v\n"
#define RUN_2		"RUN run=2 at_ms=2000 boot_id=b2 generation=g1 version=v\n"

static char directory[] = "/tmp/appvss-history.XXXXXX";
static char path[64];
static pid_t child = -1;
static int sock = -1;
static char input[65536];
static size_t input_length;

static void
setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/history.db", directory);
}

static void
start(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		char number[16];

		close(fds[0]);
		snprintf(number, sizeof(number), "%d", fds[1]);
		execl(PROGRAM, PROGRAM, "--history", path, "--fd", number,
		    (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	sock = fds[0];
	input_length = 0;
}

static void
put(const char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		ssize_t sent = send(sock, text, length, MSG_NOSIGNAL);

		ck_assert_int_gt(sent, 0);
		text += sent;
		length -= (size_t)sent;
	}
}

/* The next answer without its LF; "" at the end of the connection. */
static const char *
answer(void)
{
	static char line[4096];
	char *end;

	while ((end = memchr(input, '\n', input_length)) == NULL) {
		struct pollfd pfd = { sock, POLLIN, 0 };
		ssize_t got;

		ck_assert_int_eq(poll(&pfd, 1, ANSWER_LIMIT_MS), 1);
		got = recv(sock, input + input_length,
		    sizeof(input) - input_length, 0);
		if (got <= 0)
			return ("");
		input_length += (size_t)got;
	}
	snprintf(line, sizeof(line), "%.*s", (int)(end - input), input);
	input_length -= (size_t)(end - input) + 1;
	memmove(input, end + 1, input_length);
	return (line);
}

/* Reads answers until this one. */
static void
await(const char *wanted)
{
	const char *line;

	do {
		line = answer();
		ck_assert_msg(line[0] != '\0', "no %s", wanted);
	} while (strcmp(line, wanted) != 0);
}

static int
finish(void)
{
	int status;

	close(sock);
	sock = -1;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return (WEXITSTATUS(status));
}

static void
kill_it(void)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(sock);
}

/* One value of the file, as text. */
static const char *
query(const char *sql)
{
	static char value[4096];
	sqlite3 *db;
	sqlite3_stmt *statement;
	const unsigned char *text;

	ck_assert_int_eq(sqlite3_open_v2(path, &db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
	    SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) ==
		SQLITE_OK,
	    "%s: %s", sql, sqlite3_errmsg(db));
	value[0] = '\0';
	if (sqlite3_step(statement) == SQLITE_ROW &&
	    (text = sqlite3_column_text(statement, 0)) != NULL)
		snprintf(value, sizeof(value), "%s", (const char *)text);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return (value);
}

/* How many files of the directory have a name with this in it. */
static int
count_files(const char *part)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		if (strstr(entry->d_name, part) != NULL)
			count++;
	closedir(dir);
	return (count);
}

static void
teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(rows_are_committed_and_acknowledged)
{
	struct stat st;

	start();
	put(RUN_1);
	ck_assert_str_eq(answer(), "READY last_id=0");
	put("BEGIN seq=1 id=1 op=freeze source=device"
	    " msgid=18446744073709551615 at_ms=1100\n"
	    "PART seq=2 id=1 phase=held name=db program=\"a b\" result=ready"
	    " pid=7 uid=8 order=50 required=1 told_at_ms=1 ready_at_ms=9\n"
	    "STATE seq=3 id=1 at_ms=1200 state=held consistency=application"
	    " elapsed_ms=100\nCOMMIT\n");
	await("ACK seq=3");
	/* A reader sees it now: nothing is left to be written. */
	ck_assert_str_eq(query("SELECT state FROM state"), "held");
	ck_assert_int_eq(count_files("-journal"), 0);
	ck_assert_str_eq(
	    query("SELECT name || program || pid || uid || ready_at_ms ||"
		  " ifnull(thawed_at_ms, '-') FROM part"),
	    "dba b789-");
	ck_assert_str_eq(query("SELECT msgid FROM txn"), "-1");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(finish(), EX_OK);
	ck_assert_str_eq(query("PRAGMA user_version"), "1");
	ck_assert_str_eq(query("PRAGMA journal_mode"), "delete");
}
END_TEST

START_TEST(what_was_read_is_committed_at_the_end)
{
	start();
	put(RUN_1 "BEGIN seq=1 id=1 op=check source=device at_ms=1\n"
		  "STATE seq=2 id=1 at_ms=2 state=done\nEND seq=3 at_ms=3\n");
	ck_assert_int_eq(finish(), EX_OK);
	ck_assert_str_eq(query("SELECT state FROM state"), "done");
	ck_assert_str_eq(query("SELECT ended_at_ms FROM run"), "3");
}
END_TEST

START_TEST(nothing_is_opened_before_the_first_line)
{
	start();
	ck_assert_int_eq(finish(), EX_OK);
	ck_assert_int_eq(count_files("history"), 0);
}
END_TEST

START_TEST(duplicates_are_ignored)
{
	start();
	put(RUN_1 "BEGIN seq=1 id=1 op=check source=device at_ms=1\n"
		  "STATE seq=2 id=1 at_ms=2 state=done\n");
	await("ACK seq=2");
	ck_assert_int_eq(finish(), EX_OK);
	start();
	put(RUN_1 "BEGIN seq=1 id=1 op=check source=device at_ms=1\n"
		  "STATE seq=2 id=1 at_ms=2 state=done\n");
	ck_assert_str_eq(answer(), "READY last_id=1");
	await("ACK seq=2");
	put("STATE seq=3 id=1 at_ms=3 state=late\n");
	await("ACK seq=3");
	ck_assert_str_eq(query("SELECT count(*) FROM state"), "2");
	ck_assert_str_eq(query("SELECT count(*) FROM run"), "1");
	ck_assert_str_eq(query("SELECT count(*) FROM event"), "0");
	finish();
}
END_TEST

START_TEST(killed_at_any_moment_each_row_is_there_once)
{
	char line[128];
	uint64_t acked = 0, next = 1, kills = 0;
	const uint64_t rows = 3000;

	while (acked < rows) {
		const uint64_t stop_at = acked + 1 + (kills * 131) % 300;

		start();
		put(RUN_1);
		for (next = acked + 1; next <= rows && next <= stop_at + 200;
		     next++) {
			snprintf(line, sizeof(line),
			    "EVENT seq=%llu at_ms=1 kind=k text=%llu\n",
			    (unsigned long long)next, (unsigned long long)next);
			put(line);
		}
		while (acked < rows && acked < stop_at) {
			unsigned long long seq;

			if (sscanf(answer(), "ACK seq=%llu", &seq) == 1)
				acked = seq;
		}
		kill_it();
		kills++;
	}
	ck_assert_uint_gt(kills, 4);
	ck_assert_str_eq(query("SELECT count(*) FROM event"), "3000");
	ck_assert_str_eq(query("SELECT count(DISTINCT text) FROM event"),
	    "3000");
	ck_assert_str_eq(query("PRAGMA integrity_check"), "ok");
}
END_TEST

START_TEST(next_run_ends_what_the_last_one_left)
{
	start();
	put(RUN_1
	    "BEGIN seq=1 id=1 op=freeze source=device at_ms=1\n"
	    "STATE seq=2 id=1 at_ms=2 state=held consistency=application\n"
	    "STATE seq=3 id=1 at_ms=3 state=done consistency=application\n"
	    "BEGIN seq=4 id=2 op=freeze source=device at_ms=4\n"
	    "STATE seq=5 id=2 at_ms=5 state=held consistency=application\n");
	await("ACK seq=5");
	kill_it();
	start();
	put(RUN_2);
	ck_assert_str_eq(answer(), "READY last_id=2");
	ck_assert_int_eq(finish(), EX_OK);
	ck_assert_str_eq(
	    query("SELECT group_concat(id || state || consistency || reason"
		  " || by_run) FROM state WHERE state = 'interrupted'"),
	    "2interruptednonebroker_died2");
	/* The proof itself is as it was. */
	ck_assert_str_eq(query("SELECT consistency FROM state WHERE id = 2"),
	    "application");
	ck_assert_str_eq(query("SELECT group_concat(kind) FROM event"), "gap");
}
END_TEST

START_TEST(clean_end_is_no_gap)
{
	start();
	put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\nEND seq=2 at_ms=3\n");
	finish();
	start();
	put(RUN_2);
	finish();
	ck_assert_str_eq(query("SELECT count(*) FROM event WHERE kind='gap'"),
	    "0");
	ck_assert_str_eq(query("SELECT count(*) FROM run"), "2");
}
END_TEST

START_TEST(known_participants_are_told_and_forgotten)
{
	start();
	put(RUN_1 "KNOWN seq=1 at_ms=1 name=web program=\"a b\"\n"
		  "KNOWN seq=2 at_ms=1 name=db program=old\n"
		  "KNOWN seq=3 at_ms=2 name=db program=new\n"
		  "KNOWN seq=4 at_ms=2 name=gone\n"
		  "FORGET seq=5 at_ms=3 name=gone\n");
	await("ACK seq=5");
	finish();
	start();
	put(RUN_2);
	ck_assert_str_eq(answer(), "KNOWN name=db program=new");
	ck_assert_str_eq(answer(), "KNOWN name=web program=\"a b\"");
	ck_assert_str_eq(answer(), "READY last_id=0");
	finish();
}
END_TEST

static void
write_file(const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
}

START_TEST(garbage_is_set_aside_and_told)
{
	write_file("This is a letter to my aunt, and certainly no database.");
	start();
	put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	await("ACK seq=1");
	finish();
	ck_assert_int_eq(count_files("history.db.corrupt-"), 1);
	ck_assert_str_eq(query("SELECT count(*) FROM event WHERE"
			       " kind = 'set_aside' AND text LIKE"
			       " '%history.db.corrupt-%Z'"),
	    "1");
}
END_TEST

START_TEST(foreign_database_is_set_aside)
{
	query("CREATE TABLE addresses(name TEXT)");
	start();
	put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	await("ACK seq=1");
	finish();
	ck_assert_int_eq(count_files("history.db.corrupt-"), 1);
	ck_assert_str_eq(query("SELECT count(*) FROM sqlite_schema"
			       " WHERE name = 'addresses'"),
	    "0");
}
END_TEST

START_TEST(damaged_page_is_set_aside)
{
	char junk[8192];
	int fd;

	start();
	put(RUN_1);
	for (int i = 1; i < 2000; i++) {
		char line[128];

		snprintf(line, sizeof(line),
		    "EVENT seq=%d at_ms=1 kind=k text=nr%d\n", i, i);
		put(line);
	}
	await("ACK seq=1999");
	finish();
	memset(junk, 0x5a, sizeof(junk));
	fd = open(path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), 40960), sizeof(junk));
	close(fd);
	start();
	put(RUN_2 "EVENT seq=1 at_ms=1 kind=k\n");
	await("ACK seq=1");
	finish();
	ck_assert_int_eq(count_files("history.db.corrupt-"), 1);
	ck_assert_str_eq(query("SELECT count(*) FROM event"), "2");
}
END_TEST

START_TEST(newer_schema_is_left_alone)
{
	start();
	put(RUN_1);
	await("READY last_id=0");
	finish();
	query("PRAGMA user_version = 99");
	start();
	put(RUN_2);
	ck_assert_str_eq(answer(), "");
	ck_assert_int_eq(finish(), EX_CONFIG);
	ck_assert_int_eq(count_files("corrupt"), 0);
	ck_assert_str_eq(query("SELECT count(*) FROM run"), "1");
}
END_TEST

START_TEST(missing_directory_is_an_error)
{
	snprintf(path, sizeof(path), "%s/not/there.db", directory);
	start();
	put(RUN_1);
	ck_assert_str_eq(answer(), "");
	ck_assert_int_eq(finish(), EX_CANTCREAT);
}
END_TEST

START_TEST(locked_file_is_waited_for)
{
	static char lines[65536];
	size_t length = 0;
	sqlite3 *db;

	start();
	put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	await("ACK seq=1");
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
	    SQLITE_OK);
	for (int i = 2; i < 1000; i++)
		length += (size_t)snprintf(lines + length,
		    sizeof(lines) - length, "EVENT seq=%d at_ms=1 kind=k\n", i);
	put(lines);
	ck_assert_int_eq(poll(&(struct pollfd) { sock, POLLIN, 0 }, 1, 300), 0);
	ck_assert_int_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL),
	    SQLITE_OK);
	sqlite3_close(db);
	await("ACK seq=999");
	finish();
	ck_assert_str_eq(query("SELECT count(*) FROM event"), "999");
}
END_TEST

/* A broker that died is not outlived for ever by a process that cannot write.
 */
START_TEST(locked_file_is_given_up_without_a_broker)
{
	sqlite3 *db;

	start();
	put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	await("ACK seq=1");
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL),
	    SQLITE_OK);
	put("EVENT seq=2 at_ms=1 kind=k\n");
	ck_assert_int_eq(finish(), EX_IOERR);
	sqlite3_close(db);
	ck_assert_str_eq(query("SELECT count(*) FROM event"), "1");
}
END_TEST

START_TEST(vanished_file_is_noticed)
{
	start();
	put(RUN_1 "EVENT seq=1 at_ms=1 kind=k\n");
	await("ACK seq=1");
	ck_assert_int_eq(unlink(path), 0);
	put("EVENT seq=2 at_ms=1 kind=k\n");
	/* Not acknowledged: the next process gets it again. */
	ck_assert_str_eq(answer(), "");
	ck_assert_int_eq(finish(), EX_IOERR);
	start();
	put(RUN_1 "EVENT seq=2 at_ms=1 kind=k\n");
	await("ACK seq=2");
	finish();
}
END_TEST

START_TEST(nonsense_ends_it)
{
	static const char *const nonsense[] = { "EVENT seq=1 at_ms=1 kind=k\n",
		RUN_1 "HELLO\n", RUN_1 "EVENT seq=0 at_ms=1 kind=k\n",
		"run run=1\n" };

	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		start();
		put(nonsense[i]);
		ck_assert_int_eq(finish(), EX_PROTOCOL);
	}
}
END_TEST

START_TEST(signals_do_not_end_it)
{
	start();
	put(RUN_1);
	await("READY last_id=0");
	kill(child, SIGTERM);
	kill(child, SIGINT);
	put("EVENT seq=1 at_ms=1 kind=k\n");
	await("ACK seq=1");
	ck_assert_int_eq(finish(), EX_OK);
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
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, rows_are_committed_and_acknowledged);
	tcase_add_test(tcase, what_was_read_is_committed_at_the_end);
	tcase_add_test(tcase, nothing_is_opened_before_the_first_line);
	tcase_add_test(tcase, duplicates_are_ignored);
	tcase_add_test(tcase, killed_at_any_moment_each_row_is_there_once);
	tcase_add_test(tcase, next_run_ends_what_the_last_one_left);
	tcase_add_test(tcase, clean_end_is_no_gap);
	tcase_add_test(tcase, known_participants_are_told_and_forgotten);
	tcase_add_test(tcase, garbage_is_set_aside_and_told);
	tcase_add_test(tcase, foreign_database_is_set_aside);
	tcase_add_test(tcase, damaged_page_is_set_aside);
	tcase_add_test(tcase, newer_schema_is_left_alone);
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
