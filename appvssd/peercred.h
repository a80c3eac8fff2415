/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is at the other end of a UNIX socket, as the kernel knows it.
 */
#ifndef PEERCRED_H
#define PEERCRED_H

#include <sys/types.h>

struct peercred {
	uid_t uid;
	pid_t pid; /* when it connected; 0: unknown */
};

/* 0, or -1 with errno. */
int peercred_get(int fd, struct peercred *cred);

#endif /* PEERCRED_H */
