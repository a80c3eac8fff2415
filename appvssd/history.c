/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssd-history: the process that keeps the history file, fed by the broker
 * over a socket pair.  It may sleep on a frozen disk; nobody waits for it.
 *
 * The input buffer is the batch: lines stay in it, applied to an open SQL
 * transaction, until that is committed, and are applied again after a failure.
 * While it is full nothing is read.  Rows are acknowledged after their commit.
 * When the input is empty everything is committed; rows of a freeze wait a
 * little for its COMMIT.  Then a query is answered, or a chore done, unless a
 * freeze is under way: from its first row to its end the file is touched for
 * rows only.  The file is opened when the first line has come, and
 * replaced by a new one when it turns out to be damaged.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "history_answer.h"
#include "history_impl.h"
#include "kernel/vssdev/heldlog.h"
#include "sandbox.h"

#define CHECK_BYTES (INT64_C(64) * 1024 * 1024) /* while the broker waits */

uint64_t
history_monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

/* Waits timeout_ms (-1: for ever) for input and reads it.  False: none. */
static bool
read_input(struct history *history, int timeout_ms)
{
	struct pollfd pfd = { history->fd, POLLIN, 0 };
	ssize_t got;

	if (history->eof || history->length == sizeof(history->in))
		return (false);
	if (poll(&pfd, 1, timeout_ms) <= 0)
		return (false);
	got = recv(history->fd, history->in + history->length,
	    sizeof(history->in) - history->length, MSG_DONTWAIT);
	if (got > 0) {
		history->length += (size_t)got;
		return (true);
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return (false);
	history->eof = true;
	history_fail_note_gone(history);
	return (false);
}

/* A line, or the end of the broker, is more urgent than what is going on. */
static bool
has_input(void *arg)
{
	const struct history *history = arg;
	struct pollfd pfd = { history->fd, POLLIN, 0 };

	return (poll(&pfd, 1, 0) > 0);
}

static bool
query_stops(void *arg)
{
	const struct history *history = arg;

	return (has_input(arg) ||
	    history_monotonic_ms() >= history->query_until_ms);
}

/* Stays asked, if a line was in the way. */
static enum historydb_result
answer_query(struct history *history)
{
	struct history_page *page = &history->page;
	enum historydb_result result = HISTORYDB_OK;

	if (history->freeze_id != 0) {
		history_query_refuse(&history->query, "unavailable", page);
	} else {
		result = history_query_run(historydb_is_empty(history->db) ?
			NULL :
			historydb_sqlite(history->db),
		    &history->query, query_stops, history, page);
		if (result == HISTORYDB_RETRY &&
		    history_monotonic_ms() < history->query_until_ms &&
		    has_input(history))
			return (HISTORYDB_OK);
		if (result != HISTORYDB_OK)
			history_query_refuse(&history->query, "unavailable",
			    page);
	}
	history->query.number = 0;
	history_answer_bytes(history->fd, page->bytes, page->length);
	return (result == HISTORYDB_RETRY ? HISTORYDB_OK : result);
}

/* Everything is on disk.  Returns how long to wait for more; -1: for ever. */
static enum historydb_result
do_idle_work(struct history *history, int *wait_msp)
{
	*wait_msp = -1;
	if (history->db == NULL)
		return (HISTORYDB_OK);
	if (history->query.number != 0) {
		*wait_msp = 0;
		return (answer_query(history));
	}
	if (history->freeze_id != 0)
		return (HISTORYDB_OK);
	*wait_msp = history_chores_wait_ms(&history->chores, history->db);
	if (*wait_msp != 0)
		return (HISTORYDB_OK);
	return (history_chores_run(&history->chores, history->db, has_input,
	    history));
}

/* Applies, reads on, commits when there is nothing to read, sleeps. */
static int
step(struct history *history)
{
	enum historydb_result result;
	int status = HISTORY_RUNNING, wait_ms;

	result = history_batch_repeat_run(history);
	if (result == HISTORYDB_OK)
		result = history_batch_take(history, &status);
	if (status != HISTORY_RUNNING)
		return (status);
	if (result != HISTORYDB_OK)
		return (history_fail(history, result));
	if (history->length - history->applied >= WIRE_LINE_MAX) {
		heldlog(HELDLOG_ERROR, "history_protocol", "reason=too_long");
		return (EX_PROTOCOL);
	}
	if (read_input(history, 0))
		return (HISTORY_RUNNING);
	wait_ms = history_batch_wait_ms(history);
	if (wait_ms > 0 && !history->eof &&
	    history->length < sizeof(history->in)) {
		(void)read_input(history, wait_ms);
		return (HISTORY_RUNNING);
	}
	result = history_batch_commit(history);
	if (result == HISTORYDB_OK && history->eof)
		return (EX_OK);
	if (result == HISTORYDB_OK)
		result = do_idle_work(history, &wait_ms);
	if (result != HISTORYDB_OK)
		return (history_fail(history, result));
	if (read_input(history, wait_ms))
		history_chores_postpone(&history->chores);
	return (HISTORY_RUNNING);
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: appvssd-history --history PATH --fd N [--keep-days N]"
	    " [--keep-count N]\n");
	exit(EX_USAGE);
}

static long
parse_number(const char *text, long max)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 0 ||
	    number > max) {
		fprintf(stderr, "appvssd-history: %s is no number up to %ld\n",
		    text, max);
		exit(EX_USAGE);
	}
	return (number);
}

static int
parse_fd(const char *text)
{
	int fd = (int)parse_number(text, 65535);

	if (fcntl(fd, F_GETFD) < 0) {
		fprintf(stderr, "appvssd-history: %s is no open descriptor\n",
		    text);
		exit(EX_USAGE);
	}
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return (fd);
}

/* --settle-ms and --check-bytes are for tests: an hour, and a file of
 * gigabytes.
 */
static void
parse_options(struct history *history, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "history", required_argument, NULL, 'H' },
		{ "fd", required_argument, NULL, 'f' },
		{ "keep-days", required_argument, NULL, 'd' },
		{ "keep-count", required_argument, NULL, 'c' },
		{ "settle-ms", required_argument, NULL, 's' },
		{ "check-bytes", required_argument, NULL, 'k' },
		{ NULL, 0, NULL, 0 },
	};
	struct history_chores *chores = &history->chores;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'H')
			history->path = optarg;
		else if (option == 'f')
			history->fd = parse_fd(optarg);
		else if (option == 'd')
			chores->keep_days = (unsigned)parse_number(optarg,
			    36500);
		else if (option == 'c')
			chores->keep_count = parse_number(optarg, INT_MAX);
		else if (option == 's')
			chores->settle_ms = (unsigned)parse_number(optarg,
			    INT_MAX);
		else if (option == 'k')
			history->check_bytes = parse_number(optarg, INT_MAX);
		else
			usage();
	}
	if (optind != argc || history->path == NULL || history->fd < 0)
		usage();
}

int
main(int argc, char *argv[])
{
	static struct history history = { .fd = -1,
		.check_bytes = CHECK_BYTES };
	int status;

	history_chores_init(&history.chores);
	parse_options(&history, argc, argv);
	/* It ends when the broker does, not when somebody stops them all. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(027);
	heldlog_open(STDERR_FILENO, "appvssd-history", HELDLOG_INFO);
	if (sandbox_history() != 0 && errno != ENOTSUP)
		heldlog(HELDLOG_WARN, "not_confined", "text=\"%s\"",
		    strerror(errno));
	do
		status = step(&history);
	while (status == HISTORY_RUNNING);
	historydb_close(history.db);
	return (status);
}
