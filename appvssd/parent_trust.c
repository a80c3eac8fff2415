/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom a directory or a file that appvssd relies on belongs to, and who else
 * could change it.  Refuses, with the path and what to do; changes nothing.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "parent.h"

static int
check_owner(const char *what, const char *path, const struct stat *st,
    const struct parent_account *account)
{
	if (st->st_uid != 0 && st->st_uid != geteuid() &&
	    st->st_uid != account->uid) {
		warnx("%s %s belongs to user %lu, who could replace what is "
		      "there; chown it, or use another",
		    what, path, (unsigned long)st->st_uid);
		return (EX_NOPERM);
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		warnx("%s %s has mode %04lo: others could replace what is "
		      "there; chmod go-w, or use another",
		    what, path, (unsigned long)(st->st_mode & 07777));
		return (EX_NOPERM);
	}
	return (0);
}

static bool
is_link(const char *path)
{
	struct stat st;

	return (lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
}

int
parent_trust_directory(const char *what, const char *path,
    const struct parent_account *account)
{
	struct stat st;
	int fd, result;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1) {
		if (is_link(path)) {
			warnx("%s %s is a symbolic link: name what it points "
			      "to",
			    what, path);
			return (EX_NOPERM);
		}
		warn("%s %s", what, path);
		return (EX_CANTCREAT);
	}
	if (fstat(fd, &st) != 0) {
		warn("%s %s", what, path);
		result = EX_OSERR;
	} else
		result = check_owner(what, path, &st, account);
	(void)close(fd);
	return (result);
}

static int
trust_file(const char *what, const char *path,
    const struct parent_account *account)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return (0);
		warn("%s %s", what, path);
		return (EX_NOPERM);
	}
	if (!S_ISREG(st.st_mode)) {
		warnx("%s %s is %s: not used", what, path,
		    S_ISLNK(st.st_mode) ? "a symbolic link" : "not a file");
		return (EX_NOPERM);
	}
	return (check_owner(what, path, &st, account));
}

int
parent_trust_history(const struct config *config,
    const struct parent_account *account)
{
	char path[PATH_MAX + 16];
	int result;

	parent_dirname(config->history_path, path, sizeof(path));
	/* One that is missing is not made, and the history process says so. */
	if (access(path, F_OK) != 0 && errno == ENOENT && !is_link(path))
		return (0);
	result = parent_trust_directory("history directory", path, account);
	if (result == 0)
		result = trust_file("history", config->history_path, account);
	if (result != 0)
		return (result);
	/* What is in it is put into the database. */
	(void)snprintf(path, sizeof(path), "%s-journal", config->history_path);
	return (trust_file("history journal", path, account));
}
