/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a history file is, for the process that writes it and the reader.
 *
 *	run	one life of the broker.  run: 16 hexadecimal digits; last_seq:
 *		the last row of it that is here; ended_at_ms: NULL unless it
 *		ended in good order
 *	txn	one transaction: a CHECK, or a FREEZE up to its THAW
 *	state	the states of transactions in the order they were reached; the
 *		last one counts.  by_run: the run that wrote the row, another
 *		than the transaction's where state is `interrupted'
 *	held	participants that were ready before the release: the proof.
 *		One or more rows of a transaction; n: of which in what order.
 *		proof: which of the transaction; another one was needed if
 *		somebody failed meanwhile, and the last one counts.
 *		parts: a JSON array with an array for each participant: name,
 *		ord, required, told_at_ms, ready_at_ms, pid, uid, and where
 *		there was room program and text.  Since version 3
 *	part	a participant of a transaction, phase `final'; in version 1
 *		and 2 phase `held' is what held is now.  Its times are
 *		milliseconds since the transaction began; NULL: never
 *	event	what is none of these: gap, set_aside, dropped, ...; id 0 if it
 *		belongs to no transaction
 *	known	participants that did not unregister.  uid: whose they are;
 *		NULL: not known.  Since version 2
 *	driver	one row: how many snapshots the driver had counted when it was
 *		asked last, by which run, and since which of its beginnings
 *		(instance).  Since version 2
 *
 * txn, state, held, part and event are only ever appended to, and removed as a
 * whole when they are older than is wanted (history_prune.h).  at_ms is wall
 * clock, milliseconds since 1970.  msgid is the bit pattern of an unsigned
 * number.
 *
 * Version 2 has indexes that version 1 had not; a query may be slow without
 * them, and must not fail.  Whoever reads a file without held puts an empty
 * table in its place (HISTORY_STAND_IN), which is of the connection alone.
 */
#ifndef HISTORY_SCHEMA_H
#define HISTORY_SCHEMA_H

#include <stdint.h>

/*
 * The newest held transaction that a later run found unfinished, where that run
 * was another boot (or another copy of the machine): the disk is one that came
 * back as it was while held.  With the same boot only the broker had died.
 */
#define HISTORY_RESUMED_N                                               \
	"SELECT max(r.n) FROM state AS i"                               \
	" JOIN txn AS r ON r.run = i.run AND r.id = i.id"               \
	" JOIN run AS a ON a.n = r.run JOIN run AS b ON b.n = i.by_run" \
	" WHERE i.state = 'interrupted' AND r.op = 'freeze'"            \
	" AND EXISTS (SELECT 1 FROM state AS h WHERE h.run = r.run"     \
	"  AND h.id = r.id AND h.state = 'held')"                       \
	" AND NOT EXISTS (SELECT 1 FROM part AS f WHERE f.run = r.run"  \
	"  AND f.id = r.id AND f.phase <> 'held')"                      \
	" AND (a.boot_id <> b.boot_id OR (a.generation <> b.generation" \
	"  AND a.generation <> '' AND b.generation <> ''))"

#define HISTORY_APPLICATION_ID	0x41505653 /* "APVS", PRAGMA application_id */
#define HISTORY_SCHEMA_VERSION	3	   /* PRAGMA user_version */

#define HISTORY_STAND_IN_BEFORE 3 /* versions before this one need it */
#define HISTORY_STAND_IN \
	"CREATE TEMP TABLE IF NOT EXISTS held(run, id, proof, n, parts)"

struct sqlite3;

/*
 * Makes the tables of HISTORY_SCHEMA_VERSION out of those of version; 0: out of
 * nothing.  Inside of the caller's SQL transaction.  SQLite's result code.
 */
int historyschema_make(struct sqlite3 *db, int version);

/* Fails on a file that has not the tables of version, 1 or later. */
int historyschema_probe(struct sqlite3 *db, int version);

/* Each known participant of any version; uid -1: not known. */
int historyschema_each_known(struct sqlite3 *db,
    void (
	*known)(void *arg, const char *name, const char *program, int64_t uid),
    void *arg);

#endif /* HISTORY_SCHEMA_H */
