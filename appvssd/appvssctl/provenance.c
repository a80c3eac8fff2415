/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl provenance: what the history says of the disk that it lies on.
 * Must claim nothing that the rows do not prove; where a restored snapshot and
 * a power failure look alike it says so.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "appvssd/history_read.h"
#include "appvssd/machine_id.h"
#include "ctl.h"
#include "show.h"
#include "text.h"

/* Exit status: no proof, or not application-consistent. */
#define NOT_PROVED 1

/* What the rows, and this machine where it counts, amount to. */
enum verdict {
	VERDICT_NOTHING,      /* no freeze was recorded */
	VERDICT_HELD_IMAGE,   /* captured while held, or power was lost then */
	VERDICT_HELD_STARTED, /* this machine was started from such a disk */
	VERDICT_RESTORED,     /* certain: the generation id differs */
	VERDICT_HELD_NOW,     /* this boot: held now, or appvssd died then */
	VERDICT_FINISHED,     /* not while held: the last freeze is over */
	VERDICT_UNENDED,      /* not while held: it was under way */
	VERDICT_RESUMED,      /* an earlier boot came from a held disk */
};

struct machine {
	char boot_id[MACHINE_ID_SIZE];
	char generation[MACHINE_ID_SIZE];
};

static const char *
verdict_word(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_NOTHING:
		return ("nothing_recorded");
	case VERDICT_HELD_IMAGE:
	case VERDICT_HELD_STARTED:
		return ("captured_or_power_lost_while_held");
	case VERDICT_RESTORED:
		return ("restored_snapshot");
	case VERDICT_HELD_NOW:
		return ("held_in_this_boot");
	case VERDICT_FINISHED:
	case VERDICT_RESUMED:
		return ("not_while_held");
	case VERDICT_UNENDED:
		return ("unfinished");
	}
	return ("unknown");
}

static bool
differ(const char *a, const char *b)
{
	return (a[0] != '\0' && b[0] != '\0' && strcmp(a, b) != 0);
}

static bool
same(const char *a, const char *b)
{
	return (a[0] != '\0' && strcmp(a, b) == 0);
}

/* The last row is a held one.  machine is NULL for an image. */
static enum verdict
judge_held(const struct history_run *run, const struct machine *machine)
{
	if (machine == NULL)
		return (VERDICT_HELD_IMAGE);
	if (differ(run->generation, machine->generation))
		return (VERDICT_RESTORED);
	if (same(run->boot_id, machine->boot_id))
		return (VERDICT_HELD_NOW);
	return (VERDICT_HELD_STARTED);
}

/* Of this boot the disk's origin counts; of an earlier one it is a remark. */
static enum verdict
judge_resumed(const struct history_evidence *evidence,
    const struct machine *machine)
{
	if (machine == NULL || !same(evidence->next.boot_id, machine->boot_id))
		return (VERDICT_RESUMED);
	return (
	    differ(evidence->detail.run.generation, evidence->next.generation) ?
		VERDICT_RESTORED :
		VERDICT_HELD_STARTED);
}

static enum verdict
judge(const struct history_evidence *evidence, const struct machine *machine)
{
	switch (evidence->proof) {
	case HISTORY_PROOF_EMPTY:
		return (VERDICT_NOTHING);
	case HISTORY_PROOF_HELD:
		return (judge_held(&evidence->detail.run, machine));
	case HISTORY_PROOF_RESUMED:
		return (judge_resumed(evidence, machine));
	case HISTORY_PROOF_FINISHED:
		return (VERDICT_FINISHED);
	case HISTORY_PROOF_UNENDED:
		return (VERDICT_UNENDED);
	}
	return (VERDICT_NOTHING);
}

static bool
is_captured(enum verdict verdict)
{
	return (verdict == VERDICT_HELD_IMAGE ||
	    verdict == VERDICT_HELD_STARTED || verdict == VERDICT_RESTORED);
}

/*
 * The row of the proof; never a later one.  There are more of them if somebody
 * failed while one was written.
 */
static const struct history_state *
held_state(const struct history_detail *detail)
{
	const struct history_state *held = NULL;

	for (size_t i = 0; i < detail->nstates; i++)
		if (strcmp(detail->states[i].state, "held") == 0)
			held = &detail->states[i];
	return (held);
}

static bool
is_application(const struct history_detail *detail)
{
	const struct history_state *held = held_state(detail);

	return (held != NULL && strcmp(held->consistency, "application") == 0);
}

static bool
was_ready(const struct history_part *part)
{
	return (strcmp(part->phase, "held") == 0 &&
	    strcmp(part->result, "ready") == 0);
}

static void
print_ready(const struct history_detail *detail)
{
	bool any = false;

	for (size_t i = 0; i < detail->nparts; i++) {
		if (!was_ready(&detail->parts[i]))
			continue;
		fputs(any ? ", " : "", stdout);
		text_print(detail->parts[i].name);
		any = true;
	}
	puts(any ? "" : "nobody");
}

static void
print_origin(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_RESTORED:
		puts("origin       a restored snapshot: the generation id of "
		     "the virtual machine has changed");
		break;
	case VERDICT_HELD_IMAGE:
		puts("origin       a copy made while held.  The disk of a "
		     "machine that lost power at that\n"
		     "             moment, or whose appvssd died then, looks "
		     "the same: the history cannot tell.");
		break;
	case VERDICT_HELD_STARTED:
		puts("origin       this machine was started from it: a "
		     "restored snapshot, or power was lost\n"
		     "             while held.  The history cannot tell, "
		     "because no changed generation id is known.");
		break;
	case VERDICT_HELD_NOW:
	case VERDICT_NOTHING:
	case VERDICT_FINISHED:
	case VERDICT_UNENDED:
	case VERDICT_RESUMED:
		break;
	}
}

static void
print_captured(const struct history_evidence *evidence, enum verdict verdict)
{
	const struct history_detail *detail = &evidence->detail;
	const struct history_state *held = held_state(detail);
	char at[TEXT_TIME_SIZE];

	if (held == NULL)
		return;
	if (verdict == VERDICT_RESTORED)
		printf("this disk was captured in transaction %" PRId64
		       ", %s\n",
		    detail->txn.id, text_time(held->at_ms, true, at));
	else
		printf("this disk was captured in (or lost power during) "
		       "transaction %" PRId64 ", %s\n",
		    detail->txn.id, text_time(held->at_ms, true, at));
	printf("ready        ");
	print_ready(detail);
	if (is_application(detail))
		puts("consistency  application, for these participants: each "
		     "said ready before file systems froze");
	else
		puts("consistency  file systems only: a participant was "
		     "missing or failed, or there was none");
	print_origin(verdict);
	if (evidence->later > 0)
		printf("since then   %u transactions began: the disk has been "
		       "in use\n",
		    evidence->later);
}

static void
print_newest(const struct history_txn *newest)
{
	char at[TEXT_TIME_SIZE];

	printf("not captured while held; last finished transaction %" PRId64
	       ", %s: ",
	    newest->id, text_time(newest->at_ms, true, at));
	text_print(show_outcome(newest));
	printf(", consistency ");
	text_print(newest->last.consistency);
	puts("\nno claim about this disk follows from that: it was written "
	     "after the thaw");
}

static void
print_text(const struct history_evidence *evidence, enum verdict verdict)
{
	const struct history_detail *detail = &evidence->detail;
	char at[TEXT_TIME_SIZE];

	switch (verdict) {
	case VERDICT_NOTHING:
		puts("no freeze is recorded: nothing is known of this disk");
		break;
	case VERDICT_HELD_IMAGE:
	case VERDICT_HELD_STARTED:
	case VERDICT_RESTORED:
		print_captured(evidence, verdict);
		break;
	case VERDICT_HELD_NOW:
		printf("transaction %" PRId64 " is held at this moment, or "
		       "appvssd died while it was: this is\n"
		       "the boot that began it, and no restored snapshot\n",
		    detail->txn.id);
		break;
	case VERDICT_UNENDED:
		printf("not captured while held: transaction %" PRId64
		       ", %s, had begun; no end is recorded\n",
		    detail->txn.id, text_time(detail->txn.at_ms, true, at));
		break;
	case VERDICT_RESUMED:
		print_newest(&evidence->newest);
		printf("an earlier boot (%s) came from a disk as of "
		       "transaction %" PRId64 ", held\n",
		    text_time(evidence->next.started_at_ms, false, at),
		    detail->txn.id);
		break;
	case VERDICT_FINISHED:
		print_newest(&evidence->newest);
		break;
	}
}

static void
json_ready(struct text_json *json, const struct history_detail *detail)
{
	const char **names;
	size_t count = 0;

	names = calloc(detail->nparts + 1, sizeof(*names));
	for (size_t i = 0; names != NULL && i < detail->nparts; i++)
		if (was_ready(&detail->parts[i]))
			names[count++] = detail->parts[i].name;
	text_json_list(json, "ready", names, count);
	free(names);
}

static void
print_json(const struct history_evidence *evidence, enum verdict verdict,
    bool live)
{
	const struct history_detail *detail = &evidence->detail;
	const struct history_state *held = held_state(detail);
	struct text_json json;

	text_json_begin(&json);
	text_json_string(&json, "verdict", verdict_word(verdict));
	text_json_bool(&json, "captured_while_held", is_captured(verdict));
	text_json_bool(&json, "certain", verdict == VERDICT_RESTORED);
	text_json_bool(&json, "live", live);
	if (verdict == VERDICT_NOTHING) {
		text_json_end(&json);
		return;
	}
	if (!is_captured(verdict) && verdict != VERDICT_HELD_NOW)
		held = NULL;
	text_json_int(&json, "id",
	    held == NULL ? evidence->newest.id : detail->txn.id);
	if (held == NULL) {
		text_json_time(&json, "at_ms", evidence->newest.at_ms);
		text_json_string(&json, "outcome",
		    show_outcome(&evidence->newest));
	} else {
		text_json_time(&json, "at_ms", held->at_ms);
		text_json_string(&json, "outcome", held->state);
		text_json_string(&json, "consistency", held->consistency);
		json_ready(&json, detail);
	}
	text_json_int(&json, "later_transactions",
	    held == NULL ? 0 : evidence->later);
	text_json_end(&json);
}

int
ctl_provenance(const struct ctl *ctl, int argc, char *argv[])
{
	struct history_evidence evidence;
	struct history *history;
	struct machine machine;
	enum history_error error;
	enum verdict verdict;
	int status;

	(void)argc;
	(void)argv;
	status = ctl_open_history(ctl, &history);
	if (status != EX_OK)
		return (status);
	error = history_prove(history, &evidence);
	if (error != HISTORY_OK)
		status = ctl_history_failed(history, (int)error);
	history_close(history);
	if (status != EX_OK)
		return (status);
	machine_id_boot(machine.boot_id, sizeof(machine.boot_id));
	machine_id_generation(machine.generation, sizeof(machine.generation));
	verdict = judge(&evidence, ctl->live ? &machine : NULL);
	if (ctl->json)
		print_json(&evidence, verdict, ctl->live);
	else
		print_text(&evidence, verdict);
	status = is_captured(verdict) && is_application(&evidence.detail) ?
	    EX_OK :
	    NOT_PROVED;
	history_detail_fini(&evidence.detail);
	return (status);
}
