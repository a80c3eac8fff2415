/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the control socket asks for: status, mounts, and a drill, which is a
 * freeze without a host.  A drill obeys the same limit, and at most one freeze
 * is held at a time, the host's or a drill's: see session.h and control.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "kernel/vssdev/heldlog.h"
#include "session_impl.h"
#include "survey.h"

#define DRILL_DEFAULT_MS 10000
/* The host's requests wait so long at most for a drill that freezes. */
#define DRILL_BUDGET_MS 5000
#define QUOTED_MAX	512

static const char *
state_word(const struct session *session)
{
	if (session->drill_client != 0)
		return ("drill");
	if (session->hold == HOLD_FROZEN)
		return ("frozen");
	return (freezer_is_frozen(session->freezer) ? "stuck" : "idle");
}

static const char *
hold_word(enum hold hold)
{
	switch (hold) {
	case HOLD_NONE:
		return ("none");
	case HOLD_FROZEN:
		return ("frozen");
	case HOLD_THAWED:
		return ("thawed");
	case HOLD_REFUSED:
		return ("refused");
	case HOLD_LOST:
		return ("lost");
	}
	return ("none");
}

static void
tell_status(struct session *session, uint64_t client)
{
	char device[QUOTED_MAX];
	int64_t now_ms = clock_now_ms();
	bool frozen = session->limit_at_ms != 0;

	control_put(session->control, client,
	    "OK version=" APPVSS_VERSION
	    " pid=%ld state=%s last_freeze=%s device=%s device_open=%s "
	    "limit_ms=%u frozen=%u frozen_ms=%" PRId64 " left_ms=%" PRId64
	    " freezes=%" PRIu64 " failures=%" PRIu64 " log_dropped=%" PRIu64,
	    (long)getpid(), state_word(session), hold_word(session->hold),
	    heldlog_quote(session->config.device, device, sizeof(device)),
	    session->dev == NULL ? "no" : "yes", session->config.limit_ms,
	    frozen ? session->counts.frozen : 0,
	    frozen ? now_ms - session->frozen_at_ms : 0,
	    frozen ? session->limit_at_ms - now_ms : 0, session->freezes,
	    session->failures, heldlog_dropped());
}

/* why is key=value pairs already. */
static void
tell_error(struct session *session, uint64_t client, const struct why *why)
{
	control_put(session->control, client, "ERROR %s", why->text);
}

static void
tell_mounts(struct session *session, uint64_t client)
{
	char point[QUOTED_MAX], type[QUOTED_MAX], reason[QUOTED_MAX];
	char text[SURVEY_REASON_MAX];
	const struct mount_entry *entry;
	struct survey survey;
	struct why why;
	unsigned i;

	if (survey_take(session->config.policy, &survey, &why) != 0) {
		survey_free(&survey);
		tell_error(session, client, &why);
		return;
	}
	for (i = 0; i < survey.table.count; i++) {
		entry = &survey.table.entries[i];
		control_put(session->control, client,
		    "ITEM mount=%s type=%s policy=%s frozen=%s why=%s",
		    heldlog_quote(entry->point, point, sizeof(point)),
		    heldlog_quote(entry->type, type, sizeof(type)),
		    policy_word(survey.decisions[i].policy),
		    freezer_has_frozen(session->freezer, entry->fs) ? "yes" :
								      "no",
		    heldlog_quote(survey_reason(&survey, i, text), reason,
			sizeof(reason)));
	}
	control_put(session->control, client, "OK count=%u",
	    survey.table.count);
	survey_free(&survey);
}

static unsigned
at_most(unsigned ms, unsigned limit_ms)
{
	return (ms < limit_ms ? ms : limit_ms);
}

/* Only what a snapshot would freeze as well.  0, or -1 with why. */
static int
select_mount(struct session *session, const char *mount, struct why *why)
{
	struct survey survey;
	int result;
	bool found = false;
	unsigned i;

	result = survey_take(session->config.policy, &survey, why);
	for (i = 0; result == 0 && i < survey.table.count; i++) {
		if (strcmp(survey.table.entries[i].point, mount) == 0)
			found = survey.decisions[i].policy == POLICY_FREEZE;
	}
	survey_free(&survey);
	if (result == 0 && !found) {
		why_set(why, mount, "is not mounted, or would not be frozen",
		    0);
		result = -1;
	}
	if (result != 0)
		return (-1);
	(void)snprintf(session->drill_mount, sizeof(session->drill_mount), "%s",
	    mount);
	session->drill_mounts[0] = session->drill_mount;
	session->drill_policy = *session->config.policy;
	session->drill_policy.selected = session->drill_mounts;
	session->drill_policy.nselected = 1;
	freezer_use(session->freezer, &session->drill_policy);
	return (0);
}

/*
 * hold_ms is what remains when all is frozen, however long that takes; the
 * limit runs from the start.
 */
static void
drill_freeze(struct session *session, const struct control_request *request)
{
	unsigned limit_ms = session->config.limit_ms;
	unsigned freeze_ms, hold_ms;
	struct why why;

	if (freezer_is_frozen(session->freezer)) {
		control_put(session->control, request->client,
		    "ERROR reason=busy");
		return;
	}
	if (request->mount[0] != '\0' &&
	    select_mount(session, request->mount, &why) != 0) {
		tell_error(session, request->client, &why);
		return;
	}
	hold_ms = at_most(request->hold_ms == 0 ? DRILL_DEFAULT_MS :
						  request->hold_ms,
	    limit_ms);
	heldlog(HELDLOG_WARN, "drill", "hold_ms=%u", hold_ms);
	heldlog_hold(true);
	session->frozen_at_ms = clock_now_ms();
	if (freezer_freeze(session->freezer,
		session_budget_at_ms(session, DRILL_BUDGET_MS),
		at_most(hold_ms + DRILL_BUDGET_MS, limit_ms), &session->counts,
		&why) != 0) {
		heldlog(HELDLOG_ERROR, "drill_failed", "%s", why.text);
		session_settle(session);
		tell_error(session, request->client, &why);
		return;
	}
	freeze_ms = (unsigned)(clock_now_ms() - session->frozen_at_ms);
	session->drill_client = request->client;
	session_arm(session, at_most(hold_ms + freeze_ms, limit_ms));
	control_put(session->control, request->client,
	    "OK frozen=%u synced=%u elapsed_ms=%u hold_ms=%u",
	    session->counts.frozen, session->counts.synced, freeze_ms, hold_ms);
}

static void
drill_thaw(struct session *session, uint64_t client)
{
	int64_t frozen_ms;
	struct why why;

	if (session->drill_client == 0) {
		control_put(session->control, client, "ERROR reason=%s",
		    freezer_is_frozen(session->freezer) ? "busy" : "no_drill");
		return;
	}
	frozen_ms = clock_now_ms() - session->frozen_at_ms;
	if (freezer_thaw(session->freezer, &why) != 0) {
		heldlog(HELDLOG_ERROR, "drill_failed", "%s", why.text);
		tell_error(session, client, &why);
	} else {
		heldlog(HELDLOG_INFO, "drill_ok", "frozen_ms=%" PRId64,
		    frozen_ms);
		control_put(session->control, client, "OK frozen_ms=%" PRId64,
		    frozen_ms);
	}
	session_settle(session);
}

void
session_end_drill(struct session *session, const char *reason)
{
	struct why why;

	heldlog(HELDLOG_ERROR, "drill_failed",
	    "reason=\"%s\" frozen_ms=%" PRId64, reason,
	    clock_now_ms() - session->frozen_at_ms);
	if (freezer_thaw(session->freezer, &why) != 0)
		heldlog(HELDLOG_ERROR, "thaw_failed", "%s", why.text);
	session_settle(session);
}

void
session_watch_drill(struct session *session)
{
	if (session->drill_client != 0 &&
	    !control_is_there(session->control, session->drill_client))
		session_end_drill(session, "the connection has ended");
}

void
session_serve_control(struct session *session)
{
	struct control_request request;

	while (control_next(session->control, &request)) {
		switch (request.verb) {
		case CONTROL_STATUS:
			tell_status(session, request.client);
			break;
		case CONTROL_MOUNTS:
			tell_mounts(session, request.client);
			break;
		case CONTROL_FREEZE:
			drill_freeze(session, &request);
			break;
		case CONTROL_THAW:
			drill_thaw(session, request.client);
			break;
		}
		control_send(session->control, request.client);
		session_watch_drill(session);
	}
}
