/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bars: freezing, held and thawing of each participant, to scale on an axis
 * that they share.  A segment that happened has one column at least.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/history_read.h"
#include "path.h"
#include "text.h"
#include "timeline.h"

#define AXIS_COLUMNS 48
#define NAME_COLUMNS 24 /* longer names push their bar to the right */

enum cell { CELL_NONE, CELL_FREEZING, CELL_HELD, CELL_THAWING, CELL_COUNT };

static const char *const cells_utf8[CELL_COUNT] = { " ", "\u2591", "\u2588",
	"\u2592" };
static const char *const cells_ascii[CELL_COUNT] = { " ", "-", "#", "=" };

static const char *const *
cell_texts(void)
{
	return (text_is_utf8() ? cells_utf8 : cells_ascii);
}

static int64_t
max_of(int64_t a, int64_t b)
{
	return (a > b ? a : b);
}

int64_t
timeline_end(const struct history_detail *detail)
{
	int64_t end = 1;

	for (size_t i = 0; i < detail->nstates; i++)
		if (detail->states[i].by_run == detail->txn.run)
			end = max_of(end, detail->states[i].elapsed_ms);
	for (size_t i = 0; i < detail->nparts; i++) {
		const struct history_part *part = &detail->parts[i];

		end = max_of(end, part->told_at_ms);
		end = max_of(end, part->ready_at_ms);
		end = max_of(end, part->thaw_told_at_ms);
		end = max_of(end, part->thawed_at_ms);
	}
	return (end);
}

static int
column_of(int64_t at_ms, int64_t end_ms)
{
	int column;

	if (at_ms <= 0)
		return (0);
	if (at_ms >= end_ms)
		return (AXIS_COLUMNS);
	column = (int)((double)at_ms / (double)end_ms * AXIS_COLUMNS);
	return (column);
}

static void
fill(enum cell row[AXIS_COLUMNS], enum cell cell, int from, int to)
{
	if (from >= AXIS_COLUMNS)
		from = AXIS_COLUMNS - 1;
	if (to <= from)
		to = from + 1;
	for (int i = from; i < to && i < AXIS_COLUMNS; i++)
		row[i] = cell;
}

/* An end that never came is the end of the axis. */
static int64_t
or_end(int64_t at_ms, int64_t end_ms)
{
	return (at_ms < 0 ? end_ms : at_ms);
}

static void
make_row(const struct history_part *part, int64_t end_ms,
    enum cell row[AXIS_COLUMNS])
{
	const int64_t thaw_ms = or_end(part->thaw_told_at_ms, end_ms);
	const bool froze = part->ready_at_ms >= 0 &&
	    strcmp(part->result, "failed") != 0;
	const int64_t ready_ms = part->ready_at_ms >= 0 ? part->ready_at_ms :
							  thaw_ms;

	memset(row, 0, AXIS_COLUMNS * sizeof(*row));
	if (part->told_at_ms < 0)
		return;
	if (froze)
		fill(row, CELL_HELD, column_of(ready_ms, end_ms),
		    column_of(thaw_ms, end_ms));
	if (part->thaw_told_at_ms >= 0)
		fill(row, CELL_THAWING, column_of(thaw_ms, end_ms),
		    column_of(or_end(part->thawed_at_ms, end_ms), end_ms));
	fill(row, CELL_FREEZING, column_of(part->told_at_ms, end_ms),
	    column_of(ready_ms, end_ms));
}

/* A check asks and is answered; nothing is held. */
static void
make_check_row(const struct history_part *part, int64_t end_ms,
    enum cell row[AXIS_COLUMNS])
{
	memset(row, 0, AXIS_COLUMNS * sizeof(*row));
	if (part->told_at_ms >= 0)
		fill(row, CELL_FREEZING, column_of(part->told_at_ms, end_ms),
		    column_of(or_end(part->ready_at_ms, end_ms), end_ms));
}

static void
print_times(const struct history_part *part)
{
	char duration[TEXT_DURATION_SIZE];

	if (part->told_at_ms >= 0 && part->ready_at_ms >= part->told_at_ms)
		printf(" in %s",
		    text_duration(part->ready_at_ms - part->told_at_ms,
			duration));
	if (part->thaw_told_at_ms >= 0) {
		printf("; thaw ");
		text_print(part->thaw[0] == '\0' ? "-" : part->thaw);
		if (part->thawed_at_ms >= part->thaw_told_at_ms)
			printf(" in %s",
			    text_duration(part->thawed_at_ms -
				    part->thaw_told_at_ms,
				duration));
	}
	putchar('\n');
}

static void
print_part(const struct history_part *part, const enum cell row[AXIS_COLUMNS])
{
	const char *const *texts = cell_texts();
	char *name = text_escape(part->name);

	printf("  %-*s |", NAME_COLUMNS, name == NULL ? "" : name);
	free(name);
	for (int i = 0; i < AXIS_COLUMNS; i++)
		fputs(texts[row[i]], stdout);
	printf("| ");
	text_print(part->result[0] == '\0' ? "-" : part->result);
	print_times(part);
	printf("  %-*s  order %lld, %s", NAME_COLUMNS, "",
	    (long long)part->order, part->required ? "required" : "optional");
	if (part->program[0] != '\0') {
		printf(", ");
		text_print(part->program);
	}
	if (part->text[0] != '\0') {
		printf(": ");
		text_print(part->text);
	}
	putchar('\n');
}

/* "NAME what": of this participant? */
static bool
is_progress_of(const struct history_event *event,
    const struct history_part *part)
{
	const size_t length = strlen(part->name);

	return (strcmp(event->kind, "progress") == 0 &&
	    strncmp(event->text, part->name, length) == 0 &&
	    (event->text[length] == ' ' || event->text[length] == '\0'));
}

bool
timeline_has_event(const struct history_detail *detail,
    const struct history_event *event)
{
	for (size_t i = 0; i < detail->nparts; i++)
		if (is_progress_of(event, &detail->parts[i]))
			return (true);
	return (false);
}

static void
print_progress(const struct history_detail *detail,
    const struct history_part *part)
{
	for (size_t i = 0; i < detail->nevents; i++) {
		const struct history_event *event = &detail->events[i];
		char duration[TEXT_DURATION_SIZE];

		if (!is_progress_of(event, part))
			continue;
		printf("  %-*s  at %s:", NAME_COLUMNS, "",
		    text_duration(max_of(0, event->at_ms - detail->txn.at_ms),
			duration));
		text_print(event->text + strlen(part->name));
		putchar('\n');
	}
}

static void
print_path(const struct history_detail *detail)
{
	const struct path_step *slowest;
	char duration[TEXT_DURATION_SIZE];
	struct path path;

	path_find(detail, &path);
	if (path.count == 0) {
		path_fini(&path);
		return;
	}
	printf("\n  critical path");
	for (size_t i = 0; i < path.count; i++) {
		printf("%s",
		    i == 0	       ? "  " :
			text_is_utf8() ? " \u2192 " :
					 " -> ");
		text_print(path.steps[i].part->name);
		printf(" %s",
		    text_duration(path.steps[i].elapsed_ms, duration));
	}
	slowest = &path.steps[path.slowest];
	printf("\n  slowest        ");
	text_print(slowest->part->name);
	if (path.total_ms > 0)
		printf(", %d %% of the %s until all had answered",
		    (int)(slowest->elapsed_ms * 100 / path.total_ms),
		    text_duration(path.total_ms, duration));
	putchar('\n');
	path_fini(&path);
}

void
timeline_print(const struct history_detail *detail)
{
	const bool check = strcmp(detail->txn.op, "check") == 0;
	const char *const *texts = cell_texts();
	const int64_t end_ms = timeline_end(detail);
	char duration[TEXT_DURATION_SIZE];

	if (detail->nparts == 0) {
		puts("\n  no participants");
		return;
	}
	printf("\n  %-*s  0%*s\n", NAME_COLUMNS, "", AXIS_COLUMNS - 1,
	    text_duration(end_ms, duration));
	for (size_t i = 0; i < detail->nparts; i++) {
		enum cell row[AXIS_COLUMNS];

		if (check)
			make_check_row(&detail->parts[i], end_ms, row);
		else
			make_row(&detail->parts[i], end_ms, row);
		print_part(&detail->parts[i], row);
		print_progress(detail, &detail->parts[i]);
	}
	if (check)
		printf("  %-*s  %s checking\n", NAME_COLUMNS, "",
		    texts[CELL_FREEZING]);
	else
		printf("  %-*s  %s freezing  %s held  %s thawing\n",
		    NAME_COLUMNS, "", texts[CELL_FREEZING], texts[CELL_HELD],
		    texts[CELL_THAWING]);
	print_path(detail);
}
