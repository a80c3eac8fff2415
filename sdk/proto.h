/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verbs and keys of the socket protocol, version 1: appvss-protocol(7).
 * Tables only; the codec is wire.h.
 */
#ifndef PROTO_H
#define PROTO_H

#include "wire.h"

#define PROTO_VERSION	       1
#define PROTO_HELLO_TIMEOUT_MS 5000 /* HELLO must come in this time */

/*
 * Limits of values.  A text that is longer is refused (bad_value) where it
 * arrives, and cut where it is made.  The longest line that the tables allow,
 * with every byte escaped, fits into WIRE_LINE_MAX (a test proves it).
 */
#define PROTO_TEXT_MAX	    512	      /* bytes */
#define PROTO_PROGRAM_MAX   128	      /* bytes */
#define PROTO_BUDGET_MS_MAX 900000    /* what a participant may ask for */
#define PROTO_MS_MAX	    86400000  /* any time left, any hold: a day */
#define PROTO_COUNTER_MAX   INT64_MAX /* ids, counters: as in an SQL integer */
#define PROTO_LIMIT_MAX	    100	      /* items of one answer to HISTORY */

/* Keys; the comment is the type and what it means. */
enum proto_key {
	PK_VERSION,	 /* uint: protocol version */
	PK_PROGRAM,	 /* text: who speaks, for display; never trusted */
	PK_NAME,	 /* name: participant */
	PK_ID,		 /* uint: transaction */
	PK_OP,		 /* word: check, freeze, thaw */
	PK_ORDER,	 /* uint 0..99 */
	PK_REQUIRED,	 /* uint 0..1 */
	PK_CHECK,	 /* uint 0..1: wants to be asked at CHECK */
	PK_FREEZE_MS,	 /* uint: asks for this long to freeze */
	PK_THAW_MS,	 /* uint: asks for this long to thaw */
	PK_TEXT,	 /* text: for people */
	PK_PERCENT,	 /* uint 0..100 */
	PK_REMAINING_MS, /* uint: time left to answer */
	PK_HOLD_MS,	 /* uint: after this long a client thaws by itself */
	PK_REASON,  /* word: why: done, aborted, expired, lost, or a failure */
	PK_CODE,    /* word: error code */
	PK_VERB,    /* text: the verb that an OK, ERROR or END is about */
	PK_KIND,    /* word: of an ITEM: broker, participant, debt */
	PK_STATE,   /* word */
	PK_PRESENT, /* uint 0..1: connected */
	PK_PID,	    /* uint */
	PK_UID,	    /* uint */
	PK_RESULT,  /* word: last result */
	PK_CONSISTENCY, /* word */
	PK_OUTCOME,	/* word */
	PK_DEVICE,	/* word: open, missing, none */
	PK_HISTORY,	/* word: ok, behind, down */
	PK_QUEUED,	/* uint: rows that wait for the history */
	PK_DROPPED,	/* uint: rows or answers dropped */
	PK_LATE,	/* uint: late, duplicate and unknown answers */
	PK_AGE_MS,	/* uint: since the last transaction ended */
	PK_FLUSH_MS,	/* uint: last time from FREEZE to READY */
	PK_SOURCE,	/* word: who asked for a transaction */
	PK_ELAPSED_MS,	/* uint: since it began, or since it was told */
	PK_DETACH,	/* uint 0..1: the hold outlives the connection */
	/* Of HISTORY and its items. */
	PK_BEFORE,	    /* uint: transactions, or events, before this one */
	PK_SKIP,	    /* uint: so many items are known already */
	PK_LIMIT,	    /* uint 1..100: items of the answer */
	PK_AT_MS,	    /* uint: wall clock, since 1970 */
	PK_MSGID,	    /* uint: the driver's */
	PK_HOST,	    /* word: success, fail, timeout, unknown, none */
	PK_LATE_MS,	    /* uint: of expired: how late the timer was */
	PK_THAW,	    /* word: how the thaw went */
	PK_TOLD_AT_MS,	    /* uint */
	PK_READY_AT_MS,	    /* uint */
	PK_THAW_TOLD_AT_MS, /* uint */
	PK_THAWED_AT_MS,    /* uint */
	PK_PARTICIPANTS,    /* uint: how many */
	PK_READY,	    /* uint: how many of them ready */
	PK_COUNT
};

enum proto_client_verb {
	PC_HELLO,      /* version= [program=] */
	PC_REGISTER,   /* name= [program order required check freeze_ms thaw_ms]
			*/
	PC_UNREGISTER, /* name= */
	PC_READY,      /* name= id= op= [text=] */
	PC_FAIL,       /* name= id= op= [text=] */
	PC_PROGRESS,   /* name= id= [percent remaining_ms text] */
	PC_STATUS,
	PC_FORGET,    /* name= */
	PC_SUBSCRIBE, /* to EVENTs, until the end of the connection */
	PC_CHECK,
	PC_FREEZE, /* [hold_ms detach] */
	PC_THAW,   /* [id] */
	PC_QUIT,
	PC_HISTORY, /* [kind id skip before limit name] */
	PC_RELOAD,
	PC_COUNT
};

enum proto_broker_verb {
	PB_WELCOME, /* version= */
	PB_OK,	    /* verb= [name id outcome consistency hold_ms] */
	PB_ERROR,   /* code= [verb name text id outcome consistency] */
	PB_CHECK,   /* name= id= remaining_ms= */
	PB_FREEZE,  /* name= id= remaining_ms= hold_ms= */
	PB_THAW,    /* name= id= reason= remaining_ms= */
	PB_ITEM,    /* kind= and what the kind has */
	PB_EVENT,   /* likewise; comes by itself */
	PB_END,	    /* verb= [before skip] */
	PB_COUNT
};

extern const struct wire_grammar proto_client_grammar;
extern const struct wire_grammar proto_broker_grammar;

#endif /* PROTO_H */
