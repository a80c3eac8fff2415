/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the history process does when something did not reach the disk: waits
 * and tries again, begins a new file, or ends.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sysexits.h>

#include "history_aside.h"
#include "history_impl.h"
#include "kernel/vssdev/heldlog.h"

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define LAST_TRIES_MS  10000 /* after the broker's end */

void
history_fail_note_gone(struct history *history)
{
	if (history->gone)
		return;
	history->gone = true;
	history->give_up_at_ms = history_monotonic_ms() + LAST_TRIES_MS;
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
		history_fail_note_gone(history);
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
	return (result == HISTORYDB_OK ? HISTORY_RUNNING : EX_CANTCREAT);
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
	if (history->gone && history_monotonic_ms() >= history->give_up_at_ms) {
		heldlog(HELDLOG_ERROR, "history_lost",
		    "bytes=%zu reason=broker_gone error=%s", history->length,
		    quoted);
		return (EX_IOERR);
	}
	back_off(history);
	return (HISTORY_RUNNING);
}

int
history_fail(struct history *history, enum historydb_result result)
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
	return (HISTORY_RUNNING);
}
