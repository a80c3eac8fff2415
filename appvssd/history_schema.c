/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of the history file: made, brought to this version, recognized.
 * Must not begin or commit: all of a change lies in the caller's transaction.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "history_schema.h"
#include "history_sql.h"

#define KNOWN_MAX 100000 /* rows read, of a damaged file */

static const char tables[] =
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

/* Steps from a version to the next one: [0] makes 2 of 1. */
static const char *const steps[HISTORY_SCHEMA_VERSION - 1] = {
	"ALTER TABLE known ADD COLUMN uid INTEGER;"
	"CREATE INDEX txn_freeze ON txn(n) WHERE op = 'freeze';"
	"CREATE INDEX state_held ON state(n) WHERE state = 'held';"
	"CREATE INDEX state_interrupted ON state(by_run)"
	" WHERE state = 'interrupted';"
	"CREATE INDEX event_txn ON event(run, id);"
	"CREATE INDEX event_free ON event(n) WHERE id = 0;"
	"CREATE TABLE driver(one INTEGER PRIMARY KEY CHECK(one = 1),"
	" run INTEGER NOT NULL, instance INTEGER NOT NULL,"
	" snapshots INTEGER NOT NULL);",
	"DROP TABLE IF EXISTS temp.held;" /* HISTORY_STAND_IN */
	"CREATE TABLE held(run INTEGER NOT NULL, id INTEGER NOT NULL,"
	" proof INTEGER NOT NULL, n INTEGER NOT NULL, parts TEXT NOT NULL,"
	" PRIMARY KEY(run, id, proof, n)) WITHOUT ROWID;",
};

/* Each names every table and a late column of it. */
static const char *const probes[HISTORY_SCHEMA_VERSION] = {
	"SELECT (SELECT last_seq FROM run LIMIT 1),"
	" (SELECT msgid FROM txn LIMIT 1),"
	" (SELECT late_ms FROM state LIMIT 1),"
	" (SELECT thawed_at_ms FROM part LIMIT 1),"
	" (SELECT text FROM event LIMIT 1),"
	" (SELECT since_ms FROM known LIMIT 1)",
	"SELECT (SELECT last_seq FROM run LIMIT 1),"
	" (SELECT msgid FROM txn LIMIT 1),"
	" (SELECT late_ms FROM state LIMIT 1),"
	" (SELECT thawed_at_ms FROM part LIMIT 1),"
	" (SELECT text FROM event LIMIT 1), (SELECT uid FROM known LIMIT 1),"
	" (SELECT snapshots FROM driver LIMIT 1)",
	"SELECT (SELECT last_seq FROM run LIMIT 1),"
	" (SELECT msgid FROM txn LIMIT 1),"
	" (SELECT late_ms FROM state LIMIT 1),"
	" (SELECT thawed_at_ms FROM part LIMIT 1),"
	" (SELECT text FROM event LIMIT 1), (SELECT uid FROM known LIMIT 1),"
	" (SELECT snapshots FROM driver LIMIT 1),"
	" (SELECT parts FROM main.held LIMIT 1)",
};

static int
set_pragma(struct sqlite3 *db, const char *name, int value)
{
	char pragma[64];

	snprintf(pragma, sizeof(pragma), "PRAGMA %s = %d", name, value);
	return (historysql_run(db, pragma, ""));
}

int
historyschema_make(struct sqlite3 *db, int version)
{
	int code = SQLITE_OK;

	if (version == 0) {
		code = sqlite3_exec(db, tables, NULL, NULL, NULL);
		if (code == SQLITE_OK)
			code = set_pragma(db, "application_id",
			    HISTORY_APPLICATION_ID);
		version = 1;
	}
	for (; code == SQLITE_OK && version < HISTORY_SCHEMA_VERSION; version++)
		code = sqlite3_exec(db, steps[version - 1], NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = set_pragma(db, "user_version", HISTORY_SCHEMA_VERSION);
	return (code);
}

int
historyschema_probe(struct sqlite3 *db, int version)
{
	return (historysql_run(db, probes[version - 1], ""));
}

int
historyschema_each_known(struct sqlite3 *db,
    void (
	*known)(void *arg, const char *name, const char *program, int64_t uid),
    void *arg)
{
	sqlite3_stmt *statement;
	int code, count = 0;

	code = sqlite3_prepare_v2(db,
	    "SELECT name, program, uid FROM known ORDER BY name", -1,
	    &statement, NULL);
	if (code == SQLITE_ERROR) /* version 1 */
		code = sqlite3_prepare_v2(db,
		    "SELECT name, program, NULL FROM known ORDER BY name", -1,
		    &statement, NULL);
	if (code != SQLITE_OK)
		return (code);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW &&
	    count++ < KNOWN_MAX) {
		const char *name = (const char *)sqlite3_column_text(statement,
		    0);
		const char *program = (const char *)
		    sqlite3_column_text(statement, 1);
		int64_t uid = -1;

		if (sqlite3_column_type(statement, 2) == SQLITE_INTEGER)
			uid = sqlite3_column_int64(statement, 2);
		if (name != NULL && program != NULL)
			known(arg, name, program, uid);
	}
	sqlite3_finalize(statement);
	return (code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code);
}
