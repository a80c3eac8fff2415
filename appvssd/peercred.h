/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is at the other end of a UNIX socket, as the kernel knows it.
 */
#ifndef PEERCRED_H
#define PEERCRED_H

#include <sys/types.h>

#include <stddef.h>

struct peercred {
	uid_t uid;
	pid_t pid; /* when it connected; 0: unknown */
};

/* 0, or -1 with errno. */
int peercred_get(int fd, struct peercred *cred);

/*
 * All groups that the peer had when it connected, the primary one first: an
 * array that the caller owns.  FreeBSD's kernel tells no more than 16.  0, or
 * -1 with errno.
 */
int peercred_get_groups(int fd, gid_t **gids, size_t *ngids);

#endif /* PEERCRED_H */
