/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A user that a script runs as.  It is looked up when the directory is read,
 * never while file systems are frozen: a directory service may need the disk.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

#include <sys/types.h>

#include "directive.h"

#define ACCOUNT_GROUPS_MAX 256 /* a user in more is refused */
#define ACCOUNT_HOME_MAX   256

struct account {
	char name[DIRECTIVE_USER_MAX + 1];
	char home[ACCOUNT_HOME_MAX];
	uid_t uid;
	gid_t gid;
	int ngroups;
	gid_t groups[ACCOUNT_GROUPS_MAX];
};

/*
 * Looks name up.  NULL, or why this process cannot run anything as that user:
 * a constant text.
 */
const char *account_find(struct account *account, const char *name);

/*
 * In a child that is about to execute something: takes its identity on, and
 * sets HOME, USER and LOGNAME.  0, or -1 with errno.
 */
int account_become(const struct account *account);

#endif /* ACCOUNT_H */
