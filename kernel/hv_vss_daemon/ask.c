/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks the running daemon: see ask.h.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ask.h"
#include "clock.h"
#include "control.h"
#include "kernel/vssdev/protect.h"

#define ANSWER_MS      30000
#define DRILL_EXTRA_MS 2000 /* the daemon's own limit comes so much later */

struct line {
	char *text; /* owned by getline */
	size_t size;
};

static FILE *
open_control(const char *runtime_dir)
{
	struct sockaddr_un address;
	FILE *stream;
	int fd;

	if (control_address(runtime_dir, &address) != 0)
		err(EX_NOINPUT, "%s", runtime_dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		err(EX_OSERR, "socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			errx(EX_UNAVAILABLE, "%s: no daemon is there",
			    address.sun_path);
		err(errno == EACCES || errno == EPERM ? EX_NOPERM :
							EX_UNAVAILABLE,
		    "%s", address.sun_path);
	}
	stream = fdopen(fd, "r+");
	if (stream == NULL)
		err(EX_OSERR, "fdopen");
	/* Waits for the start of each answer; a line comes as a whole. */
	(void)setvbuf(stream, NULL, _IOFBF, CONTROL_ANSWER_BYTES);
	return (stream);
}

static void
ask(FILE *stream, const char *request)
{
	struct pollfd pfd = { .fd = fileno(stream), .events = POLLIN };
	size_t length = strlen(request);

	/* Fits into the socket's buffer. */
	if (send(fileno(stream), request, length, MSG_NOSIGNAL) !=
	    (ssize_t)length)
		err(EX_IOERR, "the daemon does not listen");
	if (poll(&pfd, 1, ANSWER_MS) == 0)
		errx(EX_TEMPFAIL, "the daemon does not answer");
}

/* The next line, without its end, which the caller does not free. */
static char *
read_line(FILE *stream, struct line *line)
{
	ssize_t length;

	length = getline(&line->text, &line->size, stream);
	if (length <= 0)
		errx(EX_UNAVAILABLE, "the daemon has ended the connection");
	line->text[strcspn(line->text, "\n")] = '\0';
	return (line->text);
}

/* What follows the word; NULL if the line does not begin with it. */
static char *
after(char *text, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(text, word, length) != 0)
		return (NULL);
	return (text[length] == ' ' ? text + length + 1 : NULL);
}

static int
fail(char *text)
{
	char *reason = after(text, "ERROR");

	warnx("%s", reason == NULL ? text : reason);
	return (reason != NULL && strcmp(reason, "reason=busy") == 0 ?
		EX_TEMPFAIL :
		EX_UNAVAILABLE);
}

/* One pair a line; a space within quotes is not an end. */
static void
print_pairs(const char *text)
{
	bool quoted = false;

	for (; *text != '\0'; text++) {
		if (*text == '"')
			quoted = !quoted;
		(void)putchar(*text == ' ' && !quoted ? '\n' : *text);
	}
	(void)putchar('\n');
}

int
ask_status(const char *runtime_dir)
{
	FILE *stream = open_control(runtime_dir);
	struct line line = { NULL, 0 };
	char *pairs, *text;
	int status = EX_OK;

	ask(stream, "STATUS\n");
	text = read_line(stream, &line);
	pairs = after(text, "OK");
	if (pairs != NULL)
		print_pairs(pairs);
	else
		status = fail(text);
	free(line.text);
	(void)fclose(stream);
	return (status);
}

int
ask_mounts(const char *runtime_dir)
{
	FILE *stream = open_control(runtime_dir);
	struct line line = { NULL, 0 };
	char *pairs, *text;
	int status = EX_OK;

	ask(stream, "MOUNTS\n");
	for (;;) {
		text = read_line(stream, &line);
		pairs = after(text, "ITEM");
		if (pairs == NULL)
			break;
		(void)printf("%s\n", pairs);
	}
	if (after(text, "OK") == NULL)
		status = fail(text);
	free(line.text);
	(void)fclose(stream);
	return (status);
}

/* Freezes, waits, thaws; the answers' pairs go to freeze and thaw. */
static int
drill(FILE *stream, unsigned drill_ms, struct line *freeze, struct line *thaw)
{
	struct pollfd pfd = { .fd = fileno(stream), .events = POLLIN };
	char request[64];
	char *text;

	(void)snprintf(request, sizeof(request), "FREEZE hold_ms=%u\n",
	    drill_ms + DRILL_EXTRA_MS);
	ask(stream, request);
	text = read_line(stream, freeze);
	if (after(text, "OK") == NULL)
		return (fail(text));
	/* If the connection ends, so has the drill. */
	(void)poll(&pfd, 1, (int)drill_ms);
	ask(stream, "THAW\n");
	text = read_line(stream, thaw);
	if (strcmp(text, "ERROR reason=no_drill") == 0) {
		warnx("the drill has ended before its time: by the limit while "
		      "frozen, or by another's THAW");
		return (EX_UNAVAILABLE);
	}
	if (after(text, "OK") == NULL)
		return (fail(text));
	return (EX_OK);
}

int
ask_drill(const char *runtime_dir, unsigned drill_ms)
{
	FILE *stream = open_control(runtime_dir);
	struct line freeze = { NULL, 0 }, thaw = { NULL, 0 };
	int status;

	/* This program's own pages may be on what is frozen. */
	(void)protect_lock_memory();
	status = drill(stream, drill_ms, &freeze, &thaw);
	if (status == EX_OK) {
		(void)printf("freeze: %s\n", after(freeze.text, "OK"));
		(void)printf("thaw: %s\n", after(thaw.text, "OK"));
	}
	free(freeze.text);
	free(thaw.text);
	(void)fclose(stream);
	return (status);
}
