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
#include "dirwatch.h"
#include "hookdir.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/protect.h"
#include "leftout.h"
#include "member.h"
#include "recover.h"
#include "runner.h"
#include "signals.h"

#define RESCAN_EVERY_MS 10000 /* only if it cannot be watched */
#define SETTLE_MS	200   /* from the first change to the reading of it */
#define FDS_MAX		(3 + SCRIPTS_MAX * 3 * RUN_POLL_MAX)

struct runner {
	struct member_shared shared;
	unsigned count;
	struct member *members[SCRIPTS_MAX];
	struct script *scripts[SCRIPTS_MAX]; /* of members */
	int lifeline_fd;		     /* -1: the supervisor is dead */
	struct leftout leftout;
	struct dirwatch watch;
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

static void
add_member(struct runner *runner, const struct hookdir_entry *entry)
{
	struct member *member;

	if (runner->count == SCRIPTS_MAX) {
		heldlog(HELDLOG_ERROR, "too_many_scripts", "name=%s max=%d",
		    entry->name, SCRIPTS_MAX);
		return;
	}
	member = calloc(1, sizeof(*member));
	if (member == NULL) {
		heldlog(HELDLOG_ERROR, "script_not_added",
		    "name=%s reason=\"out of memory\"", entry->name);
		return;
	}
	if (!member_init(member, &runner->shared, entry)) {
		member_fini(member, true);
		free(member);
		return;
	}
	runner->members[runner->count] = member;
	runner->scripts[runner->count++] = &member->script;
}

static void
remove_member(struct runner *runner, unsigned at)
{
	struct member *member = runner->members[at];

	heldlog(HELDLOG_INFO, "removed", "name=%s", member->script.name);
	member_fini(member, true);
	free(member);
	runner->count--;
	runner->members[at] = runner->members[runner->count];
	runner->scripts[at] = runner->scripts[runner->count];
}

/* The next one after *at that is to be a member; NULL: there are no more. */
static const struct hookdir_entry *
next_script(const struct hookdir *directory, unsigned *at, unsigned *taken)
{
	const struct hookdir_entry *entry;

	while (*at < directory->count && *taken < SCRIPTS_MAX) {
		entry = &directory->entries[(*at)++];
		if (!hookdir_is_script(entry))
			continue;
		++*taken;
		return (entry);
	}
	return (NULL);
}

static bool
is_still_there(const struct hookdir *directory, const char *name)
{
	const struct hookdir_entry *entry;
	unsigned at = 0, taken = 0;

	while ((entry = next_script(directory, &at, &taken)) != NULL)
		if (strcmp(entry->name, name) == 0)
			return (true);
	return (false);
}

static void
log_entry(const struct hookdir_entry *entry)
{
	char quoted[HELDLOG_LINE_MAX / 2], words[DIRECTIVE_TEXT_MAX];
	enum heldlog_level level = HELDLOG_DEBUG;
	const char *event = "file_ignored";

	if (scan_is_refused(entry->verdict)) {
		level = HELDLOG_ERROR;
		event = "script_refused";
	} else if (entry->verdict == SCAN_RUN) {
		level = HELDLOG_INFO;
		event = "script";
	}
	heldlog(level, event, "name=%s order=%d %s=%s",
	    heldlog_quote(entry->name, quoted, sizeof(quoted) / 2),
	    hookdir_order(entry),
	    entry->verdict == SCAN_RUN ? "directives" : "reason",
	    heldlog_quote(entry->verdict == SCAN_RUN ?
		    directive_print(&entry->directive, words) :
		    entry->why,
		quoted + sizeof(quoted) / 2, sizeof(quoted) / 2));
}

static void
log_changes(const struct hookdir *found, const struct hookdir *seen)
{
	unsigned i, j;

	for (i = 0; i < found->count; i++) {
		for (j = 0; j < seen->count && j < HOOKDIR_MAX; j++)
			/* analyze: padding costs a line too many, no more. */
			if (memcmp(&found->entries[i], &seen->entries[j],
				sizeof(found->entries[i])) == 0)
				break;
		if (j >= seen->count || j == HOOKDIR_MAX)
			log_entry(&found->entries[i]);
	}
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
	    count == 0 || first->verdict == SCAN_RUN ? "there are too many" :
						       first->why);
}

/*
 * Makes the members what the directory holds.  True if that is done, false if
 * some are not idle yet.
 */
static bool
take_on(struct runner *runner, const struct hookdir *found)
{
	const struct hookdir_entry *entry;
	unsigned i, at = 0, taken = 0;
	struct member *member;
	bool is_done = true;

	for (i = runner->count; i > 0; i--) {
		member = runner->members[i - 1];
		if (is_still_there(found, member->script.name))
			continue;
		if (member_is_idle(member))
			remove_member(runner, i - 1);
		else
			is_done = false;
	}
	while ((entry = next_script(found, &at, &taken)) != NULL) {
		member = find_member(runner, entry->name);
		if (member == NULL)
			add_member(runner, entry);
		else if (member_is_idle(member))
			member_update(member, entry);
		else
			is_done = false;
	}
	return (is_done);
}

/* Watched first, then read: what changes in between is seen the next time. */
static void
rescan(struct runner *runner)
{
	struct hookdir *found = &runner->found;
	const char *path = runner->shared.options->directory;

	runner->shared.rescan_at_ms = CLOCK_NEVER_MS;
	if (dirwatch_start(&runner->watch, path) == -1) {
		heldlog(HELDLOG_WARN, "directory_not_watched", "error=\"%s\"",
		    strerror(errno));
		runner->shared.rescan_at_ms = clock_now_ms() + RESCAN_EVERY_MS;
	}
	if (hookdir_read(found, path) == -1) {
		heldlog(HELDLOG_ERROR, "directory_not_read", "error=\"%s\"",
		    strerror(errno));
		leftout_set(&runner->leftout, runner->shared.handle, 1, path,
		    strerror(errno));
		runner->shared.rescan_at_ms = clock_now_ms() + RESCAN_EVERY_MS;
		/* Like nothing that it will be. */
		runner->seen.count = HOOKDIR_MAX + 1;
		return;
	}
	/* analyze: padding that differs costs another look, no more. */
	if (memcmp(found, &runner->seen, sizeof(*found)) == 0)
		return;
	if (found->verdict != SCAN_RUN &&
	    found->verdict != runner->seen.verdict)
		heldlog(HELDLOG_ERROR, "directory_refused", "reason=\"%s\"",
		    scan_verdict_text(found->verdict));
	log_changes(found, &runner->seen);
	if (!take_on(runner, found))
		runner->shared.rescan_at_ms = clock_now_ms() + RESCAN_EVERY_MS;
	tell_leftout(runner, found);
	runner->seen = *found;
	if (runner->shared.rescan_at_ms != CLOCK_NEVER_MS)
		runner->seen.count = HOOKDIR_MAX + 1;
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
		if (!member_is_idle(runner->members[i]))
			return (false);
	return (true);
}

static void
tick(struct runner *runner, int64_t now_ms)
{
	unsigned i;

	for (i = 0; i < runner->count; i++)
		member_tick(runner->members[i], now_ms);
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

/* Somebody asked: what the broker refused may be allowed now. */
static void
take_hangup(struct runner *runner, int64_t now_ms)
{
	unsigned i;

	heldlog(HELDLOG_INFO, "rescan", "cause=hangup");
	runner->shared.rescan_at_ms = now_ms;
	for (i = 0; i < runner->count; i++)
		member_retry(runner->members[i], true);
}

/* The log goes out, and the directory is looked at, only when all is quiet. */
static void
tick_idle(struct runner *runner, int64_t now_ms)
{
	bool quiet = now_ms < quiet_until_ms(runner);

	heldlog_hold(quiet);
	if (dirwatch_has_news(&runner->watch) &&
	    runner->shared.rescan_at_ms > now_ms + SETTLE_MS)
		runner->shared.rescan_at_ms = now_ms + SETTLE_MS;
	if (quiet)
		return;
	if (signals_take_hangup())
		take_hangup(runner, now_ms);
	if (now_ms >= runner->shared.rescan_at_ms)
		rescan(runner);
}

static unsigned
fill_poll(struct runner *runner)
{
	unsigned i, count = 0;

	runner->fds[count].fd = appvss_get_fd(runner->shared.handle);
	runner->fds[count++].events = appvss_get_events(runner->shared.handle);
	runner->fds[count].fd = runner->lifeline_fd;
	runner->fds[count++].events = POLLIN;
	runner->fds[count].fd = runner->watch.fd;
	runner->fds[count++].events = POLLIN;
	for (i = 0; i < runner->count; i++) {
		count += script_fill_poll(runner->scripts[i],
		    runner->fds + count);
		count += run_fill_poll(&runner->members[i]->check.run,
		    runner->fds + count);
	}
	return (count);
}

static void
wait_for_events(struct runner *runner)
{
	int64_t now_ms = clock_now_ms(), at_ms = runner->shared.rescan_at_ms;
	int64_t quiet_at_ms = quiet_until_ms(runner), wake_at_ms;
	unsigned i;
	int timeout_ms;

	/* No rescan while it must be quiet. */
	if (quiet_at_ms > now_ms)
		at_ms = quiet_at_ms;
	wake_at_ms = recover_wake_at_ms(runner->scripts, runner->count);
	for (i = 0; i < runner->count; i++)
		if (check_wake_at_ms(&runner->members[i]->check) < wake_at_ms)
			wake_at_ms = check_wake_at_ms(
			    &runner->members[i]->check);
	if (wake_at_ms < at_ms)
		at_ms = wake_at_ms;
	timeout_ms = appvss_get_timeout_ms(runner->shared.handle);
	if (timeout_ms >= 0 && now_ms + timeout_ms < at_ms)
		at_ms = now_ms + timeout_ms;
	signals_wait(runner->fds, fill_poll(runner), at_ms);
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
	dirwatch_init(&runner->watch);
	rescan(runner);
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
		/* The handle has taken the participants with it. */
		member_fini(runner->members[runner->count], false);
		free(runner->members[runner->count]);
	}
	dirwatch_fini(&runner->watch);
	free(runner);
	return (result);
}
