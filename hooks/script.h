/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One script of vss.d between freeze and thaw: which of the two runs, when a
 * freeze is killed, when a failed thaw is tried again, what the broker is to be
 * answered.  Knows no broker and reads no directory.
 *
 * The promises: its thaw is run for every freeze that was started, however that
 * ended; a thaw is never killed, and never runs twice at a time; the name is on
 * the frozen list in between.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "frozenlist.h"
#include "run.h"
#include "scan.h"

#define SCRIPTS_MAX	    FROZENLIST_MAX
#define SCRIPT_PATH_MAX	    1024
#define SCRIPT_TEXT_MAX	    512
#define SCRIPT_GRACE_MS	    500	  /* from SIGTERM to SIGKILL of a freeze */
#define SCRIPT_KILL_MS	    5000  /* from SIGKILL until it is given up */
#define SCRIPT_RETRY_MS	    500	  /* first retry of a thaw; doubles up to */
#define SCRIPT_RETRY_MAX_MS 60000 /* this */

enum script_state {
	SCRIPT_IDLE,
	SCRIPT_FREEZING,
	SCRIPT_KILLING, /* the freeze, or what is left of it */
	SCRIPT_FROZEN,	/* the freeze has ended, well or not; owes a thaw */
	SCRIPT_THAWING,
	SCRIPT_THAW_FAILED, /* is tried again */
};

/* For the operation that was asked last; text says more. */
enum script_answer {
	SCRIPT_NO_ANSWER,
	SCRIPT_READY,
	SCRIPT_FAIL,
	SCRIPT_LOST, /* the freeze was ready, and does not hold any more */
};

struct script {
	char name[SCAN_NAME_MAX + 1];
	char path[SCRIPT_PATH_MAX];
	int order;
	enum script_state state;
	char user[DIRECTIVE_USER_MAX + 1]; /* that it runs as; "": as we do */
	struct account account;		   /* of user, once it was found */
	int kept_fd; /* the file, opened at its freeze; -1: none */
	char kept_path[FROZENLIST_PATH]; /* by which it runs if deleted */
	struct frozen_list *list;	 /* borrowed */
	struct run freeze_run;
	struct run thaw_run;
	uint64_t transaction;
	const char *result;    /* of the thaw; borrowed, a constant */
	int64_t limit_ms;      /* of the operation asked last; 0: none */
	int64_t asked_at_ms;   /* when it was asked */
	int64_t next_at_ms;    /* when the state's own next step is due */
	int64_t give_up_at_ms; /* recover.c's; 0: not begun */
	bool thaw_wanted;
	bool answer_due;
	bool freeze_failed;  /* the last one */
	bool is_holding;     /* what the last one left behind */
	bool kill_sent;	     /* SIGKILL, in SCRIPT_KILLING */
	unsigned thaw_tries; /* that failed */
	char text[SCRIPT_TEXT_MAX];
};

/* A script called name in directory; false if the path is too long. */
bool script_init(struct script *script, const char *directory, const char *name,
    struct frozen_list *list);
/* Closes descriptors.  Processes are left alone. */
void script_fini(struct script *script);

/*
 * Whom it runs as from the next freeze on; "": as this process.  Only while
 * idle.  NULL, or why it cannot: a constant text.
 */
const char *script_set_user(struct script *script, const char *user);

/* For check.h: what to run, and what is noted on the list. */
void script_fill_command(const struct script *script,
    struct run_command *command, const char *operation, uint64_t transaction,
    int64_t deadline_ms);
int script_note(struct script *script, enum frozen_running running,
    const struct run *run);
void script_forget(struct script *script);

/*
 * Takes over what a dead process left: the entry of this name in the list.  A
 * freeze that still runs is ended.  The thaw begins with script_thaw.
 */
void script_adopt(struct script *script, const struct frozen_entry *entry,
    int64_t now_ms);

/*
 * Starts the freeze; it is killed after limit_ms.  SCRIPT_NO_ANSWER: the answer
 * comes from script_tick.  SCRIPT_FAIL: it was not started.
 */
enum script_answer script_freeze(struct script *script, uint64_t transaction,
    int64_t limit_ms, int64_t now_ms);

/*
 * Asks for the thaw.  SCRIPT_READY: there is nothing to thaw.  Otherwise the
 * answer comes from script_tick: at the latest after limit_ms, unless that is
 * 0, which asks for one answer only, that it is thawed.
 */
enum script_answer script_thaw(struct script *script, const char *result,
    int64_t limit_ms, int64_t now_ms);

/* Takes the steps that are due. */
enum script_answer script_tick(struct script *script, int64_t now_ms);

/* When script_tick is to be called again if no child ends before. */
int64_t script_wake_at_ms(const struct script *script);

/* Fills in at most 2 * RUN_POLL_MAX descriptors; returns how many. */
unsigned script_fill_poll(const struct script *script, struct pollfd *fds);

const char *script_state_text(enum script_state state);

#endif /* SCRIPT_H */
