/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the history process does when nobody wants anything of it: the rest of
 * the check, and removing what is older than is wanted.  Small steps, each of
 * which stops when there is something to read; nothing while a freeze is under
 * way.
 */
#ifndef HISTORY_CHORES_H
#define HISTORY_CHORES_H

#include <stdbool.h>
#include <stdint.h>

#include "history_db.h"

struct history_chores {
	unsigned keep_days;  /* 0: for ever */
	int64_t keep_count;  /* 0: all */
	unsigned settle_ms;  /* so long the clock has to go on without a step */
	uint64_t next_at_ms; /* monotonic, as all but wall_offset_ms */
	uint64_t prune_at_ms;
	uint64_t steady_since_ms; /* the wall clock was not set since */
	int64_t wall_offset_ms;	  /* to the monotonic clock */
};

void history_chores_init(struct history_chores *chores);

/* So much is kept from now on. */
void history_chores_keep(struct history_chores *chores, unsigned days,
    int64_t count);

/* There was something to do: chores wait. */
void history_chores_postpone(struct history_chores *chores);

/* How long until the next one is due; -1: there is none. */
int history_chores_wait_ms(const struct history_chores *chores,
    const struct historydb *db);

/*
 * Does what is due, if something is.  OK also if it had to stop; DAMAGED: the
 * file is to be set aside.
 */
enum historydb_result history_chores_run(struct history_chores *chores,
    struct historydb *db, bool (*stops)(void *arg), void *arg);

#endif /* HISTORY_CHORES_H */
