/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the history reader: shared by history_read.c, which opens, and
 * history_fetch.c, which asks.
 */
#ifndef HISTORY_READ_IMPL_H
#define HISTORY_READ_IMPL_H

#include <limits.h>

#include "history_read.h"

struct sqlite3;

struct history {
	struct sqlite3 *db; /* owns */
	char error[HISTORY_ERROR_SIZE];
};

/* A private copy of a database and its journal, in memory if possible. */
struct history_copy {
	char directory[PATH_MAX]; /* "": none */
	char path[PATH_MAX];
};

/*
 * True if a journal waits to be rolled back: one that no writer is busy with.
 * SQLite must not meet it in its place: as root it sets the owner of a journal
 * even when it opens it for reading, which on a frozen disk never returns.
 */
bool history_copy_wanted(const char *path);

/*
 * Copies both, under a lock that keeps writers away.  HISTORY_OK, or an error
 * with its text.
 */
enum history_error history_copy_make(struct history_copy *copy,
    const char *path, char *error);
/* Removes the files; what is open can still be read. */
void history_copy_remove(struct history_copy *copy);

#endif /* HISTORY_READ_IMPL_H */
