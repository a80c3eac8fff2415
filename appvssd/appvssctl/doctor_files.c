/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doctor: the history and its disk, the clock, the socket and its group.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "appvssd/history_read.h"
#include "doctor.h"

#define ROOM_ERROR_BYTES   (1024 * 1024ULL) /* a day of rows, and a journal */
#define ROOM_WARNING_BYTES (64 * 1024 * 1024ULL)
#define OLDEST_S	   1704067200LL /* 2024: no clock that is right */

/* The directory of a path. */
static void
directory_of(const char *path, char out[PATH_MAX])
{
	char *slash;

	snprintf(out, PATH_MAX, "%s", path);
	slash = strrchr(out, '/');
	if (slash == NULL)
		snprintf(out, PATH_MAX, ".");
	else if (slash == out)
		out[1] = '\0';
	else
		*slash = '\0';
}

static void
check_owner(struct doctor *doctor, const char *directory)
{
	char mend[PATH_MAX + DOCTOR_WORD_SIZE + 16];
	const struct passwd *user;
	struct stat st;

	if (stat(directory, &st) != 0 || !doctor->has_config)
		return;
	user = getpwnam(doctor->user);
	if (user == NULL || user->pw_uid == 0)
		return;
	if (st.st_uid == user->pw_uid && (st.st_mode & S_IWUSR) != 0)
		return;
	if (st.st_gid == user->pw_gid && (st.st_mode & S_IWGRP) != 0)
		return;
	snprintf(mend, sizeof(mend), "chown %s %s", doctor->user, directory);
	findings_add(&doctor->findings, SEVERITY_ERROR, "history", mend,
	    "%s cannot write in %s", doctor->user, directory);
}

static void
check_room(struct doctor *doctor, const char *directory)
{
	struct statvfs st;
	uint64_t room;

	if (statvfs(directory, &st) != 0) {
		findings_add(&doctor->findings, SEVERITY_ERROR, "history", NULL,
		    "%s: %s", directory, strerror(errno));
		return;
	}
	room = (uint64_t)st.f_bavail * st.f_frsize;
	if ((st.f_flag & ST_RDONLY) != 0)
		findings_add(&doctor->findings, SEVERITY_ERROR, "history",
		    "history_path in appvssd.conf(5)",
		    "%s lies on a disk that is mounted read-only", directory);
	else if (room < ROOM_WARNING_BYTES)
		findings_add(&doctor->findings,
		    room < ROOM_ERROR_BYTES ? SEVERITY_ERROR : SEVERITY_WARNING,
		    "history", "history_keep_days in appvssd.conf(5)",
		    "the disk of %s has %" PRIu64 " kB left", directory,
		    room / 1024);
}

static void
check_file(struct doctor *doctor)
{
	const char *path = doctor->ctl->history;
	struct history_summary summary;
	char error[HISTORY_ERROR_SIZE];
	struct history *history;
	enum history_error result;

	result = history_open(&history, path, error);
	if (result != HISTORY_OK) {
		findings_add(&doctor->findings,
		    result == HISTORY_E_MISSING ? SEVERITY_WARNING :
						  SEVERITY_ERROR,
		    "history",
		    result == HISTORY_E_DENIED ? "run it as root" : NULL,
		    "%s: %s", path, error);
		return;
	}
	result = history_summary(history, NULL, &summary);
	if (result != HISTORY_OK) {
		findings_add(&doctor->findings, SEVERITY_ERROR, "history", NULL,
		    "%s: %s", path, history_error_text(history));
	} else {
		findings_add(&doctor->findings, SEVERITY_OK, "history", NULL,
		    "%s can be read", path);
		if (summary.missed > 0)
			findings_add(&doctor->findings, SEVERITY_WARNING,
			    "history", "let appvssd start with the machine",
			    "%" PRId64 " snapshots were taken while appvssd "
			    "was not there",
			    summary.missed);
		if (summary.newest.at_ms > ((int64_t)time(NULL) + 1) * 1000)
			findings_add(&doctor->findings, SEVERITY_ERROR, "clock",
			    "set the clock",
			    "the newest snapshot lies in the future");
	}
	history_close(history);
}

void
doctor_history(struct doctor *doctor)
{
	char directory[PATH_MAX];

	directory_of(doctor->ctl->history, directory);
	check_file(doctor);
	check_owner(doctor, directory);
	check_room(doctor, directory);
}

void
doctor_clock(struct doctor *doctor)
{
	struct timex timex;
	int state;

	memset(&timex, 0, sizeof(timex));
	state = ntp_adjtime(&timex);
	if (time(NULL) < OLDEST_S)
		findings_add(&doctor->findings, SEVERITY_ERROR, "clock",
		    "set the clock", "it is years behind");
	else if (state == TIME_ERROR)
		findings_add(&doctor->findings, SEVERITY_NOTE, "clock",
		    "run ntpd(8) or chronyd(8), unless the host sets it",
		    "it is not synchronized: times in the history are only as "
		    "right as it is");
	else
		findings_add(&doctor->findings, SEVERITY_OK, "clock", NULL,
		    "it is set, and synchronized");
}

static void
report_members(struct doctor *doctor, const struct group *group)
{
	char names[512] = "";
	size_t used = 0;

	for (char **name = group->gr_mem; *name != NULL; name++) {
		int length = snprintf(names + used, sizeof(names) - used,
		    "%s%s", used > 0 ? ", " : "", *name);

		if (length < 0 || (size_t)length >= sizeof(names) - used)
			break;
		used += (size_t)length;
	}
	findings_add(&doctor->findings, SEVERITY_OK, "group", NULL,
	    "members of %s, who may take part: %s", group->gr_name,
	    used > 0 ? names : "root alone");
}

/* Whether the caller may speak to appvssd by the mode of its socket. */
static bool
is_member(gid_t gid)
{
	gid_t gids[256];
	int count = getgroups(256, gids);

	if (geteuid() == 0 || getegid() == gid)
		return (true);
	for (int i = 0; i < count; i++)
		if (gids[i] == gid)
			return (true);
	return (false);
}

void
doctor_socket(struct doctor *doctor)
{
	const char *path = doctor->ctl->socket;
	const struct group *group;
	char mend[PATH_MAX + 64];
	struct stat st;

	if (stat(path, &st) != 0)
		return; /* said already: appvssd does not answer */
	group = getgrgid(st.st_gid);
	if (!S_ISSOCK(st.st_mode))
		findings_add(&doctor->findings, SEVERITY_ERROR, "socket", NULL,
		    "%s is not a socket", path);
	else if ((st.st_mode & S_IWOTH) != 0)
		findings_add(&doctor->findings, SEVERITY_WARNING, "socket",
		    "socket_mode = 0660 in appvssd.conf(5)",
		    "everybody may connect to %s", path);
	else
		findings_add(&doctor->findings, SEVERITY_OK, "socket", NULL,
		    "%s, mode %04o, group %s", path,
		    (unsigned)st.st_mode & 07777,
		    group == NULL ? "unknown" : group->gr_name);
	if (group == NULL || (st.st_mode & S_IWGRP) == 0)
		return;
	report_members(doctor, group);
	if (is_member(st.st_gid) || (st.st_mode & S_IWOTH) != 0)
		return;
	snprintf(mend, sizeof(mend),
#ifdef __FreeBSD__
	    "pw groupmod %s -m USER",
#else
	    "usermod -a -G %s USER",
#endif
	    group->gr_name);
	findings_add(&doctor->findings, SEVERITY_WARNING, "group", mend,
	    "whoever runs this is not in %s, and cannot speak to appvssd",
	    group->gr_name);
}
