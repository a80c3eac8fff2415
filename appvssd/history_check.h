/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SQLite's quick check of a whole file, with a way to stop it.
 */
#ifndef HISTORY_CHECK_H
#define HISTORY_CHECK_H

#include <stdbool.h>

struct sqlite3;

/*
 * *soundp is the verdict.  SQLITE_INTERRUPT: stops said true; it is asked every
 * few milliseconds.  SQLite's result code.
 */
int historycheck_run(struct sqlite3 *db, bool (*stops)(void *arg), void *arg,
    bool *soundp);

/* The same, which stops after limit_ms. */
int historycheck_run_for(struct sqlite3 *db, unsigned limit_ms, bool *soundp);

#endif /* HISTORY_CHECK_H */
