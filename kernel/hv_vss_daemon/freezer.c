/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All file systems or none: see freezer.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "freezer.h"
#include "self.h"
#include "survey.h"

/* One step of a freeze, in order: the index of a target, or of a sync. */
struct freeze_step {
	bool is_sync;
	unsigned index;
};

struct freezer {
	struct freezer_config config;
	struct guardian *guardian; /* owned */
	/* 0 of both: nothing is open. */
	struct freeze_target targets[MOUNTS_FREEZE_MAX]; /* freezing order */
	unsigned count;
	struct freeze_target syncs[MOUNTS_SYNC_MAX];
	unsigned nsyncs;
	struct freeze_step steps[MOUNTS_FREEZE_MAX + MOUNTS_SYNC_MAX];
	unsigned nsteps;
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

bool
freezer_has_frozen(const struct freezer *freezer, uint64_t fs)
{
	unsigned i;

	for (i = 0; i < freezer->count; i++) {
		if (freezer->targets[i].fs == fs)
			return (freezer->targets[i].frozen);
	}
	return (false);
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
	for (i = 0; i < freezer->nsyncs; i++)
		system_target_close(&freezer->syncs[i]);
	freezer->count = 0;
	freezer->nsyncs = 0;
	freezer->nsteps = 0;
}

/* The place of a plan's entry among the syncs. */
static unsigned
find_sync(const struct mount_plan *plan, unsigned entry)
{
	unsigned i;

	for (i = 0; i < plan->nsyncs; i++) {
		if (plan->syncs[i] == entry)
			break;
	}
	return (i);
}

static int
open_plan(struct freezer *freezer, const struct survey *survey, struct why *why)
{
	const struct mount_plan *plan = &survey->plan;
	struct freeze_step *step;
	unsigned i;

	for (i = 0; i < plan->nsyncs; i++) {
		freezer->nsyncs = i + 1;
		if (system_target_open(&survey->table, plan->syncs[i],
			&freezer->syncs[i], why) != 0)
			return (-1);
	}
	for (i = 0; i < plan->count; i++) {
		step = &freezer->steps[freezer->nsteps++];
		step->is_sync = mounts_is_sync(plan, plan->order[i]);
		if (step->is_sync) {
			step->index = find_sync(plan, plan->order[i]);
			continue;
		}
		step->index = freezer->count++;
		if (system_target_open(&survey->table, plan->order[i],
			&freezer->targets[step->index], why) != 0)
			return (-1);
	}
	return (
	    self_check(&survey->table, freezer->targets, freezer->count, why));
}

/* Opens what is to be frozen, in freezing order.  On failure all is closed. */
static int
open_targets(struct freezer *freezer, struct why *why)
{
	struct survey survey;
	int result;

	if (freezer->config.none)
		return (0);
	result = survey_take(freezer->config.policy, &survey, why);
	if (result == 0)
		result = survey_plan(&survey, why);
	if (result == 0)
		result = open_plan(freezer, &survey, why);
	survey_free(&survey);
	if (result != 0)
		close_targets(freezer);
	return (result);
}

/* at_ms: as in freezer_freeze. */
static int
sync_all(const struct freeze_target *targets, unsigned count,
    bool freeze_follows, int64_t at_ms, struct why *why)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		if (system_sync(&targets[i], freeze_follows, why) != 0)
			return (-1);
		if (clock_now_ms() > at_ms) {
			why_set(why, targets[i].point, "syncing took too long",
			    0);
			return (-1);
		}
	}
	return (0);
}

int
freezer_check(struct freezer *freezer, int64_t at_ms,
    struct freezer_counts *counts, struct why *why)
{
	int result;

	if (freezer->frozen) {
		why_set(why, NULL, "file systems are frozen", 0);
		return (-1);
	}
	if (guardian_ping(freezer->guardian, why) != 0 ||
	    open_targets(freezer, why) != 0)
		return (-1);
	counts->frozen = freezer->count;
	counts->synced = freezer->nsyncs;
	/*
	 * In freezing order: what the inner ones write becomes dirty in the
	 * outer ones that hold their devices, so those come after.
	 */
	result = sync_all(freezer->syncs, freezer->nsyncs, false, at_ms, why);
	if (result == 0)
		result = sync_all(freezer->targets, freezer->count, true, at_ms,
		    why);
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

void
freezer_use(struct freezer *freezer, const struct policy *policy)
{
	freezer->config.policy = policy;
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

/*
 * What is synced comes first, when nothing can be in its way; the steps sync it
 * again where it holds what has just been frozen.
 */
static int
run_steps(struct freezer *freezer, int64_t at_ms, struct why *why)
{
	const struct freeze_step *step;
	unsigned i;

	for (i = 0; i < freezer->nsteps; i++) {
		step = &freezer->steps[i];
		if (step->is_sync) {
			if (sync_all(&freezer->syncs[step->index], 1, false,
				at_ms, why) != 0)
				return (-1);
			continue;
		}
		if (freeze_target(freezer, step->index, why) != 0)
			return (-1);
		if (clock_now_ms() > at_ms) {
			why_set(why, freezer->targets[step->index].point,
			    "freezing took too long", 0);
			return (-1);
		}
	}
	return (0);
}

int
freezer_freeze(struct freezer *freezer, int64_t at_ms, unsigned limit_ms,
    struct freezer_counts *counts, struct why *why)
{
	struct why ignored;

	if (freezer->frozen) {
		why_set(why, NULL, "file systems are frozen", 0);
		return (-1);
	}
	if (open_targets(freezer, why) != 0)
		return (-1);
	if (sync_all(freezer->syncs, freezer->nsyncs, false, at_ms, why) != 0 ||
	    guardian_arm(freezer->guardian, freezer->targets, freezer->count,
		limit_ms, why) != 0) {
		close_targets(freezer);
		return (-1);
	}
	freezer->frozen = true;
	counts->frozen = freezer->count;
	counts->synced = freezer->nsyncs;
	if (run_steps(freezer, at_ms, why) == 0)
		return (0);
	(void)freezer_thaw(freezer, &ignored);
	return (-1);
}

static bool
is_known(const struct freezer *freezer, uint64_t fs)
{
	unsigned i;

	for (i = 0; i < freezer->count; i++) {
		if (freezer->targets[i].fs == fs)
			return (true);
	}
	return (false);
}

/*
 * Has anything been mounted, or mounted anew for writing, that would have been
 * frozen had it been there?  The snapshot has it as it was at some moment.
 */
static int
find_newcomers(const struct freezer *freezer, struct why *why)
{
	struct survey survey;
	int result;
	unsigned i;

	if (freezer->config.none)
		return (0);
	result = survey_take(freezer->config.policy, &survey, why);
	for (i = 0; result == 0 && i < survey.table.count; i++) {
		if (survey.decisions[i].policy < POLICY_FREEZE ||
		    is_known(freezer, survey.table.entries[i].fs))
			continue;
		why_set(why, survey.table.entries[i].point,
		    "became writable while the others were frozen", 0);
		result = -1;
	}
	survey_free(&survey);
	return (result);
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
	if (all && find_newcomers(freezer, why) != 0)
		all = false;
	/* The guardian's trouble is not the file systems': it shows later. */
	(void)guardian_disarm(freezer->guardian, all ? why : &second);
	close_targets(freezer);
	return (all ? 0 : -1);
}
