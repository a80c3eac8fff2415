/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl show and last: one transaction with everything that is known.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "appvssd/history_read.h"
#include "ctl.h"
#include "show.h"
#include "text.h"

const char *
show_outcome(const struct history_txn *txn)
{
	return (txn->last.state[0] == '\0' ? "unfinished" : txn->last.state);
}

static void
json_state(struct text_json *json, const struct history_state *state)
{
	text_json_string(json, "consistency", state->consistency);
	text_json_string(json, "reason", state->reason);
	text_json_string(json, "culprit", state->culprit);
	text_json_string(json, "host", state->host);
	text_json_time(json, "elapsed_ms", state->elapsed_ms);
}

void
show_json_txn(struct text_json *json, const struct history_txn *txn)
{
	text_json_int(json, "id", txn->id);
	text_json_time(json, "at_ms", txn->at_ms);
	text_json_string(json, "op", txn->op);
	text_json_string(json, "source", txn->source);
	text_json_uint(json, "msgid", txn->msgid);
	text_json_string(json, "outcome", show_outcome(txn));
	json_state(json, &txn->last);
	text_json_int(json, "participants", txn->parts);
	text_json_int(json, "ready", txn->parts_ready);
}

static void
json_part(const struct history_part *part)
{
	struct text_json json;

	text_json_begin(&json);
	text_json_string(&json, "kind", "participant");
	text_json_string(&json, "name", part->name);
	text_json_string(&json, "program", part->program);
	text_json_string(&json, "phase", part->phase);
	text_json_string(&json, "result", part->result);
	text_json_string(&json, "thaw", part->thaw);
	text_json_string(&json, "text", part->text);
	text_json_int(&json, "pid", part->pid);
	text_json_int(&json, "uid", part->uid);
	text_json_int(&json, "order", part->order);
	text_json_bool(&json, "required", part->required);
	text_json_time(&json, "told_at_ms", part->told_at_ms);
	text_json_time(&json, "ready_at_ms", part->ready_at_ms);
	text_json_time(&json, "thaw_told_at_ms", part->thaw_told_at_ms);
	text_json_time(&json, "thawed_at_ms", part->thawed_at_ms);
	text_json_end(&json);
}

static void
print_json(const struct history_detail *detail)
{
	struct text_json json;

	text_json_begin(&json);
	text_json_string(&json, "kind", "transaction");
	show_json_txn(&json, &detail->txn);
	text_json_string(&json, "version", detail->run.version);
	text_json_string(&json, "boot_id", detail->run.boot_id);
	text_json_string(&json, "generation", detail->run.generation);
	text_json_end(&json);
	for (size_t i = 0; i < detail->nstates; i++) {
		const struct history_state *state = &detail->states[i];

		text_json_begin(&json);
		text_json_string(&json, "kind", "state");
		text_json_string(&json, "state", state->state);
		text_json_time(&json, "at_ms", state->at_ms);
		json_state(&json, state);
		text_json_int(&json, "late_ms", state->late_ms);
		text_json_end(&json);
	}
	for (size_t i = 0; i < detail->nparts; i++)
		json_part(&detail->parts[i]);
	for (size_t i = 0; i < detail->nevents; i++) {
		text_json_begin(&json);
		text_json_string(&json, "kind", "event");
		text_json_time(&json, "at_ms", detail->events[i].at_ms);
		text_json_string(&json, "event", detail->events[i].kind);
		text_json_string(&json, "text", detail->events[i].text);
		text_json_end(&json);
	}
}

static void
print_heading(const struct history_detail *detail)
{
	const struct history_txn *txn = &detail->txn;
	const struct history_state *last = &txn->last;
	char at[TEXT_TIME_SIZE];

	printf("transaction %" PRId64 ": ", txn->id);
	text_print(txn->op);
	printf(", ");
	text_print_word(show_outcome(txn));
	if (strcmp(last->state, "held") == 0)
		printf(" (no end is recorded), prepared as ");
	else
		printf(", consistency ");
	text_print_word(
	    last->consistency[0] == '\0' ? "none" : last->consistency);
	printf("\n  begun        %s, asked by ",
	    text_time(txn->at_ms, true, at));
	text_print(txn->source);
	if (txn->msgid != 0)
		printf(" (message %" PRIu64 ")", txn->msgid);
	if (last->reason[0] != '\0' || last->culprit[0] != '\0') {
		printf("\n  reason       ");
		text_print(last->reason[0] == '\0' ? "-" : last->reason);
		if (last->culprit[0] != '\0') {
			printf(", because of ");
			text_print(last->culprit);
		}
	}
	printf("\n  host         ");
	if (last->host[0] == '\0' || strcmp(last->host, "none") == 0) {
		printf("was told nothing yet");
	} else if (strcmp(last->host, "unknown") == 0) {
		printf("what it was told is not known");
	} else {
		printf("was told ");
		text_print(last->host);
	}
	printf("\n  participants %u of %u ready\n", txn->parts_ready,
	    txn->parts);
}

static void
print_states(const struct history_detail *detail)
{
	putchar('\n');
	printf("  %10s  begun\n", "0 ms");
	for (size_t i = 0; i < detail->nstates; i++) {
		const struct history_state *state = &detail->states[i];
		char duration[TEXT_DURATION_SIZE], at[TEXT_TIME_SIZE];

		printf("  %10s  ", text_duration(state->elapsed_ms, duration));
		text_print(state->state);
		if (state->consistency[0] != '\0') {
			printf(", consistency ");
			text_print(state->consistency);
		}
		if (state->by_run != detail->txn.run)
			printf(", written when appvssd started again at %s",
			    text_time(state->at_ms, false, at));
		if (state->late_ms > 0)
			printf(", the timer was %s late",
			    text_duration(state->late_ms, duration));
		putchar('\n');
	}
}

static void
print_events(const struct history_detail *detail)
{
	for (size_t i = 0; i < detail->nevents; i++) {
		char at[TEXT_TIME_SIZE];

		printf("%s  %s  ", i == 0 ? "\n" : "",
		    text_time(detail->events[i].at_ms, true, at));
		text_print(detail->events[i].kind);
		if (detail->events[i].text[0] != '\0') {
			printf(": ");
			text_print(detail->events[i].text);
		}
		putchar('\n');
	}
}

int
ctl_show(const struct ctl *ctl, int argc, char *argv[])
{
	int64_t id = 0;

	(void)argc;
	if (strcmp(argv[0], "last") != 0) {
		id = ctl_number(argv[0]);
		if (id == 0)
			return (ctl_usage("not a transaction: %s", argv[0]));
	}
	return (ctl_show_id(ctl, id));
}

int
ctl_last(const struct ctl *ctl, int argc, char *argv[])
{
	(void)argc;
	(void)argv;
	return (ctl_show_id(ctl, 0));
}

int
ctl_show_id(const struct ctl *ctl, int64_t id)
{
	struct history_detail detail;
	struct history *history;
	enum history_error error;
	int status;

	status = ctl_open_history(ctl, &history);
	if (status != EX_OK)
		return (status);
	error = history_find(history, id, &detail);
	if (error != HISTORY_OK)
		status = ctl_history_failed(history, (int)error);
	history_close(history);
	if (status != EX_OK)
		return (status);
	if (ctl->json) {
		print_json(&detail);
	} else {
		print_heading(&detail);
		print_states(&detail);
		timeline_print(&detail);
		print_events(&detail);
	}
	history_detail_fini(&detail);
	return (EX_OK);
}
