/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl check: for monitoring systems that run plugins.  One line, what is
 * wrong first, and an exit status of 0 to 3 whatever happens.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "appvssd/history_read.h"
#include "ctl.h"
#include "items.h"
#include "sdk/proto.h"
#include "text.h"

#define DEFAULT_WARNING_S  (26 * 3600) /* a day, and time for the backup */
#define DEFAULT_CRITICAL_S (50 * 3600)
#define FINDINGS_MAX	   32
#define FINDING_SIZE	   256

/* The exit statuses of plugins. */
enum level { LEVEL_OK, LEVEL_WARNING, LEVEL_CRITICAL, LEVEL_UNKNOWN };

struct check {
	int64_t warning_s;
	int64_t critical_s;
	int64_t age_s; /* -1: there is no good snapshot, or it is not known */
	int participants, missing, failing;
	int64_t missed;	 /* -1: not known */
	bool has_status; /* of appvssd */
	struct finding {
		enum level level;
		char text[FINDING_SIZE];
	} findings[FINDINGS_MAX];
	size_t nfindings;
	size_t more; /* that had no room */
	enum level worst;
};

static const char *
level_word(enum level level)
{
	switch (level) {
	case LEVEL_OK:
		return ("OK");
	case LEVEL_WARNING:
		return ("WARNING");
	case LEVEL_CRITICAL:
		return ("CRITICAL");
	case LEVEL_UNKNOWN:
		return ("UNKNOWN");
	}
	return ("UNKNOWN");
}

/* What is not known may be worse than what is doubtful. */
static int
rank(enum level level)
{
	switch (level) {
	case LEVEL_OK:
		return (0);
	case LEVEL_WARNING:
		return (1);
	case LEVEL_UNKNOWN:
		return (2);
	case LEVEL_CRITICAL:
		return (3);
	}
	return (3);
}

__attribute__((format(printf, 3, 4))) static void
find(struct check *check, enum level level, const char *format, ...)
{
	char text[FINDING_SIZE];
	struct finding *finding;
	char *escaped;
	va_list ap;

	if (rank(level) > rank(check->worst))
		check->worst = level;
	if (check->nfindings == FINDINGS_MAX) {
		check->more++;
		return;
	}
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	finding = &check->findings[check->nfindings++];
	finding->level = level;
	escaped = text_escape(text);
	snprintf(finding->text, sizeof(finding->text), "%s",
	    escaped == NULL ? "" : escaped);
	free(escaped);
	/* Behind a bar come numbers. */
	for (char *bar = finding->text; *bar != '\0'; bar++)
		if (*bar == '|')
			*bar = '/';
}

static bool
is_failure(const char *result)
{
	static const char *const words[] = { "failed", "timeout",
		"disconnected", "lost", "owes_thaw" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(result, words[i]) == 0)
			return (true);
	return (false);
}

static void
look_at_participant(struct check *check, const struct wire_msg *msg)
{
	const char *name = items_text(msg, PK_NAME);
	const char *result = wire_get_text(msg, PK_RESULT, "");
	const char *text = wire_get_text(msg, PK_TEXT, "");
	enum level level = wire_get_uint(msg, PK_REQUIRED, 0) != 0 ?
	    LEVEL_CRITICAL :
	    LEVEL_WARNING;

	check->participants++;
	if (wire_get_uint(msg, PK_PRESENT, 0) == 0) {
		check->missing++;
		find(check, level, "%s is absent", name);
	} else if (is_failure(result)) {
		check->failing++;
		find(check, level, "%s: %s%s%s", name, result,
		    text[0] != '\0' ? ": " : "", text);
	}
}

static void
look_at_broker(struct check *check, const struct wire_msg *msg)
{
	if (strcmp(items_text(msg, PK_DEVICE), "missing") == 0)
		find(check, LEVEL_CRITICAL,
		    "the device is missing: no snapshot of the host is seen");
	if (strcmp(items_text(msg, PK_HISTORY), "down") == 0)
		find(check, LEVEL_WARNING, "the history is not written");
}

static void
look_at_appvssd(struct check *check, const struct ctl *ctl)
{
	char error[FINDING_SIZE] = "";
	struct items items;
	int status;

	ctl_capture(error, sizeof(error));
	status = items_fetch(&items, ctl->socket);
	ctl_capture(NULL, 0);
	if (status != EX_OK) {
		find(check,
		    status == EX_NOPERM ? LEVEL_UNKNOWN : LEVEL_CRITICAL, "%s",
		    error);
		items_fini(&items);
		return;
	}
	check->has_status = true;
	for (size_t i = 0; i < items.count; i++) {
		const struct wire_msg *msg = &items.msgs[i];

		if (items_is(msg, "broker"))
			look_at_broker(check, msg);
		else if (items_is(msg, "participant"))
			look_at_participant(check, msg);
		else if (items_is(msg, "debt"))
			find(check, LEVEL_CRITICAL, "%s may still be frozen",
			    items_text(msg, PK_NAME));
	}
	if (check->participants == 0)
		find(check, LEVEL_WARNING, "there are no participants");
	items_fini(&items);
}

static void
judge_age(struct check *check, const struct history_txn *good)
{
	const int64_t now_ms = (int64_t)time(NULL) * 1000;
	char age[TEXT_DURATION_SIZE];

	if (good->id == 0) {
		find(check, LEVEL_CRITICAL,
		    "no application-consistent snapshot is recorded");
		return;
	}
	/* A second more or less is no wrong clock. */
	if (good->at_ms > now_ms + 1000) {
		find(check, LEVEL_UNKNOWN,
		    "the last application-consistent snapshot lies in the "
		    "future: the clock is wrong");
		return;
	}
	check->age_s = good->at_ms > now_ms ? 0 : (now_ms - good->at_ms) / 1000;
	find(check,
	    check->age_s >= check->critical_s	 ? LEVEL_CRITICAL :
		check->age_s >= check->warning_s ? LEVEL_WARNING :
						   LEVEL_OK,
	    "the last application-consistent snapshot is %s old",
	    text_duration(check->age_s * 1000, age));
}

/* A snapshot that is under way is none yet. */
static void
judge_newest(struct check *check, const struct history_txn *newest)
{
	const struct history_state *last = &newest->last;

	if (newest->id == 0 || last->state[0] == '\0' ||
	    strcmp(last->state, "held") == 0 ||
	    (strcmp(last->state, "done") == 0 &&
		strcmp(last->consistency, "application") == 0))
		return;
	find(check, LEVEL_WARNING,
	    "the last snapshot (%" PRId64 ") is %s, consistency %s%s%s%s%s",
	    newest->id, last->state, last->consistency,
	    last->reason[0] != '\0' ? ": " : "", last->reason,
	    last->culprit[0] != '\0' ? " of " : "", last->culprit);
}

static void
look_at_history(struct check *check, const struct ctl *ctl)
{
	struct history_summary summary;
	char error[HISTORY_ERROR_SIZE] = "";
	struct history *history;
	enum history_error result;

	result = history_open(&history, ctl->history, error);
	if (result == HISTORY_E_MISSING) {
		find(check, LEVEL_CRITICAL, "%s: %s", ctl->history, error);
		return;
	}
	if (result != HISTORY_OK) {
		find(check, LEVEL_UNKNOWN, "%s: %s", ctl->history, error);
		return;
	}
	result = history_summary(history, ctl->source, &summary);
	if (result != HISTORY_OK)
		find(check, LEVEL_UNKNOWN, "%s: %s", ctl->history,
		    history_error_text(history));
	history_close(history);
	if (result != HISTORY_OK)
		return;
	judge_age(check, &summary.good);
	judge_newest(check, &summary.newest);
	check->missed = summary.missed;
	if (summary.missed > 0)
		find(check, LEVEL_WARNING,
		    "%" PRId64 " snapshots since then were taken while appvssd "
		    "was not there",
		    summary.missed);
}

static void
print_numbers(const struct check *check)
{
	if (check->age_s >= 0)
		printf(" | age=%" PRId64 "s", check->age_s);
	else
		printf(" | age=U");
	printf(";%" PRId64 ";%" PRId64 ";0", check->warning_s,
	    check->critical_s);
	if (check->has_status)
		printf(" participants=%d;;;0 missing=%d;;;0 failing=%d;;;0",
		    check->participants, check->missing, check->failing);
	if (check->missed >= 0)
		printf(" missed=%" PRId64 ";;;0", check->missed);
	putchar('\n');
}

/* The worst first. */
static void
print_text(const struct check *check)
{
	const char *between = ": ";

	printf("%s", level_word(check->worst));
	for (int wanted = rank(LEVEL_CRITICAL); wanted >= 0; wanted--) {
		for (size_t i = 0; i < check->nfindings; i++) {
			const struct finding *finding = &check->findings[i];

			if (rank(finding->level) != wanted)
				continue;
			printf("%s%s", between, finding->text);
			between = "; ";
		}
	}
	if (check->more > 0)
		printf("; and %zu more", check->more);
	print_numbers(check);
}

static void
print_json(const struct check *check)
{
	const char *texts[FINDINGS_MAX];
	struct text_json json;

	text_json_begin(&json);
	text_json_string(&json, "status", level_word(check->worst));
	text_json_int(&json, "exit", check->worst);
	text_json_time(&json, "age_s", check->age_s);
	text_json_int(&json, "warning_s", check->warning_s);
	text_json_int(&json, "critical_s", check->critical_s);
	text_json_time(&json, "participants",
	    check->has_status ? check->participants : -1);
	text_json_time(&json, "missing",
	    check->has_status ? check->missing : -1);
	text_json_time(&json, "failing",
	    check->has_status ? check->failing : -1);
	text_json_time(&json, "missed", check->missed);
	for (size_t i = 0; i < check->nfindings; i++)
		texts[i] = check->findings[i].text;
	text_json_list(&json, "messages", texts, check->nfindings);
	text_json_end(&json);
}

int
ctl_check(const struct ctl *ctl, int argc, char *argv[])
{
	static struct check check;

	(void)argc;
	(void)argv;
	check.warning_s = ctl->warning_s;
	check.critical_s = ctl->critical_s;
	if (check.critical_s == 0)
		check.critical_s = check.warning_s > DEFAULT_CRITICAL_S ?
		    check.warning_s :
		    DEFAULT_CRITICAL_S;
	if (check.warning_s == 0)
		check.warning_s = check.critical_s < DEFAULT_WARNING_S ?
		    check.critical_s :
		    DEFAULT_WARNING_S;
	if (check.warning_s > check.critical_s)
		return (ctl_usage("--warning is more than --critical"));
	check.age_s = -1;
	check.missed = -1;
	look_at_history(&check, ctl);
	look_at_appvssd(&check, ctl);
	if (ctl->json)
		print_json(&check);
	else
		print_text(&check);
	return ((int)check.worst);
}
