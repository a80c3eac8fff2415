/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl doctor: what would make the next snapshot fail, or less than it
 * says, found before it happens.  Here: configuration, appvssd, participants.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "doctor.h"
#include "program.h"
#include "sdk/proto.h"

/* Exit statuses. */
#define DOCTOR_WARNING	     1
#define DOCTOR_ERROR	     2

#define MEND_APPVSSD_FreeBSD "service appvssd start"
#define MEND_APPVSSD_Linux   "systemctl start appvssd"
#ifdef __FreeBSD__
#define MEND_APPVSSD MEND_APPVSSD_FreeBSD
#else
#define MEND_APPVSSD MEND_APPVSSD_Linux
#endif

/* "key = value" or "key = "value"": the value, or NULL. */
static const char *
value_of(char *line, const char *key)
{
	const size_t length = strlen(key);
	char *value;

	if (strncmp(line, key, length) != 0 ||
	    strncmp(line + length, " = ", 3) != 0)
		return (NULL);
	value = line + length + 3;
	if (*value == '"') {
		value++;
		value[strcspn(value, "\"")] = '\0';
	}
	return (value);
}

static void
take_word(char *line, const char *key, char *out, size_t size)
{
	const char *value = value_of(line, key);

	if (value != NULL)
		snprintf(out, size, "%s", value);
}

static void
take_number(char *line, const char *key, int64_t *out)
{
	const char *value = value_of(line, key);

	if (value != NULL)
		*out = strtoll(value, NULL, 10);
}

static void
take_config(struct doctor *doctor, char *text)
{
	char *line;

	while ((line = program_line(&text)) != NULL) {
		take_word(line, "user", doctor->user, sizeof(doctor->user));
		take_word(line, "device", doctor->device,
		    sizeof(doctor->device));
		take_number(line, "driver_ms", &doctor->driver_ms);
		take_number(line, "fs_ms", &doctor->fs_ms);
		take_number(line, "freeze_ms", &doctor->freeze_ms);
	}
	doctor->has_config = true;
}

/* Each mistake is a finding of its own. */
static void
report_mistakes(struct doctor *doctor, char *text)
{
	static const char prefix[] = "appvssd: ";
	char *line;

	while ((line = program_line(&text)) != NULL) {
		if (strncmp(line, prefix, sizeof(prefix) - 1) == 0)
			line += sizeof(prefix) - 1;
		findings_add(&doctor->findings, SEVERITY_ERROR, "configuration",
		    "appvssd --check-config, after mending appvssd.conf(5)",
		    "%s", line);
	}
}

void
doctor_config(struct doctor *doctor)
{
	const char *argv[] = { "appvssd", "--check-config", NULL, NULL, NULL };
	struct program program;

	if (doctor->ctl->config != NULL) {
		argv[2] = "--config";
		argv[3] = doctor->ctl->config;
	}
	switch (program_run(argv, &program)) {
	case PROGRAM_RAN:
		if (program.status == 0) {
			take_config(doctor, program.output);
			findings_add(&doctor->findings, SEVERITY_OK,
			    "configuration", NULL,
			    "freezes within %" PRId64
			    " ms, file systems within "
			    "%" PRId64 " ms of the driver's %" PRId64 " ms",
			    doctor->freeze_ms, doctor->fs_ms,
			    doctor->driver_ms);
		} else {
			report_mistakes(doctor, program.output);
		}
		break;
	case PROGRAM_MISSING:
		findings_add(&doctor->findings, SEVERITY_WARNING,
		    "configuration", MEND_PATH,
		    "appvssd is not in PATH: its configuration is not checked");
		break;
	case PROGRAM_LATE:
		findings_add(&doctor->findings, SEVERITY_ERROR, "configuration",
		    NULL,
		    "appvssd --check-config does not end: is the disk frozen?");
		break;
	case PROGRAM_FAILED:
		findings_add(&doctor->findings, SEVERITY_WARNING,
		    "configuration", NULL, "appvssd cannot be run");
		break;
	}
	program_fini(&program);
}

static void
report_broker(struct doctor *doctor, const struct wire_msg *msg)
{
	const char *history = items_text(msg, PK_HISTORY);
	const char *notice = wire_get_text(msg, PK_TEXT, "");
	char number[ITEMS_NUMBER_SIZE];

	findings_add(&doctor->findings, SEVERITY_OK, "appvssd", NULL,
	    "answers: %s, pid %s, %s", items_text(msg, PK_PROGRAM),
	    items_number(msg, PK_PID, number), items_text(msg, PK_STATE));
	if (strcmp(history, "down") == 0)
		findings_add(&doctor->findings, SEVERITY_ERROR, "history",
		    "see appvssd's log for event=history_",
		    "its process is down: snapshots leave no proof behind");
	else if (strcmp(history, "behind") == 0)
		findings_add(&doctor->findings, SEVERITY_WARNING, "history",
		    NULL, "%s rows wait to be written",
		    items_number(msg, PK_QUEUED, number));
	if (wire_get_uint(msg, PK_DROPPED, 0) > 0)
		findings_add(&doctor->findings, SEVERITY_WARNING, "history",
		    "history_queue_rows in appvssd.conf(5)",
		    "%s rows had no room since appvssd started",
		    items_number(msg, PK_DROPPED, number));
	if (notice[0] != '\0')
		findings_add(&doctor->findings, SEVERITY_WARNING, "history",
		    NULL, "%s", notice);
}

void
doctor_appvssd(struct doctor *doctor)
{
	const struct wire_msg *broker;
	char error[512] = "";
	int status;

	ctl_capture(error, sizeof(error));
	status = items_fetch(&doctor->items, doctor->ctl->socket);
	ctl_capture(NULL, 0);
	if (status != EX_OK) {
		findings_add(&doctor->findings, SEVERITY_ERROR, "appvssd",
		    status == EX_NOPERM ? "run it as root, or join its group" :
			status == EX_TEMPFAIL ? NULL :
						MEND_APPVSSD,
		    "%s", error);
		return;
	}
	doctor->has_status = true;
	broker = items_find(&doctor->items, "broker");
	if (broker != NULL)
		report_broker(doctor, broker);
}

static void
report_participant(struct doctor *doctor, const struct wire_msg *msg)
{
	const char *name = items_text(msg, PK_NAME);
	const char *result = items_text(msg, PK_RESULT);
	const bool required = wire_get_uint(msg, PK_REQUIRED, 0) != 0;
	const enum severity severity = required ? SEVERITY_ERROR :
						  SEVERITY_WARNING;
	const int64_t flush_ms = (int64_t)wire_get_uint(msg, PK_FLUSH_MS, 0);
	char mend[DOCTOR_WORD_SIZE + 64];

	if (wire_get_uint(msg, PK_PRESENT, 0) == 0) {
		snprintf(mend, sizeof(mend),
		    "start it; if it is gone for good: appvssctl forget %s",
		    name);
		findings_add(&doctor->findings, severity, "participant", mend,
		    "%s is known and is not there: %s", name,
		    required ? "every snapshot is vetoed" :
			       "no snapshot is application-consistent");
	} else if (strcmp(result, "ready") != 0 && strcmp(result, "-") != 0 &&
	    strcmp(result, "none") != 0 && strcmp(result, "cut_short") != 0) {
		findings_add(&doctor->findings, severity, "participant",
		    "appvssctl drill, once it is mended",
		    "%s: %s, when it was asked last: %s", name, result,
		    items_text(msg, PK_TEXT));
	} else if (doctor->has_config && flush_ms > 0 &&
	    flush_ms * 10 >= doctor->freeze_ms * 8) {
		findings_add(&doctor->findings, SEVERITY_WARNING, "participant",
		    "appvssctl history --app NAME --stats",
		    "%s took %" PRId64 " ms of the %" PRId64
		    " ms that all have together",
		    name, flush_ms, doctor->freeze_ms);
	} else {
		findings_add(&doctor->findings, SEVERITY_OK, "participant",
		    NULL, "%s is there%s", name,
		    strcmp(result, "ready") == 0 ? ", ready last time" : "");
	}
}

void
doctor_participants(struct doctor *doctor)
{
	unsigned count = 0;

	if (!doctor->has_status)
		return;
	for (size_t i = 0; i < doctor->items.count; i++) {
		const struct wire_msg *msg = &doctor->items.msgs[i];

		if (items_is(msg, "debt"))
			findings_add(&doctor->findings, SEVERITY_ERROR,
			    "participant", "look at that application now",
			    "%s has not confirmed its thaw, and may be frozen",
			    items_text(msg, PK_NAME));
		if (!items_is(msg, "participant"))
			continue;
		report_participant(doctor, msg);
		count++;
	}
	if (count == 0)
		findings_add(&doctor->findings, SEVERITY_WARNING, "participant",
		    "scripts in vss.d(7), or appvss(3)",
		    "nobody takes part: no snapshot is application-consistent");
}

int
ctl_doctor(const struct ctl *ctl, int argc, char *argv[])
{
	static struct doctor doctor;

	(void)argc;
	(void)argv;
	doctor.ctl = ctl;
	doctor.findings.json = ctl->json;
	doctor_config(&doctor);
	doctor_appvssd(&doctor);
	doctor_participants(&doctor);
	doctor_socket(&doctor);
	doctor_driver(&doctor);
	doctor_daemon(&doctor);
	doctor_mounts(&doctor);
	doctor_writers(&doctor);
	doctor_hooks(&doctor);
	doctor_history(&doctor);
	doctor_clock(&doctor);
	findings_end(&doctor.findings);
	items_fini(&doctor.items);
	switch (doctor.findings.worst) {
	case SEVERITY_OK:
	case SEVERITY_NOTE:
		return (EX_OK);
	case SEVERITY_WARNING:
		return (DOCTOR_WARNING);
	case SEVERITY_ERROR:
		return (DOCTOR_ERROR);
	}
	return (DOCTOR_ERROR);
}
