/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history file as the history process writes it: open, check, set aside,
 * append rows in transactions.  No connection, no retries: those are history.c.
 */
#ifndef HISTORY_DB_H
#define HISTORY_DB_H

#include <stdint.h>

struct historydb;
struct wire_msg;

enum historydb_result {
	HISTORYDB_OK = 0,
	HISTORYDB_RETRY,    /* full, busy, I/O: roll back and try again later */
	HISTORYDB_REOPEN,   /* damaged or moved away: close it and open again */
	HISTORYDB_NEWER,    /* written by a newer appvss: left as it is */
	HISTORYDB_UNUSABLE, /* cannot be made or opened: a matter of set-up */
};

/*
 * Opens or makes the file (0640).  One that is corrupt or of somebody else is
 * first renamed, with its journal; that becomes an event of the next run.
 * Everything but RETRY is logged here.  OK: *dbp is owned by the caller.
 */
enum historydb_result historydb_open(struct historydb **dbp, const char *path);
void historydb_close(struct historydb *db);

/* The highest transaction id in the file, or 0. */
enum historydb_result historydb_last_id(struct historydb *db, uint64_t *idp);
enum historydb_result historydb_each_known(struct historydb *db,
    void (*known)(void *arg, const char *name, const char *program), void *arg);

/*
 * Applies a line of histwire.h (RUN first), beginning an SQL transaction if
 * there is none.  A row that was applied before is ignored.
 */
enum historydb_result historydb_apply(struct historydb *db,
    const struct wire_msg *msg);

/* Commits; *seqp is the last row that is now on disk, 0 if there was none. */
enum historydb_result historydb_commit(struct historydb *db, uint64_t *seqp);
/* Forgets everything since the last commit. */
void historydb_rollback(struct historydb *db);

/* What went wrong at last, for the log. */
const char *historydb_error(const struct historydb *db);

#endif /* HISTORY_DB_H */
