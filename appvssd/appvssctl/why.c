/* SPDX-License-Identifier: BSD-2-Clause */
/* See why.h.  The words are those that appvssd writes. */
#include <stddef.h>
#include <string.h>

#include "appvssd/history_read.h"
#include "why.h"

struct saying {
	const char *word;
	const char *text;
};

static const char *
say(const struct saying *sayings, const char *word)
{
	for (; sayings->word != NULL; sayings++)
		if (strcmp(sayings->word, word) == 0)
			return (sayings->text);
	return (NULL);
}

/* Reasons that are nobody's but a participant's are told of each of these. */
static const struct saying reasons[] = {
	{ "failed", "a participant could not do it" },
	{ "timeout", "a participant did not answer in its time" },
	{ "absent", "a participant that is known was not there" },
	{ "disconnected", "a participant went away before it was ready" },
	{ "owes_thaw", "a participant has not confirmed its thaw of before" },
	{ "late",
	    "the applications were ready too late: the driver had "
	    "already told the host that it failed" },
	{ "fs_failed",
	    "the applications were ready, but file systems could "
	    "not be frozen: see the log of hv_vss_daemon" },
	{ "host_thaw", "the host thawed before everything was frozen" },
	{ "new_freeze", "the host began another one before it thawed this" },
	{ "no_thaw",
	    "no thaw came within the time that applications can be "
	    "held: they went on before the snapshot was over" },
	{ "source_gone",
	    "the device, or the program that had asked, went away "
	    "before the thaw" },
	{ "shutdown", "appvssd was stopped" },
	{ "busy", "another transaction was under way" },
	{ "not_frozen", "there was nothing to thaw" },
	{ NULL, NULL },
};

static const struct saying results[] = {
	{ "failed", "could not do it" },
	{ "timeout", "did not answer in its time" },
	{ "disconnected", "went away before it was ready" },
	{ "lost",
	    "went away after it was ready: nobody knows whether it wrote" },
	{ "absent", "is known and was not there: start it, or forget it" },
	{ "owes_thaw", "had not confirmed its thaw of before" },
	{ "cut_short", "was not waited for, because of the others" },
	{ "none", "was not asked" },
	{ NULL, NULL },
};

static bool
is(const char *word, const char *wanted)
{
	return (strcmp(word, wanted) == 0);
}

const char *
why_transaction(const struct history_detail *detail)
{
	const struct history_state *last = &detail->txn.last;
	const char *text = say(reasons, last->reason);

	if (is(last->state, "interrupted"))
		return ("appvssd died while it was under way: whether it is "
			"usable is not known");
	if (last->state[0] == '\0')
		return ("it is under way, or appvssd died");
	if (is(last->state, "held"))
		return ("it is held now, or was when this file was copied");
	if (text != NULL)
		return (text);
	if (is(detail->txn.op, "check"))
		return ("a check: all could be frozen");
	if (detail->nparts == 0)
		return ("no participant was registered: nobody could say that "
			"its data is in order");
	if (is(last->consistency, "application"))
		return ("every participant was ready until the thaw");
	return ("not every participant was ready until the thaw");
}

const char *
why_participant(const struct history_part *part)
{
	if (is(part->result, "ready"))
		return (NULL);
	return (say(results, part->result));
}

static const struct saying advices[] = {
	{ "late",
	    "is driver_ms of appvssd.conf(5) the driver's limit? appvssctl doctor compares" },
	{ "fs_failed", "hv_vss_daemon --check, and its log" },
	{ "host_thaw", "ask the host's log why it gave up" },
	{ "new_freeze", "ask the host's log why it did not thaw" },
	{ "no_thaw",
	    "ask the host's log why it took so long, or allow more: hold_ms "
	    "in appvssd.conf(5)" },
	{ "busy", "do not let two backups run at a time" },
	{ NULL, NULL },
};

static const struct saying part_advices[] = {
	{ "failed",
	    "mend what it said, or what its own log says; a script of "
	    "vss.d(7) is tried by appvss-hooks --run freeze NAME, and then "
	    "--run thaw NAME" },
	{ "timeout",
	    "see its own log, and how long it takes: appvssctl history "
	    "--app NAME --stats; more time: freeze_ms in appvssd.conf(5)" },
	{ "disconnected", "see in its own log why it ended, and start it" },
	{ "lost", "see in its own log why it ended, and start it" },
	{ "absent",
	    "start it, or if it is gone for good: appvssctl forget NAME" },
	{ "owes_thaw", "look at it now: it may be frozen still" },
	{ NULL, NULL },
};

const char *
why_advice(const struct history_detail *detail)
{
	const struct history_state *last = &detail->txn.last;

	if (is(last->state, "interrupted"))
		return ("see in appvssd's log why it ended");
	if (detail->nparts == 0)
		return ("let applications take part: scripts in vss.d(7), or "
			"appvss(3); who does: appvssctl apps");
	return (say(advices, last->reason));
}

const char *
why_part_advice(const struct history_part *part)
{
	return (say(part_advices, part->result));
}
