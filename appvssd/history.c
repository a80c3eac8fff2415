/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssd-history: the process that keeps the history file, fed by the broker
 * over a socket pair.  It may sleep on a frozen disk; nobody waits for it.
 *
 * The input buffer is the batch: lines stay in it, applied to an open SQL
 * transaction, until that is committed, and are applied again after a failure.
 * While it is full nothing is read.  Rows are acknowledged after their commit.
 * When the input is empty everything is committed, and then the process sleeps
 * in poll(2) without a timeout: it writes nothing of its own accord, and opens
 * the file only when the first line has come.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "history_db.h"
#include "histwire.h"
#include "kernel/vssdev/heldlog.h"

#define IN_BYTES       (256 * 1024)
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define LAST_TRIES_MS  10000 /* after the broker's end */
#define RUNNING	       (-1)  /* no exit status yet */

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
	char in[IN_BYTES];
};

static uint64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

/* The broker always reads; if it is gone, the next read says so. */
static void
send_answer(struct history *history, struct wire_line *line)
{
	size_t offset = 0;

	if (wire_end(line) != WIRE_OK)
		return;
	while (offset < line->length) {
		ssize_t sent = send(history->fd, line->bytes + offset,
		    line->length - offset, MSG_NOSIGNAL);

		if (sent >= 0) {
			offset += (size_t)sent;
		} else if (errno == EAGAIN) {
			struct pollfd pfd = { history->fd, POLLOUT, 0 };

			(void)poll(&pfd, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

static void
send_known(void *arg, const char *name, const char *program)
{
	struct wire_line line;

	wire_begin(&line, &histwire_answer_grammar, HA_KNOWN);
	wire_put_text(&line, HK_NAME, name);
	wire_put_text(&line, HK_PROGRAM, program);
	send_answer(arg, &line);
}

static void
send_number(struct history *history, enum histwire_answer verb,
    enum histwire_key key, uint64_t number)
{
	struct wire_line line;

	wire_begin(&line, &histwire_answer_grammar, verb);
	wire_put_uint(&line, key, number);
	send_answer(history, &line);
}

/* The answer to RUN needs no write, so a full disk does not delay it. */
static enum historydb_result
open_and_answer(struct history *history)
{
	enum historydb_result result = HISTORYDB_OK;
	uint64_t last_id = 0;

	if (history->db == NULL)
		result = historydb_open(&history->db, history->path);
	if (result != HISTORYDB_OK || history->answered)
		return (result);
	result = historydb_last_id(history->db, &last_id);
	if (result == HISTORYDB_OK)
		result = historydb_each_known(history->db, send_known, history);
	if (result != HISTORYDB_OK)
		return (result);
	send_number(history, HA_READY, HK_LAST_ID, last_id);
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

	if (history->applied == 0)
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
		send_number(history, HA_ACK, HK_SEQ, seq);
	history->row_in_batch = false;
	return (HISTORYDB_OK);
}

/* One line of length bytes; lines before RUN cannot come from our broker. */
static enum historydb_result
take_line(struct history *history, size_t length, int *statusp)
{
	enum historydb_result result = HISTORYDB_OK;
	struct wire_msg msg;
	enum wire_error error;

	error = wire_decode(&histwire_row_grammar,
	    history->in + history->applied, length, &msg);
	if (error != WIRE_OK || (history->db == NULL && msg.verb != HR_RUN)) {
		heldlog(HELDLOG_ERROR, "history_protocol", "reason=%s",
		    error != WIRE_OK ? wire_error_word(error) : "no_run");
		*statusp = EX_PROTOCOL;
		return (HISTORYDB_OK);
	}
	if (msg.verb == HR_RUN)
		result = open_and_answer(history);
	if (result == HISTORYDB_OK && msg.verb != HR_COMMIT)
		result = historydb_apply(history->db, &msg);
	if (result != HISTORYDB_OK)
		return (result);
	history->applied += length;
	if (msg.verb == HR_COMMIT)
		return (commit(history));
	if (msg.verb != HR_RUN)
		history->row_in_batch = true;
	return (HISTORYDB_OK);
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

/* Nothing of the batch is lost: it is applied again after a pause. */
static int
handle_failure(struct history *history, enum historydb_result result)
{
	const char *error = "cannot open";
	char quoted[512];

	if (history->db != NULL) {
		error = historydb_error(history->db);
		historydb_rollback(history->db);
	}
	history->applied = 0;
	history->row_in_batch = false;
	heldlog_quote(error, quoted, sizeof(quoted));
	switch (result) {
	case HISTORYDB_OK:
		return (RUNNING);
	case HISTORYDB_RETRY:
		break;
	case HISTORYDB_REOPEN:
		heldlog(HELDLOG_ERROR, "history_damaged", "error=%s", quoted);
		return (EX_IOERR);
	case HISTORYDB_NEWER:
		return (EX_CONFIG);
	case HISTORYDB_UNUSABLE:
		return (EX_CANTCREAT);
	}
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

/* Applies, reads on, commits when there is nothing to read, sleeps. */
static int
step(struct history *history)
{
	enum historydb_result result = HISTORYDB_OK;
	int status = RUNNING;
	size_t length;

	while (result == HISTORYDB_OK && status == RUNNING &&
	    (length = next_line(history)) != 0)
		result = take_line(history, length, &status);
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
	result = commit(history);
	if (result != HISTORYDB_OK)
		return (handle_failure(history, result));
	if (history->eof)
		return (EX_OK);
	(void)read_input(history, -1);
	return (RUNNING);
}

static void
usage(void)
{
	fprintf(stderr, "usage: appvssd-history --history PATH --fd N\n");
	exit(EX_USAGE);
}

static int
parse_fd(const char *text)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 0 ||
	    number > 65535 || fcntl((int)number, F_GETFD) < 0) {
		fprintf(stderr, "appvssd-history: %s is no open descriptor\n",
		    text);
		exit(EX_USAGE);
	}
	(void)fcntl((int)number, F_SETFD, FD_CLOEXEC);
	return ((int)number);
}

int
main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "history", required_argument, NULL, 'H' },
		{ "fd", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	static struct history history = { .fd = -1 };
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'H':
			history.path = optarg;
			break;
		case 'f':
			history.fd = parse_fd(optarg);
			break;
		default:
			usage();
		}
	}
	if (optind != argc || history.path == NULL || history.fd < 0)
		usage();
	/* It ends when the broker does, not when somebody stops them all. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(027);
	heldlog_open(STDERR_FILENO, "appvssd-history", HELDLOG_INFO);
	do
		status = step(&history);
	while (status == RUNNING);
	historydb_close(history.db);
	return (status);
}
