/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl: what an operator asks appvssd, and its history.  Parses the
 * command line; the commands are in files of their own.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "appvssd/history_read.h"
#include "ctl.h"

#define DEFAULT_SOCKET	APPVSS_RUNDIR "/appvss/appvssd.sock"
#define DEFAULT_HISTORY APPVSS_DBDIR "/appvss/history.db"
#define DEFAULT_LIMIT	20

enum {
	OPTION_SOCKET = 256,
	OPTION_HISTORY,
	OPTION_JSON,
	OPTION_LIVE,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option options[] = {
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "history", required_argument, NULL, OPTION_HISTORY },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "live", no_argument, NULL, OPTION_LIVE },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
    "usage: appvssctl [--socket PATH] [--history FILE] [--json] COMMAND\n"
    "\n"
    "  status             what appvssd is doing, and its participants\n"
    "  history [-n N]     the newest N transactions (20)\n"
    "  show ID            one transaction as a timeline\n"
    "  last, show last    the newest freeze\n"
    "  provenance [--live]\n"
    "                     what the history says of the disk that it lies on\n"
    "  forget NAME        forget a participant that will not come back\n"
    "\n"
    "  --socket PATH      default " DEFAULT_SOCKET " (APPVSS_SOCKET)\n"
    "  --history FILE     default " DEFAULT_HISTORY " (APPVSS_HISTORY)\n"
    "  --json             one JSON object a line\n"
    "  --help, --version\n";

void
ctl_warn(const char *format, ...)
{
	va_list ap;

	fputs("appvssctl: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int
usage_error(const char *format, const char *what)
{
	fputs("appvssctl: ", stderr);
	fprintf(stderr, "%s%s", format, what);
	fputs("\ntry appvssctl --help\n", stderr);
	return (EX_USAGE);
}

static int
history_status(int error)
{
	switch ((enum history_error)error) {
	case HISTORY_OK:
		return (EX_OK);
	case HISTORY_E_MISSING:
	case HISTORY_E_NONE:
		return (EX_NOINPUT);
	case HISTORY_E_DENIED:
		return (EX_NOPERM);
	case HISTORY_E_BUSY:
		return (EX_TEMPFAIL);
	case HISTORY_E_FORMAT:
		return (EX_DATAERR);
	case HISTORY_E_SYSTEM:
		return (EX_OSERR);
	}
	return (EX_SOFTWARE);
}

int
ctl_open_history(const struct ctl *ctl, struct history **historyp)
{
	char error[HISTORY_ERROR_SIZE] = "";
	enum history_error result;

	result = history_open(historyp, ctl->history, error);
	if (result != HISTORY_OK)
		ctl_warn("%s: %s", ctl->history, error);
	return (history_status((int)result));
}

int
ctl_history_failed(const struct history *history, int error)
{
	ctl_warn("%s", history_error_text(history));
	return (history_status(error));
}

/* A decimal number from 1 on; 0: it is none. */
static int64_t
parse_number(const char *text)
{
	char *end;
	intmax_t number;

	errno = 0;
	number = strtoimax(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 1)
		return (0);
	return (number);
}

static int
show(const struct ctl *ctl, const char *what)
{
	int64_t id = 0;

	if (strcmp(what, "last") != 0) {
		id = parse_number(what);
		if (id == 0)
			return (usage_error("not a transaction: ", what));
	}
	return (ctl_show(ctl, id));
}

static int
no_argument_command(const char *name, const struct ctl *ctl)
{
	if (strcmp(name, "status") == 0)
		return (ctl_status(ctl));
	if (strcmp(name, "history") == 0)
		return (ctl_list(ctl));
	if (strcmp(name, "last") == 0)
		return (ctl_show(ctl, 0));
	return (ctl_provenance(ctl));
}

struct given {
	bool limit;
	bool live;
};

static int
run_command(const struct ctl *ctl, const struct given *given, int argc,
    char *argv[])
{
	static const struct {
		const char *name;
		const char *argument; /* NULL: takes none */
	} commands[] = {
		{ "status", NULL },
		{ "history", NULL },
		{ "show", "the number of a transaction, or last" },
		{ "last", NULL },
		{ "provenance", NULL },
		{ "forget", "the name of a participant" },
	};
	size_t i = 0;

	if (argc == 0)
		return (usage_error("a command is missing", ""));
	while (i < sizeof(commands) / sizeof(commands[0]) &&
	    strcmp(commands[i].name, argv[0]) != 0)
		i++;
	if (i == sizeof(commands) / sizeof(commands[0]))
		return (usage_error("unknown command: ", argv[0]));
	if (given->limit && strcmp(argv[0], "history") != 0)
		return (usage_error("-n is an option of history", ""));
	if (given->live && strcmp(argv[0], "provenance") != 0)
		return (usage_error("--live is an option of provenance", ""));
	if (commands[i].argument != NULL && argc < 2)
		return (usage_error("it wants ", commands[i].argument));
	if (argc > (commands[i].argument != NULL ? 2 : 1))
		return (usage_error("too much: ", argv[argc - 1]));
	if (strcmp(argv[0], "show") == 0)
		return (show(ctl, argv[1]));
	if (strcmp(argv[0], "forget") == 0)
		return (ctl_forget(ctl, argv[1]));
	return (no_argument_command(argv[0], ctl));
}

static const char *
environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return (value == NULL || value[0] == '\0' ? otherwise : value);
}

/* The result was printed: did it arrive? */
static int
finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ctl_warn("cannot write: %s", strerror(errno));
		return (EX_IOERR);
	}
	return (status);
}

int
main(int argc, char *argv[])
{
	struct ctl ctl = { .limit = DEFAULT_LIMIT };
	struct given given = { false, false };
	int option;

	(void)setlocale(LC_ALL, "");
	ctl.socket = environment("APPVSS_SOCKET", DEFAULT_SOCKET);
	ctl.history = environment("APPVSS_HISTORY", DEFAULT_HISTORY);
	while ((option = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		int64_t number;

		switch (option) {
		case 'n':
			number = parse_number(optarg);
			if (number == 0 || number > UINT_MAX)
				return (usage_error("not a count: ", optarg));
			ctl.limit = (unsigned)number;
			given.limit = true;
			break;
		case OPTION_SOCKET:
			ctl.socket = optarg;
			break;
		case OPTION_HISTORY:
			ctl.history = optarg;
			break;
		case OPTION_JSON:
			ctl.json = true;
			break;
		case OPTION_LIVE:
			given.live = true;
			break;
		case OPTION_HELP:
			fputs(help, stdout);
			return (finish(EX_OK));
		case OPTION_VERSION:
			puts("appvssctl " APPVSS_VERSION);
			return (finish(EX_OK));
		default:
			fputs("try appvssctl --help\n", stderr);
			return (EX_USAGE);
		}
	}
	ctl.live = given.live || strcmp(ctl.history, DEFAULT_HISTORY) == 0;
	return (
	    finish(run_command(&ctl, &given, argc - optind, argv + optind)));
}
