/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Peer credentials of FreeBSD (LOCAL_PEERCRED, with the process id since 13.0)
 * and of Linux (SO_PEERCRED).
 */
#include <sys/socket.h>

#include "peercred.h"
#ifdef __FreeBSD__
#include <sys/ucred.h>
#include <sys/un.h>
#endif

int
peercred_get(int fd, struct peercred *cred)
{
#ifdef __FreeBSD__
	struct xucred native;
	socklen_t length = sizeof(native);

	if (getsockopt(fd, SOL_LOCAL, LOCAL_PEERCRED, &native, &length) == -1)
		return (-1);
	cred->uid = native.cr_uid;
	cred->pid = native.cr_pid;
#else
	struct ucred native;
	socklen_t length = sizeof(native);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &native, &length) == -1)
		return (-1);
	cred->uid = native.uid;
	cred->pid = native.pid;
#endif
	return (0);
}
