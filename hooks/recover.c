/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See recover.h.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "hookdir.h"
#include "kernel/vssdev/heldlog.h"
#include "recover.h"
#include "signals.h"

struct recovery {
	struct frozen_list list;
	unsigned count;
	struct script *pointers[SCRIPTS_MAX];
	struct script scripts[SCRIPTS_MAX];
	struct pollfd fds[SCRIPTS_MAX * 2 * RUN_POLL_MAX];
};

static bool
is_over(const struct script *script, int64_t now_ms)
{
	if (script->state == SCRIPT_IDLE)
		return (true);
	if (script->give_up_at_ms == 0)
		return (false);
	return (now_ms >= script->give_up_at_ms ||
	    (script->state == SCRIPT_THAW_FAILED &&
		script->thaw_tries >= RECOVER_TRIES));
}

bool
recover_step(struct script *const *scripts, unsigned count, int64_t now_ms)
{
	int order = -1;
	unsigned i;

	for (i = 0; i < count; i++)
		if (!is_over(scripts[i], now_ms) && scripts[i]->order > order)
			order = scripts[i]->order;
	if (order == -1)
		return (true);
	for (i = 0; i < count; i++) {
		if (scripts[i]->order != order ||
		    scripts[i]->give_up_at_ms != 0 ||
		    scripts[i]->state == SCRIPT_IDLE)
			continue;
		scripts[i]->give_up_at_ms = now_ms + RECOVER_PATIENCE_MS;
		scripts[i]->thaw_tries = 0;
		(void)script_thaw(scripts[i], "lost", 0, now_ms);
	}
	return (false);
}

int64_t
recover_wake_at_ms(struct script *const *scripts, unsigned count)
{
	int64_t at_ms, wake_at_ms = CLOCK_NEVER_MS;
	unsigned i;

	for (i = 0; i < count; i++) {
		at_ms = script_wake_at_ms(scripts[i]);
		if (scripts[i]->state != SCRIPT_IDLE &&
		    scripts[i]->give_up_at_ms > clock_now_ms() &&
		    scripts[i]->give_up_at_ms < at_ms)
			at_ms = scripts[i]->give_up_at_ms;
		if (at_ms < wake_at_ms)
			wake_at_ms = at_ms;
	}
	return (wake_at_ms);
}

/*
 * A name on the list runs only as what the directory holds under it, and only
 * if that may run: the list itself is not to be trusted that far.
 */
static void
add(struct recovery *recovery, const char *directory,
    const struct frozen_entry *entry, int64_t now_ms)
{
	struct script *script = &recovery->scripts[recovery->count];
	int verdict;

	if (entry->running == FROZEN_CHECK) {
		if (script_init(script, directory, entry->name,
			&recovery->list))
			script_adopt(script, entry, now_ms);
		return;
	}
	verdict = hookdir_judge(directory, entry->name);
	if (verdict == -1 && errno == ENOENT) {
		heldlog(HELDLOG_ERROR, "thaw_impossible",
		    "name=%s reason=\"the script is gone\"", entry->name);
		(void)frozenlist_remove(&recovery->list, entry->name);
		return;
	}
	if (verdict != SCAN_RUN) {
		heldlog(HELDLOG_ERROR, "thaw_impossible",
		    "name=%s reason=\"%s\"", entry->name,
		    verdict == -1 ?
			strerror(errno) :
			scan_verdict_text((enum scan_verdict)verdict));
		return;
	}
	if (!script_init(script, directory, entry->name, &recovery->list))
		return;
	recovery->pointers[recovery->count++] = script;
	script_adopt(script, entry, now_ms);
}

static void
wait_for_events(struct recovery *recovery)
{
	unsigned i, count = 0;

	for (i = 0; i < recovery->count; i++)
		count += script_fill_poll(recovery->pointers[i],
		    recovery->fds + count);
	signals_wait(recovery->fds, count,
	    recover_wake_at_ms(recovery->pointers, recovery->count));
}

unsigned
recover_all(const char *directory, const char *runtime_dir, unsigned *foundp)
{
	struct recovery *recovery = calloc(1, sizeof(*recovery));
	struct frozen_entry entries[FROZENLIST_MAX];
	unsigned i, count, left;
	int64_t now_ms = clock_now_ms();

	*foundp = 0;
	if (recovery == NULL ||
	    frozenlist_load(&recovery->list, runtime_dir) == -1) {
		heldlog(HELDLOG_ERROR, "list_not_read", "error=\"%s\"",
		    strerror(errno));
		free(recovery);
		return (1);
	}
	count = recovery->list.count;
	memcpy(entries, recovery->list.entries, sizeof(entries));
	for (i = 0; i < count; i++)
		*foundp += entries[i].running != FROZEN_CHECK;
	if (*foundp > 0)
		heldlog(HELDLOG_WARN, "recover", "scripts=%u", *foundp);
	for (i = 0; i < count; i++)
		add(recovery, directory, &entries[i], now_ms);
	while (!recover_step(recovery->pointers, recovery->count, now_ms)) {
		wait_for_events(recovery);
		now_ms = clock_now_ms();
		for (i = 0; i < recovery->count; i++)
			(void)script_tick(recovery->pointers[i], now_ms);
	}
	left = recovery->list.count;
	for (i = 0; i < recovery->count; i++)
		script_fini(recovery->pointers[i]);
	free(recovery);
	return (left);
}
