/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of a drill that freezes a file system, through the control socket of
 * hv_vss_daemon(8).  That file system thaws before the applications, even if
 * this program is killed: then a second process, which has the connection to
 * appvssd too, keeps it open until the daemon has thawed.
 *
 * While it is frozen nothing is printed: the output may lie on it.
 */
#ifndef FSDRILL_H
#define FSDRILL_H

#include <sys/types.h>

#include <stdint.h>

#include "ctl.h"

#define FSDRILL_LINE_MAX 1024

struct fsdrill {
	const char *mount; /* borrows */
	const char *directory;
	int fd;	      /* to the daemon */
	int guard_fd; /* to the second process */
	pid_t guard_pid;
	int64_t freeze_ms; /* -1: not frozen */
	int64_t frozen_ms; /* -1: not thawed in good order */
	char error[FSDRILL_LINE_MAX];
};

/*
 * Connects to the daemon.  EX_OK, or a status after a message; fsdrill_close()
 * in either case.
 */
int fsdrill_open(struct fsdrill *drill, const struct ctl *ctl);
/*
 * Freezes and thaws, while the connection that holds the applications is open.
 * EX_OK, or a status, with error set.  Prints nothing.
 */
int fsdrill_do(struct fsdrill *drill);
void fsdrill_close(struct fsdrill *drill);

#endif /* FSDRILL_H */
