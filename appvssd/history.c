/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssd-history: the process that keeps the history file, fed by the broker
 * over a socket pair.  It may sleep on a frozen disk; nobody waits for it.
 *
 * The input buffer is the batch: lines stay in it, applied to an open SQL
 * transaction, until that is committed, and are applied again after a failure.
 * While it is full nothing is read.  Rows are acknowledged after their commit.
 * When the input is empty everything is committed, but not the rows of a freeze
 * that a COMMIT or its end follows; then a query is answered, or a chore done,
 * unless a freeze is under way: from its first row to its end the file is
 * touched for rows only.  The file is opened when the first line has come, and
 * replaced by a new one when it turns out to be damaged.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
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
#include "history_aside.h"
#include "history_chores.h"
#include "history_db.h"
#include "history_query.h"
#include "histwire.h"
#include "kernel/vssdev/heldlog.h"
#include "sandbox.h"

#define IN_BYTES       (256 * 1024)
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define LAST_TRIES_MS  10000			   /* after the broker's end */
#define QUERY_LIMIT_MS 1000			   /* of one, on the disk */
#define CHECK_BYTES    (INT64_C(64) * 1024 * 1024) /* while the broker waits */
#define RUNNING	       (-1)			   /* no exit status yet */

struct history {
	const char *path;
	int fd;
	struct historydb *db;	/* owns; NULL before the first RUN */
	bool answered;		/* READY was sent */
	bool eof;		/* everything that was sent has been read */
	bool gone;		/* the broker's end is closed */
	bool failing;		/* the last attempt did not reach the disk */
	uint64_t give_up_at_ms; /* of gone and failing */
	int backoff_ms;
	size_t length;	/* bytes in the buffer */
	size_t applied; /* of these, in the open SQL transaction */
	bool row_in_batch;
	bool commit_due;    /* not only for rows that a COMMIT follows */
	uint64_t freeze_id; /* of the freeze that is under way, or 0 */
	struct history_query query;
	uint64_t query_until_ms;
	struct history_chores chores;
	int64_t check_bytes;		  /* a larger file is checked later */
	char run_line[WIRE_LINE_MAX + 1]; /* for a file that is begun anew */
	char set_aside[PATH_MAX];
	struct history_page page;
	char in[IN_BYTES];
};

static uint64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static void
on_known(void *arg, const char *name, const char *program, int64_t uid)
{
	const struct history *history = arg;

	history_answer_known(history->fd, name, program, uid);
}

/* The answer to RUN needs no write, so a full disk does not delay it. */
static enum historydb_result
open_and_answer(struct history *history)
{
	enum historydb_result result = HISTORYDB_OK;
	struct historydb_unsure unsure;
	uint64_t last_id = 0;

	if (history->db == NULL)
		result = historydb_open(&history->db, history->path,
		    history->set_aside, history->check_bytes);
	if (result != HISTORYDB_OK || history->answered)
		return (result);
	result = historydb_last_id(history->db, &last_id);
	if (result == HISTORYDB_OK)
		result = historydb_find_unsure(history->db, &unsure);
	if (result == HISTORYDB_OK)
		result = historydb_each_known(history->db, on_known, history);
	if (result != HISTORYDB_OK)
		return (result);
	history_answer_ready(history->fd, last_id,
	    historydb_set_aside(history->db), &unsure);
	history->answered = true;
	return (HISTORYDB_OK);
}

/* The bytes of the first line that is not applied, LF included, or 0. */
static size_t
next_line(const struct history *history)
{
	const char *start = history->in + history->applied;
	const char *end = memchr(start, '\n',
	    history->length - history->applied);

	return (end == NULL ? 0 : (size_t)(end - start) + 1);
}

static enum historydb_result
commit(struct history *history)
{
	enum historydb_result result;
	uint64_t seq = 0;

	if (history->db == NULL)
		return (HISTORYDB_OK);
	result = historydb_commit(history->db, &seq);
	if (result != HISTORYDB_OK)
		return (result);
	if (history->failing) {
		history->failing = false;
		heldlog(HELDLOG_INFO, "history_recovered", "seq=%" PRIu64, seq);
	}
	history->backoff_ms = 0;
	history->length -= history->applied;
	memmove(history->in, history->in + history->applied, history->length);
	history->applied = 0;
	if (history->row_in_batch)
		history_answer_ack(history->fd, seq);
	history->row_in_batch = false;
	history->commit_due = false;
	return (HISTORYDB_OK);
}

/*
 * Participants become ready one after the other, and the release waits for the
 * commit of all: until then their rows are in the open SQL transaction.
 */
static bool
wants_commit(const struct wire_msg *msg)
{
	if (msg->verb == HR_PART)
		return (strcmp(wire_get_text(msg, HK_PHASE, ""), "held") != 0);
	return (msg->verb != HR_WITHDRAW);
}

/* A freeze is under way from its beginning to a state that is its end. */
static void
note_freeze(struct history *history, const struct wire_msg *msg)
{
	const uint64_t id = wire_get_uint(msg, HK_ID, 0);

	if (msg->verb == HR_BEGIN &&
	    strcmp(wire_get_text(msg, HK_OP, ""), "freeze") == 0)
		history->freeze_id = id;
	else if (msg->verb == HR_STATE && history->freeze_id == id &&
	    strcmp(wire_get_text(msg, HK_STATE, ""), "held") != 0)
		history->freeze_id = 0;
}

static bool
take_query(struct history *history, const struct wire_msg *msg)
{
	if (!history_query_take(&history->query, msg))
		return (false);
	history->query_until_ms = monotonic_ms() + QUERY_LIMIT_MS;
	return (true);
}

static enum historydb_result
take_run(struct history *history, const struct wire_msg *msg)
{
	enum historydb_result result = open_and_answer(history);

	return (result != HISTORYDB_OK ? result :
					 historydb_apply(history->db, msg));
}

/* A file that was begun anew has no run yet, nor has one after a rollback. */
static enum historydb_result
repeat_run(struct history *history)
{
	struct wire_msg msg;

	if (history->run_line[0] == '\0' ||
	    (history->db != NULL && historydb_run(history->db) != 0) ||
	    wire_decode(&histwire_row_grammar, history->run_line,
		strlen(history->run_line), &msg) != WIRE_OK)
		return (HISTORYDB_OK);
	return (take_run(history, &msg));
}

static enum historydb_result
take_msg(struct history *history, const struct wire_msg *msg, int *statusp)
{
	switch ((enum histwire_row)msg->verb) {
	case HR_RUN:
		return (take_run(history, msg));
	case HR_COMMIT:
		return (HISTORYDB_OK);
	case HR_KEEP:
		history_chores_keep(&history->chores,
		    (unsigned)wire_get_uint(msg, HK_KEEP_DAYS, 0),
		    (int64_t)wire_get_uint(msg, HK_KEEP_COUNT, 0));
		return (HISTORYDB_OK);
	case HR_QUERY:
		if (!take_query(history, msg))
			*statusp = EX_PROTOCOL;
		return (HISTORYDB_OK);
	case HR_BEGIN:
	case HR_STATE:
		note_freeze(history, msg);
		break;
	case HR_PART:
	case HR_WITHDRAW:
	case HR_EVENT:
	case HR_KNOWN:
	case HR_FORGET:
	case HR_END:
	case HR_DRIVER:
	case HR_COUNT:
		break;
	}
	history->row_in_batch = true;
	history->commit_due = history->commit_due || wants_commit(msg);
	return (historydb_apply(history->db, msg));
}

/* One line of length bytes; lines before RUN cannot come from our broker. */
static enum historydb_result
take_line(struct history *history, size_t length, int *statusp)
{
	const char *line = history->in + history->applied;
	enum historydb_result result;
	struct wire_msg msg;
	enum wire_error error;

	error = wire_decode(&histwire_row_grammar, line, length, &msg);
	if (error != WIRE_OK ||
	    (history->run_line[0] == '\0' && msg.verb != HR_RUN)) {
		heldlog(HELDLOG_ERROR, "history_protocol", "reason=%s",
		    error != WIRE_OK ? wire_error_word(error) : "no_run");
		*statusp = EX_PROTOCOL;
		return (HISTORYDB_OK);
	}
	if (msg.verb == HR_RUN) {
		memcpy(history->run_line, line, length);
		history->run_line[length] = '\0';
	}
	result = take_msg(history, &msg, statusp);
	if (result != HISTORYDB_OK)
		return (result);
	history->applied += length;
	return (msg.verb == HR_COMMIT ? commit(history) : HISTORYDB_OK);
}

/* From here on there is a limit to waiting for the disk. */
static void
note_gone(struct history *history)
{
	if (history->gone)
		return;
	history->gone = true;
	history->give_up_at_ms = monotonic_ms() + LAST_TRIES_MS;
}

/* Longer each time.  What the broker sends stays where it is. */
static void
back_off(struct history *history)
{
	struct pollfd pfd = { history->fd, 0, 0 };

	history->backoff_ms *= 2;
	if (history->backoff_ms < BACKOFF_MIN_MS)
		history->backoff_ms = BACKOFF_MIN_MS;
	if (history->backoff_ms > BACKOFF_MAX_MS)
		history->backoff_ms = BACKOFF_MAX_MS;
	if (history->gone) {
		(void)poll(NULL, 0, history->backoff_ms);
		return;
	}
	if (poll(&pfd, 1, history->backoff_ms) > 0)
		note_gone(history);
}

/* The next step begins a new file. */
static int
replace_file(struct history *history, const char *error)
{
	enum historydb_result result;

	historydb_close(history->db);
	history->db = NULL;
	history->answered = false;
	result = historyaside_move(history->path, "corrupt", error,
	    history->set_aside, sizeof(history->set_aside));
	return (result == HISTORYDB_OK ? RUNNING : EX_CANTCREAT);
}

/* What was to be written waits for the disk. */
static int
wait_and_try_again(struct history *history, const char *error)
{
	char quoted[512];

	heldlog_quote(error, quoted, sizeof(quoted));
	if (!history->failing)
		heldlog(HELDLOG_ERROR, "history_waits", "error=%s", quoted);
	history->failing = true;
	if (history->gone && monotonic_ms() >= history->give_up_at_ms) {
		heldlog(HELDLOG_ERROR, "history_lost",
		    "bytes=%zu reason=broker_gone error=%s", history->length,
		    quoted);
		return (EX_IOERR);
	}
	back_off(history);
	return (RUNNING);
}

/* Nothing of the batch is lost: it is applied again after a pause. */
static int
handle_failure(struct history *history, enum historydb_result result)
{
	char error[512] = "cannot open", quoted[512];

	if (history->db != NULL) {
		(void)snprintf(error, sizeof(error), "%s",
		    historydb_error(history->db));
		historydb_rollback(history->db);
	}
	history->applied = 0;
	history->row_in_batch = false;
	switch (result) {
	case HISTORYDB_OK:
		break;
	case HISTORYDB_RETRY:
		return (wait_and_try_again(history, error));
	case HISTORYDB_DAMAGED:
		return (replace_file(history, error));
	case HISTORYDB_REOPEN:
		heldlog(HELDLOG_ERROR, "history_unusable", "error=%s",
		    heldlog_quote(error, quoted, sizeof(quoted)));
		return (EX_IOERR);
	case HISTORYDB_UNUSABLE:
		return (EX_CANTCREAT);
	}
	return (RUNNING);
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
	note_gone(history);
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

	return (has_input(arg) || monotonic_ms() >= history->query_until_ms);
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
		    monotonic_ms() < history->query_until_ms &&
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

/* Applies the lines that are there. */
static enum historydb_result
take_lines(struct history *history, int *statusp)
{
	enum historydb_result result = HISTORYDB_OK;
	size_t length;

	while (result == HISTORYDB_OK && *statusp == RUNNING &&
	    (length = next_line(history)) != 0)
		result = take_line(history, length, statusp);
	return (result);
}

/* Applies, reads on, commits when there is nothing to read, sleeps. */
static int
step(struct history *history)
{
	enum historydb_result result;
	int status = RUNNING, wait_ms;

	result = repeat_run(history);
	if (result == HISTORYDB_OK)
		result = take_lines(history, &status);
	if (status != RUNNING)
		return (status);
	if (result != HISTORYDB_OK)
		return (handle_failure(history, result));
	if (history->length - history->applied >= WIRE_LINE_MAX) {
		heldlog(HELDLOG_ERROR, "history_protocol", "reason=too_long");
		return (EX_PROTOCOL);
	}
	if (read_input(history, 0))
		return (RUNNING);
	if (history->row_in_batch && !history->commit_due && !history->eof &&
	    history->length < sizeof(history->in)) {
		(void)read_input(history, -1);
		return (RUNNING);
	}
	result = commit(history);
	if (result == HISTORYDB_OK && history->eof)
		return (EX_OK);
	if (result == HISTORYDB_OK)
		result = do_idle_work(history, &wait_ms);
	if (result != HISTORYDB_OK)
		return (handle_failure(history, result));
	if (read_input(history, wait_ms))
		history_chores_postpone(&history->chores);
	return (RUNNING);
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
	while (status == RUNNING);
	historydb_close(history.db);
	return (status);
}
