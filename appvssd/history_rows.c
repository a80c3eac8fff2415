/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows into tables.  Owns the SQL of what is appended, and what the beginning
 * of a run says about the one before.  Must not commit, and must not change
 * what was written about a transaction.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>

#include "history_rows.h"
#include "history_sql.h"
#include "histwire.h"
#include "kernel/vssdev/heldlog.h"

#define RUN_TEXT_BYTES	  17 /* 16 digits and a NUL */
#define INTERRUPTED_AMONG INT64_C(100000)

static int64_t
get_int(const struct wire_msg *msg, enum histwire_key key)
{
	return ((int64_t)wire_get_uint(msg, key, 0));
}

/* -1, which becomes NULL, when it is absent. */
static int64_t
get_time(const struct wire_msg *msg, enum histwire_key key)
{
	return (wire_has(msg, key) ? get_int(msg, key) : -1);
}

static const char *
get_text(const struct wire_msg *msg, enum histwire_key key)
{
	return (wire_get_text(msg, key, ""));
}

static int
add_event(struct historyrows *rows, int64_t id, int64_t at_ms, const char *kind,
    const char *text)
{
	return (historysql_run(rows->db,
	    "INSERT INTO event(run, id, at_ms, kind, text)"
	    " VALUES(?, ?, ?, ?, ?)",
	    "iiitt", rows->run, id, at_ms, kind, text));
}

/*
 * The broker of these died, or the machine: nobody will say how they ended.
 * Only the newest can be without an end: older ones were seen to before.
 */
static int
add_interrupted(struct historyrows *rows, int64_t at_ms)
{
	return (historysql_run(rows->db,
	    "INSERT INTO state(run, id, by_run, state, consistency, reason,"
	    " culprit, host, at_ms, elapsed_ms, late_ms)"
	    " SELECT t.run, t.id, ?, 'interrupted', 'none', 'broker_died',"
	    " '', 'unknown', ?, NULL, 0 FROM txn AS t"
	    " WHERE t.n > (SELECT max(n) FROM txn) - ? AND t.run < ?"
	    " AND NOT EXISTS (SELECT 1 FROM state AS s"
	    " WHERE s.run = t.run AND s.id = t.id AND s.state <> 'held')"
	    " ORDER BY t.n",
	    "iiii", rows->run, at_ms, INTERRUPTED_AMONG, rows->run));
}

static int
add_gap(struct historyrows *rows, int64_t at_ms)
{
	int64_t unfinished = 0;
	int code;

	code = historysql_number(rows->db, &unfinished,
	    "SELECT count(*) FROM run WHERE n = (SELECT max(n) FROM run"
	    " WHERE n < ?) AND ended_at_ms IS NULL",
	    "i", rows->run);
	if (code != SQLITE_OK || unfinished == 0)
		return (code);
	return (add_event(rows, 0, at_ms, "gap",
	    "the run before ended without notice; what it had not yet written "
	    "is missing"));
}

static int
add_run(struct historyrows *rows, const struct wire_msg *msg, const char *run,
    const char *set_aside)
{
	const int64_t at_ms = get_int(msg, HK_AT_MS);
	int code;

	code = historysql_run(rows->db,
	    "INSERT INTO run(run, started_at_ms, boot_id, generation,"
	    " version, last_seq) VALUES(?, ?, ?, ?, ?, 0)",
	    "titt"
	    "t",
	    run, at_ms, get_text(msg, HK_BOOT_ID), get_text(msg, HK_GENERATION),
	    get_text(msg, HK_VERSION));
	if (code != SQLITE_OK)
		return (code);
	rows->run = sqlite3_last_insert_rowid(rows->db);
	rows->last_seq = 0;
	code = add_gap(rows, at_ms);
	if (code == SQLITE_OK)
		code = add_interrupted(rows, at_ms);
	if (code == SQLITE_OK && set_aside[0] != '\0')
		code = add_event(rows, 0, at_ms, "set_aside", set_aside);
	return (code);
}

/* The run may be here already: then only this process is new. */
static int
apply_run(struct historyrows *rows, const struct wire_msg *msg,
    const char *set_aside)
{
	char run[RUN_TEXT_BYTES];
	int64_t found = 0, last_seq = 0;
	int code;

	snprintf(run, sizeof(run), "%016" PRIx64,
	    wire_get_uint(msg, HK_RUN, 0));
	code = historysql_number(rows->db, &found,
	    "SELECT n FROM run WHERE run = ?", "t", run);
	if (code != SQLITE_OK)
		return (code);
	if (found == 0)
		return (add_run(rows, msg, run, set_aside));
	code = historysql_number(rows->db, &last_seq,
	    "SELECT last_seq FROM run WHERE n = ?", "i", found);
	rows->run = found;
	rows->last_seq = (uint64_t)last_seq;
	return (code);
}

static int
add_begin(struct historyrows *rows, const struct wire_msg *msg)
{
	return (historysql_run(rows->db,
	    "INSERT INTO txn(run, id, op, source, msgid, at_ms)"
	    " VALUES(?, ?, ?, ?, ?, ?)",
	    "iittii", rows->run, get_int(msg, HK_ID), get_text(msg, HK_OP),
	    get_text(msg, HK_SOURCE), get_int(msg, HK_MSGID),
	    get_int(msg, HK_AT_MS)));
}

static int
set_counted(struct historyrows *rows, const struct wire_msg *msg)
{
	return (historysql_run(rows->db,
	    "INSERT OR REPLACE INTO driver(one, run, instance, snapshots)"
	    " VALUES(1, ?, ?, ?)",
	    "iii", rows->run, get_int(msg, HK_INSTANCE),
	    get_int(msg, HK_SNAPSHOTS)));
}

/* Its beginning may lie in a file that was set aside. */
static int
add_state(struct historyrows *rows, const struct wire_msg *msg)
{
	const int64_t id = get_int(msg, HK_ID);
	const int64_t at_ms = get_int(msg, HK_AT_MS);
	int code;

	code = historysql_run(rows->db,
	    "INSERT OR IGNORE INTO txn(run, id, op, source, msgid, at_ms)"
	    " VALUES(?, ?, 'unknown', 'unknown', 0, ?)",
	    "iii", rows->run, id, at_ms - get_int(msg, HK_ELAPSED_MS));
	if (code != SQLITE_OK)
		return (code);
	code = historysql_run(rows->db,
	    "INSERT INTO state(run, id, by_run, state, consistency, reason,"
	    " culprit, host, at_ms, elapsed_ms, late_ms)"
	    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "iiitttttiui", rows->run, id, rows->run, get_text(msg, HK_STATE),
	    get_text(msg, HK_CONSISTENCY), get_text(msg, HK_REASON),
	    get_text(msg, HK_CULPRIT), get_text(msg, HK_HOST), at_ms,
	    get_time(msg, HK_ELAPSED_MS), get_int(msg, HK_LATE_MS));
	if (code != SQLITE_OK || !wire_has(msg, HK_SNAPSHOTS))
		return (code);
	return (set_counted(rows, msg));
}

static int
add_part(struct historyrows *rows, const struct wire_msg *msg)
{
	return (historysql_run(rows->db,
	    "INSERT INTO part(run, id, phase, name, program, result, thaw,"
	    " text, pid, uid, ord, required, told_at_ms, ready_at_ms,"
	    " thaw_told_at_ms, thawed_at_ms)"
	    " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "iittttttiiiiuuuu", rows->run, get_int(msg, HK_ID),
	    get_text(msg, HK_PHASE), get_text(msg, HK_NAME),
	    get_text(msg, HK_PROGRAM), get_text(msg, HK_RESULT),
	    get_text(msg, HK_THAW), get_text(msg, HK_TEXT),
	    get_int(msg, HK_PID), get_int(msg, HK_UID), get_int(msg, HK_ORDER),
	    get_int(msg, HK_REQUIRED), get_time(msg, HK_TOLD_AT_MS),
	    get_time(msg, HK_READY_AT_MS), get_time(msg, HK_THAW_TOLD_AT_MS),
	    get_time(msg, HK_THAWED_AT_MS)));
}

static int
add_held(struct historyrows *rows, const struct wire_msg *msg)
{
	return (historysql_run(rows->db,
	    "INSERT INTO held(run, id, proof, n, parts)"
	    " VALUES(?, ?, ?, ?, ?)",
	    "iiiit", rows->run, get_int(msg, HK_ID), get_int(msg, HK_PROOF),
	    get_int(msg, HK_SEQ), get_text(msg, HK_PARTS)));
}

static int
add_known(struct historyrows *rows, const struct wire_msg *msg)
{
	return (historysql_run(rows->db,
	    "INSERT INTO known(name, program, since_ms, uid)"
	    " VALUES(?, ?, ?, ?) ON CONFLICT(name) DO UPDATE"
	    " SET program = excluded.program, uid = excluded.uid",
	    "ttiu", get_text(msg, HK_NAME), get_text(msg, HK_PROGRAM),
	    get_int(msg, HK_AT_MS), get_time(msg, HK_UID)));
}

/*
 * The last freeze, of the run that had the driver last: nobody knows how it
 * ended, or it ended when the driver was not done with it yet.  Where to look
 * is bounded: holds of requestors may be the newer ones.
 */
#define UNSURE                                                          \
	" FROM driver AS d JOIN txn AS t ON t.run = d.run WHERE t.n ="  \
	" (SELECT max(n) FROM (SELECT n, source FROM txn"               \
	" WHERE op = 'freeze' ORDER BY n DESC LIMIT 1000)"              \
	" WHERE source = 'device')"                                     \
	" AND NOT EXISTS (SELECT 1 FROM state AS s WHERE s.run = t.run" \
	" AND s.id = t.id AND s.state NOT IN ('held', 'interrupted')"   \
	" AND s.host <> 'unknown')"

int
historyrows_find_unsure(struct sqlite3 *db, struct historydb_unsure *unsure)
{
	int64_t msgid = 0, instance = 0;
	int code;

	code = historysql_number(db, &msgid, "SELECT t.msgid" UNSURE, "");
	if (code == SQLITE_OK)
		code = historysql_number(db, &instance,
		    "SELECT d.instance" UNSURE, "");
	unsure->msgid = (uint64_t)msgid;
	unsure->instance = (uint64_t)instance;
	return (code);
}

/*
 * Whether one of the snapshots is the transaction that was unsure; without the
 * driver's word it is.
 */
static int
get_own(struct historyrows *rows, const struct wire_msg *msg, int64_t *own)
{
	*own = get_int(msg, HK_OWN);
	if (wire_has(msg, HK_OWN))
		return (SQLITE_OK);
	return (historysql_number(rows->db, own,
	    "SELECT count(*)" UNSURE " AND d.run <> ?", "i", rows->run));
}

/* Snapshots that the driver counted and that are no transactions. */
static int
apply_driver(struct historyrows *rows, const struct wire_msg *msg)
{
	int64_t instance = -1, snapshots = 0, own = 0;
	int64_t missed = get_int(msg, HK_SNAPSHOTS);
	char text[96];
	int code;

	code = historysql_number(rows->db, &instance,
	    "SELECT instance FROM driver", "");
	if (code == SQLITE_OK)
		code = historysql_number(rows->db, &snapshots,
		    "SELECT snapshots FROM driver", "");
	if (code == SQLITE_OK && instance == get_int(msg, HK_INSTANCE)) {
		missed -= snapshots;
		code = get_own(rows, msg, &own);
	}
	missed -= own;
	if (code == SQLITE_OK && missed > 0) {
		snprintf(text, sizeof(text),
		    "snapshots=%" PRId64 " taken while appvssd was not there",
		    missed);
		code = add_event(rows, 0, get_int(msg, HK_AT_MS), "gap", text);
	}
	return (code == SQLITE_OK ? set_counted(rows, msg) : code);
}

static int
apply_row(struct historyrows *rows, const struct wire_msg *msg,
    const char *set_aside)
{
	switch ((enum histwire_row)msg->verb) {
	case HR_RUN:
		return (apply_run(rows, msg, set_aside));
	case HR_BEGIN:
		return (add_begin(rows, msg));
	case HR_STATE:
		return (add_state(rows, msg));
	case HR_PART:
		return (add_part(rows, msg));
	case HR_HELD:
		return (add_held(rows, msg));
	case HR_EVENT:
		return (
		    add_event(rows, get_int(msg, HK_ID), get_int(msg, HK_AT_MS),
			get_text(msg, HK_KIND), get_text(msg, HK_TEXT)));
	case HR_KNOWN:
		return (add_known(rows, msg));
	case HR_FORGET:
		return (
		    historysql_run(rows->db, "DELETE FROM known WHERE name = ?",
			"t", get_text(msg, HK_NAME)));
	case HR_END:
		return (historysql_run(rows->db,
		    "UPDATE run SET ended_at_ms = ? WHERE n = ?", "ii",
		    get_int(msg, HK_AT_MS), rows->run));
	case HR_DRIVER:
		return (apply_driver(rows, msg));
	case HR_KEEP:
	case HR_COMMIT:
	case HR_QUERY:
	case HR_COUNT:
		break;
	}
	return (SQLITE_OK);
}

/* What SQLite says of the contents of one row, not of the file. */
static bool
is_refusal(int code)
{
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
	case SQLITE_RANGE:
		return (true);
	default:
		return (false);
	}
}

enum historydb_result
historyrows_apply(struct historyrows *rows, const struct wire_msg *msg,
    const char *set_aside)
{
	const uint64_t seq = wire_get_uint(msg, HK_SEQ, 0);
	int code;

	if (msg->verb != HR_RUN && seq <= rows->last_seq)
		return (HISTORYDB_OK);
	code = apply_row(rows, msg, set_aside);
	if (is_refusal(code)) {
		heldlog(HELDLOG_ERROR, "history_row_refused",
		    "seq=%" PRIu64 " verb=%s code=%d", seq,
		    histwire_row_grammar.verbs[msg->verb].name, code);
		code = SQLITE_OK;
	}
	if (code == SQLITE_OK && msg->verb != HR_RUN)
		rows->last_seq = seq;
	return (historysql_result(code));
}

enum historydb_result
historyrows_finish(const struct historyrows *rows)
{
	return (historysql_result(
	    historysql_run(rows->db, "UPDATE run SET last_seq = ? WHERE n = ?",
		"ii", (int64_t)rows->last_seq, rows->run)));
}
