/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Setting a history file aside: see history_aside.h.  Must write to no file
 * that it has set aside.
 */
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "history_aside.h"
#include "history_schema.h"
#include "history_sql.h"
#include "kernel/vssdev/heldlog.h"

#define SET_ASIDE_TRIES 100 /* names tried when files of that second exist */
#define QUOTED_BYTES	512

/* A free name for the file and its journal, of this second. */
static bool
find_name(const char *path, const char *kind, char *name, size_t size)
{
	char stamp[32], journal[PATH_MAX];
	struct stat st;
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (int i = 0; i < SET_ASIDE_TRIES; i++) {
		int length = i == 0 ?
		    snprintf(name, size, "%s.%s-%s", path, kind, stamp) :
		    snprintf(name, size, "%s.%s-%s-%d", path, kind, stamp, i);
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
enum historydb_result
historyaside_move(const char *path, const char *kind, const char *why,
    char *name, size_t size)
{
	char from[PATH_MAX], to[PATH_MAX], quoted[QUOTED_BYTES];
	char reason[QUOTED_BYTES];

	heldlog_quote(path, quoted, sizeof(quoted));
	if (!find_name(path, kind, name, size) ||
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

/* NULL: it cannot be read, or is none of ours. */
static sqlite3 *
open_aside(const char *name)
{
	int64_t application = 0;
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(name, &db, SQLITE_OPEN_READONLY, NULL) ==
		SQLITE_OK &&
	    historysql_run(db, "PRAGMA trusted_schema = OFF", "") ==
		SQLITE_OK &&
	    historysql_number(db, &application, "PRAGMA application_id", "") ==
		SQLITE_OK &&
	    application == HISTORY_APPLICATION_ID)
		return (db);
	historysql_close(db);
	return (NULL);
}

int64_t
historyaside_last_id(const char *name)
{
	sqlite3 *db = open_aside(name);
	int64_t id = 0;

	if (db == NULL)
		return (0);
	if (historysql_number(db, &id, "SELECT max(id) FROM txn", "") !=
		SQLITE_OK ||
	    id < 0 || id > HISTORYASIDE_ID_MAX)
		id = 0;
	historysql_close(db);
	return (id);
}

void
historyaside_each_known(const char *name,
    void (
	*known)(void *arg, const char *name, const char *program, int64_t uid),
    void *arg)
{
	sqlite3 *db = open_aside(name);

	if (db == NULL)
		return;
	(void)historyschema_each_known(db, known, arg);
	historysql_close(db);
}

struct copy {
	sqlite3 *to;
	int code;
};

static void
copy_one(void *arg, const char *name, const char *program, int64_t uid)
{
	struct copy *copy = arg;

	if (copy->code == SQLITE_OK)
		copy->code = historysql_run(copy->to,
		    "INSERT OR IGNORE INTO known(name, program, since_ms, uid)"
		    " VALUES(?, ?, 0, ?)",
		    "ttu", name, program, uid);
}

int
historyaside_copy_known(const char *name, sqlite3 *to)
{
	struct copy copy = { to, SQLITE_OK };

	historyaside_each_known(name, copy_one, &copy);
	return (copy.code);
}
