/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A script that is asked whether it could freeze (the directive "check").  It
 * owes no thaw and may be killed at any time: at its limit, or when its freeze
 * comes.  It is on the frozen list meanwhile, so that it does not outlive a
 * runner that dies.
 */
#ifndef CHECK_H
#define CHECK_H

#include "script.h"

struct check {
	struct run run;
	int64_t next_at_ms; /* the limit, or when it is killed for good */
	bool answer_due;
	bool killing;
	bool kill_sent; /* SIGKILL */
	char text[SCRIPT_TEXT_MAX];
};

void check_init(struct check *check);
void check_fini(struct check *check);

/*
 * Runs the script with "check", if it is idle.  SCRIPT_NO_ANSWER: the answer
 * comes from check_tick.  SCRIPT_FAIL: check->text says why not.
 */
enum script_answer check_begin(struct check *check, struct script *script,
    uint64_t transaction, int64_t limit_ms, int64_t now_ms);

/* Takes the steps that are due. */
enum script_answer check_tick(struct check *check, struct script *script,
    int64_t now_ms);

/* Nobody waits for it any more: kills what runs.  True if nothing does. */
bool check_abandon(struct check *check);

/* When check_tick is to be called again if no child ends before. */
int64_t check_wake_at_ms(const struct check *check);

#endif /* CHECK_H */
