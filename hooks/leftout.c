/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See leftout.h.  Must not log in a callback: the disk may be frozen.
 */
#include <stddef.h>
#include <stdio.h>

#include "kernel/vssdev/heldlog.h"
#include "leftout.h"

static enum appvss_answer
on_request(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	const struct leftout *leftout = arg;

	(void)request;
	appvss_set_text(participant, leftout->text);
	return (APPVSS_FAIL);
}

static enum appvss_answer
on_thaw(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	(void)participant;
	(void)request;
	(void)arg;
	return (APPVSS_READY);
}

static void
on_status(struct appvss_participant *participant, int error, const char *text,
    void *arg)
{
	char quoted[HELDLOG_LINE_MAX / 2];

	(void)participant;
	(void)arg;
	if (error != APPVSS_OK && error != APPVSS_E_UNAVAILABLE)
		heldlog(HELDLOG_ERROR, "not_registered",
		    "name=%s reason=\"%s\" text=%s", LEFTOUT_NAME,
		    appvss_strerror(error),
		    heldlog_quote(text, quoted, sizeof(quoted)));
}

static void
enroll(struct leftout *leftout, struct appvss *handle)
{
	static const struct appvss_callbacks callbacks = { on_request,
		on_request, on_thaw, on_status };
	struct appvss_options options;
	int error;

	appvss_options_init(&options);
	options.name = LEFTOUT_NAME;
	options.program = "appvss-hooks, for scripts that are left out";
	error = appvss_register(handle, &options, &callbacks, leftout,
	    &leftout->participant);
	if (error != APPVSS_OK)
		heldlog(HELDLOG_ERROR, "not_registered",
		    "name=%s reason=\"%s\"", LEFTOUT_NAME,
		    appvss_strerror(error));
}

void
leftout_set(struct leftout *leftout, struct appvss *handle, unsigned count,
    const char *name, const char *why)
{
	if (count == 0) {
		if (leftout->participant != NULL)
			appvss_unregister(leftout->participant);
		leftout->participant = NULL;
		return;
	}
	(void)snprintf(leftout->text, sizeof(leftout->text),
	    "%u of the directory cannot take part; %s: %s", count, name, why);
	if (leftout->participant == NULL)
		enroll(leftout, handle);
}
