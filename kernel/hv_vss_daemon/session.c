/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of the daemon: see session.h.
 */
#include <sys/types.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sysexits.h>

#include "clock.h"
#include "control.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/vssdev.h"
#include "session_impl.h"

/*
 * The driver waits 15 s for both stages of an operation.  That of the base
 * system does not tell that an answer is late: so it gets none.
 */
#define ANSWER_BUDGET_MS 14000
#define REOPEN_FIRST_MS	 100
#define REOPEN_MAX_MS	 5000
#define THAW_RETRY_MS	 500
#define POLL_RETRY_MS	 100

static const char *
op_name(uint32_t opt)
{
	switch (opt) {
	case HV_VSS_CHECK:
		return ("check");
	case HV_VSS_FREEZE:
		return ("freeze");
	case HV_VSS_THAW:
		return ("thaw");
	}
	return ("unknown");
}

static void
session_set_hold(struct session *session, enum hold hold)
{
	session->hold = hold;
	session->failures += hold == HOLD_REFUSED || hold == HOLD_LOST;
}

void
session_arm(struct session *session, unsigned limit_ms)
{
	session->limit_at_ms = session->frozen_at_ms + limit_ms;
	session->limit_rearmed = false;
	session->thaw_retry_at_ms = 0;
}

void
session_settle(struct session *session)
{
	session->limit_at_ms = 0;
	session->drill_client = 0;
	if (freezer_is_frozen(session->freezer)) {
		if (session->thaw_retry_at_ms == 0)
			heldlog(HELDLOG_ERROR, "still_frozen", "retry_ms=%d",
			    THAW_RETRY_MS);
		session->thaw_retry_at_ms = clock_now_ms() + THAW_RETRY_MS;
		return;
	}
	session->thaw_retry_at_ms = 0;
	freezer_use(session->freezer, session->config.policy);
	heldlog_hold(false);
}

/*
 * A freeze that takes longer than the limit is none: the guardian may have
 * thawed the first of it before the last was frozen.
 */
int64_t
session_budget_at_ms(const struct session *session, unsigned budget_ms)
{
	return (session->frozen_at_ms +
	    (budget_ms < session->config.limit_ms ? budget_ms :
						    session->config.limit_ms));
}

/* Thaws because of reason, not because the driver asked. */
static void
thaw_unasked(struct session *session, const char *reason, enum hold after)
{
	struct why why;

	heldlog(HELDLOG_ERROR, "thawed_unasked",
	    "reason=\"%s\" frozen_ms=%" PRId64, reason,
	    clock_now_ms() - session->frozen_at_ms);
	if (freezer_thaw(session->freezer, &why) != 0)
		heldlog(HELDLOG_ERROR, "thaw_failed", "%s", why.text);
	session_set_hold(session, after);
	session_settle(session);
}

static uint32_t
do_check(struct session *session)
{
	int64_t started_at_ms = clock_now_ms();
	struct freezer_counts counts = { 0, 0 };
	struct why why;

	if (freezer_check(session->freezer, started_at_ms + ANSWER_BUDGET_MS,
		&counts, &why) != 0) {
		heldlog(HELDLOG_ERROR, "check_failed", "%s", why.text);
		return (VSS_FAIL);
	}
	if (counts.frozen + counts.synced == 0)
		heldlog(HELDLOG_WARN, "nothing_to_freeze", "filesystems=0");
	heldlog(HELDLOG_INFO, "check_ok",
	    "filesystems=%u synced=%u elapsed_ms=%" PRId64, counts.frozen,
	    counts.synced, clock_now_ms() - started_at_ms);
	return (VSS_SUCCESS);
}

/* Frozen already: the host has lost its THAW, and what is frozen waits for it;
 * or a drill runs, or something could not be thawed. */
static uint32_t
refuse_freeze(struct session *session)
{
	heldlog(HELDLOG_ERROR, "freeze_failed", "reason=\"%s\"",
	    session->drill_client != 0 ? "a drill has frozen" :
					 "frozen already");
	if (session->drill_client != 0)
		session_set_hold(session, HOLD_REFUSED);
	return (VSS_FAIL);
}

static uint32_t
do_freeze(struct session *session)
{
	struct why why;

	if (freezer_is_frozen(session->freezer))
		return (refuse_freeze(session));
	heldlog_hold(true);
	session->frozen_at_ms = clock_now_ms();
	if (freezer_freeze(session->freezer,
		session_budget_at_ms(session, ANSWER_BUDGET_MS),
		session->config.limit_ms, &session->counts, &why) != 0) {
		heldlog(HELDLOG_ERROR, "freeze_failed", "%s", why.text);
		session_set_hold(session, HOLD_REFUSED);
		session_settle(session);
		return (VSS_FAIL);
	}
	heldlog(HELDLOG_INFO, "freeze_ok",
	    "filesystems=%u synced=%u elapsed_ms=%" PRId64,
	    session->counts.frozen, session->counts.synced,
	    clock_now_ms() - session->frozen_at_ms);
	session->freezes++;
	session_set_hold(session, HOLD_FROZEN);
	session_arm(session, session->config.limit_ms);
	return (VSS_SUCCESS);
}

static uint32_t
thaw_frozen(struct session *session)
{
	struct why why;

	if (freezer_thaw(session->freezer, &why) != 0) {
		heldlog(HELDLOG_ERROR, "thaw_failed", "%s", why.text);
		session_set_hold(session, HOLD_LOST);
		session_settle(session);
		return (VSS_FAIL);
	}
	heldlog(HELDLOG_INFO, "thaw_ok", "frozen_ms=%" PRId64,
	    clock_now_ms() - session->frozen_at_ms);
	session_set_hold(session, HOLD_THAWED);
	session_settle(session);
	return (VSS_SUCCESS);
}

static uint32_t
do_thaw(struct session *session)
{
	const char *reason = "";

	switch (session->hold) {
	case HOLD_FROZEN:
		return (thaw_frozen(session));
	case HOLD_REFUSED:
		heldlog(HELDLOG_INFO, "thaw_ok",
		    "reason=\"the freeze was refused: nothing is frozen\"");
		return (VSS_SUCCESS);
	case HOLD_NONE:
		reason = "no freeze of this program";
		break;
	case HOLD_THAWED:
		reason = "thawed before";
		break;
	case HOLD_LOST:
		reason = "thawed too early";
		break;
	}
	heldlog(HELDLOG_ERROR, "thaw_failed", "reason=\"%s\"", reason);
	return (VSS_FAIL);
}

static void
lose_device(struct session *session, int error)
{
	char quoted[HELDLOG_LINE_MAX / 2];

	heldlog(HELDLOG_ERROR, "device_lost", "device=%s error=\"%s\"",
	    heldlog_quote(session->config.device, quoted, sizeof(quoted)),
	    strerror(error));
	vssdev_close(session->dev);
	session->dev = NULL;
	session->reopen_wait_ms = REOPEN_FIRST_MS;
	session->reopen_at_ms = clock_now_ms() + session->reopen_wait_ms;
	if (session->hold == HOLD_FROZEN)
		thaw_unasked(session, "the device has gone", HOLD_LOST);
}

static bool
is_device_gone(int error)
{
	return (error == ENXIO || error == EPIPE || error == EBADF ||
	    error == ENODEV);
}

/* A success that the driver does not take is undone at once. */
static void
answer(struct session *session, const struct hv_vss_opt_msg *msg,
    uint32_t status)
{
	int error;

	if (vssdev_write(session->dev, msg, status) == 0)
		return;
	error = errno;
	heldlog(HELDLOG_ERROR, "answer_refused",
	    "op=%s msgid=%" PRIu64 " status=%u error=\"%s\"", op_name(msg->opt),
	    msg->msgid, status, strerror(error));
	if (msg->opt == HV_VSS_FREEZE && status == VSS_SUCCESS)
		thaw_unasked(session, "the driver did not take the answer",
		    error == ETIMEDOUT ? HOLD_REFUSED : HOLD_LOST);
	if (is_device_gone(error))
		lose_device(session, error);
}

/* hung_up: poll(2) says so. */
static void
serve_device(struct session *session, bool hung_up)
{
	struct hv_vss_opt_msg msg;
	uint32_t status = VSS_FAIL;

	if (vssdev_read(session->dev, &msg) != 0) {
		/* Any other error would come again, and again. */
		if (errno != EAGAIN || hung_up)
			lose_device(session, errno == EAGAIN ? EPIPE : errno);
		return;
	}
	heldlog(HELDLOG_DEBUG, "request", "op=%s msgid=%" PRIu64,
	    op_name(msg.opt), msg.msgid);
	switch (msg.opt) {
	case HV_VSS_CHECK:
		status = do_check(session);
		break;
	case HV_VSS_FREEZE:
		status = do_freeze(session);
		break;
	case HV_VSS_THAW:
		status = do_thaw(session);
		break;
	default:
		heldlog(HELDLOG_ERROR, "unknown_request", "op=%u", msg.opt);
		break;
	}
	answer(session, &msg, status);
}

static void
reopen_device(struct session *session)
{
	char quoted[HELDLOG_LINE_MAX / 2];

	(void)heldlog_quote(session->config.device, quoted, sizeof(quoted));
	if (vssdev_open(session->config.device, &session->dev) == 0) {
		session->reopen_at_ms = 0;
		heldlog(HELDLOG_INFO, "device_opened", "device=%s", quoted);
		return;
	}
	heldlog(HELDLOG_DEBUG, "device_not_opened", "device=%s error=\"%s\"",
	    quoted, strerror(errno));
	session->reopen_wait_ms *= 2;
	if (session->reopen_wait_ms > REOPEN_MAX_MS)
		session->reopen_wait_ms = REOPEN_MAX_MS;
	session->reopen_at_ms = clock_now_ms() + session->reopen_wait_ms;
}

/* A limit that is noticed late: the machine was paused, see guardian.h. */
static void
handle_limit(struct session *session)
{
	int64_t late_ms = clock_now_ms() - session->limit_at_ms;

	if (late_ms > LATE_MS && !session->limit_rearmed) {
		session->limit_rearmed = true;
		session->limit_at_ms = clock_now_ms() + DAEMON_REARM_MS;
		heldlog(HELDLOG_WARN, "paused", "late_ms=%" PRId64, late_ms);
		return;
	}
	if (session->drill_client != 0)
		session_end_drill(session, "the limit has passed");
	else
		thaw_unasked(session, "the limit while frozen has passed",
		    HOLD_LOST);
}

static void
retry_thaw(struct session *session)
{
	struct why ignored;

	(void)freezer_thaw(session->freezer, &ignored);
	if (!freezer_is_frozen(session->freezer))
		heldlog(HELDLOG_WARN, "thawed_at_last", "frozen_ms=%" PRId64,
		    clock_now_ms() - session->frozen_at_ms);
	session_settle(session);
}

static void
handle_timers(struct session *session)
{
	int64_t now_ms = clock_now_ms();

	if (session->limit_at_ms != 0 && now_ms >= session->limit_at_ms)
		handle_limit(session);
	if (session->thaw_retry_at_ms != 0 &&
	    now_ms >= session->thaw_retry_at_ms)
		retry_thaw(session);
	if (session->reopen_at_ms != 0 && now_ms >= session->reopen_at_ms)
		reopen_device(session);
}

static int64_t
next_timer(const struct session *session)
{
	const int64_t timers[] = { session->limit_at_ms,
		session->thaw_retry_at_ms, session->reopen_at_ms,
		control_resume_at_ms(session->control) };
	int64_t next_at_ms = 0;
	unsigned i;

	for (i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		if (timers[i] != 0 &&
		    (next_at_ms == 0 || timers[i] < next_at_ms))
			next_at_ms = timers[i];
	}
	return (next_at_ms);
}

/*
 * Waits for the descriptors, with the signals that end the program let in.  If
 * that fails, as it can without memory, time goes by and signals come all the
 * same: the limit holds, and the program can be ended.
 */
static int
wait_for(const struct session *session, struct pollfd *pfds, unsigned count)
{
	struct timespec pause = { .tv_nsec = POLL_RETRY_MS * 1000000L };
	int64_t at_ms = next_timer(session);
	struct timespec timeout;
	int timeout_ms, ready;

	timeout_ms = clock_timeout_ms(at_ms);
	timeout.tv_sec = timeout_ms / 1000;
	timeout.tv_nsec = timeout_ms % 1000 * 1000000L;
	ready = ppoll(pfds, count, at_ms == 0 ? NULL : &timeout,
	    session->config.waiting_mask);
	if (ready == -1 && errno != EINTR) {
		heldlog(HELDLOG_ERROR, "poll_failed", "error=\"%s\"",
		    strerror(errno));
		(void)ppoll(NULL, 0, &pause, session->config.waiting_mask);
	}
	return (ready);
}

/* Waits for something; false when the guardian has died. */
static bool
wait_and_serve(struct session *session)
{
	struct pollfd pfds[2 + CONTROL_FDS_MAX] = {
		{ .fd = session->dev == NULL ? -1 :
					       vssdev_poll_fd(session->dev),
		    .events = POLLIN },
		{ .fd = freezer_poll_fd(session->freezer), .events = POLLIN },
	};
	unsigned ncontrol;
	int ready;

	ncontrol = control_pollfds(session->control, &pfds[2]);
	ready = wait_for(session, pfds, 2 + ncontrol);
	if (ready > 0 && pfds[1].revents != 0)
		return (false);
	/* Limits first: a THAW that waits must not hide one that has passed. */
	handle_timers(session);
	if (ready > 0 && ncontrol > 0) {
		control_serve(session->control, &pfds[2], ncontrol,
		    session->drill_client);
		session_watch_drill(session);
	}
	/* The host before any drill. */
	if (ready > 0 && pfds[0].revents != 0)
		serve_device(session,
		    (pfds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0);
	session_serve_control(session);
	return (true);
}

/*
 * Lets signals in for a moment: while there is always something to do, ppoll(2)
 * does not.
 */
static bool
is_told_to_end(const struct session_config *config)
{
	sigset_t blocked;

	(void)sigprocmask(SIG_SETMASK, config->waiting_mask, &blocked);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
	return (*config->stop != 0);
}

int
session_run(const struct session_config *config, struct freezer *freezer,
    struct vssdev *dev, struct control *control)
{
	struct session session = { .config = *config,
		.freezer = freezer,
		.control = control,
		.dev = dev };
	const char *reason = "told to end";
	int status = EX_OK;

	while (!is_told_to_end(config)) {
		if (!wait_and_serve(&session)) {
			heldlog(HELDLOG_ERROR, "guardian_died", "action=exit");
			reason = "the guardian died";
			status = EX_SOFTWARE;
			break;
		}
	}
	if (session.drill_client != 0)
		session_end_drill(&session, reason);
	else if (session.hold == HOLD_FROZEN)
		thaw_unasked(&session, reason, HOLD_LOST);
	/* Closed after the thaw: the driver then tells the host at once. */
	vssdev_close(session.dev);
	heldlog(HELDLOG_INFO, "ended", "status=%d", status);
	return (status);
}
