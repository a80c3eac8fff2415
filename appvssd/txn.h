/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transaction machine: what happens between a request for a snapshot and
 * the moment when nobody is left frozen.  Pure: events in, actions out; the
 * time is inside the event; no clock, no allocation, no I/O.
 *
 * The caller keeps the participants of a transaction in an array that it lends
 * from the event that begins it until the state is TXN_IDLE again, and names
 * them by their index.  After each step it carries out the actions in order,
 * and sends TXN_EV_TICK when txn_next_at_ms() has come (earlier ticks do no
 * harm).
 *
 * IDLE means: everyone who was sent FREEZE was sent THAW.  Who did not confirm
 * the thaw is handed over by TXN_ACT_OWES, and is the caller's to retry.
 */
#ifndef TXN_H
#define TXN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hold timer that fires later than this means that the guest was paused. */
#define TXN_PAUSE_MS 1000
/* It is then armed once more, for this long. */
#define TXN_REARM_MS 5000

enum txn_state { TXN_IDLE, TXN_CHECKING, TXN_FREEZING, TXN_HELD, TXN_THAWING };

enum txn_op { TXN_OP_CHECK, TXN_OP_FREEZE, TXN_OP_THAW };

/* How a transaction ended. */
enum txn_outcome {
	TXN_OUTCOME_NONE, /* it has not */
	TXN_OUTCOME_DONE,
	TXN_OUTCOME_ABORTED,	/* no snapshot, or one that must not be used */
	TXN_OUTCOME_EXPIRED,	/* THAW did not come within the limit */
	TXN_OUTCOME_SUPERSEDED, /* the host lost its THAW and began anew */
	TXN_OUTCOME_LOST,	/* the source went away while held */
};

enum txn_consistency {
	TXN_CONSISTENCY_NONE,
	TXN_CONSISTENCY_FILESYSTEM,
	TXN_CONSISTENCY_APPLICATION,
};

/* Why a transaction ended as it did, or why a request was answered FAIL. */
enum txn_reason {
	TXN_REASON_NONE,
	TXN_REASON_FAILED,	 /* a required participant said FAIL */
	TXN_REASON_TIMEOUT,	 /* ... did not answer in time */
	TXN_REASON_ABSENT,	 /* ... was not there */
	TXN_REASON_DISCONNECTED, /* ... was lost */
	TXN_REASON_OWES_THAW,	 /* ... was still frozen from an earlier time */
	TXN_REASON_LATE,	 /* the answer would be, or was, too late */
	TXN_REASON_FS_FAILED,	 /* the host was told FAIL, not by us */
	TXN_REASON_HOST_THAW,	 /* THAW came before the release */
	TXN_REASON_NEW_FREEZE,	 /* FREEZE came while held */
	TXN_REASON_NO_THAW,	 /* the limit while held passed */
	TXN_REASON_SOURCE_GONE,	 /* device or requestor vanished */
	TXN_REASON_SHUTDOWN,
	TXN_REASON_BUSY,       /* of an answer: another transaction runs */
	TXN_REASON_NOT_FROZEN, /* of an answer: THAW without a hold */
};

/* What a participant's CHECK or FREEZE came to. */
enum txn_result {
	TXN_RESULT_NONE, /* not asked */
	TXN_RESULT_READY,
	TXN_RESULT_FAILED,
	TXN_RESULT_TIMEOUT,
	TXN_RESULT_GONE,   /* disconnected before it was ready */
	TXN_RESULT_LOST,   /* disconnected, or thawed itself, after READY */
	TXN_RESULT_ABSENT, /* known, but not there when it began */
	TXN_RESULT_OWES,   /* still owes the thaw of an earlier transaction */
	TXN_RESULT_CUT,	   /* asked; the transaction ended before it answered */
};

enum txn_thaw {
	TXN_THAW_NONE, /* never sent FREEZE, or not thawed yet */
	TXN_THAW_OK,
	TXN_THAW_FAILED,
	TXN_THAW_TIMEOUT,
	TXN_THAW_GONE, /* disconnected: its library thaws it */
};

enum txn_phase {
	TXN_PHASE_WAITING,  /* its order has not come */
	TXN_PHASE_ASKED,    /* CHECK or FREEZE sent */
	TXN_PHASE_READY,    /* frozen */
	TXN_PHASE_THAWING,  /* THAW sent */
	TXN_PHASE_FINISHED, /* nothing more is expected of it */
};

/* Times are of the events' clock; 0: never. */
struct txn_part {
	/* Set by the caller before the transaction begins. */
	unsigned order; /* lower freezes first */
	bool required;	/* required, or expected: vetoes */
	bool wants_check;
	bool present;
	bool owes_thaw;
	uint32_t freeze_ms; /* its own longest freeze, ... */
	uint32_t thaw_ms;   /* ... and thaw */
	/* Kept by the machine. */
	enum txn_phase phase;
	enum txn_result result;
	enum txn_thaw thaw;
	unsigned step;		 /* of thawing; 0: thawed before the others */
	uint64_t deadline_at_ms; /* while ASKED or THAWING */
	uint64_t told_at_ms;
	uint64_t answered_at_ms;
	uint64_t thaw_told_at_ms;
	uint64_t thawed_at_ms;
};

/* Durations in milliseconds, from the configuration. */
struct txn_limits {
	uint32_t check_ms;
	uint32_t freeze_ms;
	uint32_t commit_ms;
	uint32_t hold_ms;
	uint32_t thaw_ms;
	uint32_t answer_ms; /* no success is answered later than this */
	uint32_t pause_ms;  /* TXN_PAUSE_MS, or another value */
	uint32_t rearm_ms;  /* TXN_REARM_MS, likewise */
};

/* A request of a source that wants exactly one answer. */
struct txn_request {
	uint32_t source; /* 0: the device; otherwise a requestor */
	uint64_t msgid;
};

/* What the driver says the host was told of the FREEZE. */
enum txn_told { TXN_TOLD_UNKNOWN, TXN_TOLD_SUCCESS, TXN_TOLD_FAIL };

enum txn_event_type {
	TXN_EV_CHECK,  /* request, id, parts, nparts */
	TXN_EV_FREEZE, /* likewise, hold_ms */
	TXN_EV_THAW,   /* request, told */
	TXN_EV_READY,  /* part, op */
	TXN_EV_FAIL,   /* part, op; freeze after READY: it thawed by itself */
	TXN_EV_GONE,   /* part: disconnected or unregistered */
	TXN_EV_COMMITTED,   /* committed: the held row is on disk, or never will
			     */
	TXN_EV_LATE,	    /* the driver refused the release */
	TXN_EV_SOURCE_GONE, /* request.source */
	TXN_EV_SHUTDOWN,
	TXN_EV_TICK,
};

struct txn_event {
	enum txn_event_type type;
	uint64_t now_ms;
	struct txn_request request;
	uint64_t id;
	uint32_t hold_ms;	/* of FREEZE: limit while held; 0: the usual */
	struct txn_part *parts; /* lent until IDLE */
	size_t nparts;
	size_t part;
	enum txn_op op;
	enum txn_told told;
	bool committed;
};

enum txn_action_type {
	TXN_ACT_SEND_CHECK,  /* part, remaining_ms */
	TXN_ACT_SEND_FREEZE, /* part, remaining_ms, hold_ms */
	TXN_ACT_SEND_THAW,   /* part, outcome (DONE...), remaining_ms */
	/* Have the held row committed; then COMMITTED, of the last such row:
	 * another may be wanted before one is. */
	TXN_ACT_COMMIT_HELD,
	TXN_ACT_ANSWER,	  /* request, op, success, reason */
	TXN_ACT_OWES,	  /* part, outcome: its thaw is not confirmed */
	TXN_ACT_FINISHED, /* record the transaction; it is the last action */
};

struct txn_action {
	enum txn_action_type type;
	size_t part;
	uint32_t remaining_ms;
	uint32_t hold_ms;
	struct txn_request request;
	enum txn_op op;
	enum txn_outcome outcome;
	enum txn_reason reason;
	bool success;
};

/* One step makes at most this many actions. */
#define TXN_ACTIONS_MAX(nparts) (3 * (nparts) + 8)

struct txn_actions {
	struct txn_action *items; /* lent by the caller */
	size_t count;
	size_t max; /* at least TXN_ACTIONS_MAX(nparts) */
};

struct txn {
	struct txn_limits limits;
	enum txn_state state;
	enum txn_op op;
	uint64_t id;
	struct txn_part *parts;
	size_t nparts;
	struct txn_request begun; /* CHECK or FREEZE */
	bool begun_waits;	  /* ... and it is not answered yet */
	struct txn_request thaw;
	bool thaw_waits;
	bool committing;  /* everyone is ready; waiting for the held row */
	unsigned commits; /* held rows that were wanted so far */
	bool proved;	  /* the held row was on disk before the release */
	bool released;
	bool superseded;
	bool required_lost; /* while held */
	bool rearmed;
	enum txn_told told;
	enum txn_outcome outcome;
	enum txn_reason reason;
	size_t culprit;	     /* the participant of reason, or SIZE_MAX */
	unsigned order;	     /* that is freezing or thawing now */
	size_t asked;	     /* participants in TXN_PHASE_ASKED */
	size_t thawing;	     /* ... in TXN_PHASE_THAWING */
	unsigned step;	     /* orders thawed so far, this one included */
	size_t step_thawing; /* participants of this step in THAWING */
	uint64_t begun_at_ms;
	uint64_t held_at_ms;
	uint64_t ended_at_ms;
	uint32_t hold_ms;      /* limit while held */
	uint32_t late_ms;      /* how late the hold timer was */
	uint64_t budget_at_ms; /* end of CHECK, FREEZE or THAW in all */
	uint64_t step_at_ms;   /* next deadline of who is asked, or of a step */
	uint64_t thaw_at_ms;   /* ... of who thaws, or before; UINT64_MAX */
	uint64_t late_answers; /* late, duplicate and unknown, ever */
};

void txn_init(struct txn *txn, const struct txn_limits *limits);
void txn_step(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions);

/*
 * Whether a READY (or else FAIL) of part is waited for; otherwise it only
 * counts as late.
 */
bool txn_expects(const struct txn *txn, size_t part, enum txn_op op,
    bool ready);

/* When the next TXN_EV_TICK is due; UINT64_MAX: none. */
uint64_t txn_next_at_ms(const struct txn *txn);

/* Of a finished transaction; TXN_CONSISTENCY_NONE for a CHECK. */
enum txn_consistency txn_consistency(const struct txn *txn);
/* What it would be if it were thawed now: for the held row. */
enum txn_consistency txn_prospect(const struct txn *txn);

/* Lower-case words, as in the history and the protocol. */
const char *txn_state_word(enum txn_state state);
const char *txn_op_word(enum txn_op op);
const char *txn_outcome_word(enum txn_outcome outcome);
const char *txn_consistency_word(enum txn_consistency consistency);
const char *txn_reason_word(enum txn_reason reason);
const char *txn_result_word(enum txn_result result);
const char *txn_thaw_word(enum txn_thaw thaw);

#endif /* TXN_H */
