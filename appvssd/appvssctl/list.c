/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl history: the newest transactions, one a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "appvssd/history_read.h"
#include "ctl.h"
#include "show.h"
#include "stats.h"
#include "text.h"

#define DEFAULT_LIMIT	   20
#define COLUMN_OUTCOME	   4
#define COLUMN_CONSISTENCY 5

static void
print_json(const struct history_txn *txn)
{
	struct text_json json;

	text_json_begin(&json);
	show_json_txn(&json, txn);
	text_json_end(&json);
}

/* "failed (postgres)", "failed", "postgres", "2 not ready", or nothing */
static void
format_reason(const struct history_txn *txn, char *out, size_t size)
{
	const struct history_state *state = &txn->last;

	if (state->reason[0] == '\0' && state->culprit[0] == '\0' &&
	    txn->parts_ready < txn->parts)
		snprintf(out, size, "%u not ready",
		    txn->parts - txn->parts_ready);
	else if (state->reason[0] != '\0' && state->culprit[0] != '\0')
		snprintf(out, size, "%s (%s)", state->reason, state->culprit);
	else
		snprintf(out, size, "%s%s", state->reason, state->culprit);
}

static void
add_row(struct text_table *table, const struct history_txn *txn)
{
	char id[24], at[TEXT_TIME_SIZE], took[TEXT_DURATION_SIZE], parts[48];
	char reason[2 * HISTORY_WORD_SIZE + 4];
	const char *cells[] = { id, at, txn->op, txn->source, show_outcome(txn),
		strcmp(txn->op, "check") == 0 ? "-" : txn->last.consistency,
		txn->last.host, took, parts, reason };

	snprintf(id, sizeof(id), "%" PRId64, txn->id);
	text_time(txn->at_ms, false, at);
	text_duration(txn->last.state[0] == '\0' ? -1 : txn->last.elapsed_ms,
	    took);
	snprintf(parts, sizeof(parts), "%u/%u", txn->parts_ready, txn->parts);
	format_reason(txn, reason, sizeof(reason));
	text_table_add(table, cells);
}

int
ctl_list(const struct ctl *ctl, int argc, char *argv[])
{
	static const char *const headings[] = { "ID", "TIME", "OP", "SOURCE",
		"OUTCOME", "CONSISTENCY", "HOST", "TOOK", "READY", "REASON",
		NULL };
	struct history_txn *txns = NULL;
	struct history *history;
	const struct history_filter filter = { .since_ms = ctl->since_ms,
		.until_ms = ctl->until_ms,
		.outcome = ctl->outcome,
		.consistency = ctl->consistency,
		.app = ctl->app,
		.source = ctl->source };
	struct text_table table;
	size_t count = 0;
	enum history_error error;
	int status;

	(void)argc;
	(void)argv;
	if (ctl->stats)
		return (stats_print(ctl));
	status = ctl_open_history(ctl, &history);
	if (status != EX_OK)
		return (status);
	error = history_list(history, &filter,
	    ctl->limit != 0 ? ctl->limit : DEFAULT_LIMIT, &txns, &count);
	if (error != HISTORY_OK)
		status = ctl_history_failed(history, (int)error);
	history_close(history);
	if (status != EX_OK)
		return (status);
	if (ctl->json) {
		for (size_t i = 0; i < count; i++)
			print_json(&txns[i]);
	} else if (count == 0) {
		puts("no such transaction is recorded");
	} else {
		text_table_init(&table, headings);
		table.words = 1u << COLUMN_OUTCOME | 1u << COLUMN_CONSISTENCY;
		for (size_t i = 0; i < count; i++)
			add_row(&table, &txns[i]);
		text_table_print(&table);
	}
	free(txns);
	return (EX_OK);
}
