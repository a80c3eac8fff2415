/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history file as the history process writes it: open, check, set aside,
 * append rows in transactions.  No connection, no retries: those are history.c.
 */
#ifndef HISTORY_DB_H
#define HISTORY_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct historydb;
struct sqlite3;
struct wire_msg;

enum historydb_result {
	HISTORYDB_OK = 0,
	HISTORYDB_RETRY,    /* full, busy, I/O: roll back and try again later */
	HISTORYDB_REOPEN,   /* moved away: end, and open it in a new process */
	HISTORYDB_DAMAGED,  /* to be closed and set aside */
	HISTORYDB_UNUSABLE, /* cannot be made or opened: a matter of set-up */
};

/*
 * Opens or makes the file (0640).  One that is corrupt, of somebody else, or of
 * a newer version is first renamed, with its journal, and what it knows is
 * taken over as far as it can be read; that becomes an event of the next run.
 * Everything but RETRY is logged here.  OK: *dbp is owned by the caller.
 *
 * An older version is brought to this one with the first row.  A file of
 * more than check_bytes is not checked here: historydb_check() has to.
 *
 * set_aside names a file that was set aside before this opening, or is "".
 */
enum historydb_result historydb_open(struct historydb **dbp, const char *path,
    const char *set_aside, int64_t check_bytes);
void historydb_close(struct historydb *db);

/* Where a file was set aside to when this one was opened, or "". */
const char *historydb_set_aside(const struct historydb *db);

/* A few milliseconds of a check that the opening had no time for. */
bool historydb_wants_check(const struct historydb *db);
enum historydb_result historydb_check(struct historydb *db);

/* The highest transaction id in the file, or 0. */
enum historydb_result historydb_last_id(struct historydb *db, uint64_t *idp);
/*
 * The driver's FREEZE of the last transaction, if nothing here says whether the
 * driver counts it among its snapshots; msgid 0: there is none.
 */
struct historydb_unsure {
	uint64_t msgid, instance;
};
enum historydb_result historydb_find_unsure(struct historydb *db,
    struct historydb_unsure *unsure);
/* uid -1: not known. */
enum historydb_result historydb_each_known(struct historydb *db,
    void (
	*known)(void *arg, const char *name, const char *program, int64_t uid),
    void *arg);

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

/* For reading and for small steps between transactions; lent. */
struct sqlite3 *historydb_sqlite(const struct historydb *db);
/* The row of the run in table run; 0 before RUN. */
int64_t historydb_run(const struct historydb *db);
/* Whether there is anything to read. */
bool historydb_is_empty(const struct historydb *db);

/* What went wrong at last, for the log. */
const char *historydb_error(const struct historydb *db);

#endif /* HISTORY_DB_H */
