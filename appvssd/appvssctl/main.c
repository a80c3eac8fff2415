/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl: what an operator asks appvssd, and its history.  The
 * commands are in files of their own.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "appvssd/history_read.h"
#include "commands.h"
#include "ctl.h"
#include "options.h"

/* Of ctl_capture(). */
static char *captured;
static size_t captured_size;

void
ctl_capture(char *buffer, size_t size)
{
	captured = buffer;
	captured_size = size;
}

void
ctl_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (captured != NULL) {
		vsnprintf(captured, captured_size, format, ap);
	} else {
		fputs("appvssctl: ", stderr);
		vfprintf(stderr, format, ap);
		fputc('\n', stderr);
	}
	va_end(ap);
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

/* What is wrong with the call of command; EX_OK: nothing. */
static int
check_call(const struct command *command, unsigned given, int argc,
    char *argv[])
{
	size_t i;

	for (i = 0; i < OPTIONS_OF_COMMANDS; i++) {
		if ((given & ~command->options & OPTION_BIT(i)) != 0)
			return (ctl_usage("--%s is no option of %s",
			    options_name(i), command->name));
	}
	if (argc < command->min)
		return (
		    ctl_usage("%s wants %s", command->name, command->usage));
	if (command->max != -1 && argc > command->max)
		return (ctl_usage("too much: %s", argv[command->max]));
	return (EX_OK);
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

static int
run(const struct ctl *ctl, unsigned given, int argc, char *argv[])
{
	const struct command *command = NULL;
	int status;

	if (argc > 0) {
		command = commands_find(argv[0]);
		if (command == NULL)
			return (ctl_usage("unknown command: %s", argv[0]));
	}
	if ((given & OPTION_BIT(OPTION_VERSION)) != 0) {
		puts("appvssctl " APPVSS_VERSION);
		return (EX_OK);
	}
	if ((given & OPTION_BIT(OPTION_HELP)) != 0) {
		commands_print_help(command);
		return (EX_OK);
	}
	if (command == NULL)
		return (ctl_usage("a command is missing"));
	status = check_call(command, given, argc - 1, argv + 1);
	if (status != EX_OK)
		return (status);
	return (command->run(ctl, argc - 1, argv + 1));
}

/* A plugin of a monitoring system says so in its own way. */
static int
finish_usage(int argc, char *argv[], int status)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (status != EX_USAGE || strcmp(argv[i], "check") != 0)
			continue;
		puts("UNKNOWN: wrong usage");
		return (3);
	}
	return (status);
}

int
main(int argc, char *argv[])
{
	struct ctl ctl;
	unsigned given = 0;
	int status;

	(void)setlocale(LC_ALL, "");
	status = options_parse(argc, argv, &ctl, &given);
	if (status == EX_OK)
		status = run(&ctl, given, argc - optind, argv + optind);
	return (finish(finish_usage(argc, argv, status)));
}
