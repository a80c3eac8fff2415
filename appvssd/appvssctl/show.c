/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl show and last: one transaction with everything that is known.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "appvssd/history_read.h"
#include "ctl.h"
#include "output.h"
#include "path.h"
#include "show.h"
#include "since.h"
#include "svg.h"
#include "text.h"
#include "timeline.h"
#include "verdict.h"

const char *
show_outcome(const struct history_txn *txn)
{
	return (txn->last.state[0] == '\0' ? "unfinished" : txn->last.state);
}

const char *
show_host(const struct history_state *last)
{
	static const struct {
		const char *word;
		const char *text;
	} words[] = {
		{ "", "was told nothing yet" },
		{ "none", "was told nothing" },
		{ "unknown", "what it was told is not known" },
		{ "success", "was told success" },
		{ "fail", "was told fail: it has no snapshot" },
		{ "timeout", "was told fail, because an answer came too late" },
	};
	size_t i;

	if (strcmp(last->host, "none") == 0 && strcmp(last->state, "held") == 0)
		return (words[0].text);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(last->host, words[i].word) == 0)
			return (words[i].text);
	return (last->host);
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

/* It says so itself: see HISTORY_DRILL_PROGRAM. */
bool
show_is_drill(const struct history_detail *detail)
{
	for (size_t i = 0; i < detail->nevents; i++)
		if (strcmp(detail->events[i].kind, "requested_by") == 0 &&
		    strstr(detail->events[i].text,
			" " HISTORY_DRILL_PROGRAM " ") != NULL)
			return (true);
	return (false);
}

static void
print_json_path(const struct history_detail *detail)
{
	struct path path;

	path_find(detail, &path);
	for (size_t i = 0; i < path.count; i++) {
		const struct path_step *step = &path.steps[i];
		struct text_json json;

		text_json_begin(&json);
		text_json_string(&json, "kind", "critical");
		text_json_string(&json, "name", step->part->name);
		text_json_int(&json, "order", step->part->order);
		text_json_time(&json, "told_at_ms", step->part->told_at_ms);
		text_json_time(&json, "until_ms", step->until_ms);
		text_json_time(&json, "elapsed_ms", step->elapsed_ms);
		text_json_bool(&json, "slowest", i == path.slowest);
		text_json_end(&json);
	}
	path_fini(&path);
}

static void
print_json(const struct history_detail *detail, const struct since *since)
{
	struct text_json json;

	text_json_begin(&json);
	text_json_string(&json, "kind", "transaction");
	show_json_txn(&json, &detail->txn);
	text_json_string(&json, "version", detail->run.version);
	text_json_string(&json, "boot_id", detail->run.boot_id);
	text_json_string(&json, "generation", detail->run.generation);
	text_json_bool(&json, "drill", show_is_drill(detail));
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
	verdict_print_json(detail, since);
	print_json_path(detail);
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
print_heading(const struct history_detail *detail, const struct since *since)
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
	putchar('\n');
	verdict_print_worth(detail);
	printf("  begun        %s, asked by ", text_time(txn->at_ms, true, at));
	text_print(txn->source);
	if (txn->msgid != 0)
		printf(" (message %" PRIu64 ")", txn->msgid);
	if (show_is_drill(detail))
		printf(", a drill: no snapshot was taken");
	if (last->reason[0] != '\0' || last->culprit[0] != '\0') {
		printf("\n  reason       ");
		text_print(last->reason[0] == '\0' ? "-" : last->reason);
		if (last->culprit[0] != '\0') {
			printf(", because of ");
			text_print(last->culprit);
		}
	}
	printf("\n  host         ");
	text_print(show_host(last));
	if (strcmp(last->host, "success") == 0 &&
	    strcmp(last->consistency, "filesystem") == 0 &&
	    txn->parts_ready < txn->parts)
		printf(": who is optional stops no snapshot");
	printf("\n  participants %u of %u ready\n", txn->parts_ready,
	    txn->parts);
	verdict_print(detail, since);
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
	bool first = true;

	for (size_t i = 0; i < detail->nevents; i++) {
		char at[TEXT_TIME_SIZE];

		if (timeline_has_event(detail, &detail->events[i]))
			continue;
		printf("%s  %s  ", first ? "\n" : "",
		    text_time(detail->events[i].at_ms, true, at));
		text_print(detail->events[i].kind);
		if (detail->events[i].text[0] != '\0') {
			printf(": ");
			text_print(detail->events[i].text);
		}
		putchar('\n');
		first = false;
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

static int
write_svg(const char *path, const struct history_detail *detail)
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&bytes, &length);
	int status = EX_OSERR;

	if (out != NULL) {
		svg_write(detail, out);
		if (fclose(out) == 0)
			status = output_replace(path, bytes, length);
	} else {
		ctl_warn("no memory");
	}
	free(bytes);
	return (status);
}

/* Of id 0: the newest snapshot, or a drill if nothing else is there. */
static enum history_error
find(struct history *history, int64_t id, struct history_detail *detail)
{
	struct history_txn newest;
	enum history_error error;

	if (id == 0) {
		error = history_newest(history, NULL, &newest);
		if (error != HISTORY_OK)
			return (error);
		id = newest.id;
	}
	return (history_find(history, id, detail));
}

int
ctl_show_id(const struct ctl *ctl, int64_t id)
{
	struct history_detail detail;
	struct since since = { .freezes = 0 };
	struct history *history;
	enum history_error error;
	int status;

	memset(&detail, 0, sizeof(detail));
	status = ctl_open_history(ctl, &history);
	if (status != EX_OK)
		return (status);
	error = find(history, id, &detail);
	if (error != HISTORY_OK)
		status = ctl_history_failed(history, (int)error);
	else
		since_find(history, &detail, &since);
	history_close(history);
	if (status != EX_OK)
		return (status);
	if (ctl->svg != NULL) {
		status = write_svg(ctl->svg, &detail);
	} else if (ctl->json) {
		print_json(&detail, &since);
	} else {
		print_heading(&detail, &since);
		print_states(&detail);
		timeline_print(&detail);
		print_events(&detail);
	}
	history_detail_fini(&detail);
	return (status);
}
