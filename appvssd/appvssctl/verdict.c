/* SPDX-License-Identifier: BSD-2-Clause */
/* See verdict.h; the words are why.c's. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "appvssd/history_read.h"
#include "show.h"
#include "since.h"
#include "text.h"
#include "verdict.h"
#include "why.h"

#define INDENT 15

static bool
is(const char *word, const char *wanted)
{
	return (strcmp(word, wanted) == 0);
}

/* A snapshot that is over, and less than it should be. */
static bool
has_fallen_short(const struct history_detail *detail)
{
	return (is(detail->txn.op, "freeze") &&
	    !is(detail->txn.last.state, "held") &&
	    !is(detail->txn.last.consistency, "application"));
}

void
verdict_print_worth(const struct history_detail *detail)
{
	const struct history_state *last = &detail->txn.last;
	const char *worth;

	if (!is(detail->txn.op, "freeze") || is(last->state, "held") ||
	    last->state[0] == '\0')
		return;
	if (show_is_drill(detail))
		worth = "a drill: no snapshot was taken";
	else if (is(last->consistency, "application"))
		worth = "application-consistent: every participant had its "
			"data in order";
	else if (is(last->consistency, "filesystem"))
		worth = "NOT application-consistent: only the file systems "
			"are in order";
	else
		worth = "NOT application-consistent: do not rely on it";
	printf("  worth        %s\n", worth);
}

static void
print_since_part(const struct since_part *traced, const struct since *since)
{
	char at[TEXT_TIME_SIZE];

	if (traced == NULL)
		return;
	if (traced->ready_id != 0)
		printf("%*s  last ready in transaction %" PRId64 ", %s\n",
		    INDENT, "", traced->ready_id,
		    text_time(traced->ready_at_ms, false, at));
	else if (since->freezes > 0)
		printf("%*s  ready in none of the %u freezes before it\n",
		    INDENT, "", since->freezes);
}

static void
print_part(const struct history_part *part, const struct since *since)
{
	const char *why = why_participant(part);

	if (why == NULL)
		return;
	printf("%*s", INDENT, "");
	text_print(part->name);
	printf(" (%s) %s", part->required ? "required" : "optional", why);
	if (part->text[0] != '\0') {
		printf(": ");
		text_print(part->text);
	}
	putchar('\n');
	print_since_part(since_of(since, part), since);
}

static void
print_since(const struct since *since)
{
	char at[TEXT_TIME_SIZE];

	if (since->good_id != 0)
		printf(
		    "  since        %u in a row, with this one; the last that "
		    "was application-consistent is transaction %" PRId64
		    ", %s\n",
		    since->bad + 1, since->good_id,
		    text_time(since->good_at_ms, false, at));
	else if (since->snapshots > 0)
		printf("  since        none of the %u snapshots before it is "
		       "application-consistent either\n",
		    since->snapshots);
}

/* Each advice once, with the names of all that it is for. */
static void
print_next(const struct history_detail *detail)
{
	const char *heading = "next";
	const char *const advice = why_advice(detail);

	for (size_t i = 0; i < detail->nparts; i++) {
		const struct history_part *part = &detail->parts[i];
		const char *text = why_part_advice(part);
		bool said = text == NULL;
		bool first = true;

		for (size_t j = 0; !said && j < i; j++)
			said = why_part_advice(&detail->parts[j]) == text;
		if (said)
			continue;
		printf("  %-13s", heading);
		heading = "";
		for (size_t j = i; j < detail->nparts; j++) {
			if (why_part_advice(&detail->parts[j]) != text)
				continue;
			printf("%s", first ? "" : ", ");
			text_print(detail->parts[j].name);
			first = false;
		}
		printf(": %s\n", text);
	}
	if (advice != NULL) {
		printf("  %-13s%s\n", heading, advice);
		heading = "";
	}
	printf("  %-13s%s\n", heading,
	    "rehearse: appvssctl drill; look ahead: appvssctl doctor");
}

void
verdict_print(const struct history_detail *detail, const struct since *since)
{
	printf("  why          %s\n", why_transaction(detail));
	for (size_t i = 0; i < detail->nparts; i++)
		print_part(&detail->parts[i], since);
	if (!has_fallen_short(detail))
		return;
	print_since(since);
	print_next(detail);
}

static void
put_number(struct text_json *json, const char *key, int64_t number)
{
	if (number == 0)
		text_json_null(json, key);
	else
		text_json_int(json, key, number);
}

static void
json_why(const char *name, const char *text, const char *advice,
    int64_t good_id, int64_t good_at_ms)
{
	struct text_json json;

	text_json_begin(&json);
	text_json_string(&json, "kind", "why");
	if (name == NULL)
		text_json_null(&json, "name");
	else
		text_json_string(&json, "name", name);
	text_json_string(&json, "text", text);
	if (advice == NULL)
		text_json_null(&json, "next");
	else
		text_json_string(&json, "next", advice);
	put_number(&json, "good_id", good_id);
	put_number(&json, "good_at_ms", good_at_ms);
	text_json_end(&json);
}

void
verdict_print_json(const struct history_detail *detail,
    const struct since *since)
{
	json_why(NULL, why_transaction(detail),
	    has_fallen_short(detail) ? why_advice(detail) : NULL,
	    since->good_id, since->good_at_ms);
	for (size_t i = 0; i < detail->nparts; i++) {
		const struct history_part *part = &detail->parts[i];
		const struct since_part *traced = since_of(since, part);
		const char *why = why_participant(part);

		if (why != NULL)
			json_why(part->name, why, why_part_advice(part),
			    traced == NULL ? 0 : traced->ready_id,
			    traced == NULL ? 0 : traced->ready_at_ms);
	}
}
