/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the history reader: shared by history_read.c, which opens,
 * history_fetch.c, which asks, history_prove.c and history_query.c.
 */
#ifndef HISTORY_READ_IMPL_H
#define HISTORY_READ_IMPL_H

#include <limits.h>

#include "history_read.h"

struct sqlite3;
struct sqlite3_stmt;

struct history {
	struct sqlite3 *db; /* owns */
	char error[HISTORY_ERROR_SIZE];
};

/*
 * Those of the proof as rows like those of part, and before any of these.  If a
 * transaction has more than one proof, the last one counts.
 */
#define HISTORY_HELD_OF(run, id)                                          \
	"SELECT (h.n << 16) + j.key - (1 << 62) AS n, 'held' AS phase,"   \
	" json_extract(j.value, '$[0]') AS name,"                         \
	" ifnull(json_extract(j.value, '$[7]'), '') AS program,"          \
	" 'ready' AS result, 'none' AS thaw,"                             \
	" ifnull(json_extract(j.value, '$[8]'), '') AS text,"             \
	" json_extract(j.value, '$[5]') AS pid,"                          \
	" json_extract(j.value, '$[6]') AS uid,"                          \
	" json_extract(j.value, '$[1]') AS ord,"                          \
	" json_extract(j.value, '$[2]') AS required,"                     \
	" json_extract(j.value, '$[3]') AS told_at_ms,"                   \
	" json_extract(j.value, '$[4]') AS ready_at_ms,"                  \
	" NULL AS thaw_told_at_ms, NULL AS thawed_at_ms"                  \
	" FROM held AS h JOIN json_each(h.parts) AS j WHERE h.run = " run \
	" AND h.id = " id " AND h.proof = (SELECT max(proof) FROM held"   \
	" WHERE run = " run " AND id = " id ")"
/* The participants of a transaction: of each the last row, which is the final
 * one if there is one, else the proof's.
 * A bare column of a query with max() is of the row that has the maximum. */
#define HISTORY_PARTS_OF(run, id)                                       \
	"(SELECT *, max(n) FROM ("                                      \
	"SELECT n, phase, name, program, result, thaw, text, pid, uid," \
	" ord, required, told_at_ms, ready_at_ms, thaw_told_at_ms,"     \
	" thawed_at_ms FROM part WHERE run = " run " AND id = " id      \
	" UNION ALL " HISTORY_HELD_OF(run, id) ") GROUP BY name)"
/*
 * Whether a participant has a part in transaction t.  Its name begins an array,
 * which cannot be inside of a string, where quotes are escaped.
 */
#define HISTORY_HAS_PART(t, name)                                     \
	"(EXISTS (SELECT 1 FROM part AS o WHERE o.run = " t ".run"    \
	" AND o.id = " t ".id AND o.name = " name ")"                 \
	" OR EXISTS (SELECT 1 FROM held AS h WHERE h.run = " t ".run" \
	" AND h.id = " t ".id"                                        \
	" AND instr(h.parts, '[\"' || " name " || '\",') > 0))"
#define HISTORY_TXN_COLUMNS                                                                       \
	"t.n, t.run, t.id, t.op, t.source, t.msgid, t.at_ms,"                                     \
	" (SELECT count(*) FROM " HISTORY_PARTS_OF("t.run",                                       \
	    "t.id") "),"                                                                          \
		    " (SELECT count(*) FROM " HISTORY_PARTS_OF("t.run",                           \
			"t.id") "  WHERE result = 'ready'),"                                      \
				" s.by_run, s.state, s.consistency, s.reason, s.culprit, s.host," \
				" s.at_ms, s.elapsed_ms, s.late_ms"                               \
				" FROM txn AS t LEFT JOIN state AS s ON s.n = (SELECT max(n)"     \
				"  FROM state AS l WHERE l.run = t.run AND l.id = t.id)"

#define HISTORY_NUMBERS_MAX 4
#define HISTORY_TEXTS_MAX   4

struct history_select {
	const char *sql;
	int64_t parameters[HISTORY_NUMBERS_MAX]; /* ?1 .. ?4 */
	const char *texts[HISTORY_TEXTS_MAX];	 /* ?5 .. ?8, or NULL */
	size_t item_size;
	void (*get)(struct sqlite3_stmt *row, void *item);
};

/* All rows as an array of items; none: *itemsp is NULL.  Free with free(). */
enum history_error history_select_rows(struct history *history,
    const struct history_select *query, void **itemsp, size_t *countp);
/*
 * The same in pieces, newest first, so that appvssd can commit between them: a
 * condition that few rows meet makes a query long.  The SQL has
 * HISTORY_PIECE(t) for the piece, which takes ?4, and may have ?1 for how many
 * are wanted still.
 */
enum history_error history_select_pieces(struct history *history,
    const struct history_select *query, size_t max, void **itemsp,
    size_t *countp);
#define HISTORY_WANTED	   (-1) /* as ?1 */
#define HISTORY_PIECE_ROWS "20000"
#define HISTORY_PIECE(t) \
	" " #t ".n <= ?4 AND " #t ".n > ?4 - " HISTORY_PIECE_ROWS " "

/* A row of HISTORY_TXN_COLUMNS. */
void history_get_txn(struct sqlite3_stmt *row, void *item);

/* How many transactions are looked at for those of one participant. */
#define HISTORY_SCAN_MAX 2000

enum history_which {
	HISTORY_NEWEST_FREEZE,
	HISTORY_BY_ID,	 /* the newest of that id */
	HISTORY_RESUMED, /* of HISTORY_RESUMED_N */
};

/* One of them; HISTORY_E_NONE, without a text, if there is none. */
enum history_error history_fetch_txn(struct history *history,
    enum history_which which, int64_t id, struct history_txn *txn);
enum history_error history_fetch_detail(struct history *history,
    enum history_which which, int64_t id, struct history_detail *detail);
/* All zero if there is no such run. */
enum history_error history_fetch_run(struct history *history, int64_t n,
    struct history_run *run);
/* The first number of a query with ?1. */
enum history_error history_fetch_number(struct history *history,
    const char *sql, int64_t parameter, int64_t *numberp);

/*
 * Pages, at most max items.  Transactions have an id below before, newest
 * first; of the named, HISTORY_SCAN_MAX are looked at.  Arrays are freed with
 * free().
 */
enum history_error history_fetch_before(struct history *history, int64_t before,
    size_t max, struct history_txn **txnsp, size_t *countp);
enum history_error history_fetch_named(struct history *history, int64_t before,
    const char *name, size_t max, struct history_txn **txnsp, size_t *countp);
/* Events below row before_n, of any transaction or none, newest first. */
enum history_error history_fetch_all_events(struct history *history,
    int64_t before_n, size_t max, struct history_event **eventsp,
    size_t *countp);
/* Of one transaction, in order. */
enum history_error history_fetch_states(struct history *history,
    const struct history_txn *txn, struct history_state **statesp,
    size_t *countp);
enum history_error history_fetch_parts(struct history *history,
    const struct history_txn *txn, size_t skip, size_t max,
    struct history_part **partsp, size_t *countp);
enum history_error history_fetch_events(struct history *history,
    const struct history_txn *txn, size_t skip, size_t max,
    struct history_event **eventsp, size_t *countp);

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
