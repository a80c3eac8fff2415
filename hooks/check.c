/* SPDX-License-Identifier: BSD-2-Clause */
/* See check.h.  Must never wait. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "clock.h"

void
check_init(struct check *check)
{
	memset(check, 0, sizeof(*check));
	run_init(&check->run);
	check->next_at_ms = CLOCK_NEVER_MS;
}

void
check_fini(struct check *check)
{
	run_kill(&check->run, SIGKILL);
	run_fini(&check->run);
}

static enum script_answer
fail(struct check *check, const char *text, int error)
{
	(void)snprintf(check->text, sizeof(check->text), "%s%s%s", text,
	    error == 0 ? "" : ": ", error == 0 ? "" : strerror(error));
	return (SCRIPT_FAIL);
}

enum script_answer
check_begin(struct check *check, struct script *script, uint64_t transaction,
    int64_t limit_ms, int64_t now_ms)
{
	struct run_command command;
	int error;

	if (check->run.pid != 0)
		return (fail(check, "the last check has not ended", 0));
	script_fill_command(script, &command, "check", transaction, limit_ms);
	if (run_prepare(&check->run, &command) == -1)
		return (fail(check, "cannot start", errno));
	if (script_note(script, FROZEN_CHECK, &check->run) == -1) {
		error = errno;
		run_kill(&check->run, SIGKILL);
		check->killing = check->kill_sent = true;
		return (fail(check, "cannot be noted", error));
	}
	run_go(&check->run);
	check->answer_due = true;
	check->killing = check->kill_sent = false;
	check->next_at_ms = now_ms + limit_ms;
	return (SCRIPT_NO_ANSWER);
}

/* The process has gone: to be answered, and taken off the list. */
static enum script_answer
finish(struct check *check, struct script *script)
{
	bool was_due = check->answer_due;

	run_reap(&check->run);
	check->next_at_ms = CLOCK_NEVER_MS;
	check->answer_due = false;
	/* A freeze that came meanwhile has the entry for itself. */
	if (script->state == SCRIPT_IDLE)
		script_forget(script);
	if (!was_due)
		return (SCRIPT_NO_ANSWER);
	(void)run_describe(&check->run, check->text, sizeof(check->text));
	return (run_succeeded(&check->run) ? SCRIPT_READY : SCRIPT_FAIL);
}

enum script_answer
check_tick(struct check *check, struct script *script, int64_t now_ms)
{
	bool ended;

	run_drain(&check->run);
	if (check->run.pid == 0)
		return (SCRIPT_NO_ANSWER);
	ended = run_has_ended(&check->run);
	/* Killed: the rest of its group goes before the number is given up. */
	if (ended && (!check->killing || check->kill_sent))
		return (finish(check, script));
	if (now_ms < check->next_at_ms || check->kill_sent)
		return (SCRIPT_NO_ANSWER);
	if (check->killing) {
		run_kill(&check->run, SIGKILL);
		check->kill_sent = true;
		check->next_at_ms = CLOCK_NEVER_MS;
		return (ended ? finish(check, script) : SCRIPT_NO_ANSWER);
	}
	run_kill(&check->run, SIGTERM);
	check->killing = true;
	check->next_at_ms = now_ms + SCRIPT_GRACE_MS;
	if (!check->answer_due)
		return (SCRIPT_NO_ANSWER);
	check->answer_due = false;
	(void)snprintf(check->text, sizeof(check->text),
	    "killed at its limit%s%s", check->run.tail_length > 0 ? ": " : "",
	    check->run.tail);
	return (SCRIPT_FAIL);
}

bool
check_abandon(struct check *check)
{
	check->answer_due = false;
	if (check->run.pid == 0)
		return (true);
	run_kill(&check->run, SIGKILL);
	check->killing = check->kill_sent = true;
	check->next_at_ms = CLOCK_NEVER_MS;
	return (false);
}

int64_t
check_wake_at_ms(const struct check *check)
{
	return (check->run.pid != 0 ? check->next_at_ms : CLOCK_NEVER_MS);
}
