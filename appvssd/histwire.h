/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What broker and history process say to each other over their socket pair, in
 * the line format of sdk/wire.h.  Tables only.
 *
 * The broker begins each connection with RUN, then sends every row that is not
 * acknowledged.  The process answers RUN with a KNOWN for each participant that
 * the file knows and a READY, and then acknowledges rows once they are on disk.
 * Rows have ascending sequence numbers within a run; gaps are rows that were
 * dropped.  A row that came before is ignored.
 *
 * KEEP says how much the file shall hold, after RUN and whenever it changes.
 *
 * QUERY asks for a page of what is in the file, one at a time.  It is answered,
 * when no row waits, by any number of ITEM and one DONE: with code when there
 * is none, otherwise with before or skip for the next page when there may be
 * one.  What ITEM has is what appvss-protocol(7) says of HISTORY.
 */
#ifndef HISTWIRE_H
#define HISTWIRE_H

#include "sdk/wire.h"

#define HISTWIRE_TEXT_MAX    512 /* bytes of a participant's text */
#define HISTWIRE_PROGRAM_MAX 128
#define HISTWIRE_ID_MAX	     128 /* boot and generation id, version */
#define HISTWIRE_ASIDE_MAX   512 /* of the name of a file */
#define HISTWIRE_LIMIT_MAX   100 /* items of a page */
/* Of the participants in a HELD row: what history_schema.h calls parts. */
#define HISTWIRE_PARTS_MAX 1960

/* READY says no higher one: see history_aside.h. */
#define HISTWIRE_LAST_ID_MAX (UINT64_C(1) << 53)

enum histwire_key {
	HK_SEQ,
	HK_RUN,
	HK_AT_MS, /* wall clock, milliseconds since 1970 */
	HK_BOOT_ID,
	HK_GENERATION,
	HK_VERSION,
	HK_ID,
	HK_OP,
	HK_SOURCE,
	HK_MSGID,
	HK_STATE,
	HK_CONSISTENCY,
	HK_REASON,
	HK_CULPRIT,
	HK_HOST,
	HK_ELAPSED_MS,
	HK_LATE_MS,
	HK_PHASE,
	HK_NAME,
	HK_PROGRAM,
	HK_RESULT,
	HK_THAW,
	HK_TEXT,
	HK_PID,
	HK_UID,
	HK_ORDER,
	HK_REQUIRED,
	HK_TOLD_AT_MS, /* this and the next three: since BEGIN; absent: never */
	HK_READY_AT_MS,
	HK_THAW_TOLD_AT_MS,
	HK_THAWED_AT_MS,
	HK_KIND,
	HK_LAST_ID,
	HK_SET_ASIDE,	 /* a file that could not be used has this name now */
	HK_QUERY,	 /* number of a query */
	HK_BEFORE,	 /* transactions, or events, before this one */
	HK_SKIP,	 /* items of the transaction that are known already */
	HK_LIMIT,	 /* of items */
	HK_CODE,	 /* an error of the protocol */
	HK_OUTCOME,	 /* the last state */
	HK_PARTICIPANTS, /* how many, ... */
	HK_READY,	 /* ... and how many of them ready */
	HK_INSTANCE,	 /* of the driver's counters; hv_appvss(4) */
	HK_SNAPSHOTS,	 /* that the driver has counted */
	HK_KEEP_DAYS,	 /* 0: for ever */
	HK_KEEP_COUNT,	 /* transactions; 0: all */
	HK_OWN,		 /* 0..1 of these since the last are transactions */
	HK_PROOF, /* counts those of a transaction; the last one counts */
	HK_PARTS, /* participants that are ready */
	HK_COUNT
};

enum histwire_row {
	HR_RUN,
	HR_BEGIN,
	HR_STATE,
	HR_PART,
	HR_HELD, /* seq= id= proof= parts= : before the state "held", all at
		    once */
	HR_EVENT,
	HR_KNOWN,
	HR_FORGET,
	HR_END,
	HR_DRIVER, /* seq= at_ms= instance= snapshots= [own=] */
	HR_KEEP,   /* keep_days= keep_count= ; not a row */
	HR_COMMIT, /* commit now what came before; not a row */
	HR_QUERY,  /* query= kind= [id before skip limit name]; not a row */
	HR_COUNT
};

enum histwire_answer {
	HA_KNOWN, /* name= program= [uid=] */
	HA_READY, /* last_id= [set_aside=] [msgid= instance=] */
	HA_ACK,	  /* seq= : every row up to this one is on disk */
	HA_ITEM,  /* query= kind= and what the kind has */
	HA_DONE,  /* query= [code= | before= | skip=] */
	HA_COUNT
};

extern const struct wire_grammar histwire_row_grammar;
extern const struct wire_grammar histwire_answer_grammar;

#endif /* HISTWIRE_H */
