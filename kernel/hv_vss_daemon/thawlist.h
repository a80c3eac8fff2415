/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of what is, or may be, frozen: a small file in the runtime
 * directory, a tmpfs, which is there from before the first freeze until after
 * the last thaw.  Who finds it without its owner alive thaws what it names.
 * Linux only: elsewhere the kernel does it.
 */
#ifndef THAWLIST_H
#define THAWLIST_H

#include "guardian.h"
#include "system.h"

/*
 * Writes the list and locks it.  The descriptor in *fd, owned by the caller,
 * holds the lock.  EEXIST: there is one, of another daemon or not thawed yet.
 * 0, or -1 with errno and nothing left behind.
 */
int thawlist_write(const char *dir, const struct freeze_target *targets,
    unsigned count, int *fd);

/* Removes the list; one that is not there is fine.  0, or -1 with errno. */
int thawlist_remove(const char *dir);

/* The same if the process owner has written it: there may be a newer one. */
int thawlist_remove_of(const char *dir, pid_t owner);

/* See guardian.h, which has the same with guardian_ as the prefix. */
int thawlist_thaw(const char *dir, struct thaw_report *report, struct why *why);
int thawlist_left_any(const char *dir);
int thawlist_check_dir(const char *dir, struct why *why);

#endif /* THAWLIST_H */
