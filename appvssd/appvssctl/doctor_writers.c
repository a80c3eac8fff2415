/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor: does a process that has to go on while file systems are frozen have
 * something open for writing on one of them?  UFSSUSPEND refuses its own caller
 * then; and whoever writes there sleeps until the thaw.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "program.h"
#include "sdk/proto.h"
#include "writers.h"

#define DAEMON	   "hv_vss_daemon"
#define FROZEN_MAX 128 /* as many as the daemon freezes at most */

#ifdef __FreeBSD__
#define RESTART(name) "service " name " restart"
#else
#define RESTART(name) "systemctl restart " name
#endif

/* What is frozen. */
struct frozen {
	char *points[FROZEN_MAX]; /* owned */
	uint64_t fs[FROZEN_MAX];
	unsigned count;
};

static void
frozen_add(struct frozen *frozen, const char *point)
{
	if (frozen->count == FROZEN_MAX ||
	    writers_fs(point, &frozen->fs[frozen->count]) != 0)
		return;
	frozen->points[frozen->count] = strdup(point);
	if (frozen->points[frozen->count] != NULL)
		frozen->count++;
}

static void
frozen_fini(struct frozen *frozen)
{
	while (frozen->count > 0)
		free(frozen->points[--frozen->count]);
}

/* A value as heldlog_quote() writes it, up to a space; false: there is none. */
static bool
take_quoted(const char *line, const char *key, char *out, size_t size)
{
	const char *at = strstr(line, key);
	size_t used = 0;
	bool quoted;

	if (at == NULL)
		return (false);
	at += strlen(key);
	quoted = *at == '"';
	if (quoted)
		at++;
	while (*at != '\0' && *at != (quoted ? '"' : ' ') && used + 1 < size) {
		if (at[0] == '\\' && at[1] == 'x' && at[2] != '\0' &&
		    at[3] != '\0') {
			const char digits[] = { at[2], at[3], '\0' };

			out[used++] = (char)strtoul(digits, NULL, 16);
			at += 4;
		} else {
			if (at[0] == '\\' && at[1] != '\0')
				at++;
			out[used++] = *at++;
		}
	}
	out[used] = '\0';
	return (true);
}

/* From the running daemon, whose command line may have chosen some. */
static void
find_frozen(const struct doctor *doctor, struct frozen *frozen)
{
	const char *argv[] = { DAEMON, "--mounts", NULL, NULL, NULL };
	char point[PATH_MAX], policy[32];
	struct program program;
	char *text, *line;

	if (doctor->ctl->runtime_dir != NULL) {
		argv[2] = "--runtime-dir";
		argv[3] = doctor->ctl->runtime_dir;
	}
	if (program_run(argv, &program) == PROGRAM_RAN && program.status == 0) {
		text = program.output;
		while ((line = program_line(&text)) != NULL)
			if (take_quoted(line, "mount=", point, sizeof(point)) &&
			    take_quoted(line, " policy=", policy,
				sizeof(policy)) &&
			    strcmp(policy, "freeze") == 0)
				frozen_add(frozen, point);
	}
	program_fini(&program);
}

/* Where the descriptor is; NULL: on none of them. */
static const char *
place_of(const struct frozen *frozen, const struct writer *writer)
{
	for (unsigned i = 0; i < frozen->count; i++)
		if (frozen->fs[i] == writer->fs)
			return (frozen->points[i]);
	return (NULL);
}

/* What follows from it, for that process. */
struct role {
	const char *name;
	enum severity severity;
	const char *consequence;
	const char *mend;
};

static const struct role daemon_role = { DAEMON, SEVERITY_ERROR,
	"it refuses to freeze there, so every snapshot fails",
	"let it write elsewhere, as to syslog or tmpfs, then " RESTART(
	    DAEMON) };
static const struct role guardian_role = { "the guardian of " DAEMON,
	SEVERITY_WARNING,
	"if it writes there while all is frozen, nobody thaws",
	"let " DAEMON " write elsewhere, then " RESTART(DAEMON) };
static const struct role broker_role = { "appvssd's broker", SEVERITY_WARNING,
	"if it writes there while all is frozen, it hangs until the thaw",
	"let appvssd write elsewhere, then " RESTART("appvssd") };

/* How many were found; -1: it is not told. */
static int
report_process(struct doctor *doctor, const struct frozen *frozen, pid_t pid,
    const struct role *role)
{
	static struct writers writers;
	int found = 0;

	if (writers_of(pid, &writers) != 0) {
		if (errno != ESRCH)
			findings_add(&doctor->findings, SEVERITY_NOTE,
			    "writers", "run it as root",
			    "what %s (pid %ld) has open: %s", role->name,
			    (long)pid, strerror(errno));
		return (-1);
	}
	for (unsigned i = 0; i < writers.count; i++) {
		const struct writer *writer = &writers.list[i];
		const char *place = place_of(frozen, writer);

		if (place == NULL)
			continue;
		findings_add(&doctor->findings, role->severity, "writers",
		    role->mend,
		    "%s (pid %ld) has descriptor %d open for writing on %s "
		    "(%s): %s",
		    role->name, (long)pid, writer->fd, place,
		    writer->path[0] == '\0' ? "a file without a name" :
					      writer->path,
		    role->consequence);
		found++;
	}
	return (found);
}

void
doctor_writers(struct doctor *doctor)
{
	const struct wire_msg *broker = items_find(&doctor->items, "broker");
	struct frozen frozen = { .count = 0 };
	pid_t family[WRITERS_FAMILY_MAX];
	unsigned count;
	bool fine = true;

	if (doctor->daemon_pid <= 0)
		return; /* said already: it does not answer */
	find_frozen(doctor, &frozen);
	count = writers_family(doctor->daemon_pid, family);
	for (unsigned i = 0; i < count; i++)
		if (report_process(doctor, &frozen, family[i],
			i == 0 ? &daemon_role : &guardian_role) != 0)
			fine = false;
	if (broker != NULL && wire_get_uint(broker, PK_PID, 0) > 0 &&
	    report_process(doctor, &frozen,
		(pid_t)wire_get_uint(broker, PK_PID, 0), &broker_role) != 0)
		fine = false;
	if (fine)
		findings_add(&doctor->findings, SEVERITY_OK, "writers", NULL,
		    DAEMON " and appvssd's broker have nothing open for "
			   "writing on what is frozen (file systems: %u)",
		    frozen.count);
	frozen_fini(&frozen);
	/* analyze: all that were counted are freed, and no others are kept. */
}
