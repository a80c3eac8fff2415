/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One SQL statement in one call, and what SQLite's results mean to the history
 * process.
 */
#ifndef HISTORY_SQL_H
#define HISTORY_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "history_db.h"

struct sqlite3;

/* What an SQLite result code asks for. */
enum historydb_result historysql_result(int code);

/* Closes db (or NULL) and what the functions below keep prepared in it. */
void historysql_close(struct sqlite3 *db);

/*
 * Runs one statement with its parameters bound as format says: i int64_t,
 * u int64_t that is NULL when negative, t const char *.  Returns SQLite's
 * extended result code, SQLITE_OK when it ran to its end.  The statement stays
 * prepared until historysql_close(): no SQL is made of values.
 */
int historysql_run(struct sqlite3 *db, const char *sql, const char *format,
    ...);

/* The same for a statement that gives one number; no row: *valuep stays. */
int historysql_number(struct sqlite3 *db, int64_t *valuep, const char *sql,
    const char *format, ...);

#endif /* HISTORY_SQL_H */
