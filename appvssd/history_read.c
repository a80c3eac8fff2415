/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens a history file for reading.  Must never write to it, wait for a frozen
 * disk, or use immutable=1, which would ignore the journal.
 *
 * The file is opened read-only, which needs no write anywhere.  If a journal
 * waits to be rolled back (its writer died in the middle of a commit), a copy
 * of both is opened instead, and SQLite never sees the original.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history_read_impl.h"
#include "history_schema.h"

#define BUSY_MS	     2000 /* a commit is that long only on a frozen disk */
#define HEADER_BYTES 20
/* Of the file format, for writing and for reading: 1 rollback journal, 2 WAL.
 */
#define WRITE_MODE_OFFSET 18
#define READ_MODE_OFFSET  19

static const char busy_text[] =
    "the history is being written, or lies on a disk that is frozen: try again";

/* What can be said before SQLite touches the file. */
static enum history_error
look_at_file(const char *path, char *error)
{
	unsigned char header[HEADER_BYTES];
	struct stat st;
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		snprintf(error, HISTORY_ERROR_SIZE, "%s", strerror(errno));
		return (errno == EACCES || errno == EPERM ? HISTORY_E_DENIED :
							    HISTORY_E_MISSING);
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		snprintf(error, HISTORY_ERROR_SIZE, "it is not a file");
		return (HISTORY_E_FORMAT);
	}
	got = pread(fd, header, sizeof(header), 0);
	close(fd);
	if (st.st_size == 0) {
		snprintf(error, HISTORY_ERROR_SIZE, "nothing was recorded yet");
		return (HISTORY_E_MISSING);
	}
	if (got == (ssize_t)sizeof(header) &&
	    memcmp(header, "SQLite format 3", 16) == 0 &&
	    (header[WRITE_MODE_OFFSET] == 2 || header[READ_MODE_OFFSET] == 2)) {
		snprintf(error, HISTORY_ERROR_SIZE,
		    "it uses a write-ahead log: not written by appvssd");
		return (HISTORY_E_FORMAT);
	}
	return (HISTORY_OK);
}

static enum history_error
explain(sqlite3 *db, int code, char *error)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return (HISTORY_OK);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		snprintf(error, HISTORY_ERROR_SIZE, "%s", busy_text);
		return (HISTORY_E_BUSY);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		snprintf(error, HISTORY_ERROR_SIZE, "%s", sqlite3_errmsg(db));
		return (HISTORY_E_FORMAT);
	default:
		snprintf(error, HISTORY_ERROR_SIZE, "%s", sqlite3_errmsg(db));
		return (HISTORY_E_SYSTEM);
	}
}

/* One number of a PRAGMA or a SELECT. */
static int
get_number(sqlite3 *db, const char *sql, int *valuep)
{
	sqlite3_stmt *statement;
	int code;

	code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (code != SQLITE_OK)
		return (code);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		*valuep = sqlite3_column_int(statement, 0);
		code = SQLITE_OK;
	}
	sqlite3_finalize(statement);
	return (code == SQLITE_DONE ? SQLITE_OK : code);
}

static enum history_error
check_version(sqlite3 *db, char *error)
{
	int application = 0, version = 0;
	int code;

	code = get_number(db, "PRAGMA application_id", &application);
	if (code == SQLITE_OK)
		code = get_number(db, "PRAGMA user_version", &version);
	if (code != SQLITE_OK)
		return (explain(db, code, error));
	if (application != HISTORY_APPLICATION_ID || version < 1) {
		snprintf(error, HISTORY_ERROR_SIZE,
		    "it is not a history of appvssd");
		return (HISTORY_E_FORMAT);
	}
	if (version > HISTORY_SCHEMA_VERSION) {
		snprintf(error, HISTORY_ERROR_SIZE,
		    "it is of version %d, this program knows up to %d: use "
		    "the appvssctl of the newer appvssd",
		    version, HISTORY_SCHEMA_VERSION);
		return (HISTORY_E_FORMAT);
	}
	if (version < HISTORY_STAND_IN_BEFORE)
		code = sqlite3_exec(db, HISTORY_STAND_IN, NULL, NULL, NULL);
	return (explain(db, code, error));
}

/* Opens, and begins the read transaction.  SQLite's extended code. */
static int
open_database(sqlite3 **dbp, const char *path, int flags)
{
	int code, tables;

	code = sqlite3_open_v2(path, dbp, flags, NULL);
	if (*dbp == NULL)
		return (SQLITE_NOMEM);
	sqlite3_extended_result_codes(*dbp, 1);
	if (code != SQLITE_OK)
		return (code);
	sqlite3_busy_timeout(*dbp, BUSY_MS);
	/* The file may be anybody's: a view could run for ever. */
	(void)sqlite3_db_config(*dbp, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_db_config(*dbp, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(*dbp, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	code = sqlite3_exec(*dbp,
	    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
	    "PRAGMA temp_store = MEMORY; BEGIN",
	    NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return (code);
	return (
	    get_number(*dbp, "SELECT count(*) FROM sqlite_schema", &tables));
}

/* The file cannot be read as it lies there, but a copy of it can. */
static bool
wants_copy(int code)
{
	return ((code & 0xff) == SQLITE_READONLY || code == SQLITE_IOERR_LOCK ||
	    code == SQLITE_IOERR_RDLOCK ||
	    code == SQLITE_IOERR_CHECKRESERVEDLOCK || code == SQLITE_CANTOPEN);
}

static enum history_error
open_copy(sqlite3 **dbp, const char *path, int *codep, char *error)
{
	struct history_copy copy = { .directory = "" };
	enum history_error result;

	result = history_copy_make(&copy, path, error);
	if (result != HISTORY_OK)
		return (result);
	*codep = open_database(dbp, copy.path, SQLITE_OPEN_READWRITE);
	history_copy_remove(&copy);
	return (HISTORY_OK);
}

enum history_error
history_open(struct history **historyp, const char *path, char *error)
{
	struct history *history;
	enum history_error result;
	sqlite3 *db = NULL;
	int code;

	result = look_at_file(path, error);
	if (result != HISTORY_OK)
		return (result);
	code = SQLITE_READONLY_ROLLBACK;
	if (!history_copy_wanted(path))
		code = open_database(&db, path, SQLITE_OPEN_READONLY);
	if (wants_copy(code)) {
		sqlite3_close(db);
		db = NULL;
		result = open_copy(&db, path, &code, error);
	}
	if (result == HISTORY_OK)
		result = explain(db, code, error);
	if (result == HISTORY_OK)
		result = check_version(db, error);
	history = result == HISTORY_OK ? calloc(1, sizeof(*history)) : NULL;
	if (history == NULL) {
		if (result == HISTORY_OK) {
			snprintf(error, HISTORY_ERROR_SIZE, "no memory");
			result = HISTORY_E_SYSTEM;
		}
		sqlite3_close(db);
		return (result);
	}
	history->db = db;
	*historyp = history;
	return (HISTORY_OK);
}

void
history_close(struct history *history)
{
	if (history == NULL)
		return;
	sqlite3_close(history->db);
	free(history);
}

const char *
history_error_text(const struct history *history)
{
	return (history->error);
}
