/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor: the driver and its devices, hv_vss_daemon, the mounts, the hooks.
 * Opens no device: whoever does is asked at the next snapshot.
 */
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "doctor.h"
#include "kernel/vssdev/vssdev.h"
#include "program.h"
#include "sdk/proto.h"

#define FS_DEVICE "hv_fsvss_dev"
#define DAEMON	  "hv_vss_daemon"

#ifdef __FreeBSD__
#define MEND_DRIVER "kldload hv_appvss"
#define MEND_DAEMON "service hv_vss_daemon start"
#else
#define MEND_DRIVER "device = \"none\" in appvssd.conf(5): Linux has no driver"
#define MEND_DAEMON "systemctl start hv_vss_daemon"
#endif

/* What the driver says of itself; false: it cannot say that. */
static bool
driver_number(const struct doctor *doctor, const char *name, uint64_t *value)
{
	return (vssdev_look(doctor->device, name, value) == 0);
}

static void
check_limit(struct doctor *doctor)
{
	char mend[96];
	uint64_t limit_ms;

	if (!driver_number(doctor, "limit_ms", &limit_ms))
		return;
	snprintf(mend, sizeof(mend),
	    "driver_ms = %" PRIu64
	    " in appvssd.conf(5), or more limit_ms of the driver",
	    limit_ms);
	if ((int64_t)limit_ms < doctor->driver_ms)
		findings_add(&doctor->findings, SEVERITY_ERROR, "driver", mend,
		    "its limit is %" PRIu64 " ms, but driver_ms is %" PRId64
		    ": answers may come too late",
		    limit_ms, doctor->driver_ms);
	else
		findings_add(&doctor->findings, SEVERITY_OK, "driver", NULL,
		    "its limit is %" PRIu64 " ms, driver_ms is %" PRId64,
		    limit_ms, doctor->driver_ms);
}

/* Of each of the two devices: is the one there that should have it? */
static void
check_openers(struct doctor *doctor)
{
	const struct wire_msg *broker = items_find(&doctor->items, "broker");
	const bool ours = broker != NULL &&
	    strcmp(items_text(broker, PK_DEVICE), "open") == 0;
	uint64_t open;

	if (ours)
		findings_add(&doctor->findings, SEVERITY_OK, "device", NULL,
		    "appvssd has %s", doctor->device);
	else if (!driver_number(doctor, "app_open", &open))
		findings_add(&doctor->findings, SEVERITY_ERROR, "device", NULL,
		    "appvssd does not have %s, and who does is not known",
		    doctor->device);
	else if (open != 0)
		findings_add(&doctor->findings, SEVERITY_ERROR, "device",
		    "end the other program",
		    "another program than appvssd has %s", doctor->device);
	else
		findings_add(&doctor->findings, SEVERITY_ERROR, "device",
		    "see above: appvssd",
		    "nobody has %s: applications are not asked",
		    doctor->device);
	if (!driver_number(doctor, "fs_open", &open))
		return;
	if (open != 0)
		findings_add(&doctor->findings, SEVERITY_OK, "device", NULL,
		    "the one of the file systems is open");
	else
		findings_add(&doctor->findings, SEVERITY_ERROR, "device",
		    MEND_DAEMON,
		    "nobody has " FS_DEVICE ": every snapshot fails");
}

void
doctor_driver(struct doctor *doctor)
{
	uint64_t instance;
	struct stat st;

	if (!doctor->has_config)
		return;
	if (strcmp(doctor->device, "none") == 0) {
		findings_add(&doctor->findings, SEVERITY_NOTE, "device", NULL,
		    "there is none by configuration: only requestors begin "
		    "snapshots");
		return;
	}
	if (stat(doctor->device, &st) != 0) {
		findings_add(&doctor->findings, SEVERITY_ERROR, "device",
		    MEND_DRIVER, "%s: %s", doctor->device, strerror(errno));
		return;
	}
	if (driver_number(doctor, "instance", &instance))
		findings_add(&doctor->findings, SEVERITY_OK, "driver", NULL,
		    "%s belongs to hv_appvss", doctor->device);
	else
		findings_add(&doctor->findings, SEVERITY_NOTE, "driver",
		    "kldload hv_appvss, in place of the base system's",
		    "%s belongs to the base system's driver: what the host was "
		    "told, and missed snapshots, are not known",
		    doctor->device);
	check_limit(doctor);
	check_openers(doctor);
}

static void
report_daemon(struct doctor *doctor, char *text)
{
	const char *state = "-";
	bool device_open = false;
	char *line;

	while ((line = program_line(&text)) != NULL) {
		if (strncmp(line, "state=", 6) == 0)
			state = line + 6;
		if (strcmp(line, "device_open=yes") == 0)
			device_open = true;
		if (strncmp(line, "pid=", 4) == 0)
			doctor->daemon_pid = (pid_t)strtol(line + 4, NULL, 10);
	}
	if (strcmp(state, "stuck") == 0)
		findings_add(&doctor->findings, SEVERITY_ERROR, "file systems",
		    "see the log of " DAEMON,
		    "something is frozen and cannot be thawed");
	else
		findings_add(&doctor->findings,
		    device_open || strcmp(doctor->device, "none") == 0 ?
			SEVERITY_OK :
			SEVERITY_ERROR,
		    "file systems", NULL, DAEMON " runs, %s%s", state,
		    device_open ? "" : ", and has no device");
}

void
doctor_daemon(struct doctor *doctor)
{
	const char *argv[] = { DAEMON, "--status", NULL, NULL, NULL };
	struct program program;
	enum program_result result;

	if (doctor->ctl->runtime_dir != NULL) {
		argv[2] = "--runtime-dir";
		argv[3] = doctor->ctl->runtime_dir;
	}
	result = program_run(argv, &program);
	if (result == PROGRAM_RAN && program.status == 0)
		report_daemon(doctor, program.output);
	else if (result == PROGRAM_RAN && program.status == EX_NOPERM)
		findings_add(&doctor->findings, SEVERITY_NOTE, "file systems",
		    "run it as root", DAEMON " tells only root how it is");
	else if (result == PROGRAM_RAN && program.status == EX_UNAVAILABLE)
		findings_add(&doctor->findings,
		    strcmp(doctor->device, "none") == 0 ? SEVERITY_NOTE :
							  SEVERITY_ERROR,
		    "file systems", MEND_DAEMON,
		    DAEMON " does not run: file systems are not frozen");
	else if (result == PROGRAM_MISSING)
		findings_add(&doctor->findings, SEVERITY_WARNING,
		    "file systems", MEND_PATH,
		    DAEMON " is not in PATH: file systems are not checked");
	else
		findings_add(&doctor->findings, SEVERITY_ERROR, "file systems",
		    NULL, DAEMON " --status: %s",
		    result == PROGRAM_LATE ? "it does not answer" :
					     program.output);
	program_fini(&program);
}

/* A member of a flat JSON object as hv_vss_daemon prints it; false: none. */
static bool
json_member(const char *line, const char *key, char *out, size_t size)
{
	char wanted[64];
	const char *at;
	size_t used = 0;

	snprintf(wanted, sizeof(wanted), "\"%s\":\"", key);
	at = strstr(line, wanted);
	out[0] = '\0';
	if (at == NULL)
		return (false);
	for (at += strlen(wanted); *at != '\0' && *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0' && at[1] != 'u')
			at++;
		if (used + 1 < size)
			out[used++] = *at;
	}
	out[used] = '\0';
	return (true);
}

static bool
is_efi(const char *type, const char *mount)
{
	return ((strcmp(type, "msdosfs") == 0 || strcmp(type, "vfat") == 0) &&
	    (strstr(mount, "efi") != NULL || strstr(mount, "EFI") != NULL));
}

static void
report_mount(struct doctor *doctor, const char *line)
{
	char mount[PATH_MAX], type[64], policy[32], why[256];
	enum severity severity = SEVERITY_OK;
	const char *mend = NULL;

	if (!json_member(line, "mount", mount, sizeof(mount)) ||
	    !json_member(line, "policy", policy, sizeof(policy)))
		return;
	(void)json_member(line, "type", type, sizeof(type));
	(void)json_member(line, "why", why, sizeof(why));
	if (strcmp(policy, "ignore") == 0 && !is_efi(type, mount))
		return; /* the kernel's, memory, read-only: no end of them */
	if (strcmp(policy, "ignore") == 0)
		severity = SEVERITY_NOTE;
	if (strcmp(policy, "veto") == 0) {
		severity = SEVERITY_ERROR;
		mend = "a policy for it in hv_vss_daemon.conf(5), or umount it";
	}
	findings_add(&doctor->findings, severity,
	    is_efi(type, mount) ? "EFI" : "mount", mend, "%s (%s): %s, %s",
	    mount, type, policy, why);
}

static void
report_mounts(struct doctor *doctor, char *text)
{
	char problem[512];
	char *line;

	while ((line = program_line(&text)) != NULL) {
		if (strncmp(line, "{\"mount\":", 9) == 0)
			report_mount(doctor, line);
		else if (json_member(line, "problem", problem, sizeof(problem)))
			findings_add(&doctor->findings, SEVERITY_ERROR,
			    "file systems", DAEMON " --check",
			    "no snapshot is possible: %s", problem);
		else if (strncmp(line, "{\"possible\":true", 16) != 0)
			findings_add(&doctor->findings, SEVERITY_WARNING,
			    "file systems", DAEMON " --check", "%s", line);
	}
}

void
doctor_mounts(struct doctor *doctor)
{
	const char *argv[] = { DAEMON, "--check", "--json", NULL, NULL, NULL };
	struct program program;
	enum program_result result;

	if (doctor->ctl->daemon_config != NULL) {
		argv[3] = "--config";
		argv[4] = doctor->ctl->daemon_config;
	}
	result = program_run(argv, &program);
	if (result == PROGRAM_RAN)
		report_mounts(doctor, program.output);
	else if (result == PROGRAM_LATE)
		findings_add(&doctor->findings, SEVERITY_ERROR, "file systems",
		    NULL, DAEMON " --check does not end: is one frozen?");
	program_fini(&program);
}

/* "10 refused  10-db (writable by group or others)" */
static void
report_script(struct doctor *doctor, char *line, unsigned *runs)
{
	char order[16], verdict[16];
	int used = 0;

	if (sscanf(line, "%15s %15s %n", order, verdict, &used) < 2 ||
	    used == 0)
		return;
	if (strcmp(verdict, "run") == 0)
		(*runs)++;
	if (strcmp(verdict, "refused") == 0)
		findings_add(&doctor->findings, SEVERITY_ERROR, "hooks",
		    "mend its owner and mode: chown root, chmod 755",
		    "refused, and its name fails at every snapshot: %s",
		    line + used);
	else if (strcmp(verdict, "ignored") == 0)
		findings_add(&doctor->findings, SEVERITY_NOTE, "hooks", NULL,
		    "not run: %s", line + used);
}

void
doctor_hooks(struct doctor *doctor)
{
	const char *argv[] = { "appvss-hooks", "--list", NULL, NULL, NULL };
	struct program program;
	enum program_result result;
	char *text, *line;
	unsigned runs = 0;

	if (doctor->ctl->hooks_dir != NULL) {
		argv[2] = "--dir";
		argv[3] = doctor->ctl->hooks_dir;
	}
	result = program_run(argv, &program);
	text = program.output;
	if (result == PROGRAM_MISSING) {
		findings_add(&doctor->findings, SEVERITY_NOTE, "hooks",
		    MEND_PATH,
		    "appvss-hooks is not in PATH: scripts are not checked");
	} else if (result != PROGRAM_RAN || program.status != 0) {
		findings_add(&doctor->findings,
		    result == PROGRAM_RAN && program.status != EX_CONFIG ?
			SEVERITY_NOTE :
			SEVERITY_ERROR,
		    "hooks", NULL, "appvss-hooks --list: %s",
		    result == PROGRAM_RAN ? program_line(&text) :
					    "it does not end");
	} else {
		while ((line = program_line(&text)) != NULL)
			report_script(doctor, line, &runs);
		findings_add(&doctor->findings, SEVERITY_OK, "hooks", NULL,
		    "scripts that would be run: %u", runs);
	}
	program_fini(&program);
}
