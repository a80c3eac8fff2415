/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Removes what is too old: see history_prune.h.
 */
#include <sqlite3.h>
#include <stddef.h>

#include "history_prune.h"
#include "history_schema.h"
#include "history_sql.h"

#define STEPS_BETWEEN 4000 /* of SQLite's machine: about a millisecond */
/*
 * Transactions that a step looks at, and the rows after which it takes no
 * other.  The window is larger than the number of those that are never removed,
 * so that it always moves on.
 */
#define WINDOW	 64
#define ROWS_MAX 2000

struct stop {
	bool (*stops)(void *arg);
	void *arg;
};

struct old {
	int64_t run, id, n;
};

/* The oldest that are too old.  ?1: of the count, ?2: of the age */
static const char old_sql[] =
    "SELECT run, id, n FROM (SELECT run, id, n, at_ms FROM txn"
    "  ORDER BY n LIMIT 64)"
    " WHERE (n <= ?1 OR at_ms < ?2)"
    " AND n <> (SELECT max(n) FROM txn)"
    " AND n <> ifnull((SELECT n FROM txn WHERE op = 'freeze'"
    "  ORDER BY n DESC LIMIT 1), 0)"
    " AND n <> ifnull((SELECT min(n) FROM txn WHERE n > (SELECT n FROM txn"
    "  WHERE op = 'freeze' ORDER BY n DESC LIMIT 1)), 0)"
    " AND n <> ifnull((SELECT t.n FROM txn AS t JOIN (SELECT run, id"
    "  FROM state WHERE state = 'held' ORDER BY n DESC LIMIT 1) AS h"
    "  ON t.run = h.run AND t.id = h.id), 0)"
    " AND n <> ifnull((" HISTORY_RESUMED_N "), 0)"
    " ORDER BY n";

static int
on_progress(void *arg)
{
	const struct stop *stop = arg;

	return (stop->stops(stop->arg) ? 1 : 0);
}

/* Finds them before anything is removed.  At most WINDOW. */
static int
find_old(struct sqlite3 *db, const struct historyprune *prune, int64_t count_n,
    struct old *old, size_t *nold)
{
	sqlite3_stmt *statement;
	int code;

	*nold = 0;
	code = sqlite3_prepare_v2(db, old_sql, -1, &statement, NULL);
	if (code != SQLITE_OK)
		return (code);
	sqlite3_bind_int64(statement, 1, count_n);
	sqlite3_bind_int64(statement, 2, prune->before_ms);
	while (
	    (code = sqlite3_step(statement)) == SQLITE_ROW && *nold < WINDOW) {
		old[*nold].run = sqlite3_column_int64(statement, 0);
		old[*nold].id = sqlite3_column_int64(statement, 1);
		old[*nold].n = sqlite3_column_int64(statement, 2);
		(*nold)++;
	}
	sqlite3_finalize(statement);
	return (code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code);
}

/* The txn row goes last: until then everything of it is there. */
static int
remove_transaction(struct sqlite3 *db, const struct old *old, int *rowsp)
{
	static const char *const tables[] = {
		"DELETE FROM held WHERE run = ? AND id = ?",
		"DELETE FROM part WHERE run = ? AND id = ?",
		"DELETE FROM event WHERE run = ? AND id = ?",
		"DELETE FROM state WHERE run = ? AND id = ?",
		"DELETE FROM txn WHERE run = ? AND id = ?",
	};
	int code = SQLITE_OK;

	for (size_t i = 0;
	     i < sizeof(tables) / sizeof(tables[0]) && code == SQLITE_OK; i++) {
		code = historysql_run(db, tables[i], "ii", old->run, old->id);
		*rowsp += sqlite3_changes(db);
	}
	return (code);
}

/*
 * Of the two other tables the oldest rows, if they are more than enough or too
 * old.  A run stays as long as something belongs to it.
 */
static int
remove_others(struct sqlite3 *db, const struct historyprune *prune, int *rowsp)
{
	int64_t event_n = 0, run_n = 0;
	int code = SQLITE_OK;

	if (prune->keep_count > 0) {
		code = historysql_number(db, &event_n,
		    "SELECT n FROM event WHERE id = 0 ORDER BY n DESC LIMIT 1"
		    " OFFSET ?",
		    "i", prune->keep_count);
		if (code == SQLITE_OK)
			code = historysql_number(db, &run_n,
			    "SELECT n FROM run ORDER BY n DESC LIMIT 1"
			    " OFFSET ?",
			    "i", prune->keep_count);
	}
	if (code == SQLITE_OK)
		code = historysql_run(db,
		    "DELETE FROM event WHERE n IN (SELECT n FROM event"
		    " WHERE id = 0 ORDER BY n LIMIT 64)"
		    " AND (n <= ? OR at_ms < ?)",
		    "ii", event_n, prune->before_ms);
	*rowsp += code == SQLITE_OK ? sqlite3_changes(db) : 0;
	if (code == SQLITE_OK)
		code = historysql_run(db,
		    "DELETE FROM run WHERE n IN (SELECT n FROM run ORDER BY n"
		    " LIMIT 64) AND n < ? AND (n <= ? OR started_at_ms < ?)"
		    " AND NOT EXISTS (SELECT 1 FROM txn AS t WHERE t.run = run.n)"
		    " AND NOT EXISTS (SELECT 1 FROM event AS e WHERE e.run = run.n)"
		    " AND NOT EXISTS (SELECT 1 FROM state AS s WHERE s.by_run = run.n"
		    "  AND s.state = 'interrupted')",
		    "iii", prune->current_run, run_n, prune->before_ms);
	*rowsp += code == SQLITE_OK ? sqlite3_changes(db) : 0;
	return (code);
}

/* Inside of an SQL transaction.  *rowsp: how many rows were removed. */
static int
remove_old(struct sqlite3 *db, const struct historyprune *prune, int *rowsp)
{
	struct old old[WINDOW];
	int64_t count_n = 0;
	size_t nold = 0;
	int code = SQLITE_OK;

	if (prune->keep_count > 0)
		code = historysql_number(db, &count_n,
		    "SELECT n FROM txn ORDER BY n DESC LIMIT 1 OFFSET ?", "i",
		    prune->keep_count);
	if (code == SQLITE_OK)
		code = find_old(db, prune, count_n, old, &nold);
	for (size_t i = 0; i < nold && code == SQLITE_OK && *rowsp < ROWS_MAX;
	     i++)
		code = remove_transaction(db, &old[i], rowsp);
	if (code == SQLITE_OK && *rowsp < ROWS_MAX)
		code = remove_others(db, prune, rowsp);
	return (code);
}

int
historyprune_step(struct sqlite3 *db, const struct historyprune *prune,
    bool (*stops)(void *arg), void *arg, bool *leftp)
{
	struct stop stop = { stops, arg };
	int code, rows = 0;

	*leftp = false;
	code = historysql_run(db, "BEGIN IMMEDIATE", "");
	if (code != SQLITE_OK)
		return (code);
	sqlite3_progress_handler(db, STEPS_BETWEEN, on_progress, &stop);
	code = remove_old(db, prune, &rows);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	if (code == SQLITE_OK && stops(arg))
		code = SQLITE_INTERRUPT;
	if (code == SQLITE_OK && rows > 0)
		code = historysql_run(db, "COMMIT", "");
	else if (code == SQLITE_OK)
		code = historysql_run(db, "ROLLBACK", "");
	if (code != SQLITE_OK && sqlite3_get_autocommit(db) == 0)
		(void)historysql_run(db, "ROLLBACK", "");
	*leftp = code == SQLITE_OK && rows > 0;
	return (code);
}
