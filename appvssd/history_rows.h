/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of histwire.h into the tables of history_schema.h, inside of the SQL
 * transaction that the caller began.
 */
#ifndef HISTORY_ROWS_H
#define HISTORY_ROWS_H

#include <stdint.h>

#include "history_db.h"

struct sqlite3;
struct wire_msg;

/* Which run rows belong to.  Copied before a transaction, restored after its
 * rollback. */
struct historyrows {
	struct sqlite3 *db; /* borrows */
	int64_t run;	    /* its row in table run; 0 before RUN */
	uint64_t last_seq;  /* applied, or here from before */
};

/*
 * Applies one row.  A row that SQLite refuses for what it contains is logged
 * and left out.  set_aside: the name of a file that was set aside, for the run
 * that begins, or "".
 */
enum historydb_result historyrows_apply(struct historyrows *rows,
    const struct wire_msg *msg, const char *set_aside);

/* See historydb_find_unsure().  Returns a code of SQLite. */
int historyrows_find_unsure(struct sqlite3 *db,
    struct historydb_unsure *unsure);

/* Writes down how far the run has come.  Before each COMMIT. */
enum historydb_result historyrows_finish(const struct historyrows *rows);

#endif /* HISTORY_ROWS_H */
