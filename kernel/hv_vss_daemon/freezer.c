/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All file systems or none: see freezer.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "freezer.h"

struct freezer {
	struct freezer_config config;
	struct guardian *guardian;			 /* owned */
	struct freeze_target targets[MOUNTS_FREEZE_MAX]; /* freezing order */
	unsigned count; /* of targets; 0: nothing is open */
	bool frozen;
};

int
freezer_create(const struct freezer_config *config, struct freezer **out,
    struct why *why)
{
	struct freezer *freezer;

	*out = NULL;
	freezer = calloc(1, sizeof(*freezer));
	if (freezer == NULL) {
		why_set(why, NULL, "no memory", errno);
		return (-1);
	}
	freezer->config = *config;
	if (guardian_start(&config->guardian, &freezer->guardian, why) != 0) {
		guardian_stop(freezer->guardian);
		free(freezer);
		return (-1);
	}
	*out = freezer;
	return (0);
}

void
freezer_destroy(struct freezer *freezer)
{
	struct why ignored;

	if (freezer == NULL)
		return;
	if (freezer->frozen)
		(void)freezer_thaw(freezer, &ignored);
	guardian_stop(freezer->guardian);
	free(freezer);
}

bool
freezer_is_frozen(const struct freezer *freezer)
{
	return (freezer->frozen);
}

int
freezer_poll_fd(const struct freezer *freezer)
{
	return (guardian_poll_fd(freezer->guardian));
}

static void
close_targets(struct freezer *freezer)
{
	unsigned i;

	for (i = 0; i < freezer->count; i++)
		system_target_close(&freezer->targets[i]);
	freezer->count = 0;
}

static int
make_plan(const struct freezer *freezer, const struct system_table *table,
    struct mount_plan *plan, struct why *why)
{
	enum mounts_result result;
	const char *name;
	unsigned culprit;

	result = mounts_choose(system_kind(), table->entries, table->count,
	    freezer->config.points, freezer->config.npoints, plan, &culprit);
	if (result == MOUNTS_NOT_MOUNTED) {
		why_set(why, freezer->config.points[culprit],
		    mounts_result_text(result), 0);
		return (-1);
	}
	if (result == MOUNTS_OK)
		result = mounts_order(table->entries, table->backings,
		    table->nbackings, plan, &culprit);
	if (result == MOUNTS_OK)
		return (0);
	name = table->entries[culprit].point;
	why_set(why, name, mounts_result_text(result), 0);
	return (-1);
}

/* Opens what is to be frozen, in freezing order.  On failure all is closed. */
static int
open_targets(struct freezer *freezer, struct why *why)
{
	struct system_table table;
	struct mount_plan plan;
	int result;
	unsigned i;

	if (freezer->config.none)
		return (0);
	result = system_table_read(&table, why);
	if (result == 0)
		result = make_plan(freezer, &table, &plan, why);
	for (i = 0; result == 0 && i < plan.count; i++) {
		result = system_target_open(&table, plan.order[i],
		    &freezer->targets[i], why);
		freezer->count = i + 1;
	}
	system_table_free(&table);
	if (result != 0)
		close_targets(freezer);
	return (result);
}

int
freezer_check(struct freezer *freezer, unsigned *count, struct why *why)
{
	int result = 0;
	unsigned i;

	if (freezer->frozen) {
		why_set(why, NULL, "file systems are frozen", 0);
		return (-1);
	}
	if (guardian_ping(freezer->guardian, why) != 0 ||
	    open_targets(freezer, why) != 0)
		return (-1);
	*count = freezer->count;
	/*
	 * In freezing order: what the inner ones write becomes dirty in the
	 * outer ones that hold their devices, so those come after.
	 */
	for (i = 0; result == 0 && i < freezer->count; i++) {
		result = system_sync(&freezer->targets[i]);
		if (result != 0)
			why_set(why, freezer->targets[i].point,
			    "cannot be written out", errno);
	}
	close_targets(freezer);
	return (result);
}

/*
 * Thaws the first count targets, the last frozen first.  True if all were
 * frozen, and are not any more.
 */
static bool
thaw_targets(struct freezer *freezer, unsigned count, struct why *why)
{
	struct freeze_target *target;
	struct why ignored;
	bool all = true;
	unsigned i;

	for (i = count; i-- > 0;) {
		target = &freezer->targets[i];
		if (!target->frozen)
			continue;
		if (system_thaw(target) != 0) {
			all = false;
			if (errno == EINVAL)
				why_set(why, target->point,
				    "was thawed by someone else", 0);
			else
				why_set(why, target->point, "cannot be thawed",
				    errno);
		}
		/* If it does not hear this, it thaws once more: harmless. */
		if (!target->frozen)
			(void)guardian_note(freezer->guardian, i, false,
			    &ignored);
	}
	return (all);
}

static bool
any_frozen(const struct freezer *freezer)
{
	unsigned i;

	for (i = 0; i < freezer->count; i++) {
		if (freezer->targets[i].frozen)
			return (true);
	}
	return (false);
}

/* Freezes one target; the guardian knows of it before. */
static int
freeze_target(struct freezer *freezer, unsigned index, struct why *why)
{
	struct freeze_target *target = &freezer->targets[index];
	struct why ignored;
	int error;

	if (guardian_note(freezer->guardian, index, true, why) != 0)
		return (-1);
	if (system_freeze(target) == 0)
		return (0);
	error = errno;
	(void)guardian_note(freezer->guardian, index, false, &ignored);
	if (error == EBUSY)
		why_set(why, target->point, "frozen by someone else", 0);
	else if (error == EDEADLK)
		why_set(why, target->point,
		    "this program has something open for writing there", 0);
	else
		why_set(why, target->point, "cannot be frozen", error);
	return (-1);
}

static int
freeze_targets(struct freezer *freezer, int64_t at_ms, struct why *why)
{
	unsigned i;

	for (i = 0; i < freezer->count; i++) {
		if (freeze_target(freezer, i, why) != 0)
			return (-1);
		if (clock_now_ms() > at_ms) {
			why_set(why, freezer->targets[i].point,
			    "freezing took too long", 0);
			return (-1);
		}
	}
	return (0);
}

int
freezer_freeze(struct freezer *freezer, int64_t at_ms, unsigned *count,
    struct why *why)
{
	struct why ignored;

	if (freezer->frozen) {
		why_set(why, NULL, "file systems are frozen", 0);
		return (-1);
	}
	if (open_targets(freezer, why) != 0)
		return (-1);
	if (guardian_arm(freezer->guardian, freezer->targets, freezer->count,
		freezer->config.limit_ms, why) != 0) {
		close_targets(freezer);
		return (-1);
	}
	freezer->frozen = true;
	*count = freezer->count;
	if (freeze_targets(freezer, at_ms, why) == 0)
		return (0);
	(void)freezer_thaw(freezer, &ignored);
	return (-1);
}

int
freezer_thaw(struct freezer *freezer, struct why *why)
{
	struct why second;
	bool all;

	if (!freezer->frozen) {
		why_set(why, NULL, "nothing is frozen", 0);
		return (-1);
	}
	all = thaw_targets(freezer, freezer->count, why);
	if (any_frozen(freezer))
		return (-1);
	freezer->frozen = false;
	/* The guardian's trouble is not the file systems': it shows later. */
	(void)guardian_disarm(freezer->guardian, all ? why : &second);
	close_targets(freezer);
	return (all ? 0 : -1);
}
