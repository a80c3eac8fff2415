/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells when a directory or a file in it has changed, so that nobody has to
 * look every few seconds.  One file for each system: inotify(7), kqueue(2).
 *
 * It may miss what the system does not tell (a change made by another machine):
 * so the directory is looked at after each transaction as well.
 */
#ifndef DIRWATCH_H
#define DIRWATCH_H

#include <stdbool.h>

#include "hookdir.h"

struct dirwatch {
	int fd;			   /* to poll for POLLIN; -1: none */
	int watch;		   /* Linux: of the directory */
	int directory_fd;	   /* FreeBSD */
	unsigned count;		   /* FreeBSD: of file_fds */
	int file_fds[HOOKDIR_MAX]; /* FreeBSD */
};

void dirwatch_init(struct dirwatch *watch);
void dirwatch_fini(struct dirwatch *watch);

/*
 * Watches path, instead of what it watched, and (where the system wants them
 * one by one) the files that path holds now.  Call it before the directory is
 * read, so that nothing is missed in between.  0, or -1 with errno: then
 * nothing is watched.
 */
int dirwatch_start(struct dirwatch *watch, const char *path);

/* Whether something has changed since the last call.  Never waits. */
bool dirwatch_has_news(struct dirwatch *watch);

#endif /* DIRWATCH_H */
