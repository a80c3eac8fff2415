/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The batch of the history process: lines of the broker, applied to an open SQL
 * transaction, until that is committed and acknowledged.  Opens the file when
 * it is needed; must not wait for anything.
 */
#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "history_answer.h"
#include "history_impl.h"
#include "histwire.h"
#include "kernel/vssdev/heldlog.h"

#define QUERY_LIMIT_MS 1000 /* of one, on the disk */
/*
 * So long the rows of a freeze wait for its COMMIT: mostly it comes sooner, and
 * finds no other commit in its way.
 */
#define FREEZE_LIMIT_MS 50

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

enum historydb_result
history_batch_commit(struct history *history)
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
	return (HISTORYDB_OK);
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
	history->query_until_ms = history_monotonic_ms() + QUERY_LIMIT_MS;
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
enum historydb_result
history_batch_repeat_run(struct history *history)
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
	case HR_HELD:
	case HR_EVENT:
	case HR_KNOWN:
	case HR_FORGET:
	case HR_END:
	case HR_DRIVER:
	case HR_COUNT:
		break;
	}
	if (!history->row_in_batch)
		history->commit_at_ms = history_monotonic_ms() +
		    FREEZE_LIMIT_MS;
	history->row_in_batch = true;
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
	return (msg.verb == HR_COMMIT ? history_batch_commit(history) :
					HISTORYDB_OK);
}

/* Applies the lines that are there. */
enum historydb_result
history_batch_take(struct history *history, int *statusp)
{
	enum historydb_result result = HISTORYDB_OK;
	size_t length;

	while (result == HISTORYDB_OK && *statusp == HISTORY_RUNNING &&
	    (length = next_line(history)) != 0)
		result = take_line(history, length, statusp);
	return (result);
}

int
history_batch_wait_ms(const struct history *history)
{
	uint64_t now_ms;

	if (!history->row_in_batch || history->freeze_id == 0)
		return (0);
	now_ms = history_monotonic_ms();
	return (history->commit_at_ms <= now_ms ?
		0 :
		(int)(history->commit_at_ms - now_ms));
}
