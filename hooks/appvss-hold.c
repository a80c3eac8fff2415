/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvss-hold(8): lets a freeze script leave a database session behind that
 * holds it until thaw.  This file owns the command line and the path of the
 * socket; holder.c is the process that stays.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "holder.h"
#include "scan.h"

#define DIR_DEFAULT  APPVSS_RUNDIR "/appvss-hooks"
#define READY_MS     4500
#define HOLD_MS	     75000
#define LIMIT_MS_MAX 900000
#define ANSWER_MS    15000 /* more than a holder needs for any end */

enum long_option {
	OPTION_DIR = 256,
	OPTION_USER,
	OPTION_OWNER,
	OPTION_EACH,
	OPTION_READY_MS,
	OPTION_HOLD_MS,
	OPTION_END,
	OPTION_PING,
};

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, OPTION_DIR },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "owner", no_argument, NULL, OPTION_OWNER },
	{ "each", required_argument, NULL, OPTION_EACH },
	{ "ready-ms", required_argument, NULL, OPTION_READY_MS },
	{ "hold-ms", required_argument, NULL, OPTION_HOLD_MS },
	{ "end", required_argument, NULL, OPTION_END },
	{ "ping", required_argument, NULL, OPTION_PING },
	{ NULL, 0, NULL, 0 },
};

static _Noreturn void
usage(void)
{
	(void)fprintf(stderr,
	    "usage: appvss-hold begin [--dir DIR] [--user USER | --owner] "
	    "[--each WORD] ...\n"
	    "                   [--ready-ms N] [--hold-ms N] [--end TEXT] "
	    "[--ping TEXT]\n"
	    "                   NAME COMMAND [ARGUMENT ...] <SCRIPT\n"
	    "       appvss-hold end [--dir DIR] NAME\n"
	    "       appvss-hold run [--user USER | --owner --each FILE] "
	    "COMMAND [ARGUMENT ...]\n");
	exit(EX_USAGE);
}

static int64_t
parse_ms(const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    value < 1 || value > LIMIT_MS_MAX)
		errx(EX_USAGE, "\"%s\" is not a number from 1 to %d", text,
		    LIMIT_MS_MAX);
	return ((int64_t)value);
}

static const char *
default_dir(void)
{
	const char *dir = getenv("APPVSS_RUNTIME_DIR");

	return (dir != NULL && dir[0] == '/' ? dir : DIR_DEFAULT);
}

static void
add_word(struct holder_options *options, const char *word)
{
	if (options->nwords == HOLDER_WORDS_MAX)
		errx(EX_USAGE, "more than %d times --each", HOLDER_WORDS_MAX);
	options->words[options->nwords++] = word;
}

/* Returns the directory of the socket; optind is at the name. */
static const char *
parse_options(int argc, char **argv, struct holder_options *options)
{
	const char *dir = default_dir();
	int option;

	while (
	    (option = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
		switch (option) {
		case OPTION_DIR:
			dir = optarg;
			break;
		case OPTION_USER:
			options->command.user = optarg;
			break;
		case OPTION_OWNER:
			options->command.is_owners = true;
			break;
		case OPTION_EACH:
			add_word(options, optarg);
			break;
		case OPTION_READY_MS:
			options->ready_ms = parse_ms(optarg);
			break;
		case OPTION_HOLD_MS:
			options->hold_ms = parse_ms(optarg);
			break;
		case OPTION_END:
			options->end_text = optarg;
			break;
		case OPTION_PING:
			options->ping_text = optarg;
			break;
		default:
			usage();
		}
	}
	return (dir);
}

static void
set_address(struct sockaddr_un *address, const char *dir, const char *name)
{
	if (!scan_name_ok(name))
		errx(EX_USAGE, "%s: not a name of A-Za-z0-9._-", name);
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if ((size_t)snprintf(address->sun_path, sizeof(address->sun_path),
		"%s/%s.hold", dir, name) >= sizeof(address->sun_path))
		errx(EX_USAGE, "%s/%s.hold: too long", dir, name);
}

/* Connected, or -1 with errno: ENOENT no hold, ECONNREFUSED a dead one. */
static int
connect_holder(const struct sockaddr_un *address)
{
	int error, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		err(EX_OSERR, "socket");
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) ==
	    0)
		return (fd);
	error = errno;
	(void)close(fd);
	errno = error;
	return (-1);
}

static int
listen_at(const struct sockaddr_un *address)
{
	int fd = connect_holder(address);
	mode_t mask;

	if (fd != -1)
		errx(EX_TEMPFAIL, "%s: there is a hold already: end it first",
		    address->sun_path);
	if (errno == ECONNREFUSED)
		(void)unlink(address->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(077);
	if (fd == -1 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) ==
		-1 ||
	    listen(fd, 8) == -1)
		err(EX_CANTCREAT, "%s", address->sun_path);
	(void)umask(mask);
	return (fd);
}

static char *
read_script(void)
{
	char *script = malloc(HOLDSESSION_SCRIPT_MAX);
	size_t used = 0;
	ssize_t length;

	if (script == NULL)
		err(EX_OSERR, "malloc");
	while ((length = read(STDIN_FILENO, script + used,
		    HOLDSESSION_SCRIPT_MAX - used)) > 0) {
		used += (size_t)length;
		if (used == HOLDSESSION_SCRIPT_MAX)
			errx(EX_DATAERR, "the script has %d bytes or more",
			    HOLDSESSION_SCRIPT_MAX);
	}
	if (length == -1)
		err(EX_IOERR, "standard input");
	script[used] = '\0';
	return (script);
}

/* Waits for the holder's word; the exit status. */
static int
await_report(int fd)
{
	char text[HOLDER_REASON_MAX + 1];
	size_t used = 0;
	ssize_t length;

	while ((length = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)length;
	text[used] = '\0';
	if (strcmp(text, "+") == 0)
		return (EX_OK);
	warnx("%s", used == 0 ? "the holder was killed" : text);
	return (EXIT_FAILURE);
}

static int
begin(int argc, char **argv)
{
	struct holder_options options = { .ready_ms = READY_MS,
		.hold_ms = HOLD_MS,
		.end_text = "" };
	struct sockaddr_un address;
	const char *dir = parse_options(argc, argv, &options);
	char *script;
	int listen_fd, report[2];

	if (argc - optind < 2 ||
	    (options.command.is_owners && options.nwords == 0))
		usage();
	options.command.argv = argv + optind + 1;
	options.command.argc = (unsigned)(argc - optind - 1);
	if (options.command.argc > HOLDSESSION_ARGS_MAX)
		usage();
	if (options.nwords == 0)
		add_word(&options, "");
	/* The end of the output tells appvss-hooks of a loss, see vss.d(7). */
	options.keeps_output = getenv("APPVSS_TRANSACTION") != NULL;
	set_address(&address, dir, argv[optind]);
	options.script = script = read_script();
	listen_fd = listen_at(&address);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, report) == -1)
		err(EX_OSERR, "socketpair");
	switch (fork()) {
	case -1:
		(void)unlink(address.sun_path);
		err(EX_OSERR, "fork");
	case 0:
		(void)close(report[0]);
		holder_run(&options, address.sun_path, listen_fd, report[1]);
	default:
		(void)close(report[1]);
		(void)close(listen_fd);
	}
	free(script);
	return (await_report(report[0]));
}

/* Reads the holder's answer to the end; false: none came. */
static bool
read_answer(int fd, char *text, size_t size)
{
	int64_t until_at_ms = clock_now_ms() + ANSWER_MS;
	struct pollfd ready = { fd, POLLIN, 0 };
	ssize_t length = 1;
	size_t used = 0;

	while (length > 0 && clock_now_ms() < until_at_ms) {
		if (poll(&ready, 1, (int)(until_at_ms - clock_now_ms())) <= 0)
			continue;
		length = read(fd, text + used, size - 1 - used);
		if (length > 0)
			used += (size_t)length;
	}
	while (used > 0 && text[used - 1] == '\n')
		used--;
	text[used] = '\0';
	return (used > 0);
}

static int
end(int argc, char **argv)
{
	struct holder_options options = { .ready_ms = 0 };
	char text[HOLDER_REASON_MAX + sizeof(HOLDER_LOST) + 1];
	struct sockaddr_un address;
	const char *dir = parse_options(argc, argv, &options);
	int fd;

	if (argc - optind != 1)
		usage();
	set_address(&address, dir, argv[optind]);
	fd = connect_holder(&address);
	if (fd == -1 && errno == ENOENT)
		return (EX_OK);
	if (fd == -1 && errno != ECONNREFUSED)
		err(EX_UNAVAILABLE, "%s", address.sun_path);
	if (fd == -1 ||
	    send(fd, HOLDER_END, strlen(HOLDER_END), MSG_NOSIGNAL) == -1 ||
	    !read_answer(fd, text, sizeof(text)))
		(void)snprintf(text, sizeof(text), "%s",
		    HOLDER_LOST "its process was killed");
	/* Said once: the next call finds nothing that is held. */
	(void)unlink(address.sun_path);
	if (strcmp(text, "released") == 0)
		return (EX_OK);
	warnx("the hold was %s: the snapshot must not be trusted", text);
	return (EXIT_FAILURE);
}

/* For the one-time commands of a script: the same user as in a hold. */
static int
run(int argc, char **argv)
{
	struct holder_options options = { .ready_ms = 0 };

	(void)parse_options(argc, argv, &options);
	if (argc == optind ||
	    (options.command.is_owners && options.nwords != 1))
		usage();
	holdsession_become(&options.command, options.words[0]);
	(void)execvp(argv[optind], argv + optind);
	err(EX_UNAVAILABLE, "%s", argv[optind]);
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		usage();
	if (strcmp(argv[1], "begin") == 0)
		return (begin(argc - 1, argv + 1));
	if (strcmp(argv[1], "end") == 0)
		return (end(argc - 1, argv + 1));
	if (strcmp(argv[1], "run") == 0)
		return (run(argc - 1, argv + 1));
	usage();
}
