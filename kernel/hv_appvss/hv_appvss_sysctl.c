/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sysctls of the driver, below the node of its bus: limits, counters,
 * state.  Each value is read and written under the core's mutex.
 */
#include <sys/param.h>
#include <sys/systm.h>

#include "hv_appvss_var.h"

/* appvssd reads them in capability mode. */
#define READ_ONLY (CTLFLAG_RD | CTLFLAG_MPSAFE | CTLFLAG_CAPRD)
#define WRITABLE  (CTLFLAG_RW | CTLFLAG_MPSAFE)

struct counter_row {
	const char *name;
	size_t offset;
	const char *description;
};

static const struct counter_row counter_rows[] = {
	{ "requests", offsetof(struct hv_appvss_counters, requests),
	    "CHECK, FREEZE and THAW requests of the host" },
	{ "successes", offsetof(struct hv_appvss_counters, successes),
	    "Requests answered with success" },
	{ "failures", offsetof(struct hv_appvss_counters, failures),
	    "Requests answered with failure, time-outs included" },
	{ "timeouts", offsetof(struct hv_appvss_counters, timeouts),
	    "Requests that reached the limit" },
	{ "late_answers", offsetof(struct hv_appvss_counters, late_answers),
	    "Answers of an opener that came too late" },
	{ "own_thaws", offsetof(struct hv_appvss_counters, own_thaws),
	    "THAWs that the driver made by itself" },
	{ "snapshots", offsetof(struct hv_appvss_counters, snapshots),
	    "FREEZEs that the host was told success for" },
	{ "dropped", offsetof(struct hv_appvss_counters, dropped),
	    "Messages of the host that could not be answered" },
	{ "send_errors", offsetof(struct hv_appvss_counters, send_errors),
	    "Replies that could not be sent" },
};

static int
sysctl_counter(SYSCTL_HANDLER_ARGS)
{
	struct hv_appvss_core *core = arg1;
	const struct counter_row *row = &counter_rows[arg2];
	uint64_t value;

	mtx_lock(&core->mtx);
	value = *(
	    const uint64_t *)(const void *)((const char *)&core->counters +
	    row->offset);
	mtx_unlock(&core->mtx);
	return (sysctl_handle_64(oidp, &value, 0, req));
}

/* It never changes. */
static int
sysctl_instance(SYSCTL_HANDLER_ARGS)
{
	struct hv_appvss_core *core = arg1;
	uint64_t value = core->instance;

	return (sysctl_handle_64(oidp, &value, 0, req));
}

/* arg2: milliseconds in one unit. */
static int
sysctl_limit(SYSCTL_HANDLER_ARGS)
{
	struct hv_appvss_core *core = arg1;
	uint32_t unit_ms = (uint32_t)arg2;
	int error, value;

	mtx_lock(&core->mtx);
	value = (int)howmany(core->limit_ms, unit_ms);
	mtx_unlock(&core->mtx);
	error = sysctl_handle_int(oidp, &value, 0, req);
	if (error != 0 || req->newptr == NULL)
		return (error);
	if (value <= 0 || (uint32_t)value > HV_APPVSS_LIMIT_MS_MAX / unit_ms ||
	    (uint32_t)value * unit_ms < HV_APPVSS_LIMIT_MS_MIN)
		return (EINVAL);
	mtx_lock(&core->mtx);
	core->limit_ms = (uint32_t)value * unit_ms;
	mtx_unlock(&core->mtx);
	return (0);
}

static int
sysctl_app_required(SYSCTL_HANDLER_ARGS)
{
	struct hv_appvss_core *core = arg1;
	int error, value;

	mtx_lock(&core->mtx);
	value = core->app_required;
	mtx_unlock(&core->mtx);
	error = sysctl_handle_int(oidp, &value, 0, req);
	if (error != 0 || req->newptr == NULL)
		return (error);
	if (value != 0 && value != 1)
		return (EINVAL);
	mtx_lock(&core->mtx);
	core->app_required = value != 0;
	mtx_unlock(&core->mtx);
	return (0);
}

static int
sysctl_log_level(SYSCTL_HANDLER_ARGS)
{
	struct hv_appvss_core *core = arg1;
	int error, value;

	mtx_lock(&core->mtx);
	value = (int)core->log_level;
	mtx_unlock(&core->mtx);
	error = sysctl_handle_int(oidp, &value, 0, req);
	if (error != 0 || req->newptr == NULL)
		return (error);
	if (value < HV_APPVSS_LOG_ERROR || value > HV_APPVSS_LOG_MAX)
		return (EINVAL);
	mtx_lock(&core->mtx);
	core->log_level = (enum hv_appvss_log_level)value;
	mtx_unlock(&core->mtx);
	return (0);
}

/* arg2: enum hv_appvss_dev_id. */
static int
sysctl_open(SYSCTL_HANDLER_ARGS)
{
	struct hv_appvss_core *core = arg1;
	int value;

	mtx_lock(&core->mtx);
	value = core->devs[arg2].owner != NULL;
	mtx_unlock(&core->mtx);
	return (sysctl_handle_int(oidp, &value, 0, req));
}

static int
sysctl_last_result(SYSCTL_HANDLER_ARGS)
{
	struct hv_appvss_core *core = arg1;
	struct hv_appvss_result last;
	char text[96];

	mtx_lock(&core->mtx);
	last = core->last;
	mtx_unlock(&core->mtx);
	if (last.msgid == 0)
		snprintf(text, sizeof(text), "none");
	else
		snprintf(text, sizeof(text),
		    "op=%s told=%s msgid=%ju elapsed_us=%ju own=%d",
		    hv_appvss_op_name(last.op), hv_appvss_told_name(last.told),
		    (uintmax_t)last.msgid, (uintmax_t)last.elapsed_us,
		    last.own);
	return (sysctl_handle_string(oidp, text, sizeof(text), req));
}

static int
sysctl_version(SYSCTL_HANDLER_ARGS)
{
	struct hv_appvss_core *core = arg1;
	char text[16];
	uint32_t version;

	mtx_lock(&core->mtx);
	version = core->message_version;
	mtx_unlock(&core->mtx);
	snprintf(text, sizeof(text), "%u.%u", version >> 16, version & 0xffff);
	return (sysctl_handle_string(oidp, text, sizeof(text), req));
}

void
hv_appvss_sysctl_create(struct hv_appvss_core *core, struct sysctl_oid *oid)
{
	struct sysctl_ctx_list *ctx = &core->sysctl_ctx;
	struct sysctl_oid_list *tree = SYSCTL_CHILDREN(oid);
	size_t i;

	for (i = 0; i < nitems(counter_rows); i++)
		SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, counter_rows[i].name,
		    CTLTYPE_U64 | READ_ONLY, core, i, sysctl_counter, "QU",
		    counter_rows[i].description);
	SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, "instance",
	    CTLTYPE_U64 | READ_ONLY, core, 0, sysctl_instance, "QU",
	    "Microseconds from boot to when the counters were 0");
	SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, "limit", CTLTYPE_INT | WRITABLE,
	    core, 1000, sysctl_limit, "I",
	    "Seconds for both stages of an operation");
	SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, "limit_ms", CTLTYPE_INT | WRITABLE,
	    core, 1, sysctl_limit, "I", "The same limit in milliseconds");
	SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, "app_required",
	    CTLTYPE_INT | WRITABLE, core, 0, sysctl_app_required, "I",
	    "Fail CHECK and FREEZE without an application opener");
	SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, "log_level",
	    CTLTYPE_INT | WRITABLE, core, 0, sysctl_log_level, "I",
	    "0: errors, 1: failures, 2: results, 3: messages");
	SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, "app_open",
	    CTLTYPE_INT | READ_ONLY, core, HV_APPVSS_DEV_APP, sysctl_open, "I",
	    "The application device has its opener");
	SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, "fs_open", CTLTYPE_INT | READ_ONLY,
	    core, HV_APPVSS_DEV_FS, sysctl_open, "I",
	    "The file-system device has its opener");
	SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, "last_result",
	    CTLTYPE_STRING | READ_ONLY, core, 0, sysctl_last_result, "A",
	    "The last operation that ended");
	SYSCTL_ADD_PROC(ctx, tree, OID_AUTO, "msg_version",
	    CTLTYPE_STRING | READ_ONLY, core, 0, sysctl_version, "A",
	    "Message version agreed with the host");
}
