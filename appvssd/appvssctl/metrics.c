/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl metrics: OpenMetrics text, for a collector that reads files.  Only
 * gauges and counters, which the older text format knows as well.  Times are
 * seconds, as is the custom there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "appvssd/history_read.h"
#include "ctl.h"
#include "items.h"
#include "output.h"
#include "sdk/proto.h"

#define DAY_MS (24 * 3600 * 1000LL)

static void
put_family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# TYPE %s %s\n", name, type);
	if (strlen(name) > 8 &&
	    strcmp(name + strlen(name) - 8, "_seconds") == 0)
		fprintf(out, "# UNIT %s seconds\n", name);
	fprintf(out, "# HELP %s %s\n", name, help);
}

static void
put_gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
	put_family(out, name, "gauge", help);
	fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void
put_ms(FILE *out, int64_t ms)
{
	fprintf(out, " %" PRId64 ".%03d\n", ms / 1000, (int)(ms % 1000));
}

static void
put_timestamp(FILE *out, const char *name, const char *help, int64_t at_ms)
{
	put_family(out, name, "gauge", help);
	fprintf(out, "%s", name);
	put_ms(out, at_ms);
}

/* A key of the broker, if it was said. */
static void
put_key(FILE *out, const struct wire_msg *broker, unsigned key,
    const char *name, const char *type, const char *help)
{
	if (!wire_has(broker, key))
		return;
	put_family(out, name, type, help);
	fprintf(out, "%s%s %" PRIu64 "\n", name,
	    strcmp(type, "counter") == 0 ? "_total" : "",
	    wire_get_uint(broker, key, 0));
}

static void
put_broker(FILE *out, const struct wire_msg *broker)
{
	put_gauge(out, "appvss_device_open",
	    "Whether appvssd has the device of the driver.",
	    strcmp(items_text(broker, PK_DEVICE), "open") == 0);
	put_gauge(out, "appvss_transaction_running",
	    "Whether a check or a freeze is under way.",
	    strcmp(items_text(broker, PK_STATE), "idle") != 0);
	put_gauge(out, "appvss_history_process_up",
	    "Whether the history is being written.",
	    strcmp(items_text(broker, PK_HISTORY), "down") != 0);
	put_key(out, broker, PK_QUEUED, "appvss_history_rows_waiting", "gauge",
	    "Rows that the history has not taken yet.");
	put_key(out, broker, PK_DROPPED, "appvss_history_rows_dropped",
	    "counter", "Rows that had no room, since appvssd started.");
	put_key(out, broker, PK_LATE, "appvss_late_answers", "counter",
	    "Answers of participants that came too late.");
}

enum participant_metric {
	METRIC_PRESENT,
	METRIC_REQUIRED,
	METRIC_READY,
	METRIC_FLUSH
};

static void
put_participant(FILE *out, const struct wire_msg *msg, const char *name,
    enum participant_metric metric)
{
	bool value = false;

	switch (metric) {
	case METRIC_PRESENT:
		value = wire_get_uint(msg, PK_PRESENT, 0) != 0;
		break;
	case METRIC_REQUIRED:
		value = wire_get_uint(msg, PK_REQUIRED, 0) != 0;
		break;
	case METRIC_READY:
		if (!wire_has(msg, PK_RESULT))
			return;
		value = strcmp(items_text(msg, PK_RESULT), "ready") == 0;
		break;
	case METRIC_FLUSH:
		if (!wire_has(msg, PK_FLUSH_MS))
			return;
		break;
	}
	/* A name has no character that would have to be escaped. */
	fprintf(out, "%s{name=\"%s\"}", name, items_text(msg, PK_NAME));
	if (metric == METRIC_FLUSH)
		put_ms(out, (int64_t)wire_get_uint(msg, PK_FLUSH_MS, 0));
	else
		fprintf(out, " %d\n", value);
}

static void
put_participants(FILE *out, const struct items *items)
{
	static const struct {
		const char *name;
		const char *help;
	} metrics[] = {
		[METRIC_PRESENT] = { "appvss_participant_present",
		    "Whether the participant is connected." },
		[METRIC_REQUIRED] = { "appvss_participant_required",
		    "Whether there is no snapshot without it." },
		[METRIC_READY] = { "appvss_participant_ready",
		    "Whether it was ready when it was asked last." },
		[METRIC_FLUSH] = { "appvss_participant_flush_seconds",
		    "How long its last freeze took." },
	};

	for (size_t m = 0; m < sizeof(metrics) / sizeof(metrics[0]); m++) {
		put_family(out, metrics[m].name, "gauge", metrics[m].help);
		for (size_t i = 0; i < items->count; i++)
			if (items_is(&items->msgs[i], "participant"))
				put_participant(out, &items->msgs[i],
				    metrics[m].name,
				    (enum participant_metric)m);
	}
	put_family(out, "appvss_participant_owes_thaw", "gauge",
	    "Participants whose thaw is not confirmed.");
	for (size_t i = 0; i < items->count; i++)
		if (items_is(&items->msgs[i], "debt"))
			fprintf(out,
			    "appvss_participant_owes_thaw{name=\"%s\"} 1\n",
			    items_text(&items->msgs[i], PK_NAME));
}

static void
put_appvssd(FILE *out, const struct ctl *ctl)
{
	const struct wire_msg *broker;
	char error[256] = "";
	struct items items;
	int status;

	ctl_capture(error, sizeof(error));
	status = items_fetch(&items, ctl->socket);
	ctl_capture(NULL, 0);
	put_gauge(out, "appvss_up", "Whether appvssd answers.",
	    status == EX_OK);
	broker = items_find(&items, "broker");
	if (status == EX_OK && broker != NULL)
		put_broker(out, broker);
	if (status == EX_OK)
		put_participants(out, &items);
	items_fini(&items);
}

static void
put_summary(FILE *out, const struct history_summary *summary)
{
	const struct history_state *last = &summary->newest.last;

	if (summary->newest.id != 0) {
		put_timestamp(out, "appvss_last_snapshot_timestamp_seconds",
		    "When the newest snapshot began, drills left out.",
		    summary->newest.at_ms);
		put_gauge(out, "appvss_last_snapshot_application_consistent",
		    "Whether it is done and application-consistent.",
		    strcmp(last->state, "done") == 0 &&
			strcmp(last->consistency, "application") == 0);
	}
	if (summary->good.id != 0)
		put_timestamp(out,
		    "appvss_last_application_snapshot_timestamp_seconds",
		    "When the last application-consistent snapshot began.",
		    summary->good.at_ms);
	put_gauge(out, "appvss_missed_snapshots",
	    "Snapshots since then that were taken without appvssd.",
	    (uint64_t)summary->missed);
}

static void
put_tallies(FILE *out, const struct history_tally *tallies, size_t count)
{
	put_family(out, "appvss_day_transactions", "gauge",
	    "Transactions that began within the last 24 hours.");
	/* The words come from appvssd, but the file may come from anywhere. */
	for (size_t i = 0; i < count; i++) {
		const char *const texts[] = { tallies[i].op, tallies[i].source,
			tallies[i].outcome, tallies[i].consistency };
		static const char *const names[] = { "op", "source", "outcome",
			"consistency" };

		fputs("appvss_day_transactions{", out);
		for (size_t k = 0; k < 4; k++) {
			fprintf(out, "%s%s=\"", k > 0 ? "," : "", names[k]);
			for (const char *c = texts[k]; *c != '\0'; c++)
				fputc((*c >= 'a' && *c <= 'z') || *c == '_' ?
					*c :
					'?',
				    out);
			fputc('"', out);
		}
		fprintf(out, "} %" PRId64 "\n", tallies[i].count);
	}
}

static void
put_history(FILE *out, const struct ctl *ctl)
{
	struct history_tally *tallies = NULL;
	struct history_summary summary;
	char error[HISTORY_ERROR_SIZE];
	struct history *history;
	size_t count = 0;
	bool good;

	good = history_open(&history, ctl->history, error) == HISTORY_OK;
	if (good) {
		good = history_summary(history, NULL, &summary) == HISTORY_OK &&
		    history_tallies(history,
			(int64_t)time(NULL) * 1000 - DAY_MS, &tallies,
			&count) == HISTORY_OK;
		history_close(history);
	}
	put_gauge(out, "appvss_history_readable",
	    "Whether the history could be read.", good);
	if (good) {
		put_summary(out, &summary);
		put_tallies(out, tallies, count);
	}
	free(tallies);
}

int
ctl_metrics(const struct ctl *ctl, int argc, char *argv[])
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *out;
	int status = EX_OK;

	(void)argc;
	(void)argv;
	out = open_memstream(&bytes, &length);
	if (out == NULL) {
		ctl_warn("no memory");
		return (EX_OSERR);
	}
	put_appvssd(out, ctl);
	put_history(out, ctl);
	fputs("# EOF\n", out);
	if (fclose(out) != 0) {
		ctl_warn("no memory");
		status = EX_OSERR;
	} else if (ctl->output != NULL) {
		status = output_replace(ctl->output, bytes, length);
	} else {
		fwrite(bytes, 1, length, stdout);
	}
	free(bytes);
	return (status);
}
