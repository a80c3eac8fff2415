/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See script.h.  Must never wait, and must never signal a thaw.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "kernel/vssdev/heldlog.h"
#include "script.h"

#define KEPT_DIRECTORY	"deleted" /* in the runtime directory */
#define FOREIGN_POLL_MS 50 /* the end of somebody else's child: no SIGCHLD */

const char *
script_state_text(enum script_state state)
{
	switch (state) {
	case SCRIPT_IDLE:
		return ("idle");
	case SCRIPT_FREEZING:
		return ("freezing");
	case SCRIPT_KILLING:
		return ("killing");
	case SCRIPT_FROZEN:
		return ("frozen");
	case SCRIPT_THAWING:
		return ("thawing");
	case SCRIPT_THAW_FAILED:
		return ("thaw_failed");
	}
	return ("unknown");
}

static void
script_set_state(struct script *script, enum script_state state,
    int64_t next_at_ms)
{
	heldlog(HELDLOG_DEBUG, "script_state", "name=%s from=%s to=%s",
	    script->name, script_state_text(script->state),
	    script_state_text(state));
	script->state = state;
	script->next_at_ms = next_at_ms;
}

bool
script_init(struct script *script, const char *directory, const char *name,
    struct frozen_list *list)
{
	memset(script, 0, sizeof(*script));
	run_init(&script->freeze_run);
	run_init(&script->thaw_run);
	(void)snprintf(script->name, sizeof(script->name), "%s", name);
	script->order = scan_order(name);
	script->list = list;
	script->kept_fd = -1;
	if (list != NULL)
		(void)snprintf(script->kept_path, sizeof(script->kept_path),
		    "%.*s/" KEPT_DIRECTORY "/%s",
		    (int)(strrchr(list->path, '/') - list->path), list->path,
		    name);
	script->result = "lost";
	script->next_at_ms = CLOCK_NEVER_MS;
	return ((size_t)snprintf(script->path, sizeof(script->path), "%s/%s",
		    directory, name) < sizeof(script->path));
}

static void
drop_file(struct script *script)
{
	if (script->kept_fd == -1)
		return;
	(void)close(script->kept_fd);
	script->kept_fd = -1;
	(void)unlink(script->kept_path);
}

void
script_fini(struct script *script)
{
	run_fini(&script->freeze_run);
	run_fini(&script->thaw_run);
	drop_file(script);
}

const char *
script_set_user(struct script *script, const char *user)
{
	const char *why;

	(void)snprintf(script->user, sizeof(script->user), "%s", user);
	memset(&script->account, 0, sizeof(script->account));
	if (script->user[0] == '\0')
		return (NULL);
	why = account_find(&script->account, script->user);
	if (why != NULL)
		memset(&script->account, 0, sizeof(script->account));
	return (why);
}

void
script_fill_command(const struct script *script, struct run_command *command,
    const char *operation, uint64_t transaction, int64_t deadline_ms)
{
	memset(command, 0, sizeof(*command));
	command->path = script->path;
	command->operation = operation;
	command->result = "";
	command->transaction = transaction;
	command->deadline_ms = deadline_ms;
	command->account = script->user[0] != '\0' ? &script->account : NULL;
	command->kept_fd = -1;
}

/* Writes down what runs for it now. */
int
script_note(struct script *script, enum frozen_running running,
    const struct run *run)
{
	struct frozen_entry entry;

	memset(&entry, 0, sizeof(entry));
	(void)snprintf(entry.name, sizeof(entry.name), "%s", script->name);
	entry.transaction = script->transaction;
	entry.running = running;
	entry.order = script->order;
	(void)snprintf(entry.user, sizeof(entry.user), "%s", script->user);
	if (run != NULL) {
		entry.pid = run->pid;
		entry.start_id = run->start_id;
	}
	if (frozenlist_put(script->list, &entry) == 0)
		return (0);
	heldlog(HELDLOG_ERROR, "list_not_written", "name=%s error=\"%s\"",
	    script->name, strerror(errno));
	return (-1);
}

void
script_forget(struct script *script)
{
	if (frozenlist_remove(script->list, script->name) == -1)
		heldlog(HELDLOG_ERROR, "list_not_written",
		    "name=%s error=\"%s\"", script->name, strerror(errno));
}

/* Keeps the answer's text; the answer itself only if somebody waits for it. */
static enum script_answer
answer(struct script *script, enum script_answer value)
{
	if (!script->answer_due)
		return (SCRIPT_NO_ANSWER);
	script->answer_due = false;
	return (value);
}

/* Logs a failure whose text is in script->text. */
static void
log_failure(const struct script *script, const char *event)
{
	char quoted[HELDLOG_LINE_MAX / 2];

	heldlog(HELDLOG_ERROR, event,
	    "name=%s transaction=%" PRIu64 " reason=%s", script->name,
	    script->transaction,
	    heldlog_quote(script->text, quoted, sizeof(quoted)));
}

void
script_adopt(struct script *script, const struct frozen_entry *entry,
    int64_t now_ms)
{
	script->transaction = entry->transaction;
	script->order = entry->order;
	/* If there is no such user now, the thaw fails, and is tried again. */
	(void)script_set_user(script, entry->user);
	script->asked_at_ms = now_ms;
	switch (entry->running) {
	case FROZEN_NOTHING:
		script_set_state(script, SCRIPT_FROZEN, CLOCK_NEVER_MS);
		break;
	case FROZEN_FREEZE:
		/* Nobody can take its answer. */
		run_adopt(&script->freeze_run, entry->pid, entry->start_id);
		run_kill(&script->freeze_run, SIGTERM);
		script_set_state(script, SCRIPT_KILLING,
		    now_ms + SCRIPT_GRACE_MS);
		break;
	case FROZEN_THAW:
		run_adopt(&script->thaw_run, entry->pid, entry->start_id);
		script_set_state(script, SCRIPT_THAWING, CLOCK_NEVER_MS);
		break;
	case FROZEN_CHECK:
		/* Nobody can take its answer, and it owes nothing. */
		run_adopt(&script->freeze_run, entry->pid, entry->start_id);
		run_kill(&script->freeze_run, SIGKILL);
		run_reap(&script->freeze_run);
		script_forget(script);
		break;
	}
}

static enum script_answer
refuse(struct script *script, const char *text, int error)
{
	(void)snprintf(script->text, sizeof(script->text), "%s%s%s", text,
	    error == 0 ? "" : ": ", error == 0 ? "" : strerror(error));
	log_failure(script, "freeze_refused");
	return (SCRIPT_FAIL);
}

enum script_answer
script_freeze(struct script *script, uint64_t transaction, int64_t limit_ms,
    int64_t now_ms)
{
	struct run_command command;
	int error;

	if (script->state != SCRIPT_IDLE)
		return (refuse(script, "not thawed since the last freeze", 0));
	if (script->freeze_run.pid != 0)
		return (refuse(script, "the last freeze has not ended", 0));
	script->transaction = transaction;
	script->limit_ms = limit_ms;
	script->asked_at_ms = now_ms;
	script->thaw_wanted = false;
	script->freeze_failed = true;
	script->is_holding = false;
	script->thaw_tries = 0;
	script_fill_command(script, &command, "freeze", transaction, limit_ms);
	if (run_prepare(&script->freeze_run, &command) == -1)
		return (refuse(script, "cannot start", errno));
	if (script_note(script, FROZEN_FREEZE, &script->freeze_run) == -1) {
		/* Without the note it must not run: this ends the child. */
		error = errno;
		run_kill(&script->freeze_run, SIGKILL);
		return (refuse(script, "cannot be noted as frozen", error));
	}
	drop_file(script);
	/* Should it be deleted before its thaw. */
	script->kept_fd = open(script->path,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	run_go(&script->freeze_run);
	script->answer_due = true;
	heldlog(HELDLOG_INFO, "freeze",
	    "name=%s transaction=%" PRIu64 " limit_ms=%" PRId64, script->name,
	    transaction, limit_ms);
	script_set_state(script, SCRIPT_FREEZING, now_ms + limit_ms);
	return (SCRIPT_NO_ANSWER);
}

static void
thaw_failed(struct script *script, int64_t now_ms)
{
	int64_t delay_ms = SCRIPT_RETRY_MS;
	unsigned i;

	for (i = 0; i < script->thaw_tries && delay_ms < SCRIPT_RETRY_MAX_MS;
	     i++)
		delay_ms *= 2;
	if (delay_ms > SCRIPT_RETRY_MAX_MS)
		delay_ms = SCRIPT_RETRY_MAX_MS;
	script->thaw_tries++;
	log_failure(script, "thaw_failed");
	script_set_state(script, SCRIPT_THAW_FAILED, now_ms + delay_ms);
}

static void
start_thaw(struct script *script, int64_t now_ms)
{
	struct run_command command;
	const char *why = NULL;

	script->thaw_wanted = false;
	if (script->user[0] != '\0' && script->account.name[0] == '\0')
		why = account_find(&script->account, script->user);
	script_fill_command(script, &command, "thaw", script->transaction,
	    script->limit_ms);
	command.result = script->result;
	command.kept_fd = script->kept_fd;
	command.kept_path = script->kept_path;
	if (why != NULL || run_prepare(&script->thaw_run, &command) == -1) {
		(void)snprintf(script->text, sizeof(script->text),
		    "cannot start: %s", why != NULL ? why : strerror(errno));
		thaw_failed(script, now_ms);
		return;
	}
	/* A thaw runs even if it cannot be noted: the name is on the list. */
	(void)script_note(script, FROZEN_THAW, &script->thaw_run);
	run_go(&script->thaw_run);
	heldlog(HELDLOG_INFO, "thaw",
	    "name=%s transaction=%" PRIu64 " result=%s", script->name,
	    script->transaction, script->result);
	script_set_state(script, SCRIPT_THAWING, CLOCK_NEVER_MS);
}

static void
begin_kill(struct script *script, int64_t now_ms)
{
	run_kill(&script->freeze_run, SIGTERM);
	script->kill_sent = false;
	script_set_state(script, SCRIPT_KILLING, now_ms + SCRIPT_GRACE_MS);
}

enum script_answer
script_thaw(struct script *script, const char *result, int64_t limit_ms,
    int64_t now_ms)
{
	if (script->state == SCRIPT_IDLE)
		return (SCRIPT_READY);
	script->result = result;
	script->limit_ms = limit_ms;
	script->asked_at_ms = now_ms;
	script->answer_due = true;
	switch (script->state) {
	case SCRIPT_IDLE:
	case SCRIPT_THAWING:
		break;
	case SCRIPT_FREEZING:
		/* Nobody waits for it any more. */
		begin_kill(script, now_ms);
		script->thaw_wanted = true;
		break;
	case SCRIPT_KILLING:
		script->thaw_wanted = true;
		break;
	case SCRIPT_FROZEN:
	case SCRIPT_THAW_FAILED:
		start_thaw(script, now_ms);
		break;
	}
	return (SCRIPT_NO_ANSWER);
}

static enum script_answer
tick_freezing(struct script *script, int64_t now_ms)
{
	struct run *run = &script->freeze_run;
	char text[SCRIPT_TEXT_MAX];

	if (run_has_ended(run)) {
		run_reap(run);
		(void)run_describe(run, script->text, sizeof(script->text));
		if (run->exec_errno != 0) {
			/* It never ran, so there is nothing to thaw. */
			script_forget(script);
			drop_file(script);
			log_failure(script, "freeze_failed");
			script_set_state(script, SCRIPT_IDLE, CLOCK_NEVER_MS);
			return (answer(script, SCRIPT_FAIL));
		}
		(void)script_note(script, FROZEN_NOTHING, NULL);
		script_set_state(script, SCRIPT_FROZEN, CLOCK_NEVER_MS);
		script->freeze_failed = !run_succeeded(run);
		script->is_holding = !script->freeze_failed &&
		    run_is_holding(run);
		if (script->freeze_failed) {
			log_failure(script, "freeze_failed");
			return (answer(script, SCRIPT_FAIL));
		}
		heldlog(HELDLOG_INFO, "frozen", "name=%s elapsed_ms=%" PRId64,
		    script->name, now_ms - script->asked_at_ms);
		return (answer(script, SCRIPT_READY));
	}
	if (now_ms < script->next_at_ms)
		return (SCRIPT_NO_ANSWER);
	run_drain(run);
	(void)snprintf(text, sizeof(text), "killed after %" PRId64 " ms%s%s",
	    now_ms - script->asked_at_ms, run->tail_length > 0 ? ": " : "",
	    run->tail);
	memcpy(script->text, text, sizeof(text));
	log_failure(script, "freeze_failed");
	begin_kill(script, now_ms);
	return (answer(script, SCRIPT_FAIL));
}

/*
 * The script's own end is not enough: its group has until the end of the grace
 * to go, and until then the script stays a zombie, so that the number of the
 * group cannot become somebody else's.
 */
static void
tick_killing(struct script *script, int64_t now_ms)
{
	struct run *run = &script->freeze_run;
	bool ended;

	if (!script->kill_sent && now_ms >= script->next_at_ms) {
		run_kill(run, SIGKILL);
		script->kill_sent = true;
		script->next_at_ms = now_ms + SCRIPT_KILL_MS;
	}
	ended = run_has_ended(run);
	if (!ended && run->foreign && now_ms < script->next_at_ms)
		return;
	if (!run->foreign && !script->kill_sent)
		return;
	if (ended)
		run_reap(run);
	else if (now_ms < script->next_at_ms)
		return;
	else
		heldlog(HELDLOG_ERROR, "freeze_unkillable", "name=%s pid=%ld",
		    script->name, (long)run->pid);
	(void)script_note(script, FROZEN_NOTHING, NULL);
	script_set_state(script, SCRIPT_FROZEN, CLOCK_NEVER_MS);
}

static enum script_answer
tick_thawing(struct script *script, int64_t now_ms)
{
	struct run *run = &script->thaw_run;

	if (!run_has_ended(run))
		return (SCRIPT_NO_ANSWER);
	run_reap(run);
	if (run_succeeded(run)) {
		script_forget(script);
		heldlog(HELDLOG_INFO, "thawed",
		    "name=%s transaction=%" PRIu64 " result=%s", script->name,
		    script->transaction, script->result);
		drop_file(script);
		(void)run_describe(run, script->text, sizeof(script->text));
		script_set_state(script, SCRIPT_IDLE, CLOCK_NEVER_MS);
		return (answer(script, SCRIPT_READY));
	}
	(void)run_describe(run, script->text, sizeof(script->text));
	(void)script_note(script, FROZEN_NOTHING, NULL);
	thaw_failed(script, now_ms);
	return (SCRIPT_NO_ANSWER);
}

/* Somebody may have written: the broker has to know before the thaw. */
static enum script_answer
tick_frozen(struct script *script)
{
	struct run *run = &script->freeze_run;

	if (!script->is_holding || !run_output_ended(run))
		return (SCRIPT_NO_ANSWER);
	script->is_holding = false;
	script->freeze_failed = true;
	(void)snprintf(script->text, sizeof(script->text),
	    "what the freeze left behind holds no more%s%s",
	    run->tail_length > 0 ? ": " : "", run->tail);
	log_failure(script, "hold_lost");
	return (SCRIPT_LOST);
}

/* When a thaw is due an answer and is not over: at the broker's deadline. */
static int64_t
late_at_ms(const struct script *script)
{
	if (!script->answer_due || script->limit_ms == 0 ||
	    script->state == SCRIPT_FREEZING)
		return (CLOCK_NEVER_MS);
	return (script->asked_at_ms + script->limit_ms);
}

static enum script_answer
tick_late(struct script *script)
{
	(void)snprintf(script->text, sizeof(script->text), "%s",
	    script->state == SCRIPT_KILLING ?
		"thaw waits for the end of the freeze" :
		"thaw still running");
	log_failure(script, "thaw_late");
	return (answer(script, SCRIPT_FAIL));
}

enum script_answer
script_tick(struct script *script, int64_t now_ms)
{
	enum script_answer result = SCRIPT_NO_ANSWER;

	run_drain(&script->freeze_run);
	run_drain(&script->thaw_run);
	if (script->state != SCRIPT_FREEZING &&
	    script->state != SCRIPT_KILLING && script->freeze_run.pid != 0 &&
	    run_has_ended(&script->freeze_run))
		run_reap(&script->freeze_run);
	switch (script->state) {
	case SCRIPT_IDLE:
		break;
	case SCRIPT_FREEZING:
		result = tick_freezing(script, now_ms);
		break;
	case SCRIPT_KILLING:
		tick_killing(script, now_ms);
		break;
	case SCRIPT_FROZEN:
		result = tick_frozen(script);
		break;
	case SCRIPT_THAWING:
		result = tick_thawing(script, now_ms);
		break;
	case SCRIPT_THAW_FAILED:
		if (now_ms >= script->next_at_ms)
			start_thaw(script, now_ms);
		break;
	}
	if (script->state == SCRIPT_FROZEN && script->thaw_wanted)
		start_thaw(script, now_ms);
	/* Whether it ran, or could not be started when it was asked for. */
	if (script->state == SCRIPT_THAW_FAILED && script->limit_ms != 0 &&
	    result == SCRIPT_NO_ANSWER)
		result = answer(script, SCRIPT_FAIL);
	if (result == SCRIPT_NO_ANSWER && now_ms >= late_at_ms(script))
		result = tick_late(script);
	return (result);
}

int64_t
script_wake_at_ms(const struct script *script)
{
	int64_t at_ms = script->next_at_ms;

	if (late_at_ms(script) < at_ms)
		at_ms = late_at_ms(script);
	if (script->freeze_run.foreign || script->thaw_run.foreign)
		if (script->state != SCRIPT_IDLE &&
		    clock_now_ms() + FOREIGN_POLL_MS < at_ms)
			at_ms = clock_now_ms() + FOREIGN_POLL_MS;
	return (at_ms);
}

unsigned
script_fill_poll(const struct script *script, struct pollfd *fds)
{
	unsigned count = run_fill_poll(&script->freeze_run, fds);

	return (count + run_fill_poll(&script->thaw_run, fds + count));
}
