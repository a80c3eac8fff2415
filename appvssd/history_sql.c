/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs SQL statements with bound parameters.  Keeps no state but the prepared
 * statements of a connection, which the connection itself lists.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "history_sql.h"

enum historydb_result
historysql_result(int code)
{
	if (code == SQLITE_READONLY_DBMOVED)
		return (HISTORYDB_REOPEN);
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return (HISTORYDB_OK);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_CANTOPEN: /* of the journal: the file itself is open */
	case SQLITE_READONLY:
	case SQLITE_PROTOCOL:
	case SQLITE_INTERRUPT:
		return (HISTORYDB_RETRY);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return (HISTORYDB_DAMAGED);
	default:
		return (HISTORYDB_REOPEN);
	}
}

static int
bind_all(sqlite3_stmt *statement, const char *format, va_list ap)
{
	int code = SQLITE_OK;
	int64_t number;

	for (int i = 0; format[i] != '\0' && code == SQLITE_OK; i++) {
		switch (format[i]) {
		case 'i':
			code = sqlite3_bind_int64(statement, i + 1,
			    va_arg(ap, int64_t));
			break;
		case 't':
			code = sqlite3_bind_text(statement, i + 1,
			    va_arg(ap, const char *), -1, SQLITE_STATIC);
			break;
		case 'u':
			number = va_arg(ap, int64_t);
			code = number < 0 ?
			    sqlite3_bind_null(statement, i + 1) :
			    sqlite3_bind_int64(statement, i + 1, number);
			break;
		default:
			code = SQLITE_MISUSE;
			break;
		}
	}
	return (code);
}

/* One that was prepared before, or a new one. */
static int
get_statement(struct sqlite3 *db, const char *sql, sqlite3_stmt **statementp)
{
	sqlite3_stmt *statement;

	for (statement = sqlite3_next_stmt(db, NULL); statement != NULL;
	     statement = sqlite3_next_stmt(db, statement)) {
		if (!sqlite3_stmt_busy(statement) &&
		    strcmp(sqlite3_sql(statement), sql) == 0) {
			*statementp = statement;
			return (SQLITE_OK);
		}
	}
	return (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    statementp, NULL));
}

void
historysql_close(struct sqlite3 *db)
{
	sqlite3_stmt *statement;

	while (db != NULL && (statement = sqlite3_next_stmt(db, NULL)) != NULL)
		sqlite3_finalize(statement);
	sqlite3_close(db);
}

static int
run_statement(struct sqlite3 *db, int64_t *valuep, const char *sql,
    const char *format, va_list ap)
{
	sqlite3_stmt *statement;
	int code;

	code = get_statement(db, sql, &statement);
	if (code != SQLITE_OK)
		return (code);
	code = bind_all(statement, format, ap);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW && valuep != NULL)
		*valuep = sqlite3_column_int64(statement, 0);
	while (code == SQLITE_ROW)
		code = sqlite3_step(statement);
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return (code == SQLITE_DONE ? SQLITE_OK : code);
}

int
historysql_run(struct sqlite3 *db, const char *sql, const char *format, ...)
{
	va_list ap;
	int code;

	va_start(ap, format);
	code = run_statement(db, NULL, sql, format, ap);
	va_end(ap);
	return (code);
}

int
historysql_number(struct sqlite3 *db, int64_t *valuep, const char *sql,
    const char *format, ...)
{
	va_list ap;
	int code;

	va_start(ap, format);
	code = run_statement(db, valuep, sql, format, ap);
	va_end(ap);
	return (code);
}
