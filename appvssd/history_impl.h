/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the history process: shared by history.c, which waits and decides
 * what is next, history_batch.c, which makes rows of lines, and history_fail.c,
 * which sees to what did not reach the disk.
 */
#ifndef HISTORY_IMPL_H
#define HISTORY_IMPL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "history_chores.h"
#include "history_db.h"
#include "history_query.h"
#include "sdk/wire.h"

/* The whole proof of 10,000 participants, so that it is one commit. */
#define HISTORY_IN_BYTES (2 * 1024 * 1024)
#define HISTORY_RUNNING	 (-1) /* no exit status yet */

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
	uint64_t commit_at_ms; /* of rows of a freeze, if no COMMIT comes */
	uint64_t freeze_id;    /* of the freeze that is under way, or 0 */
	struct history_query query;
	uint64_t query_until_ms;
	struct history_chores chores;
	int64_t check_bytes;		  /* a larger file is checked later */
	char run_line[WIRE_LINE_MAX + 1]; /* for a file that is begun anew */
	char set_aside[PATH_MAX];
	struct history_page page;
	char in[HISTORY_IN_BYTES];
};

uint64_t history_monotonic_ms(void);

/* --- history_batch.c ------------------------------------------------------ */

/* What a new file, or a rollback, has lost: the run. */
enum historydb_result history_batch_repeat_run(struct history *history);
/* Applies the lines that are there; *statusp: an exit status, if they are bad.
 */
enum historydb_result history_batch_take(struct history *history, int *statusp);
/* Commits what was applied, and says so. */
enum historydb_result history_batch_commit(struct history *history);
/* How long what was applied may wait for what is committed with it. */
int history_batch_wait_ms(const struct history *history);

/* --- history_fail.c ------------------------------------------------------- */

/* The broker is gone: from here on there is a limit to waiting for the disk. */
void history_fail_note_gone(struct history *history);
/*
 * Sees to it that nothing of the batch is lost: it is applied again after a
 * pause.  An exit status, or HISTORY_RUNNING.
 */
int history_fail(struct history *history, enum historydb_result result);

#endif /* HISTORY_IMPL_H */
