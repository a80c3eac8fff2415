/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs SQL statements with bound parameters.  Keeps no state.
 */
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>

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
		return (HISTORYDB_RETRY);
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

static int
run_statement(struct sqlite3 *db, int64_t *valuep, const char *sql,
    const char *format, va_list ap)
{
	sqlite3_stmt *statement;
	int code;

	code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (code != SQLITE_OK)
		return (code);
	code = bind_all(statement, format, ap);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW && valuep != NULL)
		*valuep = sqlite3_column_int64(statement, 0);
	while (code == SQLITE_ROW)
		code = sqlite3_step(statement);
	sqlite3_finalize(statement);
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
