/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See runner.h: the loop, and the members that come and go with the files of
 * the directory.  Must not write to a disk while anything is frozen.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "hookdir.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/protect.h"
#include "leftout.h"
#include "member.h"
#include "recover.h"
#include "runner.h"
#include "signals.h"

#define RESCAN_EVERY_MS 10000
#define FDS_MAX		(2 + SCRIPTS_MAX * 2 * RUN_POLL_MAX)

struct runner {
	struct member_shared shared;
	unsigned count;
	struct member *members[SCRIPTS_MAX];
	struct script *scripts[SCRIPTS_MAX]; /* of members */
	int lifeline_fd;		     /* -1: the supervisor is dead */
	struct leftout leftout;
	struct hookdir seen; /* at the last scan */
	struct hookdir found;
	struct pollfd fds[FDS_MAX];
};

_Static_assert(SCRIPTS_MAX == HOOKDIR_SCRIPTS_MAX, "--list tells the truth");

static struct member *
find_member(struct runner *runner, const char *name)
{
	unsigned i;

	for (i = 0; i < runner->count; i++)
		if (strcmp(runner->members[i]->script.name, name) == 0)
			return (runner->members[i]);
	return (NULL);
}

static struct member *
add_member(struct runner *runner, const char *name)
{
	struct member *member;
	int error;

	if (runner->count == SCRIPTS_MAX) {
		heldlog(HELDLOG_ERROR, "too_many_scripts", "name=%s max=%d",
		    name, SCRIPTS_MAX);
		return (NULL);
	}
	member = calloc(1, sizeof(*member));
	if (member == NULL ||
	    !script_init(&member->script, runner->shared.options->directory,
		name, &runner->shared.list)) {
		heldlog(HELDLOG_ERROR, "script_not_added", "name=%s", name);
		free(member);
		return (NULL);
	}
	member->shared = &runner->shared;
	runner->members[runner->count] = member;
	runner->scripts[runner->count++] = &member->script;
	error = member_register(member);
	if (error != APPVSS_OK)
		heldlog(HELDLOG_ERROR, "not_registered",
		    "name=%s reason=\"%s\"", name, appvss_strerror(error));
	return (member);
}

static void
remove_member(struct runner *runner, unsigned at)
{
	struct member *member = runner->members[at];

	heldlog(HELDLOG_INFO, "removed", "name=%s", member->script.name);
	member_unregister(member);
	script_fini(&member->script);
	free(member);
	runner->count--;
	runner->members[at] = runner->members[runner->count];
	runner->scripts[at] = runner->scripts[runner->count];
}

static bool
is_still_there(const struct hookdir *directory, const char *name)
{
	unsigned i;

	for (i = 0; i < directory->count; i++)
		if (hookdir_is_script(&directory->entries[i]) &&
		    strcmp(directory->entries[i].name, name) == 0)
			return (true);
	return (false);
}

static void
log_entry(const struct hookdir_entry *entry)
{
	char quoted[HELDLOG_LINE_MAX / 2];
	enum heldlog_level level = HELDLOG_DEBUG;

	if (scan_is_refused(entry->verdict))
		level = HELDLOG_ERROR;
	else if (entry->verdict == SCAN_RUN)
		level = HELDLOG_INFO;
	heldlog(level,
	    entry->verdict == SCAN_RUN		? "script" :
		scan_is_refused(entry->verdict) ? "script_refused" :
						  "file_ignored",
	    "name=%s order=%d state=\"%s\"",
	    heldlog_quote(entry->name, quoted, sizeof(quoted)),
	    scan_order(entry->name), scan_verdict_text(entry->verdict));
}

/* What is meant as a script and is no member: no name for it, or no room. */
static void
tell_leftout(struct runner *runner, const struct hookdir *found)
{
	const struct hookdir_entry *entry, *first = NULL;
	unsigned i, count = 0;

	for (i = 0; i < found->count; i++) {
		entry = &found->entries[i];
		if (hookdir_is_script(entry) ?
			find_member(runner, entry->name) != NULL :
			!scan_is_refused(entry->verdict))
			continue;
		if (count++ == 0)
			first = entry;
	}
	leftout_set(&runner->leftout, runner->shared.handle, count,
	    count == 0 ? "" : first->name,
	    count == 0 || first->verdict == SCAN_RUN ?
		"there are too many" :
		scan_verdict_text(first->verdict));
}

/* Makes the members what the directory says, if it says something new. */
static void
rescan(struct runner *runner)
{
	struct hookdir *found = &runner->found;
	const struct hookdir_entry *entry;
	unsigned i;

	if (hookdir_read(found, runner->shared.options->directory) == -1) {
		heldlog(HELDLOG_ERROR, "directory_not_read", "error=\"%s\"",
		    strerror(errno));
		leftout_set(&runner->leftout, runner->shared.handle, 1,
		    runner->shared.options->directory, strerror(errno));
		/* Like nothing that it will be. */
		runner->seen.count = HOOKDIR_MAX + 1;
		return;
	}
	if (memcmp(found, &runner->seen, sizeof(*found)) == 0)
		return;
	if (found->verdict != SCAN_RUN)
		heldlog(HELDLOG_ERROR, "directory_refused", "reason=\"%s\"",
		    scan_verdict_text(found->verdict));
	for (i = runner->count; i > 0; i--)
		if (runner->scripts[i - 1]->state == SCRIPT_IDLE &&
		    !is_still_there(found, runner->scripts[i - 1]->name))
			remove_member(runner, i - 1);
	for (i = 0; i < found->count; i++) {
		entry = &found->entries[i];
		log_entry(entry);
		if (hookdir_is_script(entry) &&
		    find_member(runner, entry->name) == NULL)
			(void)add_member(runner, entry->name);
	}
	tell_leftout(runner, found);
	runner->seen = *found;
}

/* What the supervisor could not thaw is tried on here. */
static void
adopt_list(struct runner *runner)
{
	struct frozen_entry entries[FROZENLIST_MAX];
	unsigned i, count = runner->shared.list.count;
	int64_t now_ms = clock_now_ms();
	struct member *member;

	memcpy(entries, runner->shared.list.entries, sizeof(entries));
	for (i = 0; i < count; i++) {
		member = find_member(runner, entries[i].name);
		/* One that may not run is not run: recover.c has said so. */
		if (member == NULL ||
		    hookdir_judge(runner->shared.options->directory,
			entries[i].name) != SCAN_RUN)
			continue;
		script_adopt(&member->script, &entries[i], now_ms);
		(void)script_thaw(&member->script, "lost", 0, now_ms);
	}
}

static bool
all_idle(const struct runner *runner)
{
	unsigned i;

	for (i = 0; i < runner->count; i++)
		if (runner->scripts[i]->state != SCRIPT_IDLE)
			return (false);
	return (true);
}

static void
tick(struct runner *runner, int64_t now_ms)
{
	unsigned i;

	for (i = 0; i < runner->count; i++) {
		member_answer(runner->members[i],
		    script_tick(runner->scripts[i], now_ms));
		member_retry_denied(runner->members[i]);
	}
}

/*
 * Until when nothing may be logged.  A thaw that lasts may be one that waits
 * for the disk; only after long does it look like one that needs to be told of.
 */
static int64_t
quiet_until_ms(const struct runner *runner)
{
	int64_t at_ms, until_ms = runner->shared.quiet_until_ms;
	const struct script *script;
	unsigned i;

	for (i = 0; i < runner->count; i++) {
		script = runner->scripts[i];
		if (script->state == SCRIPT_IDLE ||
		    script->state == SCRIPT_THAW_FAILED)
			continue;
		at_ms = script->asked_at_ms + RECOVER_QUIET_MS;
		if (at_ms > until_ms)
			until_ms = at_ms;
	}
	return (until_ms);
}

/* The log goes out, and the directory is looked at, only when all is quiet. */
static void
tick_idle(struct runner *runner, int64_t now_ms)
{
	bool quiet = now_ms < quiet_until_ms(runner);

	heldlog_hold(quiet);
	if (quiet || !all_idle(runner))
		return;
	if (signals_take_hangup()) {
		heldlog(HELDLOG_INFO, "rescan", "cause=hangup");
		runner->shared.rescan_at_ms = now_ms;
	}
	if (now_ms < runner->shared.rescan_at_ms)
		return;
	runner->shared.rescan_at_ms = now_ms + RESCAN_EVERY_MS;
	rescan(runner);
}

static void
wait_for_events(struct runner *runner)
{
	int64_t now_ms = clock_now_ms(), at_ms = runner->shared.rescan_at_ms;
	int64_t quiet_at_ms = quiet_until_ms(runner), wake_at_ms;
	unsigned i, count = 0;
	int timeout_ms;

	runner->fds[count].fd = appvss_get_fd(runner->shared.handle);
	runner->fds[count++].events = appvss_get_events(runner->shared.handle);
	runner->fds[count].fd = runner->lifeline_fd;
	runner->fds[count++].events = POLLIN;
	for (i = 0; i < runner->count; i++)
		count += script_fill_poll(runner->scripts[i],
		    runner->fds + count);
	wake_at_ms = recover_wake_at_ms(runner->scripts, runner->count);
	/* No rescan while a script is not idle or it must be quiet. */
	if (!all_idle(runner) || quiet_at_ms > now_ms)
		at_ms = CLOCK_NEVER_MS;
	if (quiet_at_ms > now_ms && quiet_at_ms < at_ms)
		at_ms = quiet_at_ms;
	if (wake_at_ms < at_ms)
		at_ms = wake_at_ms;
	timeout_ms = appvss_get_timeout_ms(runner->shared.handle);
	if (timeout_ms >= 0 && now_ms + timeout_ms < at_ms)
		at_ms = now_ms + timeout_ms;
	signals_wait(runner->fds, count, at_ms);
}

/* The supervisor never writes: anything at all means that it is gone. */
static void
look_at_lifeline(struct runner *runner)
{
	struct pollfd fd = { runner->lifeline_fd, POLLIN, 0 };

	if (runner->lifeline_fd == -1 || poll(&fd, 1, 0) <= 0)
		return;
	heldlog(HELDLOG_ERROR, "supervisor_lost", "pid=%ld", (long)getpid());
	(void)close(runner->lifeline_fd);
	runner->lifeline_fd = -1;
}

static int
loop(struct runner *runner)
{
	int64_t now_ms;
	int error;

	for (;;) {
		now_ms = clock_now_ms();
		tick(runner, now_ms);
		if (runner->shared.stopping &&
		    recover_step(runner->scripts, runner->count, now_ms))
			return (EX_OK);
		tick_idle(runner, now_ms);
		if (runner->lifeline_fd == -1 && all_idle(runner))
			return (EX_TEMPFAIL);
		wait_for_events(runner);
		look_at_lifeline(runner);
		if (signals_stop_asked())
			runner->shared.stopping = true;
		error = appvss_dispatch(runner->shared.handle);
		if (error < 0) {
			heldlog(HELDLOG_ERROR, "library_failed",
			    "reason=\"%s\"", appvss_strerror(error));
			return (EX_UNAVAILABLE);
		}
	}
}

int
runner_run(const struct options *options, int lifeline_fd, int64_t quiet_ms)
{
	struct runner *runner = calloc(1, sizeof(*runner));
	int result;

	if (runner == NULL)
		return (EX_OSERR);
	runner->shared.options = options;
	runner->lifeline_fd = lifeline_fd;
	runner->shared.quiet_until_ms = clock_now_ms() + quiet_ms;
	heldlog_hold(quiet_ms > 0);
	if (protect_lock_memory() == -1)
		heldlog(HELDLOG_WARN, "memory_not_locked", "error=\"%s\"",
		    strerror(errno));
	if (frozenlist_load(&runner->shared.list, options->runtime_dir) == -1) {
		heldlog(HELDLOG_ERROR, "list_not_read", "error=\"%s\"",
		    strerror(errno));
		free(runner);
		return (EX_OSERR);
	}
	result = appvss_open(&runner->shared.handle, options->socket);
	if (result < 0) {
		heldlog(HELDLOG_ERROR, "library_failed", "reason=\"%s\"",
		    appvss_strerror(result));
		free(runner);
		return (EX_UNAVAILABLE);
	}
	rescan(runner);
	runner->shared.rescan_at_ms = clock_now_ms() + RESCAN_EVERY_MS;
	adopt_list(runner);
	result = loop(runner);
	/*
	 * Nobody asked it to go: what is not there any more must be missed, so
	 * the broker hears no goodbye.  EX_OK is a stop that was asked for.
	 */
	if (result != EX_OK && appvss_get_fd(runner->shared.handle) != -1)
		(void)shutdown(appvss_get_fd(runner->shared.handle), SHUT_RDWR);
	appvss_close(runner->shared.handle);
	heldlog_hold(false);
	heldlog(HELDLOG_INFO, "stopped", "owed_thaws=%u",
	    runner->shared.list.count);
	while (runner->count > 0) {
		runner->count--;
		script_fini(runner->scripts[runner->count]);
		free(runner->members[runner->count]);
	}
	free(runner);
	return (result);
}
