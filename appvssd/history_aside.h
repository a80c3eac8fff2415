/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A history file that cannot be used: given another name, never changed, and
 * read once more for what must not be forgotten.
 */
#ifndef HISTORY_ASIDE_H
#define HISTORY_ASIDE_H

#include <stddef.h>
#include <stdint.h>

#include "history_db.h"

struct sqlite3;

/* No count of transactions gets there: a file with more is not used. */
#define HISTORYASIDE_ID_MAX (INT64_C(1) << 53)

/*
 * Renames path and its journal to PATH.KIND-TIME; name of size bytes is set to
 * it.  Logged, whatever comes of it.  OK or UNUSABLE.
 */
enum historydb_result historyaside_move(const char *path, const char *kind,
    const char *why, char *name, size_t size);

/*
 * The last transaction id and the known participants of such a file, as far as
 * they can be read: numbers are not given twice, and who is missing is missed.
 */
int64_t historyaside_last_id(const char *name);
void historyaside_each_known(const char *name,
    void (
	*known)(void *arg, const char *name, const char *program, int64_t uid),
    void *arg);
/* Adds its participants to a new file, in the caller's transaction. */
int historyaside_copy_known(const char *name, struct sqlite3 *to);

#endif /* HISTORY_ASIDE_H */
