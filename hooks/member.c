/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See member.h.  Must not wait in a callback.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "hookdir.h"
#include "kernel/vssdev/heldlog.h"
#include "member.h"

#define RESCAN_AFTER_MS 1000 /* the end of a round: see vss.d(7) */
#define MARGIN_MAX_MS	200

/* The time left, less what the answer needs to arrive in time. */
static int64_t
answer_limit_ms(uint32_t remaining_ms)
{
	int64_t margin_ms = remaining_ms / 10;

	if (margin_ms > MARGIN_MAX_MS)
		margin_ms = MARGIN_MAX_MS;
	return (remaining_ms > margin_ms ? remaining_ms - margin_ms : 1);
}

static const char *
reason_word(enum appvss_reason reason)
{
	switch (reason) {
	case APPVSS_REASON_NONE:
	case APPVSS_REASON_LOST:
		return ("lost");
	case APPVSS_REASON_DONE:
		return ("done");
	case APPVSS_REASON_ABORTED:
		return ("aborted");
	case APPVSS_REASON_EXPIRED:
		return ("expired");
	}
	return ("lost");
}

/* From the file that was read last; what it asks of the broker comes later. */
static const char *
apply(struct member *member)
{
	const char *user = member->entry.directive.user;

	if (member->script.state != SCRIPT_IDLE ||
	    (strcmp(member->script.user, user) == 0 &&
		strcmp(member->script.account.name, user) == 0))
		return (NULL);
	return (script_set_user(&member->script, user));
}

/*
 * NULL if the script may run, else why not.  The file is judged again, and read
 * again if it has changed: a script never runs with the directives of another.
 */
static const char *
why_not(struct member *member)
{
	struct hookdir_stamp before = member->entry.stamp;

	if (member->shared->stopping)
		return ("appvss-hooks is stopping");
	if (hookdir_look(&member->entry, member->shared->options->directory) ==
	    -1) {
		memset(&member->entry.stamp, 0, sizeof(member->entry.stamp));
		return (strerror(errno));
	}
	if (memcmp(&before, &member->entry.stamp, sizeof(before)) != 0)
		member->shared->rescan_at_ms = clock_now_ms() + RESCAN_AFTER_MS;
	if (member->entry.verdict != SCAN_RUN)
		return (member->entry.why);
	return (apply(member));
}

/* The time of one run: the script's own limit counts before the general one. */
static int64_t
run_limit_ms(const struct member *member, uint32_t remaining_ms)
{
	int64_t limit_ms = answer_limit_ms(remaining_ms);
	uint32_t own_ms = member->entry.directive.timeout_ms;

	if (own_ms == 0)
		own_ms = member->shared->options->freeze_ms;
	return (limit_ms < own_ms ? limit_ms : own_ms);
}

static enum appvss_answer
on_check(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct member *member = arg;
	const char *reason = why_not(member);
	int64_t now_ms = clock_now_ms();

	member->shared->rescan_at_ms = now_ms + RESCAN_AFTER_MS;
	if (reason == NULL && member->script.state != SCRIPT_IDLE)
		reason = "not thawed since the last freeze";
	if (reason == NULL && !member->entry.directive.check)
		return (APPVSS_READY);
	if (reason == NULL) {
		if (check_begin(&member->check, &member->script,
			request->transaction,
			run_limit_ms(member, request->remaining_ms),
			now_ms) == SCRIPT_NO_ANSWER)
			return (APPVSS_PENDING);
		reason = member->check.text;
	}
	appvss_set_text(participant, reason);
	return (APPVSS_FAIL);
}

static enum appvss_answer
on_freeze(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct member *member = arg;
	struct member_shared *shared = member->shared;
	int64_t now_ms = clock_now_ms();
	const char *reason;

	/* From here on the disk may freeze at any time. */
	heldlog_hold(true);
	if (now_ms + request->hold_ms > shared->quiet_until_ms)
		shared->quiet_until_ms = now_ms + request->hold_ms;
	(void)check_abandon(&member->check);
	reason = why_not(member);
	if (reason != NULL) {
		member->script.freeze_failed = true;
		heldlog(HELDLOG_ERROR, "freeze_refused",
		    "name=%s reason=\"%s\"", member->script.name, reason);
		appvss_set_text(participant, reason);
		return (APPVSS_FAIL);
	}
	if (script_freeze(&member->script, request->transaction,
		run_limit_ms(member, request->remaining_ms),
		now_ms) == SCRIPT_NO_ANSWER)
		return (APPVSS_PENDING);
	appvss_set_text(participant, member->script.text);
	return (APPVSS_FAIL);
}

static enum appvss_answer
on_thaw(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct member *member = arg;
	struct member_shared *shared = member->shared;
	int64_t now_ms = clock_now_ms(), limit_ms = 0;

	(void)participant;
	/*
	 * The transaction goes on without a participant that failed, and
	 * without a broker: then only time tells that no file system is frozen.
	 */
	if (request->reason == APPVSS_REASON_DONE ||
	    request->reason == APPVSS_REASON_EXPIRED ||
	    (request->reason == APPVSS_REASON_ABORTED &&
		!member->script.freeze_failed))
		shared->quiet_until_ms = now_ms;
	shared->rescan_at_ms = now_ms + RESCAN_AFTER_MS;
	if (request->reason != APPVSS_REASON_LOST)
		limit_ms = answer_limit_ms(request->remaining_ms);
	if (script_thaw(&member->script, reason_word(request->reason), limit_ms,
		now_ms) == SCRIPT_READY)
		return (APPVSS_READY);
	return (APPVSS_PENDING);
}

/* What the broker is asked for. */
static int
asked_order(const struct member *member)
{
	return (member->fallback ? APPVSS_ORDER_DEFAULT : member->asked.order);
}

static int
asked_required(const struct member *member)
{
	return (member->asked.required && !member->fallback);
}

static void
on_status(struct appvss_participant *participant, int error, const char *text,
    void *arg)
{
	struct member *member = arg;
	char quoted[HELDLOG_LINE_MAX / 2];

	(void)participant;
	if (error == APPVSS_OK) {
		heldlog(HELDLOG_INFO, "registered",
		    "name=%s order=%d required=%d", member->script.name,
		    asked_order(member), asked_required(member));
		return;
	}
	heldlog(error == APPVSS_E_UNAVAILABLE ? HELDLOG_INFO : HELDLOG_ERROR,
	    "not_registered", "name=%s reason=\"%s\" text=%s",
	    member->script.name, appvss_strerror(error),
	    heldlog_quote(text, quoted, sizeof(quoted)));
	member->denied = error == APPVSS_E_DENIED;
	/* The next broker may allow what this one did not. */
	if (error == APPVSS_E_UNAVAILABLE && member->fallback)
		member->is_new_chance = true;
}

/* Where the script lies; in a fallback, what it was not granted as well. */
static const char *
program_text(const struct member *member, char *text, size_t size)
{
	if (member->fallback)
		(void)snprintf(text, size, "%s (not granted: %sorder %d)",
		    member->script.path,
		    member->asked.required ? "required, " : "",
		    member->asked.order);
	else
		(void)snprintf(text, size, "%s", member->script.path);
	return (text);
}

/* 0 or a negative enum appvss_error. */
static int
enroll(struct member *member)
{
	static const struct appvss_callbacks callbacks = { on_check, on_freeze,
		on_thaw, on_status };
	char program[SCRIPT_PATH_MAX + DIRECTIVE_TEXT_MAX];
	struct appvss_options options;
	int error;

	member->asked = member->entry.directive;
	member->asked.order = hookdir_order(&member->entry);
	appvss_options_init(&options);
	options.name = member->script.name;
	options.program = program_text(member, program, sizeof(program));
	options.order = asked_order(member);
	options.required = asked_required(member);
	options.freeze_ms = member->asked.timeout_ms != 0 ?
	    member->asked.timeout_ms :
	    member->shared->options->freeze_ms;
	options.thaw_ms = member->shared->options->thaw_ms;
	member->denied = member->is_new_chance = false;
	error = appvss_register(member->shared->handle, &options, &callbacks,
	    member, &member->participant);
	if (error != APPVSS_OK)
		heldlog(HELDLOG_ERROR, "not_registered",
		    "name=%s reason=\"%s\"", member->script.name,
		    appvss_strerror(error));
	return (error);
}

static void
leave(struct member *member)
{
	if (member->participant != NULL)
		appvss_unregister(member->participant);
	member->participant = NULL;
}

static void
apply_logged(struct member *member)
{
	const char *why = apply(member);

	if (why != NULL)
		heldlog(HELDLOG_ERROR, "user_not_found",
		    "name=%s user=%s reason=\"%s\"", member->entry.name,
		    member->entry.directive.user, why);
}

bool
member_init(struct member *member, struct member_shared *shared,
    const struct hookdir_entry *entry)
{
	member->shared = shared;
	member->entry = *entry;
	check_init(&member->check);
	if (!script_init(&member->script, shared->options->directory,
		entry->name, &shared->list)) {
		heldlog(HELDLOG_ERROR, "script_not_added",
		    "name=%s reason=\"too long a path\"", entry->name);
		return (false);
	}
	member->script.order = hookdir_order(entry);
	apply_logged(member);
	/* It is kept even if it cannot be registered: it may owe a thaw. */
	(void)enroll(member);
	return (true);
}

void
member_fini(struct member *member, bool is_leaving)
{
	if (is_leaving)
		leave(member);
	if (!check_abandon(&member->check) &&
	    member->script.state == SCRIPT_IDLE)
		script_forget(&member->script);
	check_fini(&member->check);
	script_fini(&member->script);
}

void
member_update(struct member *member, const struct hookdir_entry *entry)
{
	uint32_t timeout_ms = entry->directive.timeout_ms;

	member->entry = *entry;
	member->script.order = hookdir_order(entry);
	apply_logged(member);
	/*
	 * One that is not understood any more keeps its place: a required
	 * script that somebody broke vetoes.
	 */
	if (entry->verdict != SCAN_RUN ||
	    (member->asked.order == hookdir_order(entry) &&
		member->asked.required == entry->directive.required &&
		member->asked.timeout_ms == timeout_ms))
		return;
	leave(member);
	member->fallback = false;
	(void)enroll(member);
}

void
member_retry(struct member *member, bool is_new_chance)
{
	bool wants = member->asked.required ||
	    member->asked.order != APPVSS_ORDER_DEFAULT;

	if (!member_is_idle(member))
		return;
	if (member->fallback && (is_new_chance || member->is_new_chance)) {
		leave(member);
		member->fallback = false;
		(void)enroll(member);
		return;
	}
	if (!member->denied)
		return;
	member->denied = false;
	if (member->fallback || !wants)
		return;
	heldlog(HELDLOG_WARN, "order_refused",
	    "name=%s order=%d required=%d used=%d reason=\"only a participant "
	    "entry in appvssd.conf allows it\"",
	    member->script.name, member->asked.order, member->asked.required,
	    APPVSS_ORDER_DEFAULT);
	leave(member);
	member->fallback = true;
	(void)enroll(member);
}

static void
pass_on(struct member *member, enum script_answer answer, const char *text)
{
	int error = APPVSS_OK;

	if (member->participant == NULL)
		return;
	switch (answer) {
	case SCRIPT_NO_ANSWER:
		return;
	case SCRIPT_READY:
		error = appvss_ready(member->participant, text);
		break;
	case SCRIPT_FAIL:
	case SCRIPT_LOST:
		error = appvss_fail(member->participant, text);
		break;
	}
	/* Stale: the broker went on without it, and a thaw follows. */
	if (error != APPVSS_OK)
		heldlog(HELDLOG_INFO, "answer_not_taken",
		    "name=%s reason=\"%s\"", member->script.name,
		    appvss_strerror(error));
}

void
member_tick(struct member *member, int64_t now_ms)
{
	enum script_answer answer;

	answer = script_tick(&member->script, now_ms);
	pass_on(member, answer, member->script.text);
	answer = check_tick(&member->check, &member->script, now_ms);
	pass_on(member, answer, member->check.text);
	member_retry(member, false);
}

bool
member_is_idle(const struct member *member)
{
	return (
	    member->script.state == SCRIPT_IDLE && member->check.run.pid == 0);
}
