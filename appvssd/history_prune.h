/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long rows are kept.  Removes whole transactions, the oldest first, a few
 * at a time, each time in an SQL transaction of its own.
 *
 * Never removed: what the provenance of a disk rests on, whatever its age. That
 * is the newest freeze, the newest proof, the newest transaction that an
 * earlier boot left held, the newest of all (ids go on from it), and the one
 * behind the newest freeze (which says that the disk was written since).
 */
#ifndef HISTORY_PRUNE_H
#define HISTORY_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;

struct historyprune {
	int64_t keep_count;  /* transactions, events, runs; 0: all */
	int64_t before_ms;   /* wall clock: older ones go; 0: none for age */
	int64_t current_run; /* its row in table run */
};

/*
 * One step.  *leftp: there is more to remove.  stops is asked every few
 * milliseconds: true ends the step, which removes nothing then, with
 * SQLITE_INTERRUPT.  SQLite's result code; on an error nothing was changed.
 */
int historyprune_step(struct sqlite3 *db, const struct historyprune *prune,
    bool (*stops)(void *arg), void *arg, bool *leftp);

#endif /* HISTORY_PRUNE_H */
