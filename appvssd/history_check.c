/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The check of a history file: see history_check.h.  Reads only.
 */
#include <sqlite3.h>
#include <string.h>

#include "history_check.h"

/* Each goes on behind ?1 (and ?2, ...): its first columns. */
static const struct walk {
	const char *sql;
	int columns;
} walks[] = {
	{ "SELECT * FROM run WHERE n > ?1 ORDER BY n LIMIT 500", 1 },
	{ "SELECT * FROM txn WHERE n > ?1 ORDER BY n LIMIT 500", 1 },
	{ "SELECT * FROM state WHERE n > ?1 ORDER BY n LIMIT 500", 1 },
	{ "SELECT run, id, proof, n, parts FROM held"
	  " WHERE (run, id, proof, n) > (?1, ?2, ?3, ?4)"
	  " ORDER BY run, id, proof, n LIMIT 500",
	    4 },
	{ "SELECT * FROM part WHERE n > ?1 ORDER BY n LIMIT 500", 1 },
	{ "SELECT * FROM event WHERE n > ?1 ORDER BY n LIMIT 500", 1 },
	{ "SELECT id, n FROM txn INDEXED BY txn_id WHERE id > ?1"
	  " ORDER BY id LIMIT 500",
	    1 },
	{ "SELECT run, id, n FROM state INDEXED BY state_txn"
	  " WHERE (run, id) > (?1, ?2) ORDER BY run, id LIMIT 500",
	    2 },
	{ "SELECT run, id, n FROM part INDEXED BY part_txn"
	  " WHERE (run, id) > (?1, ?2) ORDER BY run, id LIMIT 500",
	    2 },
	{ "SELECT run, id, n FROM event INDEXED BY event_txn"
	  " WHERE (run, id) > (?1, ?2) ORDER BY run, id LIMIT 500",
	    2 },
};
#define NWALKS (sizeof(walks) / sizeof(walks[0]))

int
historycheck_whole(struct sqlite3 *db, bool *soundp)
{
	sqlite3_stmt *statement;
	int code;

	*soundp = false;
	code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement,
	    NULL);
	if (code != SQLITE_OK)
		return (code);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(statement, 0);

		*soundp = text != NULL && strcmp((const char *)text, "ok") == 0;
		code = SQLITE_OK;
	}
	sqlite3_finalize(statement);
	return (code);
}

/* All of a row, what lies on other pages too. */
static void
read_row(sqlite3_stmt *statement)
{
	for (int i = 0; i < sqlite3_column_count(statement); i++) {
		if (sqlite3_column_type(statement, i) == SQLITE_TEXT)
			(void)sqlite3_column_text(statement, i);
	}
}

int
historycheck_step(struct sqlite3 *db, struct historycheck *check, bool *donep)
{
	const struct walk *walk = &walks[check->walk];
	sqlite3_stmt *statement;
	bool any = false;
	int code;

	*donep = false;
	code = sqlite3_prepare_v2(db, walk->sql, -1, &statement, NULL);
	if (code != SQLITE_OK)
		return (code);
	for (int i = 0; i < walk->columns; i++)
		sqlite3_bind_int64(statement, i + 1, check->at[i]);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		any = true;
		for (int i = 0; i < walk->columns; i++)
			check->at[i] = sqlite3_column_int64(statement, i);
		read_row(statement);
	}
	sqlite3_finalize(statement);
	if (code != SQLITE_DONE)
		return (code);
	if (!any) {
		*check = (struct historycheck) { .walk = check->walk + 1 };
		*donep = check->walk == NWALKS;
	}
	return (SQLITE_OK);
}
