/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history process under test: see history_rig.h.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <check.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history_rig.h"

#define PROGRAM		"appvssd/appvssd-history"
#define ANSWER_LIMIT_MS 20000

char rig_directory[] = "/tmp/appvss-history.XXXXXX";
char rig_path[64];
pid_t rig_child = -1;
int rig_sock = -1;

static char input[1 << 20];
static size_t input_length;

void
rig_setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(rig_directory));
	snprintf(rig_path, sizeof(rig_path), "%s/history.db", rig_directory);
}

void
rig_start(void)
{
	rig_start_with((const char *[]) { NULL });
}

void
rig_start_with(const char *const *more)
{
	const char *argv[13] = { PROGRAM, "--history", rig_path, "--fd" };
	int fds[2], argc = 5;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	rig_child = fork();
	ck_assert_int_ge(rig_child, 0);
	if (rig_child == 0) {
		char number[16];

		close(fds[0]);
		snprintf(number, sizeof(number), "%d", fds[1]);
		argv[4] = number;
		for (; argc < 12 && *more != NULL; more++)
			argv[argc++] = *more;
		execv(PROGRAM, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fds[1]);
	rig_sock = fds[0];
	input_length = 0;
}

void
rig_put(const char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		ssize_t sent = send(rig_sock, text, length, MSG_NOSIGNAL);

		ck_assert_int_gt(sent, 0);
		text += sent;
		length -= (size_t)sent;
	}
}

/* The next answer without its LF; "" at the end of the connection. */
const char *
rig_answer(void)
{
	static char line[4096];
	char *end;

	while ((end = memchr(input, '\n', input_length)) == NULL) {
		struct pollfd pfd = { rig_sock, POLLIN, 0 };
		ssize_t got;

		ck_assert_int_eq(poll(&pfd, 1, ANSWER_LIMIT_MS), 1);
		got = recv(rig_sock, input + input_length,
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
void
rig_await(const char *wanted)
{
	const char *line;

	do {
		line = rig_answer();
		ck_assert_msg(line[0] != '\0', "no %s", wanted);
	} while (strcmp(line, wanted) != 0);
}

int
rig_finish(void)
{
	int status;

	close(rig_sock);
	rig_sock = -1;
	ck_assert_int_eq(waitpid(rig_child, &status, 0), rig_child);
	ck_assert(WIFEXITED(status));
	return (WEXITSTATUS(status));
}

void
rig_kill(void)
{
	kill(rig_child, SIGKILL);
	waitpid(rig_child, NULL, 0);
	close(rig_sock);
}

/* One value of the file, as text. */
const char *
rig_query(const char *sql)
{
	static char value[4096];
	sqlite3 *db;
	sqlite3_stmt *statement;
	const unsigned char *text;

	ck_assert_int_eq(sqlite3_open_v2(rig_path, &db,
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

/* How many files of the rig_directory have a name with this in it. */
int
rig_count_files(const char *part)
{
	DIR *dir = opendir(rig_directory);
	struct dirent *entry;
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		if (strstr(entry->d_name, part) != NULL)
			count++;
	closedir(dir);
	return (count);
}

void
rig_teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", rig_directory);
	ck_assert_int_eq(system(command), 0);
}

void
rig_exec(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(rig_path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
	    "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

void
rig_await_value(const char *sql, const char *wanted)
{
	for (int i = 0; i < ANSWER_LIMIT_MS / 20; i++) {
		if (strcmp(rig_query(sql), wanted) == 0)
			return;
		(void)poll(NULL, 0, 20);
	}
	ck_abort_msg("%s is %s, not %s", sql, rig_query(sql), wanted);
}

void
rig_write_file(const char *text)
{
	FILE *file = fopen(rig_path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	fclose(file);
}
