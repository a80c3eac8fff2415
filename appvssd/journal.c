/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Beginning, commits and end of the history's use: see journal.h.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "config.h"
#include "histq.h"
#include "histwire.h"
#include "journal.h"
#include "kernel/vssdev/heldlog.h"
#include "query.h"

/* So long the history may take to say which transaction was the last. */
#define JOURNAL_START_MS 2000
/* So long the last rows may take to reach the disk. */
#define JOURNAL_END_MS 3000

struct journal {
	struct histq *queue;
	struct query *query;
	struct event *start_event;
	struct event *end_event;
	const struct journal_callbacks *callbacks;
	void *arg;
	uint64_t next_id;
	uint64_t commit_seq; /* the row that somebody waits for, or 0 */
	bool started;	     /* next_id is known */
	char set_aside[HISTWIRE_ASIDE_MAX + 1]; /* of this run, or "" */
	bool ending;
	bool ended;
};

static void
journal_arm(struct event *event, unsigned after_ms)
{
	struct timeval after = { after_ms / 1000, after_ms % 1000 * 1000 };

	(void)event_add(event, &after);
}

static void
journal_start(struct journal *journal, uint64_t next_id)
{
	if (next_id > journal->next_id)
		journal->next_id = next_id;
	if (journal->started)
		return;
	journal->started = true;
	(void)event_del(journal->start_event);
	journal->callbacks->started(journal->arg);
}

static void
journal_finish(struct journal *journal)
{
	if (journal->ended)
		return;
	journal->ended = true;
	(void)event_del(journal->end_event);
	if (histq_waiting(journal->queue) > 0)
		heldlog(HELDLOG_WARN, "history_behind", "rows=%zu",
		    histq_waiting(journal->queue));
	journal->callbacks->ended(journal->arg);
}

static void
journal_on_known(void *arg, const char *name, const char *program, int64_t uid)
{
	struct journal *journal = arg;

	journal->callbacks->known(journal->arg, name, program, uid);
}

static void
journal_on_ready(void *arg, uint64_t last_id, const char *set_aside)
{
	struct journal *journal = arg;

	if (set_aside[0] != '\0')
		(void)snprintf(journal->set_aside, sizeof(journal->set_aside),
		    "%s", set_aside);
	journal->callbacks->listed(journal->arg);
	journal_start(journal, last_id + 1);
}

/*
 * The history does not say which numbers were given out: then they go on from
 * the seconds of the wall clock, which no count of snapshots reaches.
 */
static void
journal_on_start_late(int fd, short what, void *arg)
{
	struct timespec now;

	(void)fd;
	(void)what;
	heldlog(HELDLOG_WARN, "history_slow", "waited_ms=%d", JOURNAL_START_MS);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	journal_start(arg, (uint64_t)now.tv_sec);
}

static void
journal_on_end_late(int fd, short what, void *arg)
{
	struct journal *journal = arg;

	(void)fd;
	(void)what;
	journal_finish(journal);
}

static void
journal_settle_commit(struct journal *journal, bool committed)
{
	journal->commit_seq = 0;
	journal->callbacks->committed(journal->arg, committed);
}

static void
journal_on_acked(void *arg, uint64_t seq)
{
	struct journal *journal = arg;

	if (journal->commit_seq != 0 && seq >= journal->commit_seq)
		journal_settle_commit(journal, true);
	if (!journal->ending)
		journal->callbacks->room(journal->arg);
	else if (histq_waiting(journal->queue) == 0)
		journal_finish(journal);
}

static void
journal_on_lost(void *arg)
{
	struct journal *journal = arg;

	heldlog(HELDLOG_WARN, "history_lost", "rows_waiting=%zu",
	    histq_waiting(journal->queue));
	query_lost(journal->query);
	if (journal->commit_seq != 0)
		journal_settle_commit(journal, false);
}

static void
journal_on_answer(void *arg, const struct wire_msg *msg)
{
	const struct journal *journal = arg;

	query_answer(journal->query, msg);
}

static void
journal_on_unsure(void *arg, uint64_t msgid, uint64_t instance)
{
	struct journal *journal = arg;

	journal->callbacks->unsure(journal->arg, msgid, instance);
}

static const struct histq_callbacks histq_callbacks = {
	.known = journal_on_known,
	.unsure = journal_on_unsure,
	.ready = journal_on_ready,
	.acked = journal_on_acked,
	.answer = journal_on_answer,
	.lost = journal_on_lost,
};

int
journal_create(struct journal **journalp, struct event_base *base,
    size_t max_rows, const struct histq_run *run,
    const struct journal_callbacks *callbacks, void *arg)
{
	struct journal *journal;

	journal = calloc(1, sizeof(*journal));
	if (journal == NULL)
		return (-1);
	journal->callbacks = callbacks;
	journal->arg = arg;
	journal->next_id = 1;
	journal->start_event = event_new(base, -1, 0, journal_on_start_late,
	    journal);
	journal->end_event = event_new(base, -1, 0, journal_on_end_late,
	    journal);
	if (journal->start_event == NULL || journal->end_event == NULL ||
	    histq_create(&journal->queue, base, max_rows, run, &histq_callbacks,
		journal) == -1) {
		journal_destroy(journal);
		return (-1);
	}
	journal->query = query_create(base, journal->queue);
	if (journal->query == NULL) {
		journal_destroy(journal);
		return (-1);
	}
	journal_arm(journal->start_event, JOURNAL_START_MS);
	*journalp = journal;
	return (0);
}

void
journal_destroy(struct journal *journal)
{
	query_destroy(journal->query);
	histq_destroy(journal->queue);
	if (journal->start_event != NULL)
		event_free(journal->start_event);
	if (journal->end_event != NULL)
		event_free(journal->end_event);
	free(journal);
}

struct histq *
journal_queue(const struct journal *journal)
{
	return (journal->queue);
}

struct query *
journal_query(const struct journal *journal)
{
	return (journal->query);
}

void
journal_set_keep(struct journal *journal, const struct config *config)
{
	histq_set_keep(journal->queue, config->history_keep_days,
	    config->history_keep_count);
}

void
journal_attach(struct journal *journal, int fd)
{
	histq_attach(journal->queue, fd);
}

bool
journal_is_started(const struct journal *journal)
{
	return (journal->started);
}

uint64_t
journal_next_id(struct journal *journal)
{
	return (journal->next_id++);
}

bool
journal_commit(struct journal *journal, uint64_t seq)
{
	histq_commit(journal->queue);
	if (seq == 0 || !histq_connected(journal->queue))
		return (false);
	journal->commit_seq = seq;
	return (true);
}

void
journal_forget_commit(struct journal *journal)
{
	journal->commit_seq = 0;
}

void
journal_end(struct journal *journal)
{
	journal->ending = true;
	(void)histq_put_end(journal->queue);
	histq_commit(journal->queue);
	if (!histq_connected(journal->queue) ||
	    histq_waiting(journal->queue) == 0)
		journal_finish(journal);
	else
		journal_arm(journal->end_event, JOURNAL_END_MS);
}

const char *
journal_word(const struct journal *journal)
{
	if (!histq_connected(journal->queue))
		return ("down");
	return (histq_waiting(journal->queue) > 0 ? "behind" : "ok");
}

const char *
journal_set_aside(const struct journal *journal)
{
	return (journal->set_aside);
}
