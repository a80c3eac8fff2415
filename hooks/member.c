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

/* NULL if the script may run, else why not. */
static const char *
why_not(const struct member *member)
{
	int verdict;

	if (member->shared->stopping)
		return ("appvss-hooks is stopping");
	verdict = hookdir_judge(member->shared->options->directory,
	    member->script.name);
	if (verdict == -1)
		return (strerror(errno));
	if (verdict != SCAN_RUN)
		return (scan_verdict_text((enum scan_verdict)verdict));
	return (NULL);
}

static enum appvss_answer
on_check(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct member *member = arg;
	const char *reason = why_not(member);

	(void)request;
	member->shared->rescan_at_ms = clock_now_ms() + RESCAN_AFTER_MS;
	if (reason == NULL && member->script.state != SCRIPT_IDLE)
		reason = "not thawed since the last freeze";
	if (reason == NULL)
		return (APPVSS_READY);
	appvss_set_text(participant, reason);
	return (APPVSS_FAIL);
}

static enum appvss_answer
on_freeze(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct member *member = arg;
	struct member_shared *shared = member->shared;
	int64_t now_ms = clock_now_ms(), limit_ms;
	const char *reason;

	/* From here on the disk may freeze at any time. */
	heldlog_hold(true);
	if (now_ms + request->hold_ms > shared->quiet_until_ms)
		shared->quiet_until_ms = now_ms + request->hold_ms;
	limit_ms = answer_limit_ms(request->remaining_ms);
	if (limit_ms > shared->options->freeze_ms)
		limit_ms = shared->options->freeze_ms;
	reason = why_not(member);
	if (reason != NULL) {
		member->script.freeze_failed = true;
		heldlog(HELDLOG_ERROR, "freeze_refused",
		    "name=%s reason=\"%s\"", member->script.name, reason);
		appvss_set_text(participant, reason);
		return (APPVSS_FAIL);
	}
	if (script_freeze(&member->script, request->transaction, limit_ms,
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

static void
on_status(struct appvss_participant *participant, int error, const char *text,
    void *arg)
{
	struct member *member = arg;
	char quoted[HELDLOG_LINE_MAX / 2];

	(void)participant;
	if (error == APPVSS_OK) {
		heldlog(HELDLOG_INFO, "registered", "name=%s order=%d",
		    member->script.name,
		    member->fallback ? APPVSS_ORDER_DEFAULT :
				       member->script.order);
		return;
	}
	heldlog(error == APPVSS_E_UNAVAILABLE ? HELDLOG_INFO : HELDLOG_ERROR,
	    "not_registered", "name=%s reason=\"%s\" text=%s",
	    member->script.name, appvss_strerror(error),
	    heldlog_quote(text, quoted, sizeof(quoted)));
	member->denied = error == APPVSS_E_DENIED;
}

int
member_register(struct member *member)
{
	static const struct appvss_callbacks callbacks = { on_check, on_freeze,
		on_thaw, on_status };
	struct appvss_options options;

	appvss_options_init(&options);
	options.name = member->script.name;
	options.program = member->script.path;
	if (!member->fallback)
		options.order = member->script.order;
	options.freeze_ms = member->shared->options->freeze_ms;
	options.thaw_ms = member->shared->options->thaw_ms;
	member->denied = false;
	return (appvss_register(member->shared->handle, &options, &callbacks,
	    member, &member->participant));
}

void
member_unregister(struct member *member)
{
	if (member->participant != NULL)
		appvss_unregister(member->participant);
	member->participant = NULL;
}

void
member_retry_denied(struct member *member)
{
	int error;

	if (!member->denied)
		return;
	member->denied = false;
	if (member->fallback || member->script.order == APPVSS_ORDER_DEFAULT)
		return;
	heldlog(HELDLOG_WARN, "order_refused",
	    "name=%s order=%d used=%d reason=\"only a participant entry in "
	    "appvssd.conf allows it\"",
	    member->script.name, member->script.order, APPVSS_ORDER_DEFAULT);
	member_unregister(member);
	member->fallback = true;
	error = member_register(member);
	if (error != APPVSS_OK)
		heldlog(HELDLOG_ERROR, "not_registered",
		    "name=%s reason=\"%s\"", member->script.name,
		    appvss_strerror(error));
}

void
member_answer(struct member *member, enum script_answer answer)
{
	int error = APPVSS_OK;

	if (member->participant == NULL)
		return;
	switch (answer) {
	case SCRIPT_NO_ANSWER:
		return;
	case SCRIPT_READY:
		error = appvss_ready(member->participant, NULL);
		break;
	case SCRIPT_FAIL:
	case SCRIPT_LOST:
		error = appvss_fail(member->participant, member->script.text);
		break;
	}
	/* Stale: the broker went on without it, and a thaw follows. */
	if (error != APPVSS_OK)
		heldlog(HELDLOG_INFO, "answer_not_taken",
		    "name=%s reason=\"%s\"", member->script.name,
		    appvss_strerror(error));
}
