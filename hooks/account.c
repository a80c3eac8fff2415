/* SPDX-License-Identifier: BSD-2-Clause */
/* See account.h. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"

const char *
account_find(struct account *account, const char *name)
{
	const struct passwd *user;

	memset(account, 0, sizeof(*account));
	errno = 0;
	user = getpwnam(name);
	if (user == NULL)
		return (errno == 0 || errno == ENOENT || errno == ESRCH ?
			"there is no such user" :
			"the user cannot be looked up");
	/* Without root only what this process is anyway. */
	if (geteuid() != 0 && user->pw_uid != geteuid())
		return ("only root can run a script as another user");
	account->ngroups = ACCOUNT_GROUPS_MAX;
	if (getgrouplist(name, user->pw_gid, account->groups,
		&account->ngroups) == -1)
		return ("the user is in too many groups");
	account->uid = user->pw_uid;
	account->gid = user->pw_gid;
	if ((size_t)snprintf(account->home, sizeof(account->home), "%s",
		user->pw_dir) >= sizeof(account->home))
		return ("the user's home has too long a name");
	/* Last: it says that the rest is there. */
	(void)snprintf(account->name, sizeof(account->name), "%s", name);
	return (NULL);
}

int
account_become(const struct account *account)
{
	/* All zeroes would be root. */
	if (account->name[0] == '\0') {
		errno = EINVAL;
		return (-1);
	}
	if (geteuid() == 0 &&
	    (setgroups((size_t)account->ngroups, account->groups) == -1 ||
		setgid(account->gid) == -1 || setuid(account->uid) == -1))
		return (-1);
	if (setenv("HOME", account->home, 1) == -1 ||
	    setenv("USER", account->name, 1) == -1 ||
	    setenv("LOGNAME", account->name, 1) == -1)
		return (-1);
	return (0);
}
