/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks appvssd what the newest snapshots were worth, and who takes part: a
 * start for a program that watches backups.  Ends with 0 if the newest freeze
 * was application-consistent, with 2 if it was not, with 1 if nobody answers.
 *
 *	cc ask_history.c -lappvss
 */
#include <appvss.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct answer {
	const char *newest; /* a verdict, or NULL */
	int error;
};

/* Names and words only: a text could hold what a terminal obeys. */
static void
on_row(struct appvss *handle, const struct appvss_row *row, void *arg)
{
	struct answer *answer = arg;

	(void)handle;
	if (row->kind == APPVSS_ROW_PARTICIPANT)
		(void)printf("participant %s: %s\n", row->name, row->state);
	if (row->kind != APPVSS_ROW_TRANSACTION)
		return;
	(void)printf("transaction %" PRIu64 ": %s, %s, %s\n", row->id,
	    row->operation, row->outcome, row->consistency);
	if (answer->newest == NULL && strcmp(row->operation, "freeze") == 0)
		answer->newest = strcmp(row->consistency, "application") == 0 ?
		    "good" :
		    "bad";
}

static void
on_end(struct appvss *handle, const struct appvss_end *end, void *arg)
{
	struct answer *answer = arg;

	if (end->error != APPVSS_OK)
		answer->error = end->error;
	appvss_stop(handle);
}

/* Asks one question and runs until its end has come. */
static int
ask(struct appvss *handle, enum appvss_question question, struct answer *answer)
{
	static const struct appvss_query_callbacks callbacks = { on_row,
		on_end };
	struct appvss_query query;
	int error;

	appvss_query_init(&query, question);
	query.rows_max = 5;
	error = appvss_ask(handle, &query, &callbacks, answer);
	if (error == APPVSS_OK)
		error = appvss_run(handle);
	return (error != APPVSS_OK ? error : answer->error);
}

int
main(void)
{
	struct answer answer = { NULL, APPVSS_OK };
	struct appvss *handle;
	int error;

	error = appvss_open(&handle, NULL);
	if (error != APPVSS_OK) {
		(void)fprintf(stderr, "appvss: %s\n", appvss_strerror(error));
		return (1);
	}
	error = ask(handle, APPVSS_ASK_STATUS, &answer);
	if (error == APPVSS_OK)
		error = ask(handle, APPVSS_ASK_TRANSACTIONS, &answer);
	appvss_close(handle);
	if (error != APPVSS_OK) {
		(void)fprintf(stderr, "appvss: %s\n", appvss_strerror(error));
		return (1);
	}
	return (answer.newest != NULL && strcmp(answer.newest, "good") == 0 ?
		0 :
		2);
}
