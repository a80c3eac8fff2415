/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl drill: a whole transaction as a requestor, without a host and
 * without file systems; then what the history says of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "appvssd/history_read.h"
#include "request.h"
#include "text.h"

/* The end of a transaction is in the history so soon after its last answer. */
#define RECORD_WAIT_MS 3000
#define RECORD_STEP_MS 20

static void
pause_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&time, NULL);
}

/* Whether the end of the transaction can be read yet. */
static bool
is_recorded(const struct ctl *ctl, int64_t id)
{
	struct history_detail detail;
	char error[HISTORY_ERROR_SIZE];
	struct history *history;
	bool over = false;

	if (history_open(&history, ctl->history, error) != HISTORY_OK)
		return (false);
	if (history_find(history, id, &detail) == HISTORY_OK) {
		over = detail.txn.last.state[0] != '\0' &&
		    strcmp(detail.txn.last.state, "held") != 0;
		history_detail_fini(&detail);
	}
	history_close(history);
	return (over);
}

static void
show_recorded(const struct ctl *ctl, uint64_t id)
{
	unsigned waited_ms;

	for (waited_ms = 0; waited_ms < RECORD_WAIT_MS;
	     waited_ms += RECORD_STEP_MS) {
		if (is_recorded(ctl, (int64_t)id)) {
			(void)ctl_show_id(ctl, (int64_t)id);
			return;
		}
		pause_ms(RECORD_STEP_MS);
	}
	/* Says what is wrong with the history, if anything is. */
	(void)ctl_show_id(ctl, (int64_t)id);
}

static int
drill_once(const struct ctl *ctl)
{
	struct request request;
	int status;

	status = request_freeze(ctl, &request, REQUEST_DRILL);
	if (status == EX_OK) {
		status = request_thaw(&request);
		if (status == EX_OK && request_is_too_little(ctl, &request))
			status = EX_UNAVAILABLE;
		request_close(&request);
	}
	if (request.id != 0)
		show_recorded(ctl, request.id);
	return (status);
}

int
ctl_drill(const struct ctl *ctl, int argc, char *argv[])
{
	unsigned round;
	int result = EX_OK, status;

	(void)argc;
	(void)argv;
	for (round = 1; round <= ctl->repeat; round++) {
		if (ctl->repeat > 1 && !ctl->json)
			printf("%sdrill %u of %u\n", round > 1 ? "\n" : "",
			    round, ctl->repeat);
		status = drill_once(ctl);
		if (status != EX_OK)
			result = status;
		/* Vetoes are what a drill is for; nobody to talk to is not. */
		if (status != EX_OK && status != EX_UNAVAILABLE)
			break;
	}
	return (result);
}
