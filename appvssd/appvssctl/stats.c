/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl history --app NAME --stats: how long a participant took to be
 * ready, day by day, so that a trend is seen before it meets the limit.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "appvssd/history_read.h"
#include "ctl.h"
#include "stats.h"
#include "text.h"

#define DAYS_DEFAULT 30
#define DAY_MS	     (24 * 3600 * 1000LL)
#define DAY_SIZE     16
#define BAR_COLUMNS  24

struct day {
	char day[DAY_SIZE]; /* local */
	int64_t snapshots;
	int64_t ready;
	int64_t p50_ms, p90_ms, p99_ms, max_ms; /* -1: none was ready */
};

static int
compare_times(const void *a, const void *b)
{
	const struct history_flush *first = a, *second = b;

	return (
	    (first->at_ms > second->at_ms) - (first->at_ms < second->at_ms));
}

static int
compare_numbers(const void *a, const void *b)
{
	const int64_t *first = a, *second = b;

	return ((*first > *second) - (*first < *second));
}

/* The smallest that is not less than percent of them: a value that occurred. */
static int64_t
percentile(const int64_t *sorted, int64_t count, int64_t percent)
{
	if (count == 0)
		return (-1);
	return (sorted[(count * percent + 99) / 100 - 1]);
}

static void
name_day(int64_t at_ms, char day[DAY_SIZE])
{
	const time_t seconds = (time_t)(at_ms / 1000);
	struct tm tm;

	day[0] = '\0';
	if (localtime_r(&seconds, &tm) != NULL)
		strftime(day, DAY_SIZE, "%Y-%m-%d", &tm);
}

/* Of the flushes from first on that are of one day; returns the next. */
static size_t
make_day(const struct history_flush *flushes, size_t count, size_t first,
    int64_t *room, struct day *day)
{
	char name[DAY_SIZE];
	size_t i;

	memset(day, 0, sizeof(*day));
	name_day(flushes[first].at_ms, day->day);
	for (i = first; i < count; i++) {
		name_day(flushes[i].at_ms, name);
		if (strcmp(name, day->day) != 0)
			break;
		day->snapshots++;
		if (flushes[i].flush_ms >= 0)
			room[day->ready++] = flushes[i].flush_ms;
	}
	qsort(room, (size_t)day->ready, sizeof(*room), compare_numbers);
	day->p50_ms = percentile(room, day->ready, 50);
	day->p90_ms = percentile(room, day->ready, 90);
	day->p99_ms = percentile(room, day->ready, 99);
	day->max_ms = percentile(room, day->ready, 100);
	return (i);
}

static void
print_json(const char *app, const struct day *day)
{
	struct text_json json;

	text_json_begin(&json);
	text_json_string(&json, "app", app);
	text_json_string(&json, "day", day->day);
	text_json_int(&json, "freezes", day->snapshots);
	text_json_int(&json, "ready", day->ready);
	text_json_time(&json, "p50_ms", day->p50_ms);
	text_json_time(&json, "p90_ms", day->p90_ms);
	text_json_time(&json, "p99_ms", day->p99_ms);
	text_json_time(&json, "max_ms", day->max_ms);
	text_json_end(&json);
}

/* Of the 90th percentile, to the scale of the largest one. */
static void
format_bar(const struct day *day, int64_t largest_ms, char *out, size_t size)
{
	const char *const block = text_is_utf8() ? "\u2588" : "#";
	int columns = 0;
	size_t used = 0;

	if (day->p90_ms >= 0)
		columns = largest_ms == 0 ?
		    1 :
		    (int)((day->p90_ms * BAR_COLUMNS + largest_ms - 1) /
			largest_ms);
	if (columns == 0 && day->p90_ms >= 0)
		columns = 1;
	out[0] = '\0';
	while (columns-- > 0 && used + strlen(block) < size)
		used += (size_t)snprintf(out + used, size - used, "%s", block);
}

static void
print_table(const struct day *days, size_t count)
{
	static const char *const headings[] = { "DAY", "FREEZES", "NOT READY",
		"P50", "P90", "P99", "MAX", "P90 TO SCALE", NULL };
	struct text_table table;
	int64_t largest_ms = 0;

	for (size_t i = 0; i < count; i++)
		if (days[i].p90_ms > largest_ms)
			largest_ms = days[i].p90_ms;
	text_table_init(&table, headings);
	for (size_t i = 0; i < count; i++) {
		const struct day *day = &days[i];
		char number[24], missing[24], bar[BAR_COLUMNS * 4 + 1];
		char p[4][TEXT_DURATION_SIZE];
		const char *cells[] = { day->day, number, missing, p[0], p[1],
			p[2], p[3], bar };

		snprintf(number, sizeof(number), "%" PRId64, day->snapshots);
		snprintf(missing, sizeof(missing), "%" PRId64,
		    day->snapshots - day->ready);
		text_duration(day->p50_ms, p[0]);
		text_duration(day->p90_ms, p[1]);
		text_duration(day->p99_ms, p[2]);
		text_duration(day->max_ms, p[3]);
		format_bar(day, largest_ms, bar, sizeof(bar));
		text_table_add(&table, cells);
	}
	text_table_print(&table);
}

/* count flushes, which are sorted here; the newest days if there is a limit. */
static int
print_days(const struct ctl *ctl, struct history_flush *flushes, size_t count)
{
	struct day *days = calloc(count + 1, sizeof(*days));
	int64_t *room = calloc(count + 1, sizeof(*room));
	size_t ndays = 0, next = 0, first;

	if (days == NULL || room == NULL) {
		ctl_warn("no memory");
		free(days);
		free(room);
		return (EX_OSERR);
	}
	if (count > 0)
		qsort(flushes, count, sizeof(*flushes), compare_times);
	while (next < count)
		next = make_day(flushes, count, next, room, &days[ndays++]);
	first = ctl->limit != 0 && ndays > ctl->limit ? ndays - ctl->limit : 0;
	for (size_t i = first; ctl->json && i < ndays; i++)
		print_json(ctl->app, &days[i]);
	if (!ctl->json && ndays > 0)
		print_table(days + first, ndays - first);
	else if (!ctl->json)
		puts("no freeze with it is recorded in that time");
	free(days);
	free(room);
	return (EX_OK);
}

int
stats_print(const struct ctl *ctl)
{
	struct history_filter filter = { .since_ms = ctl->since_ms,
		.until_ms = ctl->until_ms,
		.app = ctl->app };
	struct history_flush *flushes = NULL;
	struct history *history;
	size_t count = 0;
	enum history_error error;
	int status;

	if (ctl->app == NULL)
		return (ctl_usage("--stats wants --app NAME"));
	if (ctl->outcome != NULL || ctl->consistency != NULL ||
	    ctl->source != NULL)
		return (ctl_usage("of the filters --stats takes --app, --since "
				  "and --until"));
	if (filter.since_ms == 0 && filter.until_ms == 0)
		filter.since_ms = (int64_t)time(NULL) * 1000 -
		    DAYS_DEFAULT * DAY_MS;
	status = ctl_open_history(ctl, &history);
	if (status != EX_OK)
		return (status);
	error = history_flushes(history, &filter, &flushes, &count);
	if (error != HISTORY_OK)
		status = ctl_history_failed(history, (int)error);
	history_close(history);
	if (status == EX_OK)
		status = print_days(ctl, flushes, count);
	free(flushes);
	return (status);
}
