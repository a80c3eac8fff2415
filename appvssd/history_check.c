/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The check of a history file: see history_check.h.
 */
#include <sqlite3.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "history_check.h"

#define STEPS_BETWEEN 4000 /* of SQLite's machine: about a millisecond */

struct stop {
	bool (*stops)(void *arg);
	void *arg;
};

static uint64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static int
on_progress(void *arg)
{
	const struct stop *stop = arg;

	return (stop->stops(stop->arg) ? 1 : 0);
}

int
historycheck_run(struct sqlite3 *db, bool (*stops)(void *arg), void *arg,
    bool *soundp)
{
	struct stop stop = { stops, arg };
	sqlite3_stmt *statement;
	int code;

	*soundp = false;
	code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement,
	    NULL);
	if (code != SQLITE_OK)
		return (code);
	sqlite3_progress_handler(db, STEPS_BETWEEN, on_progress, &stop);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(statement, 0);

		*soundp = text != NULL && strcmp((const char *)text, "ok") == 0;
		code = SQLITE_OK;
	}
	sqlite3_finalize(statement);
	sqlite3_progress_handler(db, 0, NULL, NULL);
	return (code);
}

static bool
is_over(void *arg)
{
	const uint64_t *until_ms = arg;

	return (monotonic_ms() >= *until_ms);
}

int
historycheck_run_for(struct sqlite3 *db, unsigned limit_ms, bool *soundp)
{
	uint64_t until_ms = monotonic_ms() + limit_ms;

	return (historycheck_run(db, is_over, &until_ms, soundp));
}
