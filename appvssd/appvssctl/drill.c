/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl drill: a whole transaction as a requestor, without a host,
 * with one file system if wanted; then what the history says of it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "appvssd/history_read.h"
#include "fsdrill.h"
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

static void
show_fs(const struct ctl *ctl, const struct fsdrill *fs)
{
	char freeze[TEXT_DURATION_SIZE], frozen[TEXT_DURATION_SIZE];
	struct text_json json;

	if (ctl->json) {
		text_json_begin(&json);
		text_json_string(&json, "kind", "filesystem");
		text_json_string(&json, "mount", fs->mount);
		text_json_time(&json, "freeze_ms", fs->freeze_ms);
		text_json_time(&json, "frozen_ms", fs->frozen_ms);
		text_json_string(&json, "error", fs->error);
		text_json_end(&json);
		return;
	}
	printf("\n  file system    ");
	text_print(fs->mount);
	if (fs->error[0] != '\0') {
		printf(": ");
		text_print(fs->error);
		putchar('\n');
	} else {
		printf(" frozen in %s, thawed after %s, before the "
		       "applications\n",
		    text_duration(fs->freeze_ms, freeze),
		    text_duration(fs->frozen_ms, frozen));
	}
}

/* The applications are held: the file system, if wanted, and their thaw. */
static int
drill_held(const struct ctl *ctl, struct request *request, struct fsdrill *fs)
{
	int fs_status = EX_OK, status;

	if (ctl->fs != NULL)
		fs_status = fsdrill_do(fs);
	status = request_thaw(request);
	if (status == EX_OK && request_is_too_little(ctl, request))
		status = EX_UNAVAILABLE;
	if (fs_status != EX_OK)
		ctl_warn("%s: %s", fs->mount, fs->error);
	return (status != EX_OK ? status : fs_status);
}

static int
drill_once(const struct ctl *ctl)
{
	struct request request = { .id = 0 };
	struct fsdrill fs;
	int status = EX_OK;

	/* First: at an end of this process its connection ends first, too. */
	if (ctl->fs != NULL)
		status = fsdrill_open(&fs, ctl);
	if (status == EX_OK) {
		status = request_freeze(ctl, &request, REQUEST_DRILL);
		if (status == EX_OK) {
			status = drill_held(ctl, &request, &fs);
			request_close(&request);
		}
		if (request.id != 0)
			show_recorded(ctl, request.id);
	}
	if (ctl->fs != NULL && request.id != 0)
		show_fs(ctl, &fs);
	if (ctl->fs != NULL)
		fsdrill_close(&fs);
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
