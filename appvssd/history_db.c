/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The history file: opening, judging, SQL transactions.  Must
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
#include <unistd.h>

#include "history_aside.h"
#include "history_check.h"
#include "history_db.h"
#include "history_rows.h"
#include "history_schema.h"
#include "history_sql.h"
#include "histwire.h"
#include "kernel/vssdev/heldlog.h"

#define ERROR_BYTES  256
#define QUOTED_BYTES 512
#define BUSY_MS	     100 /* for readers; then the batch is done again */

static const char unsound_text[] = "it fails its check";

struct historydb {
	sqlite3 *db; /* owns */
	int version; /* of the tables; 0: there are none yet */
	bool wants_check;
	int64_t check_bytes;
	struct historycheck check; /* of one that takes its time */
	struct historyrows rows;
	struct historyrows committed;
	char set_aside[PATH_MAX]; /* what was renamed at open, or "" */
	char error[ERROR_BYTES];
};

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

bool
historydb_wants_check(const struct historydb *db)
{
	return (db->wants_check);
}

enum historydb_result
historydb_check(struct historydb *db)
{
	enum historydb_result result;
	bool done = false;

	result = historysql_result(
	    historycheck_step(db->db, &db->check, &done));
	if (done)
		db->wants_check = false;
	return (keep_error(db, result));
}

/* A large file is not waited for. */
static int
check_at_open(struct historydb *db, const char *path, bool *soundp)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_size <= db->check_bytes)
		return (historycheck_whole(db->db, soundp));
	db->wants_check = true;
	*soundp = true;
	return (SQLITE_OK);
}

/* Why a file is to be set aside, and under which name. */
struct verdict {
	const char *why; /* NULL: it is not */
	const char *kind;
};

/* Numbers have to go on from here, of transactions and of their rows. */
static int
check_numbers(sqlite3 *db, bool *soundp)
{
	int64_t id = 0, n = 0;
	int code;

	code = historysql_number(db, &id, "SELECT max(id) FROM txn", "");
	if (code == SQLITE_OK)
		code = historysql_number(db, &n, "SELECT max(n) FROM txn", "");
	*soundp = id <= HISTORYASIDE_ID_MAX && n <= HISTORYASIDE_ID_MAX;
	return (code);
}

/* Of a file that is a history of a version that is known here. */
static enum historydb_result
inspect_history(struct historydb *db, const char *path, struct verdict *verdict)
{
	bool sound;
	int code;

	code = check_at_open(db, path, &sound);
	if (code == SQLITE_OK && sound)
		code = historyschema_probe(db->db, db->version);
	if (code == SQLITE_OK && sound)
		code = check_numbers(db->db, &sound);
	if (code == SQLITE_OK && sound)
		code = configure(db->db);
	if (code == SQLITE_OK && db->version < HISTORY_STAND_IN_BEFORE)
		code = historysql_run(db->db, HISTORY_STAND_IN, "");
	if (historysql_result(code) == HISTORYDB_RETRY)
		return (keep_error(db, HISTORYDB_RETRY));
	if (code != SQLITE_OK)
		verdict->why = sqlite3_errstr(code);
	else if (!sound)
		verdict->why = unsound_text;
	return (HISTORYDB_OK);
}

/* What is this file?  The result is OK, with a verdict, or RETRY. */
static enum historydb_result
inspect(struct historydb *db, const char *path, struct verdict *verdict)
{
	int64_t application = 0, version = 0, tables = 0;
	int code;

	*verdict = (struct verdict) { NULL, "corrupt" };
	code = historysql_number(db->db, &application, "PRAGMA application_id",
	    "");
	if (code == SQLITE_OK)
		code = historysql_number(db->db, &version,
		    "PRAGMA user_version", "");
	if (code == SQLITE_OK)
		code = historysql_number(db->db, &tables,
		    "SELECT count(*) FROM sqlite_schema", "");
	if (historysql_result(code) == HISTORYDB_RETRY)
		return (keep_error(db, HISTORYDB_RETRY));
	if (code != SQLITE_OK) {
		verdict->why = sqlite3_errstr(code);
		return (HISTORYDB_OK);
	}
	if (application == 0 && version == 0 && tables == 0)
		return (keep_error(db, historysql_result(configure(db->db))));
	if (application != HISTORY_APPLICATION_ID || version < 1) {
		verdict->why = "not a history of appvssd";
		return (HISTORYDB_OK);
	}
	if (version > HISTORY_SCHEMA_VERSION) {
		*verdict = (struct verdict) { "written by a newer appvssd",
			"newer" };
		return (HISTORYDB_OK);
	}
	db->version = (int)version;
	return (inspect_history(db, path, verdict));
}

static enum historydb_result
open_and_inspect(struct historydb *db, const char *path,
    struct verdict *verdict)
{
	enum historydb_result result;
	int code;

	result = make_file(path);
	if (result != HISTORYDB_OK) {
		snprintf(db->error, sizeof(db->error), "%s", strerror(errno));
		return (result);
	}
	db->version = 0;
	db->wants_check = false;
	memset(&db->check, 0, sizeof(db->check));
	code = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READWRITE, NULL);
	sqlite3_extended_result_codes(db->db, 1);
	sqlite3_busy_timeout(db->db, BUSY_MS);
	if (code != SQLITE_OK)
		return (keep_error(db, HISTORYDB_RETRY));
	return (inspect(db, path, verdict));
}

/* Opens, and if it must, sets aside and opens again. */
static enum historydb_result
open_sound(struct historydb *db, const char *path)
{
	enum historydb_result result;
	struct verdict verdict;

	result = open_and_inspect(db, path, &verdict);
	if (result != HISTORYDB_OK || verdict.why == NULL)
		return (result);
	historysql_close(db->db);
	db->db = NULL;
	result = historyaside_move(path, verdict.kind, verdict.why,
	    db->set_aside, sizeof(db->set_aside));
	if (result == HISTORYDB_OK)
		result = open_and_inspect(db, path, &verdict);
	if (result == HISTORYDB_OK && verdict.why != NULL)
		result = HISTORYDB_RETRY; /* somebody made another */
	return (result);
}

enum historydb_result
historydb_open(struct historydb **dbp, const char *path, const char *set_aside,
    int64_t check_bytes)
{
	enum historydb_result result;
	struct historydb *db;

	*dbp = NULL;
	db = calloc(1, sizeof(*db));
	if (db == NULL)
		return (HISTORYDB_RETRY);
	snprintf(db->set_aside, sizeof(db->set_aside), "%s", set_aside);
	db->check_bytes = check_bytes;
	result = open_sound(db, path);
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
	historysql_close(db->db);
	free(db);
}

const char *
historydb_set_aside(const struct historydb *db)
{
	return (db->set_aside);
}

struct sqlite3 *
historydb_sqlite(const struct historydb *db)
{
	return (db->db);
}

int64_t
historydb_run(const struct historydb *db)
{
	return (db->rows.run);
}

bool
historydb_is_empty(const struct historydb *db)
{
	return (db->version == 0);
}

enum historydb_result
historydb_last_id(struct historydb *db, uint64_t *idp)
{
	int64_t id = 0;
	int code = SQLITE_OK;

	if (db->version != 0)
		code = historysql_number(db->db, &id,
		    "SELECT coalesce(max(id), 0) FROM txn", "");
	else if (db->set_aside[0] != '\0')
		id = historyaside_last_id(db->set_aside);
	*idp = id > 0 ? (uint64_t)id : 0;
	return (keep_error(db, historysql_result(code)));
}

enum historydb_result
historydb_find_unsure(struct historydb *db, struct historydb_unsure *unsure)
{
	int code = SQLITE_OK;

	*unsure = (struct historydb_unsure) { 0, 0 };
	if (db->version >= 2) /* which has the table driver */
		code = historyrows_find_unsure(db->db, unsure);
	return (keep_error(db, historysql_result(code)));
}

enum historydb_result
historydb_each_known(struct historydb *db,
    void (
	*known)(void *arg, const char *name, const char *program, int64_t uid),
    void *arg)
{
	int code = SQLITE_OK;

	if (db->version != 0)
		code = historyschema_each_known(db->db, known, arg);
	else if (db->set_aside[0] != '\0')
		historyaside_each_known(db->set_aside, known, arg);
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
	int code;

	code = historysql_run(db->db, "BEGIN IMMEDIATE", "");
	if (code == SQLITE_OK && db->rows.run != 0)
		return (reload_last_seq(db));
	if (code != SQLITE_OK || db->version == HISTORY_SCHEMA_VERSION)
		return (historysql_result(code));
	code = historyschema_make(db->db, db->version);
	if (code == SQLITE_OK && db->version == 0 && db->set_aside[0] != '\0')
		code = historyaside_copy_known(db->set_aside, db->db);
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
	if (db->version != HISTORY_SCHEMA_VERSION && db->version != 0)
		heldlog(HELDLOG_INFO, "history_migrated", "from=%d to=%d",
		    db->version, HISTORY_SCHEMA_VERSION);
	db->version = HISTORY_SCHEMA_VERSION;
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
