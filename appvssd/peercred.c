/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peer credentials of FreeBSD (LOCAL_PEERCRED, with the process id since 13.0)
 * and of Linux (SO_PEERCRED, and SO_PEERGROUPS since 4.13).
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "peercred.h"
#ifdef __FreeBSD__
#include <sys/ucred.h>
#include <sys/un.h>
#endif

#ifdef __FreeBSD__
int
peercred_get(int fd, struct peercred *cred)
{
	struct xucred native;
	socklen_t length = sizeof(native);

	if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, &native, &length) == -1)
		return (-1);
	cred->uid = native.cr_uid;
	cred->pid = native.cr_pid;
	return (0);
}

int
peercred_get_groups(int fd, gid_t **gids, size_t *ngids)
{
	struct xucred native;
	socklen_t length = sizeof(native);
	size_t count;

	if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, &native, &length) == -1)
		return (-1);
	count = native.cr_ngroups < 0 ? 0 : (size_t)native.cr_ngroups;
	if (count > XU_NGROUPS)
		count = XU_NGROUPS;
	*gids = malloc((count + 1) * sizeof(**gids));
	if (*gids == NULL)
		return (-1);
	memcpy(*gids, native.cr_groups, count * sizeof(**gids));
	*ngids = count;
	return (0);
}
#else
int
peercred_get(int fd, struct peercred *cred)
{
	struct ucred native;
	socklen_t length = sizeof(native);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &native, &length) == -1)
		return (-1);
	cred->uid = native.uid;
	cred->pid = native.pid;
	return (0);
}

int
peercred_get_groups(int fd, gid_t **gids, size_t *ngids)
{
	struct ucred native;
	socklen_t length = sizeof(native), bytes = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &native, &length) == -1)
		return (-1);
	/* The first call only says how much room it takes. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &bytes) == -1 &&
	    errno != ERANGE)
		return (-1);
	*gids = malloc(sizeof(**gids) + bytes);
	if (*gids == NULL)
		return (-1);
	(*gids)[0] = native.gid;
	if (bytes > 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, *gids + 1, &bytes) ==
		-1) {
		free(*gids);
		return (-1);
	}
	*ngids = 1 + bytes / sizeof(**gids);
	return (0);
}
#endif
