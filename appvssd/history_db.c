/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history file: opening, checking, setting aside, SQL transactions.  Must
 * write nothing after a commit has returned: the disk may be frozen by then.
 *
 * The journal is a rollback journal that is deleted at each commit, and its
 * directory is synced (synchronous=EXTRA), so that a committed row cannot be
 * rolled back by a journal that came back after a power failure.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "history_db.h"
#include "history_rows.h"
#include "history_schema.h"
#include "history_sql.h"
#include "histwire.h"
#include "kernel/vssdev/heldlog.h"

#define SET_ASIDE_TRIES 100 /* names tried when files of that second exist */
#define ERROR_BYTES	256
#define QUOTED_BYTES	512

struct historydb {
	sqlite3 *db; /* owns */
	bool empty;  /* it has no tables yet */
	struct historyrows rows;
	struct historyrows committed;
	char set_aside[PATH_MAX]; /* what was renamed at open, or "" */
	char error[ERROR_BYTES];
};

static const char schema[] =
    "CREATE TABLE run(n INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE,"
    " started_at_ms INTEGER NOT NULL, boot_id TEXT NOT NULL,"
    " generation TEXT NOT NULL, version TEXT NOT NULL,"
    " last_seq INTEGER NOT NULL, ended_at_ms INTEGER);"
    "CREATE TABLE txn(n INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " id INTEGER NOT NULL, op TEXT NOT NULL, source TEXT NOT NULL,"
    " msgid INTEGER NOT NULL, at_ms INTEGER NOT NULL, UNIQUE(run, id));"
    "CREATE INDEX txn_id ON txn(id);"
    "CREATE TABLE state(n INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " id INTEGER NOT NULL, by_run INTEGER NOT NULL, state TEXT NOT NULL,"
    " consistency TEXT NOT NULL, reason TEXT NOT NULL,"
    " culprit TEXT NOT NULL, host TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " elapsed_ms INTEGER, late_ms INTEGER NOT NULL);"
    "CREATE INDEX state_txn ON state(run, id);"
    "CREATE TABLE part(n INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " id INTEGER NOT NULL, phase TEXT NOT NULL, name TEXT NOT NULL,"
    " program TEXT NOT NULL, result TEXT NOT NULL, thaw TEXT NOT NULL,"
    " text TEXT NOT NULL, pid INTEGER NOT NULL, uid INTEGER NOT NULL,"
    " ord INTEGER NOT NULL, required INTEGER NOT NULL,"
    " told_at_ms INTEGER, ready_at_ms INTEGER, thaw_told_at_ms INTEGER,"
    " thawed_at_ms INTEGER);"
    "CREATE INDEX part_txn ON part(run, id);"
    "CREATE TABLE event(n INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
    " id INTEGER NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,"
    " text TEXT NOT NULL);"
    "CREATE TABLE known(name TEXT PRIMARY KEY, program TEXT NOT NULL,"
    " since_ms INTEGER NOT NULL) WITHOUT ROWID;";

/* Names every table and a late column of each: fails on a foreign file. */
static const char probe[] =
    "SELECT (SELECT last_seq FROM run LIMIT 1),"
    " (SELECT msgid FROM txn LIMIT 1), (SELECT late_ms FROM state LIMIT 1),"
    " (SELECT thawed_at_ms FROM part LIMIT 1),"
    " (SELECT text FROM event LIMIT 1), (SELECT since_ms FROM known LIMIT 1)";

static enum historydb_result
keep_error(struct historydb *db, enum historydb_result result)
{
	if (result != HISTORYDB_OK)
		snprintf(db->error, sizeof(db->error), "%s",
		    sqlite3_errmsg(db->db));
	return (result);
}

/* SQLite would make it 0644; it is made before SQLite sees it. */
static enum historydb_result
make_file(const char *path)
{
	char quoted[QUOTED_BYTES];
	const char *why;
	int fd, error;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd >= 0) {
		close(fd);
		return (HISTORYDB_OK);
	}
	error = errno;
	if (error == ENOSPC || error == EDQUOT || error == EIO ||
	    error == EINTR || error == ENOMEM || error == ENFILE)
		return (HISTORYDB_RETRY);
	why = strerror(error);
	heldlog(HELDLOG_ERROR, "history_unusable", "path=%s error=\"%s\"",
	    heldlog_quote(path, quoted, sizeof(quoted)), why);
	return (HISTORYDB_UNUSABLE);
}

/* A free name for the file and its journal, of this second. */
static bool
find_name(const char *path, char *name, size_t size)
{
	char stamp[32], journal[PATH_MAX];
	struct stat st;
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (int i = 0; i < SET_ASIDE_TRIES; i++) {
		int length = i == 0 ?
		    snprintf(name, size, "%s.corrupt-%s", path, stamp) :
		    snprintf(name, size, "%s.corrupt-%s-%d", path, stamp, i);
		int journal_length = snprintf(journal, sizeof(journal),
		    "%s-journal", name);

		if (length < 0 || (size_t)length >= size ||
		    journal_length < 0 ||
		    (size_t)journal_length >= sizeof(journal))
			return (false);
		if (lstat(name, &st) < 0 && lstat(journal, &st) < 0)
			return (true);
	}
	return (false);
}

/*
 * The journal goes first and under the name that belongs to the new one, so
 * that SQLite still finds it there and never takes it for the next file's.
 */
static enum historydb_result
set_aside(const char *path, const char *why, char *name, size_t size)
{
	char from[PATH_MAX], to[PATH_MAX], quoted[QUOTED_BYTES];
	char reason[QUOTED_BYTES];

	heldlog_quote(path, quoted, sizeof(quoted));
	if (!find_name(path, name, size) ||
	    snprintf(from, sizeof(from), "%s-journal", path) >=
		(int)sizeof(from) ||
	    snprintf(to, sizeof(to), "%s-journal", name) >= (int)sizeof(to)) {
		heldlog(HELDLOG_ERROR, "history_unusable",
		    "path=%s error=\"no name to set it aside\"", quoted);
		return (HISTORYDB_UNUSABLE);
	}
	if ((rename(from, to) < 0 && errno != ENOENT) ||
	    rename(path, name) < 0) {
		heldlog(HELDLOG_ERROR, "history_unusable",
		    "path=%s error=\"cannot set it aside: %s\"", quoted,
		    strerror(errno));
		return (HISTORYDB_UNUSABLE);
	}
	heldlog(HELDLOG_ERROR, "history_set_aside", "path=%s reason=%s as=%s",
	    quoted, heldlog_quote(why, reason, sizeof(reason)),
	    heldlog_quote(name, from, sizeof(from)));
	return (HISTORYDB_OK);
}

static int
configure(sqlite3 *db)
{
	static const char *const pragmas[] = {
		"PRAGMA trusted_schema = OFF",
		"PRAGMA journal_mode = DELETE",
		"PRAGMA synchronous = EXTRA",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA cache_spill = OFF",
		"PRAGMA mmap_size = 0",
	};
	int code = SQLITE_OK;

	for (size_t i = 0;
	     i < sizeof(pragmas) / sizeof(pragmas[0]) && code == SQLITE_OK; i++)
		code = historysql_run(db, pragmas[i], "");
	return (code);
}

static int
quick_check(sqlite3 *db, bool *okp)
{
	sqlite3_stmt *statement;
	int code;

	*okp = false;
	code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement,
	    NULL);
	if (code != SQLITE_OK)
		return (code);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(statement, 0);

		*okp = text != NULL && strcmp((const char *)text, "ok") == 0;
		code = SQLITE_OK;
	}
	sqlite3_finalize(statement);
	return (code);
}

/*
 * What is this file?  *whyp is set when it is to be set aside.  The result is
 * OK, RETRY or NEWER.
 */
static enum historydb_result
inspect(struct historydb *db, const char **whyp)
{
	int64_t application = 0, version = 0, tables = 0;
	bool sound = false;
	int code;

	*whyp = NULL;
	code = historysql_number(db->db, &application, "PRAGMA application_id",
	    "");
	if (code == SQLITE_OK)
		code = historysql_number(db->db, &version,
		    "PRAGMA user_version", "");
	if (code == SQLITE_OK)
		code = historysql_number(db->db, &tables,
		    "SELECT count(*) FROM sqlite_schema", "");
	if (code == SQLITE_OK && application == 0 && version == 0 &&
	    tables == 0) {
		db->empty = true;
		return (keep_error(db, historysql_result(configure(db->db))));
	}
	if (code == SQLITE_OK && application != HISTORY_APPLICATION_ID)
		*whyp = "not a history of appvssd";
	else if (code == SQLITE_OK && version > HISTORY_SCHEMA_VERSION)
		return (HISTORYDB_NEWER);
	if (code == SQLITE_OK && *whyp == NULL)
		code = quick_check(db->db, &sound);
	if (code == SQLITE_OK && *whyp == NULL && !sound)
		*whyp = "it fails its check";
	if (code == SQLITE_OK && *whyp == NULL)
		code = historysql_run(db->db, probe, "");
	if (code == SQLITE_OK && *whyp == NULL)
		code = configure(db->db);
	if (historysql_result(code) == HISTORYDB_RETRY)
		return (keep_error(db, HISTORYDB_RETRY));
	if (code != SQLITE_OK && *whyp == NULL)
		*whyp = sqlite3_errstr(code);
	return (HISTORYDB_OK);
}

static enum historydb_result
open_and_inspect(struct historydb *db, const char *path, const char **whyp)
{
	enum historydb_result result;
	int code;

	result = make_file(path);
	if (result != HISTORYDB_OK) {
		snprintf(db->error, sizeof(db->error), "%s", strerror(errno));
		return (result);
	}
	db->empty = false;
	code = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READWRITE, NULL);
	sqlite3_extended_result_codes(db->db, 1);
	if (code != SQLITE_OK)
		return (keep_error(db, HISTORYDB_RETRY));
	result = inspect(db, whyp);
	if (result == HISTORYDB_NEWER) {
		char quoted[QUOTED_BYTES];

		heldlog(HELDLOG_ERROR, "history_newer",
		    "path=%s error=\"it was written by a newer appvssd\"",
		    heldlog_quote(path, quoted, sizeof(quoted)));
	}
	return (result);
}

enum historydb_result
historydb_open(struct historydb **dbp, const char *path)
{
	enum historydb_result result;
	struct historydb *db;
	const char *why;

	db = calloc(1, sizeof(*db));
	if (db == NULL)
		return (HISTORYDB_RETRY);
	result = open_and_inspect(db, path, &why);
	if (result == HISTORYDB_OK && why != NULL) {
		sqlite3_close(db->db);
		db->db = NULL;
		result = set_aside(path, why, db->set_aside,
		    sizeof(db->set_aside));
		if (result == HISTORYDB_OK)
			result = open_and_inspect(db, path, &why);
		if (result == HISTORYDB_OK && why != NULL)
			result = HISTORYDB_RETRY; /* somebody made another */
	}
	if (result != HISTORYDB_OK) {
		historydb_close(db);
		return (result);
	}
	db->rows.db = db->db;
	db->committed = db->rows;
	*dbp = db;
	return (HISTORYDB_OK);
}

void
historydb_close(struct historydb *db)
{
	if (db == NULL)
		return;
	sqlite3_close(db->db);
	free(db);
}

enum historydb_result
historydb_last_id(struct historydb *db, uint64_t *idp)
{
	int64_t id = 0;
	int code = SQLITE_OK;

	if (!db->empty)
		code = historysql_number(db->db, &id,
		    "SELECT coalesce(max(id), 0) FROM txn", "");
	*idp = id > 0 ? (uint64_t)id : 0;
	return (keep_error(db, historysql_result(code)));
}

enum historydb_result
historydb_each_known(struct historydb *db,
    void (*known)(void *arg, const char *name, const char *program), void *arg)
{
	sqlite3_stmt *statement;
	int code;

	if (db->empty)
		return (HISTORYDB_OK);
	code = sqlite3_prepare_v2(db->db,
	    "SELECT name, program FROM known ORDER BY name", -1, &statement,
	    NULL);
	if (code != SQLITE_OK)
		return (keep_error(db, historysql_result(code)));
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const unsigned char *name = sqlite3_column_text(statement, 0);
		const unsigned char *program = sqlite3_column_text(statement,
		    1);

		if (name != NULL && program != NULL)
			known(arg, (const char *)name, (const char *)program);
	}
	sqlite3_finalize(statement);
	return (keep_error(db, historysql_result(code)));
}

/* A commit that failed may have happened all the same. */
static enum historydb_result
reload_last_seq(struct historydb *db)
{
	int64_t last_seq = -1;
	int code;

	code = historysql_number(db->db, &last_seq,
	    "SELECT last_seq FROM run WHERE n = ?", "i", db->rows.run);
	if (code == SQLITE_OK && last_seq < 0)
		return (HISTORYDB_REOPEN);
	db->rows.last_seq = (uint64_t)last_seq;
	return (historysql_result(code));
}

static enum historydb_result
begin(struct historydb *db)
{
	char pragma[64];
	int code;

	code = historysql_run(db->db, "BEGIN IMMEDIATE", "");
	if (code == SQLITE_OK && db->rows.run != 0)
		return (reload_last_seq(db));
	if (code != SQLITE_OK || !db->empty)
		return (historysql_result(code));
	code = sqlite3_exec(db->db, schema, NULL, NULL, NULL);
	if (code == SQLITE_OK) {
		snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d",
		    HISTORY_APPLICATION_ID);
		code = historysql_run(db->db, pragma, "");
	}
	if (code == SQLITE_OK) {
		snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d",
		    HISTORY_SCHEMA_VERSION);
		code = historysql_run(db->db, pragma, "");
	}
	return (historysql_result(code));
}

enum historydb_result
historydb_apply(struct historydb *db, const struct wire_msg *msg)
{
	enum historydb_result result = HISTORYDB_OK;

	if (sqlite3_get_autocommit(db->db) != 0)
		result = begin(db);
	if (result == HISTORYDB_OK)
		result = historyrows_apply(&db->rows, msg, db->set_aside);
	return (keep_error(db, result));
}

enum historydb_result
historydb_commit(struct historydb *db, uint64_t *seqp)
{
	enum historydb_result result = HISTORYDB_OK;

	*seqp = db->committed.last_seq;
	if (sqlite3_get_autocommit(db->db) != 0)
		return (HISTORYDB_OK);
	if (db->rows.run != 0)
		result = historyrows_finish(&db->rows);
	if (result == HISTORYDB_OK)
		result = historysql_result(
		    historysql_run(db->db, "COMMIT", ""));
	if (result != HISTORYDB_OK)
		return (keep_error(db, result));
	db->empty = false;
	db->committed = db->rows;
	*seqp = db->rows.last_seq;
	return (HISTORYDB_OK);
}

void
historydb_rollback(struct historydb *db)
{
	if (sqlite3_get_autocommit(db->db) == 0)
		(void)historysql_run(db->db, "ROLLBACK", "");
	db->rows = db->committed;
}

const char *
historydb_error(const struct historydb *db)
{
	return (db->error);
}
