/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvss-hooks(8): runs the scripts of vss.d(7) as participants of appvssd(8).
 * This file owns the command line and the runtime directory; supervise.c the
 * parent process, runner.c the one that works.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "frozenlist.h"
#include "hookdir.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/protect.h"
#include "list.h"
#include "options.h"
#include "sdk/appvss.h"
#include "signals.h"
#include "supervise.h"
#include "try.h"

#define DIRECTORY_DEFAULT   APPVSS_SYSCONFDIR "/vss.d"
#define RUNTIME_DIR_DEFAULT APPVSS_RUNDIR "/appvss-hooks"
#define PID_FILE	    "appvss-hooks.pid"
#define LIMIT_MS_MAX	    900000
#define LOCK_WAIT_MS	    2000
#define LOCK_POLL_MS	    20

enum long_option {
	OPTION_DIR = 256,
	OPTION_SOCKET,
	OPTION_RUNTIME_DIR,
	OPTION_FREEZE_MS,
	OPTION_THAW_MS,
	OPTION_LIST,
	OPTION_JSON,
	OPTION_RUN,
	OPTION_FOREGROUND,
	OPTION_DEBUG,
	OPTION_HELP,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, OPTION_DIR },
	{ "socket", required_argument, NULL, OPTION_SOCKET },
	{ "runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR },
	{ "freeze-ms", required_argument, NULL, OPTION_FREEZE_MS },
	{ "thaw-ms", required_argument, NULL, OPTION_THAW_MS },
	{ "list", no_argument, NULL, OPTION_LIST },
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "run", required_argument, NULL, OPTION_RUN },
	{ "foreground", no_argument, NULL, OPTION_FOREGROUND },
	{ "debug", no_argument, NULL, OPTION_DEBUG },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void
print_usage(FILE *stream)
{
	(void)fprintf(stream,
	    "usage: appvss-hooks [--dir DIR] [--socket PATH] "
	    "[--runtime-dir DIR]\n"
	    "                    [--freeze-ms N] [--thaw-ms N] "
	    "[--foreground] [--debug]\n"
	    "       appvss-hooks [--dir DIR] --list [--json]\n"
	    "       appvss-hooks [--dir DIR] [--runtime-dir DIR] "
	    "[--freeze-ms N]\n"
	    "                    [--thaw-ms N] --run {check | freeze | thaw} NAME\n"
	    "       appvss-hooks --help | --version\n");
}

static _Noreturn void
usage(void)
{
	print_usage(stderr);
	exit(EX_USAGE);
}

static uint32_t
parse_ms(const char *option, const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    value < 1 || value > LIMIT_MS_MAX)
		errx(EX_USAGE, "--%s: \"%s\" is not a number from 1 to %d",
		    option, text, LIMIT_MS_MAX);
	return ((uint32_t)value);
}

static const char *
parse_operation(const char *text)
{
	if (strcmp(text, "check") != 0 && strcmp(text, "freeze") != 0 &&
	    strcmp(text, "thaw") != 0)
		errx(EX_USAGE, "--run: \"%s\" is not check, freeze or thaw",
		    text);
	return (text);
}

/* What is left behind the options, and what of it all goes together. */
static void
check_combination(int argc, char **argv, struct options *options)
{
	if (options->operation != NULL && optind == argc) {
		warnx("--run: the name of a script is missing");
		usage();
	}
	if (options->operation != NULL)
		options->name = argv[optind++];
	if (optind != argc) {
		warnx("%s: not understood", argv[optind]);
		usage();
	}
	if ((options->json && !options->list) ||
	    (options->list && options->operation != NULL)) {
		warnx("--json goes with --list, and --list not with --run");
		usage();
	}
}

static void
parse_options(int argc, char **argv, struct options *options)
{
	int option;

	while (
	    (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (option) {
		case OPTION_DIR:
			options->directory = optarg;
			break;
		case OPTION_SOCKET:
			options->socket = optarg;
			break;
		case OPTION_RUNTIME_DIR:
			options->runtime_dir = optarg;
			break;
		case OPTION_FREEZE_MS:
			options->freeze_ms = parse_ms("freeze-ms", optarg);
			break;
		case OPTION_THAW_MS:
			options->thaw_ms = parse_ms("thaw-ms", optarg);
			break;
		case OPTION_LIST:
			options->list = 1;
			break;
		case OPTION_JSON:
			options->json = 1;
			break;
		case OPTION_RUN:
			options->operation = parse_operation(optarg);
			break;
		case OPTION_FOREGROUND:
			options->foreground = 1;
			break;
		case OPTION_DEBUG:
			options->debug = 1;
			break;
		case 'h':
		case OPTION_HELP:
			print_usage(stdout);
			exit(EX_OK);
		case OPTION_VERSION:
			(void)printf("appvss-hooks %s\n", APPVSS_VERSION);
			exit(EX_OK);
		default:
			usage();
		}
	}
	check_combination(argc, argv, options);
}

static int
list(const struct options *options)
{
	static struct hookdir directory;
	const char *path = options->directory;

	if (hookdir_read(&directory, path) == -1)
		err(EX_NOINPUT, "%s", path);
	if (options->json)
		list_print_json(&directory, path);
	else
		list_print(&directory);
	if (ferror(stdout) != 0 || fflush(stdout) != 0)
		err(EX_IOERR, "standard output");
	return (directory.verdict == SCAN_RUN ? EX_OK : EX_CONFIG);
}

static void
make_runtime_dir(const char *path)
{
	struct stat status;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		err(EX_CANTCREAT, "%s", path);
	if (lstat(path, &status) == -1)
		err(EX_OSERR, "%s", path);
	if (!S_ISDIR(status.st_mode))
		errx(EX_CONFIG, "%s: not a directory", path);
	/* Whoever can write there decides which scripts run at what time. */
	if (status.st_uid != geteuid() || (status.st_mode & 022) != 0)
		errx(EX_CONFIG,
		    "%s: must belong to uid %ld and be writable by "
		    "nobody else",
		    path, (long)geteuid());
}

/* The lock keeps a second instance from the list; it ends with both processes.
 */
static int
lock_runtime_dir(const char *path)
{
	char file[PATH_MAX];
	int64_t until_at_ms;
	int fd;

	if ((size_t)snprintf(file, sizeof(file), "%s/%s", path, PID_FILE) >=
	    sizeof(file))
		errx(EX_USAGE, "%s: too long", path);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd == -1)
		err(EX_CANTCREAT, "%s", file);
	/* One that was killed a moment ago has it until it is quite gone. */
	until_at_ms = clock_now_ms() + LOCK_WAIT_MS;
	while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (clock_now_ms() < until_at_ms) {
			(void)poll(NULL, 0, LOCK_POLL_MS);
			continue;
		}
		errx(EX_TEMPFAIL, "%s: another appvss-hooks has it", file);
	}
	return (fd);
}

static void
write_pid(int fd)
{
	char text[16];
	int length;

	length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == -1 || write(fd, text, (size_t)length) != length)
		warn("%s", PID_FILE);
}

/* Leaves the terminal; messages go to the system log from here on. */
static void
go_to_background(const struct options *options)
{
	int fd;

	switch (fork()) {
	case -1:
		err(EX_OSERR, "fork");
	case 0:
		break;
	default:
		_exit(EX_OK);
	}
	(void)setsid();
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd == -1)
		err(EX_OSERR, "/dev/null");
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	(void)close(fd);
	options_open_log(options);
}

static char *
absolute(const char *path)
{
	char *resolved = realpath(path, NULL);

	if (resolved == NULL)
		err(EX_NOINPUT, "%s", path);
	return (resolved);
}

/* The service, until it is told to stop; its exit status. */
static int
serve(const struct options *options)
{
	char quoted[HELDLOG_LINE_MAX / 2];
	int pid_fd;

	pid_fd = lock_runtime_dir(options->runtime_dir);
	options_open_log(options);
	signals_init();
	if (!options->foreground)
		go_to_background(options);
	/* Until recover() knows better: the disk may be frozen. */
	heldlog_hold(true);
	write_pid(pid_fd);
	if (frozenlist_is_in_memory(options->runtime_dir) == 0)
		heldlog(HELDLOG_WARN, "runtime_dir_on_disk",
		    "path=%s reason=\"writing there can hang while file "
		    "systems are frozen; use tmpfs\"",
		    heldlog_quote(options->runtime_dir, quoted,
			sizeof(quoted)));
	return (supervise(options));
}

int
main(int argc, char **argv)
{
	struct options options = { .directory = DIRECTORY_DEFAULT,
		.runtime_dir = RUNTIME_DIR_DEFAULT,
		.freeze_ms = APPVSS_FREEZE_MS_DEFAULT,
		.thaw_ms = APPVSS_THAW_MS_DEFAULT };
	char *directory, *runtime_dir;
	int status;

	if (protect_standard_fds() == -1)
		err(EX_OSERR, "/dev/null");
	parse_options(argc, argv, &options);
	if (options.list)
		return (list(&options));
	(void)umask(022);
	/* Resolved once: the working directory is left behind. */
	options.directory = directory = absolute(options.directory);
	make_runtime_dir(options.runtime_dir);
	options.runtime_dir = runtime_dir = absolute(options.runtime_dir);
	/* For the scripts, see vss.d(7). */
	(void)setenv("APPVSS_RUNTIME_DIR", runtime_dir, 1);
	if (options.socket != NULL && options.socket[0] != '/')
		errx(EX_USAGE, "--socket: not an absolute path");
	if (chdir("/") == -1)
		err(EX_OSERR, "/");
	status = options.operation != NULL ?
	    try_run(&options, options.operation, options.name) :
	    serve(&options);
	free(directory);
	free(runtime_dir);
	return (status);
}
