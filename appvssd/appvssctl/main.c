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
#define HOLD_S_MAX	86400

/* Options of single commands come first: they are bits of a mask. */
enum option_number {
	OPTION_LIMIT,
	OPTION_LIVE,
	OPTION_HOLD,
	OPTION_REQUIRE,
	OPTION_REPEAT,
	OPTIONS_OF_COMMANDS,
	OPTION_SOCKET = OPTIONS_OF_COMMANDS,
	OPTION_HISTORY,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_VERSION
};

/* getopt_long(3) takes 0 for something else. */
#define VALUE(number) ((number) + 256)
#define BIT(number)   (1u << (number))

static const struct option options[] = {
	{ "limit", required_argument, NULL, VALUE(OPTION_LIMIT) },
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

static const struct command {
	const char *name;
	const char *usage;
	const char *summary;
	const char *help; /* more than the summary, or NULL */
	unsigned options; /* BIT()s */
	int min, max;	  /* arguments; max -1: any number */
	int (*run)(const struct ctl *ctl, int argc, char *argv[]);
} commands[] = {
	{ "status", "", "what appvssd is doing, and its participants", NULL, 0,
	    0, 0, ctl_status },
	{ "history", "[-n N]", "the newest N transactions (20)", NULL,
	    BIT(OPTION_LIMIT), 0, 0, ctl_list },
	{ "show", "ID|last", "one transaction as a timeline", NULL, 0, 1, 1,
	    ctl_show },
	{ "last", "", "the newest freeze", NULL, 0, 0, 0, ctl_last },
	{ "provenance", "[--live]",
	    "what the history says of the disk that it lies on",
	    "--live compares with the running machine, as is done for the\n"
	    "default history anyway.  Exit status 0: captured while held,\n"
	    "application-consistent; 1: not, or nothing can be told.\n",
	    BIT(OPTION_LIVE), 0, 0, ctl_provenance },
	{ "watch", "[-n N]", "every event as it happens, one a line",
	    "Ends after N events, or when appvssd does.\n", BIT(OPTION_LIMIT),
	    0, 0, ctl_watch },
	{ "drill", "[--repeat N] [--hold SECONDS] [--require-application]",
	    "rehearse: freeze and thaw the applications, no file system",
	    "A whole transaction without a host; then its timeline.  Exit\n"
	    "status 0: it went well; 69: it would have been vetoed.\n",
	    BIT(OPTION_REPEAT) | BIT(OPTION_HOLD) | BIT(OPTION_REQUIRE), 0, 0,
	    ctl_drill },
	{ "run", "[--hold SECONDS] [--require-application] -- COMMAND...",
	    "freeze the applications, run COMMAND, thaw them",
	    "Exit status: that of COMMAND; 75 if the hold was lost while it\n"
	    "ran, and what it made must not be used; 69 if nothing could be\n"
	    "frozen and it was not run.  --hold is how long it may take, up to\n"
	    "hold_max_ms of appvssd.conf(5).  Without --require-application it\n"
	    "is run as well if optional participants failed.\n",
	    BIT(OPTION_HOLD) | BIT(OPTION_REQUIRE), 1, -1, ctl_run },
	{ "freeze", "[--hold SECONDS] [--require-application]",
	    "freeze the applications until thaw; prints an ID",
	    "For agents that call one program before and another after their\n"
	    "snapshot.  Only the limit guards it: whoever does not thaw in time\n"
	    "has no snapshot.\n",
	    BIT(OPTION_HOLD) | BIT(OPTION_REQUIRE), 0, 0, ctl_freeze },
	{ "thaw", "ID", "end what freeze began",
	    "Exit status 0: the hold was good until now; 75: it was lost, and\n"
	    "the snapshot must not be used.\n",
	    0, 1, 1, ctl_thaw },
	{ "forget", "NAME", "forget a participant that will not come back",
	    NULL, 0, 1, 1, ctl_forget },
	{ "reload", "", "read the configuration again",
	    "Waits for the end of a transaction that runs.  If anything is\n"
	    "wrong with the configuration, the one before stays.\n",
	    0, 0, 0, ctl_reload },
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static const char options_help[] =
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

int
ctl_usage(const char *format, ...)
{
	va_list ap;

	fputs("appvssctl: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
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

int64_t
ctl_number(const char *text)
{
	char *end;
	intmax_t number;

	errno = 0;
	number = strtoimax(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < 1)
		return (0);
	return (number);
}

static void
print_help(const struct command *command)
{
	size_t i;

	if (command != NULL) {
		printf("usage: appvssctl %s%s%s\n\n  %s\n", command->name,
		    command->usage[0] == '\0' ? "" : " ", command->usage,
		    command->summary);
		if (command->help != NULL)
			printf("\n%s", command->help);
	} else {
		fputs("usage: appvssctl [--socket PATH] [--history FILE] "
		      "[--json] COMMAND\n\n",
		    stdout);
		for (i = 0; i < NCOMMANDS; i++)
			printf("  %-10s %-8s %s\n", commands[i].name,
			    strlen(commands[i].usage) > 8 ? "..." :
							    commands[i].usage,
			    commands[i].summary);
		fputs("\nappvssctl COMMAND --help says more of one.\n", stdout);
	}
	fputs(options_help, stdout);
}

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < NCOMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return (&commands[i]);
	}
	return (NULL);
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

/* What is wrong with the call of command; EX_OK: nothing. */
static int
check_call(const struct command *command, unsigned given, int argc,
    char *argv[])
{
	size_t i;

	for (i = 0; i < OPTIONS_OF_COMMANDS; i++) {
		if ((given & ~command->options & BIT(i)) != 0)
			return (ctl_usage("--%s is no option of %s",
			    options[i].name, command->name));
	}
	if (argc < command->min)
		return (
		    ctl_usage("%s wants %s", command->name, command->usage));
	if (command->max != -1 && argc > command->max)
		return (ctl_usage("too much: %s", argv[command->max]));
	return (EX_OK);
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

/* Fills ctl and the mask of options; EX_OK, or EX_USAGE after a message. */
static int
parse_options(int argc, char *argv[], struct ctl *ctl, unsigned *given)
{
	int letter, number;

	while ((letter = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
		if (letter == '?') {
			fputs("try appvssctl --help\n", stderr);
			return (EX_USAGE);
		}
		number = letter == 'n' ? OPTION_LIMIT : letter - VALUE(0);
		if (!take_value(ctl, (enum option_number)number, optarg))
			return (ctl_usage("--%s: not a number that it takes: "
					  "%s",
			    options[number].name, optarg));
		*given |= BIT(number);
	}
	return (EX_OK);
}

static int
run(const struct ctl *ctl, unsigned given, int argc, char *argv[])
{
	const struct command *command = NULL;
	int status;

	if (argc > 0) {
		command = find_command(argv[0]);
		if (command == NULL)
			return (ctl_usage("unknown command: %s", argv[0]));
	}
	if ((given & BIT(OPTION_VERSION)) != 0) {
		puts("appvssctl " APPVSS_VERSION);
		return (EX_OK);
	}
	if ((given & BIT(OPTION_HELP)) != 0) {
		print_help(command);
		return (EX_OK);
	}
	if (command == NULL)
		return (ctl_usage("a command is missing"));
	status = check_call(command, given, argc - 1, argv + 1);
	if (status != EX_OK)
		return (status);
	return (command->run(ctl, argc - 1, argv + 1));
}

int
main(int argc, char *argv[])
{
	struct ctl ctl = { .repeat = 1 };
	unsigned given = 0;
	int status;

	(void)setlocale(LC_ALL, "");
	ctl.socket = environment("APPVSS_SOCKET", DEFAULT_SOCKET);
	ctl.history = environment("APPVSS_HISTORY", DEFAULT_HISTORY);
	status = parse_options(argc, argv, &ctl, &given);
	if (status != EX_OK)
		return (status);
	ctl.live = ctl.live || strcmp(ctl.history, DEFAULT_HISTORY) == 0;
	return (finish(run(&ctl, given, argc - optind, argv + optind)));
}
