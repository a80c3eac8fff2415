/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes out a small file system, file by file, and waits for it: where the
 * system has no call for it.  Opens files for reading only.
 */
#ifndef SYNC_TREE_H
#define SYNC_TREE_H

#include "system.h"

/* An EFI partition has some tens; more cannot be done in the time there is. */
#define SYNC_TREE_FILES_MAX 20000

/* 0, or -1 with why: more files than that is a failure too. */
int sync_tree(const char *point, struct why *why);

#endif /* SYNC_TREE_H */
