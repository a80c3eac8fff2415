/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is a history file sound?  SQLite's quick check answers for all of it, but
 * cannot be stopped everywhere, and takes a minute for gigabytes.  So a large
 * file is read in steps: every row and every entry of the indexes once, which
 * meets what cannot be read, though not all that does not fit together.
 */
#ifndef HISTORY_CHECK_H
#define HISTORY_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sqlite3;

/* *soundp is the verdict.  SQLite's result code. */
int historycheck_whole(struct sqlite3 *db, bool *soundp);

/* How far the steps have come; zero at first. */
struct historycheck {
	size_t walk;
	int64_t at[4];
};

/*
 * A step of a few milliseconds; it locks nothing when it is over.  *donep: it
 * was the last one.  SQLite's result code: SQLITE_CORRUPT if it met damage.
 */
int historycheck_step(struct sqlite3 *db, struct historycheck *check,
    bool *donep);

#endif /* HISTORY_CHECK_H */
