/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The middle of the driver: takes messages of the host, gives events to the
 * request queue and carries out its actions.  Owns the lock and the timer.
 */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/devctl.h>
#include <sys/event.h>
#include <sys/kernel.h>
#include <sys/syslog.h>
#include <sys/time.h>

#include <machine/stdarg.h>

#include "hv_appvss_var.h"

MALLOC_DEFINE(M_HV_APPVSS, "hv_appvss", "Hyper-V application VSS");

const char *
hv_appvss_op_name(enum hv_vss_op_t op)
{
	switch (op) {
	case HV_VSS_CHECK:
		return ("CHECK");
	case HV_VSS_FREEZE:
		return ("FREEZE");
	case HV_VSS_THAW:
		return ("THAW");
	case HV_VSS_NONE:
	case HV_VSS_COUNT:
		break;
	}
	return ("NONE");
}

const char *
hv_appvss_told_name(enum hv_vss_told told)
{
	switch (told) {
	case VSS_TOLD_PENDING:
		return ("pending");
	case VSS_TOLD_SUCCESS:
		return ("success");
	case VSS_TOLD_FAIL:
		return ("fail");
	case VSS_TOLD_TIMEOUT:
		return ("timeout");
	case VSS_TOLD_NOTHING:
	case VSS_TOLD_FORGOTTEN:
		break;
	}
	return ("none");
}

/*
 * A host that asks in vain again and again must not fill the log.  The lines
 * that are left out are told with the next one that is not.
 */
static bool
log_failure_fits(struct hv_appvss_core *core)
{
	if (ppsratecheck(&core->log_second, &core->log_count,
		HV_APPVSS_LOG_FAILURES_MAX) == 0) {
		core->log_left_out++;
		return (false);
	}
	if (core->log_left_out != 0)
		log(LOG_WARNING, "%s: %u lines of failures left out\n",
		    core->name, core->log_left_out);
	core->log_left_out = 0;
	return (true);
}

void
hv_appvss_log(struct hv_appvss_core *core, enum hv_appvss_log_level level,
    const char *format, ...)
{
	char text[160];
	va_list arguments;
	int priority = LOG_INFO;

	if (level > core->log_level ||
	    (level == HV_APPVSS_LOG_FAILURE && !log_failure_fits(core)))
		return;
	switch (level) {
	case HV_APPVSS_LOG_ERROR:
		priority = LOG_ERR;
		break;
	case HV_APPVSS_LOG_FAILURE:
		priority = LOG_WARNING;
		break;
	case HV_APPVSS_LOG_RESULT:
		break;
	case HV_APPVSS_LOG_MESSAGE:
		priority = LOG_DEBUG;
		break;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log(priority, "%s: %s\n", core->name, text);
}

/* Consumes msg. */
static void
core_reply(struct hv_appvss_core *core, struct hv_appvss_msg *msg,
    uint64_t xactid, uint32_t status)
{
	uint64_t errors;
	size_t length;
	int error;

	length = hv_appvss_msg_reply(msg, status);
	error = core->send(core->send_arg, msg->bytes, length, xactid);
	if (error == 0)
		return;
	errors = ++core->counters.send_errors;
	/* A host that asks and never reads must not fill the log. */
	if ((errors & (errors - 1)) == 0)
		hv_appvss_log(core, HV_APPVSS_LOG_ERROR,
		    "cannot send a reply: error %d, %ju so far", error,
		    (uintmax_t)errors);
}

static void
core_reply_request(struct hv_appvss_core *core, struct hv_appvss_msg *msg,
    uint64_t xactid, bool success)
{
	if (success)
		core->counters.successes++;
	else
		core->counters.failures++;
	core_reply(core, msg, xactid,
	    success ? HV_APPVSS_STATUS_OK : HV_APPVSS_STATUS_FAIL);
}

static void
core_done(struct hv_appvss_core *core, const struct hv_appvss_result *result)
{
	char data[96];

	core->last = *result;
	if (result->own)
		core->counters.own_thaws++;
	if (result->told == VSS_TOLD_TIMEOUT)
		core->counters.timeouts++;
	if (result->op == HV_VSS_FREEZE && result->told == VSS_TOLD_SUCCESS)
		core->counters.snapshots++;
	snprintf(data, sizeof(data), "msgid=%ju elapsed_us=%ju own=%d",
	    (uintmax_t)result->msgid, (uintmax_t)result->elapsed_us,
	    result->own);
	devctl_notify("HV_APPVSS", hv_appvss_op_name(result->op),
	    hv_appvss_told_name(result->told), data);
	hv_appvss_log(core,
	    result->told == VSS_TOLD_SUCCESS ? HV_APPVSS_LOG_RESULT :
					       HV_APPVSS_LOG_FAILURE,
	    "%s: %s %s", hv_appvss_op_name(result->op),
	    hv_appvss_told_name(result->told), data);
}

static void
core_timeout(void *arg)
{
	struct hv_appvss_core *core = arg;
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_TIMEOUT };

	mtx_assert(&core->mtx, MA_OWNED);
	(void)hv_appvss_core_event(core, event);
}

static void
core_act(struct hv_appvss_core *core, const struct hv_appvss_action *action,
    struct hv_appvss_msg *request, uint64_t xactid)
{
	struct hv_appvss_dev *dev;

	switch (action->type) {
	case HV_APPVSS_ACT_REPLY_NEW:
		core_reply_request(core, request, xactid, action->success);
		break;
	case HV_APPVSS_ACT_REPLY_SAVED:
		core_reply_request(core, &core->saved, core->saved_xactid,
		    action->success);
		break;
	case HV_APPVSS_ACT_SAVE:
		/* analyze: only what the host asks is saved. */
		core->saved = *request;
		core->saved_xactid = xactid;
		break;
	case HV_APPVSS_ACT_TIMER_START:
		callout_reset_sbt(&core->timer, core->limit_ms * SBT_1MS, 0,
		    core_timeout, core, 0);
		break;
	case HV_APPVSS_ACT_TIMER_STOP:
		callout_stop(&core->timer);
		break;
	case HV_APPVSS_ACT_WAKE:
		dev = &core->devs[action->dev];
		selwakeup(&dev->selinfo);
		KNOTE_LOCKED(&dev->selinfo.si_note, 0);
		break;
	case HV_APPVSS_ACT_DONE:
		core_done(core, &action->result);
		break;
	}
}

/* request is NULL for events that do not come from the host. */
static enum hv_appvss_verdict
core_step(struct hv_appvss_core *core, struct hv_appvss_event event,
    struct hv_appvss_msg *request, uint64_t xactid)
{
	struct hv_appvss_actions actions;
	enum hv_appvss_verdict verdict;
	size_t i;

	mtx_assert(&core->mtx, MA_OWNED);
	event.now_us = (uint64_t)sbttous(sbinuptime());
	event.app_required = core->app_required;
	verdict = hv_appvss_queue_step(&core->queue, &event, &actions);
	for (i = 0; i < actions.count; i++)
		core_act(core, &actions.list[i], request, xactid);
	return (verdict);
}

enum hv_appvss_verdict
hv_appvss_core_event(struct hv_appvss_core *core, struct hv_appvss_event event)
{
	return (core_step(core, event, NULL, 0));
}

static void
core_request(struct hv_appvss_core *core, struct hv_appvss_msg *request,
    uint64_t xactid, enum hv_vss_op_t op)
{
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_HOST, .op = op };

	core->counters.requests++;
	(void)core_step(core, event, request, xactid);
}

void
hv_appvss_core_receive(struct hv_appvss_core *core, const void *bytes,
    size_t length, uint64_t xactid)
{
	struct hv_appvss_msg msg;
	enum hv_appvss_msg_kind kind;

	mtx_lock(&core->mtx);
	if (core->gone) {
		mtx_unlock(&core->mtx);
		return;
	}
	kind = hv_appvss_msg_decode(&msg, bytes, length, core->message_version);
	hv_appvss_log(core, HV_APPVSS_LOG_MESSAGE,
	    "message of %zu bytes, kind %d, xactid %ju", length, (int)kind,
	    (uintmax_t)xactid);
	switch (kind) {
	case HV_APPVSS_MSG_DROP:
		core->counters.dropped++;
		break;
	case HV_APPVSS_MSG_ANSWER:
		if (msg.negotiated) {
			core->framework_version = msg.framework_version;
			core->message_version = msg.message_version;
		}
		core_reply(core, &msg, xactid, msg.status);
		break;
	case HV_APPVSS_MSG_CHECK:
		core_request(core, &msg, xactid, HV_VSS_CHECK);
		break;
	case HV_APPVSS_MSG_FREEZE:
		core_request(core, &msg, xactid, HV_VSS_FREEZE);
		break;
	case HV_APPVSS_MSG_THAW:
		core_request(core, &msg, xactid, HV_VSS_THAW);
		break;
	}
	mtx_unlock(&core->mtx);
}

int
hv_appvss_core_attach(const char *name, struct sysctl_oid *tree,
    hv_appvss_send_t *send, void *arg, struct hv_appvss_core **corep)
{
	struct hv_appvss_core *core;
	int error;

	core = malloc(sizeof(*core), M_HV_APPVSS, M_WAITOK | M_ZERO);
	core->name = name;
	core->send = send;
	core->send_arg = arg;
	core->instance = (uint64_t)sbttous(sbinuptime());
	core->limit_ms = HV_APPVSS_LIMIT_MS;
	core->log_level = HV_APPVSS_LOG_DEFAULT;
	mtx_init(&core->mtx, "hv_appvss", NULL, MTX_DEF);
	callout_init_mtx(&core->timer, &core->mtx, 0);
	sysctl_ctx_init(&core->sysctl_ctx);
	hv_appvss_queue_init(&core->queue);
	error = hv_appvss_devs_create(core);
	if (error != 0) {
		hv_appvss_core_detach(core);
		return (error);
	}
	hv_appvss_sysctl_create(core, tree);
	*corep = core;
	return (0);
}

void
hv_appvss_core_stop(struct hv_appvss_core *core)
{
	struct hv_appvss_event event = { .type = HV_APPVSS_EV_DETACH };

	mtx_lock(&core->mtx);
	if (!core->gone) {
		/* First: who is woken by the event must see it. */
		core->gone = true;
		(void)hv_appvss_core_event(core, event);
	}
	mtx_unlock(&core->mtx);
}

void
hv_appvss_core_detach(struct hv_appvss_core *core)
{
	hv_appvss_core_stop(core);
	/*
	 * By hand, and before the mutex goes: newbus frees a device's own
	 * context only after its detach method has returned.
	 */
	sysctl_ctx_free(&core->sysctl_ctx);
	hv_appvss_devs_destroy(core);
	callout_drain(&core->timer);
	mtx_destroy(&core->mtx);
	free(core, M_HV_APPVSS);
}
