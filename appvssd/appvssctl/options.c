/* SPDX-License-Identifier: BSD-2-Clause */
/* See options.h. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "options.h"
#include "when.h"

#define DEFAULT_SOCKET	APPVSS_RUNDIR "/appvss/appvssd.sock"
#define DEFAULT_HISTORY APPVSS_DBDIR "/appvss/history.db"
#define HOLD_S_MAX	86400

/* getopt_long(3) takes 0 for something else. */
#define VALUE(number) ((number) + 256)

/* In the order of their numbers. */
static const struct option options[] = {
	{ "limit", required_argument, NULL, VALUE(OPTION_LIMIT) },
	{ "since", required_argument, NULL, VALUE(OPTION_SINCE) },
	{ "until", required_argument, NULL, VALUE(OPTION_UNTIL) },
	{ "outcome", required_argument, NULL, VALUE(OPTION_OUTCOME) },
	{ "consistency", required_argument, NULL, VALUE(OPTION_CONSISTENCY) },
	{ "app", required_argument, NULL, VALUE(OPTION_APP) },
	{ "source", required_argument, NULL, VALUE(OPTION_SOURCE) },
	{ "stats", no_argument, NULL, VALUE(OPTION_STATS) },
	{ "svg", required_argument, NULL, VALUE(OPTION_SVG) },
	{ "config", required_argument, NULL, VALUE(OPTION_CONFIG) },
	{ "daemon-config", required_argument, NULL,
	    VALUE(OPTION_DAEMON_CONFIG) },
	{ "hooks-dir", required_argument, NULL, VALUE(OPTION_HOOKS_DIR) },
	{ "runtime-dir", required_argument, NULL, VALUE(OPTION_RUNTIME_DIR) },
	{ "fs", required_argument, NULL, VALUE(OPTION_FS) },
	{ "warning", required_argument, NULL, VALUE(OPTION_WARNING) },
	{ "critical", required_argument, NULL, VALUE(OPTION_CRITICAL) },
	{ "output", required_argument, NULL, VALUE(OPTION_OUTPUT) },
	{ "live", no_argument, NULL, VALUE(OPTION_LIVE) },
	{ "hold", required_argument, NULL, VALUE(OPTION_HOLD) },
	{ "require-application", no_argument, NULL, VALUE(OPTION_REQUIRE) },
	{ "repeat", required_argument, NULL, VALUE(OPTION_REPEAT) },
	{ "socket", required_argument, NULL, VALUE(OPTION_SOCKET) },
	{ "history", required_argument, NULL, VALUE(OPTION_HISTORY) },
	{ "json", no_argument, NULL, VALUE(OPTION_JSON) },
	{ "help", no_argument, NULL, VALUE(OPTION_HELP) },
	{ "version", no_argument, NULL, VALUE(OPTION_VERSION) },
	{ NULL, 0, NULL, 0 },
};

const char options_help[] = "\n"
			    "  --socket PATH      default " DEFAULT_SOCKET
			    " (APPVSS_SOCKET)\n"
			    "  --history FILE     default " DEFAULT_HISTORY
			    " (APPVSS_HISTORY)\n"
			    "  --json             one JSON object a line\n"
			    "  --help, --version\n";

static const char *const outcomes[] = { "done", "aborted", "expired",
	"superseded", "lost", "interrupted", "held", "unfinished", NULL };
static const char *const sources[] = { "device", "requestor", NULL };
static const char *const consistencies[] = { "application", "filesystem",
	"none", NULL };

const char *
options_name(enum option_number number)
{
	return (options[number].name);
}

static bool
is_among(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		/* analyze: an option that has words has an argument. */
		if (strcmp(text, *words) == 0)
			return (true);
	return (false);
}

static bool
take_time(const char *text, int64_t *at_ms)
{
	return (when_time_ms(text, (int64_t)time(NULL) * 1000, at_ms));
}

/* The words that choose transactions. */
static bool
take_filter(struct ctl *ctl, enum option_number number, const char *text)
{
	switch ((int)number) {
	case OPTION_SINCE:
		return (take_time(text, &ctl->since_ms));
	case OPTION_UNTIL:
		return (take_time(text, &ctl->until_ms));
	case OPTION_OUTCOME:
		ctl->outcome = text;
		return (is_among(text, outcomes));
	case OPTION_CONSISTENCY:
		ctl->consistency = text;
		return (is_among(text, consistencies));
	case OPTION_APP:
		/* analyze: it has an argument, so a text. */
		ctl->app = text;
		return (text[0] != '\0');
	case OPTION_SOURCE:
		ctl->source = text;
		return (is_among(text, sources));
	}
	return (false);
}

/* Whether the option has a value that makes sense. */
static bool
take_value(struct ctl *ctl, enum option_number number, const char *text)
{
	int64_t value = text == NULL ? 0 : ctl_number(text);

	switch (number) {
	case OPTION_LIMIT:
		ctl->limit = (unsigned)value;
		return (value > 0 && value <= UINT_MAX);
	case OPTION_HOLD:
		ctl->hold_ms = (uint32_t)value * 1000;
		return (value > 0 && value <= HOLD_S_MAX);
	case OPTION_REPEAT:
		ctl->repeat = (unsigned)value;
		return (value > 0 && value <= UINT_MAX);
	case OPTION_SINCE:
	case OPTION_UNTIL:
	case OPTION_OUTCOME:
	case OPTION_CONSISTENCY:
	case OPTION_APP:
	case OPTION_SOURCE:
		return (take_filter(ctl, number, text));
	case OPTION_WARNING:
		ctl->warning_s = when_duration_s(text);
		return (ctl->warning_s > 0);
	case OPTION_CRITICAL:
		ctl->critical_s = when_duration_s(text);
		return (ctl->critical_s > 0);
	case OPTION_OUTPUT:
		/* analyze: likewise. */
		ctl->output = text;
		return (text[0] != '\0');
	case OPTION_STATS:
		ctl->stats = true;
		break;
	case OPTION_SVG:
		/* analyze: likewise. */
		ctl->svg = text;
		return (text[0] != '\0');
	case OPTION_CONFIG:
		ctl->config = text;
		break;
	case OPTION_DAEMON_CONFIG:
		ctl->daemon_config = text;
		break;
	case OPTION_HOOKS_DIR:
		ctl->hooks_dir = text;
		break;
	case OPTION_RUNTIME_DIR:
		ctl->runtime_dir = text;
		break;
	case OPTION_FS:
		ctl->fs = text;
		break;
	case OPTION_LIVE:
		ctl->live = true;
		break;
	case OPTION_REQUIRE:
		ctl->require_application = true;
		break;
	case OPTION_SOCKET:
		ctl->socket = text;
		break;
	case OPTION_HISTORY:
		ctl->history = text;
		break;
	case OPTION_JSON:
		ctl->json = true;
		break;
	case OPTION_HELP:
	case OPTION_VERSION:
		break;
	}
	return (true);
}

static const char *
environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return (value == NULL || value[0] == '\0' ? otherwise : value);
}

int
options_parse(int argc, char *argv[], struct ctl *ctl, unsigned *given)
{
	int letter, number;

	memset(ctl, 0, sizeof(*ctl));
	ctl->repeat = 1;
	ctl->socket = environment("APPVSS_SOCKET", DEFAULT_SOCKET);
	ctl->history = environment("APPVSS_HISTORY", DEFAULT_HISTORY);
	while ((letter = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		if (letter == '?') {
			fputs("try appvssctl --help\n", stderr);
			return (EX_USAGE);
		}
		number = letter == 'n' ? OPTION_LIMIT : letter - VALUE(0);
		if (!take_value(ctl, (enum option_number)number, optarg))
			return (ctl_usage("--%s does not take: %s",
			    options[number].name, optarg));
		*given |= OPTION_BIT(number);
	}
	ctl->live = ctl->live || strcmp(ctl->history, DEFAULT_HISTORY) == 0;
	return (EX_OK);
}
