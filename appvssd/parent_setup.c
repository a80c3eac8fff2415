/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parent finds out and makes before it becomes a daemon: accounts, the
 * directory of the history, the pidfile.  Speaks to standard error: there is
 * still somebody to read it.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "parent.h"

static int
find_socket_group(const struct config *config, gid_t *gid)
{
	const struct group *entry;

	if (config->socket_group[0] == '\0')
		return (0);
	entry = getgrnam(config->socket_group);
	if (entry == NULL) {
		warnx("socket_group \"%s\": there is no such group",
		    config->socket_group);
		return (EX_NOUSER);
	}
	*gid = entry->gr_gid;
	return (0);
}

int
parent_find_account(const struct config *config, struct parent_account *account)
{
	const struct passwd *entry;

	account->change = geteuid() == 0;
	if (!account->change) {
		account->uid = geteuid();
		account->gid = getegid();
	} else {
		entry = getpwnam(config->user);
		if (entry == NULL) {
			warnx("user \"%s\" does not exist: make it (FreeBSD: "
			      "pw useradd %s -d /nonexistent -s "
			      "/usr/sbin/nologin; Linux: useradd --system "
			      "--user-group --no-create-home %s), or set "
			      "user = \"root\"",
			    config->user, config->user, config->user);
			return (EX_NOUSER);
		}
		account->uid = entry->pw_uid;
		account->gid = entry->pw_gid;
	}
	account->socket_gid = account->gid;
	return (find_socket_group(config, &account->socket_gid));
}

int
parent_make_history_dir(const struct config *config,
    const struct parent_account *account)
{
	char path[PATH_MAX];

	/* Another path is the administrator's own to prepare. */
	if (strcmp(config->history_path, CONFIG_HISTORY_PATH_DEFAULT) != 0)
		return (0);
	parent_dirname(config->history_path, path, sizeof(path));
	if (mkdir(path, 0750) != 0) {
		if (errno == EEXIST)
			return (0);
		warn("history directory %s", path);
		return (EX_CANTCREAT);
	}
	if (account->change &&
	    lchown(path, account->uid, account->socket_gid) != 0) {
		warn("history directory %s: chown", path);
		return (EX_CANTCREAT);
	}
	return (0);
}

int
parent_write_pidfile(const char *path)
{
	int fd, result;

	/* Not kept open: a descriptor for writing would be in a freeze's way.
	 */
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd == -1)
		return (-1);
	result = dprintf(fd, "%ld\n", (long)getpid()) > 0 ? 0 : -1;
	(void)close(fd);
	return (result);
}
