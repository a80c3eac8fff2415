/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When chores are due: see history_chores.h.  Must not begin one that cannot be
 * stopped.
 *
 * What goes for its age goes by the wall clock, and one wrong hour of that must
 * not cost the history of years: nothing does before the clock has gone on for
 * settle_ms without a step.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

#include "history_chores.h"
#include "history_prune.h"
#include "history_sql.h"
#include "kernel/vssdev/heldlog.h"

#define IDLE_MS		 1000 /* without a line before the first chore */
#define BETWEEN_MS	 50   /* steps of pruning */
#define CHECK_BETWEEN_MS 5
#define AGAIN_MS	 60000
#define PRUNE_EVERY_MS	 3600000
#define SETTLE_MS	 3600000
#define STEP_OF_CLOCK	 60000 /* ms that are more than drift */
#define DAY_MS		 INT64_C(86400000)

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static uint64_t
monotonic_ms(void)
{
	return ((uint64_t)clock_ms(CLOCK_MONOTONIC));
}

void
history_chores_init(struct history_chores *chores)
{
	const uint64_t now_ms = monotonic_ms();

	*chores = (struct history_chores) {
		.settle_ms = SETTLE_MS,
		.next_at_ms = now_ms + IDLE_MS,
		.prune_at_ms = now_ms,
		.steady_since_ms = now_ms,
		.wall_offset_ms = clock_ms(CLOCK_REALTIME) - (int64_t)now_ms,
	};
}

void
history_chores_keep(struct history_chores *chores, unsigned days, int64_t count)
{
	chores->keep_days = days;
	chores->keep_count = count;
	chores->prune_at_ms = chores->next_at_ms;
}

void
history_chores_postpone(struct history_chores *chores)
{
	chores->next_at_ms = monotonic_ms() + IDLE_MS;
	/* There may be one too many now. */
	chores->prune_at_ms = chores->next_at_ms;
}

static bool
prunes(const struct history_chores *chores)
{
	return (chores->keep_days != 0 || chores->keep_count != 0);
}

int
history_chores_wait_ms(const struct history_chores *chores,
    const struct historydb *db)
{
	const uint64_t now_ms = monotonic_ms();
	uint64_t at_ms = chores->next_at_ms;

	if (historydb_is_empty(db))
		return (-1);
	if (!historydb_wants_check(db)) {
		if (!prunes(chores))
			return (-1);
		if (chores->prune_at_ms > at_ms)
			at_ms = chores->prune_at_ms;
	}
	return (at_ms <= now_ms ? 0 : (int)(at_ms - now_ms));
}

/* The time before which rows are too old; 0: that cannot be said now. */
static int64_t
oldest_ms(struct history_chores *chores, uint64_t now_ms)
{
	const int64_t wall_ms = clock_ms(CLOCK_REALTIME);
	const int64_t offset_ms = wall_ms - (int64_t)now_ms;

	if (llabs(offset_ms - chores->wall_offset_ms) > STEP_OF_CLOCK) {
		chores->wall_offset_ms = offset_ms;
		chores->steady_since_ms = now_ms;
	}
	if (chores->keep_days == 0 ||
	    now_ms - chores->steady_since_ms < chores->settle_ms)
		return (0);
	return (wall_ms - (int64_t)chores->keep_days * DAY_MS);
}

static enum historydb_result
prune(struct history_chores *chores, struct historydb *db,
    bool (*stops)(void *arg), void *arg)
{
	const uint64_t now_ms = monotonic_ms();
	const struct historyprune limits = {
		.keep_count = chores->keep_count,
		.before_ms = oldest_ms(chores, now_ms),
		.current_run = historydb_run(db),
	};
	enum historydb_result result;
	bool left;
	int code;

	code = historyprune_step(historydb_sqlite(db), &limits, stops, arg,
	    &left);
	result = historysql_result(code);
	if ((code & 0xff) == SQLITE_INTERRUPT)
		chores->prune_at_ms = now_ms + IDLE_MS;
	else if (result == HISTORYDB_RETRY)
		chores->prune_at_ms = now_ms + AGAIN_MS;
	else
		chores->prune_at_ms = now_ms +
		    (left ? BETWEEN_MS : PRUNE_EVERY_MS);
	return (result == HISTORYDB_RETRY ? HISTORYDB_OK : result);
}

enum historydb_result
history_chores_run(struct history_chores *chores, struct historydb *db,
    bool (*stops)(void *arg), void *arg)
{
	enum historydb_result result;

	if (history_chores_wait_ms(chores, db) != 0)
		return (HISTORYDB_OK);
	if (!historydb_wants_check(db))
		return (prune(chores, db, stops, arg));
	chores->next_at_ms = monotonic_ms() + CHECK_BETWEEN_MS;
	result = historydb_check(db);
	if (result == HISTORYDB_RETRY) {
		chores->next_at_ms += AGAIN_MS;
		return (HISTORYDB_OK);
	}
	if (result == HISTORYDB_OK && !historydb_wants_check(db))
		heldlog(HELDLOG_INFO, "history_checked", "sound=1");
	return (result);
}
