/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a history file: of a running machine, perhaps frozen at this moment,
 * of an image, of a read-only copy.  Writes nothing to the file or beside it.
 *
 * history_open() begins one read transaction that history_close() ends.  While
 * it is open appvssd cannot commit: fetch, close, and print only then.  What
 * may look at every row ends it now and then, and sees what was committed
 * meanwhile.
 */
#ifndef HISTORY_READ_H
#define HISTORY_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_WORD_SIZE    65
#define HISTORY_PROGRAM_SIZE 129
#define HISTORY_TEXT_SIZE    513
#define HISTORY_ERROR_SIZE   512

struct history;

enum history_error {
	HISTORY_OK = 0,
	HISTORY_E_MISSING, /* no file, or it is empty */
	HISTORY_E_DENIED,  /* may not be read */
	HISTORY_E_BUSY,	   /* being written, longer than is waited for */
	HISTORY_E_FORMAT,  /* no history, damaged, or of a newer version */
	HISTORY_E_NONE,	   /* no such transaction */
	HISTORY_E_SYSTEM,
};

/* Texts are as they came from participants: untrusted. */
struct history_run {
	int64_t n;
	int64_t started_at_ms; /* wall clock, as all at_ms of states */
	char boot_id[HISTORY_PROGRAM_SIZE];
	char generation[HISTORY_PROGRAM_SIZE];
	char version[HISTORY_PROGRAM_SIZE];
};

struct history_state {
	int64_t by_run;
	int64_t at_ms;
	int64_t elapsed_ms; /* -1: not known */
	int64_t late_ms;
	char state[HISTORY_WORD_SIZE]; /* "": no state yet */
	char consistency[HISTORY_WORD_SIZE];
	char reason[HISTORY_WORD_SIZE];
	char culprit[HISTORY_WORD_SIZE];
	char host[HISTORY_WORD_SIZE];
};

/* Times are milliseconds since the transaction began; -1: never. */
struct history_part {
	char phase[HISTORY_WORD_SIZE];
	char name[HISTORY_WORD_SIZE];
	char result[HISTORY_WORD_SIZE];
	char thaw[HISTORY_WORD_SIZE];
	char program[HISTORY_PROGRAM_SIZE];
	char text[HISTORY_TEXT_SIZE];
	int64_t pid;
	int64_t uid;
	int64_t order;
	int64_t told_at_ms;
	int64_t ready_at_ms;
	int64_t thaw_told_at_ms;
	int64_t thawed_at_ms;
	bool required;
};

struct history_event {
	int64_t n;  /* its place in the file */
	int64_t id; /* of the transaction, or 0 */
	int64_t at_ms;
	char kind[HISTORY_WORD_SIZE];
	char text[HISTORY_TEXT_SIZE];
};

/* A transaction and its last state. */
struct history_txn {
	int64_t n; /* its place in the file */
	int64_t run;
	int64_t id;
	int64_t at_ms;
	uint64_t msgid;
	unsigned parts;
	unsigned parts_ready;
	char op[HISTORY_WORD_SIZE];
	char source[HISTORY_WORD_SIZE];
	struct history_state last;
};

/* Everything about one transaction. */
struct history_detail {
	struct history_txn txn;
	struct history_run run;
	struct history_state *states;
	size_t nstates;
	struct history_part *parts;
	size_t nparts;
	struct history_event *events;
	size_t nevents;
};

/* What the file can say about the disk that it lies on. */
enum history_proof {
	HISTORY_PROOF_EMPTY,	/* no freeze was recorded */
	HISTORY_PROOF_HELD,	/* the last thing in it is a held transaction */
	HISTORY_PROOF_RESUMED,	/* held, and then another boot went on */
	HISTORY_PROOF_FINISHED, /* the last freeze ended */
	HISTORY_PROOF_UNENDED,	/* the last freeze was neither held nor over */
};

struct history_evidence {
	enum history_proof proof;
	struct history_detail detail; /* of the freeze; nothing if EMPTY */
	struct history_run next;      /* RESUMED: the run that went on */
	struct history_txn newest;    /* the newest freeze */
	unsigned later; /* transactions that began after this one */
};

/*
 * Opens path.  OK: *historyp is owned by the caller.  Otherwise error (of
 * HISTORY_ERROR_SIZE bytes) says what is wrong, for people.
 */
enum history_error history_open(struct history **historyp, const char *path,
    char *error);
void history_close(struct history *history);

/* What the last function that failed had to say. */
const char *history_error_text(const struct history *history);

/* Which transactions; NULL: any.  outcome: the last state, or "unfinished". */
struct history_filter {
	int64_t since_ms; /* wall clock; 0: from the beginning */
	int64_t until_ms; /* this one included; 0: to the end */
	const char *outcome;
	const char *consistency; /* then only freezes */
	const char *app;	 /* that had a part in it */
	const char *source;
};

/* The newest max of them, newest first; *txnsp is freed with free(). */
enum history_error history_list(struct history *history,
    const struct history_filter *filter, size_t max, struct history_txn **txnsp,
    size_t *countp);

/* The newest max of those with a smaller id; likewise, and quick. */
enum history_error history_before(struct history *history, int64_t id,
    size_t max, struct history_txn **txnsp, size_t *countp);

/* How a drill names itself when it asks: it is no snapshot. */
#define HISTORY_DRILL_PROGRAM "appvssctl-drill"

/* The newest freeze that is no drill; id is 0 if there is none. */
enum history_error history_newest(struct history *history, const char *source,
    struct history_txn *txn);

/* For monitoring; id is 0 where there is none.  Drills are left out. */
struct history_summary {
	struct history_txn newest; /* freeze */
	struct history_txn
	    good;	/* the newest done and application-consistent */
	int64_t missed; /* snapshots since then, while appvssd was not there */
};

/* source NULL: of any. */
enum history_error history_summary(struct history *history, const char *source,
    struct history_summary *summary);

struct history_tally {
	char op[HISTORY_WORD_SIZE];
	char source[HISTORY_WORD_SIZE];
	char outcome[HISTORY_WORD_SIZE];
	char consistency[HISTORY_WORD_SIZE];
	int64_t count;
};

/* How many of which kind began since then; freed with free(). */
enum history_error history_tallies(struct history *history, int64_t since_ms,
    struct history_tally **talliesp, size_t *countp);

/* What one participant did in a freeze. */
struct history_flush {
	int64_t at_ms;	  /* when the freeze began */
	int64_t flush_ms; /* until it was ready; -1: it never was */
};

/* Of filter->app, within its times, in no order; freed with free(). */
enum history_error history_flushes(struct history *history,
    const struct history_filter *filter, struct history_flush **flushesp,
    size_t *countp);

/* One transaction (the newest of that id), or the newest freeze if id is 0. */
enum history_error history_find(struct history *history, int64_t id,
    struct history_detail *detail);

enum history_error history_prove(struct history *history,
    struct history_evidence *evidence);

/* Frees what lies behind the pointers. */
void history_detail_fini(struct history_detail *detail);

#endif /* HISTORY_READ_H */
