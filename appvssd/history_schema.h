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
 *	part	a participant of a transaction, phase `held' (what was ready
 *		before the release: the proof) or `final'.  Its times are
 *		milliseconds since the transaction began; NULL: never
 *	event	what is none of these: gap, set_aside, dropped, ...
 *	known	participants that did not unregister
 *
 * txn, state, part and event are only ever appended to.  at_ms is wall clock,
 * milliseconds since 1970.  msgid is the bit pattern of an unsigned number.
 */
#ifndef HISTORY_SCHEMA_H
#define HISTORY_SCHEMA_H

#define HISTORY_APPLICATION_ID 0x41505653 /* "APVS", PRAGMA application_id */
#define HISTORY_SCHEMA_VERSION 1	  /* PRAGMA user_version */

#endif /* HISTORY_SCHEMA_H */
