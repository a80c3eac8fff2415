/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssd(8): options, configuration, becoming a daemon.  Everything that a
 * person can get wrong is found here, while standard error is still theirs.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

#include "config.h"
#include "kernel/vssdev/heldlog.h"
#include "parent.h"

#define START_TIMEOUT_MS 30000

enum option_letter {
	OPT_CONFIG = 256,
	OPT_FOREGROUND,
	OPT_DEVICE,
	OPT_SOCKET,
	OPT_HISTORY,
	OPT_CHECK_CONFIG,
	OPT_HELP,
	OPT_VERSION,
	OPT_DEBUG,
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "foreground", no_argument, NULL, OPT_FOREGROUND },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "history", required_argument, NULL, OPT_HISTORY },
	{ "check-config", no_argument, NULL, OPT_CHECK_CONFIG },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "debug", no_argument, NULL, OPT_DEBUG },
	{ NULL, 0, NULL, 0 },
};

static const char usage_text[] =
    "usage: appvssd [--config FILE] [--foreground] [--device PATH|none]\n"
    "               [--socket PATH] [--history PATH] [--debug]\n"
    "       appvssd --check-config [--config FILE] [--foreground]\n"
    "       appvssd --help | --version\n";

struct options {
	struct config_source source;
	bool check_only;
};

static void
complain(void *arg, const char *text)
{
	(void)arg;
	warnx("%s", text);
}

static void __attribute__((noreturn)) usage(void)
{
	(void)fputs(usage_text, stderr);
	exit(EX_USAGE);
}

static const char *
argument(const char *option)
{
	if (optarg[0] == '\0')
		errx(EX_USAGE, "--%s: the argument is empty", option);
	return (optarg);
}

/* True: go on.  False: what was asked for was printed. */
static bool
parse_options(int argc, char **argv, struct options *options)
{
	struct config_source *source = &options->source;
	int letter;

	while (
	    (letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (letter == OPT_CONFIG)
			source->path = optarg;
		else if (letter == OPT_FOREGROUND)
			source->foreground = true;
		else if (letter == OPT_DEVICE)
			source->device = argument("device");
		else if (letter == OPT_SOCKET)
			source->socket = argument("socket");
		else if (letter == OPT_HISTORY)
			source->history = argument("history");
		else if (letter == OPT_CHECK_CONFIG)
			options->check_only = true;
		else if (letter == OPT_DEBUG)
			source->debug = true;
		else if (letter == OPT_HELP) {
			(void)fputs(usage_text, stdout);
			return (false);
		} else if (letter == OPT_VERSION) {
			(void)printf("appvssd %s\n", APPVSS_VERSION);
			return (false);
		} else
			usage();
	}
	if (optind != argc) {
		warnx("%s: not understood", argv[optind]);
		usage();
	}
	return (true);
}

static void
load_config(struct config *config, const struct config_source *source)
{
	const struct config_complaints complaints = { complain, NULL };

	if (config_read(config, source, &complaints) != 0)
		exit(EX_CONFIG);
}

/* What we were started with is not the children's business. */
static void
clean_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd == -1)
			err(EX_OSERR, "/dev/null");
	} while (fd <= STDERR_FILENO);
	closefrom(STDERR_FILENO + 1);
}

/* In the process that the caller started: 0 once the broker listens. */
static int
wait_until_ready(int ready_fd)
{
	struct pollfd pfd = { .fd = ready_fd, .events = POLLIN };
	char byte;

	if (poll(&pfd, 1, START_TIMEOUT_MS) == 0) {
		warnx("not ready after %d s; still starting",
		    START_TIMEOUT_MS / 1000);
		return (EX_TEMPFAIL);
	}
	if (read(ready_fd, &byte, 1) == 1)
		return (0);
	warnx("could not start: see the log");
	return (EX_SOFTWARE);
}

/* Returns in the daemon only, with the descriptor to report to. */
static int
become_daemon(void)
{
	int fds[2], null_fd;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		err(EX_OSERR, "pipe");
	pid = fork();
	if (pid == -1)
		err(EX_OSERR, "fork");
	if (pid != 0) {
		(void)close(fds[1]);
		/* The socket and its clean-up are the daemon's now. */
		_exit(wait_until_ready(fds[0]));
	}
	(void)close(fds[0]);
	(void)setsid();
	if (chdir("/") == -1)
		err(EX_OSERR, "/");
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd != -1) {
		(void)dup2(null_fd, STDIN_FILENO);
		(void)dup2(null_fd, STDOUT_FILENO);
		(void)dup2(null_fd, STDERR_FILENO);
		(void)close(null_fd);
	}
	return (fds[1]);
}

/* Beside the socket: on a file system that is not frozen. */
static void
pidfile_path(const struct config *config, char *path, size_t size)
{
	char directory[PATH_MAX];

	parent_dirname(config->socket_path, directory, sizeof(directory));
	(void)snprintf(path, size, "%s/appvssd.pid", directory);
}

/* Whom the children run as, and what depends on it. */
static int
find_account(struct config *config, struct parent_account *account)
{
	const int status = parent_find_account(config, account);

	if (status == 0 &&
	    config_default_access(config, account->socket_gid) != 0)
		err(EX_OSERR, "access");
	return (status);
}

static int
run(struct config *config, const struct config_source *source)
{
	char pidfile[PATH_MAX + 16];
	struct parent parent;
	int status;

	memset(&parent, 0, sizeof(parent));
	parent.config = config;
	parent.source = source;
	parent.ready_fd = -1;
	status = find_account(config, &parent.account);
	if (status == 0)
		status = parent_log_open(&parent.log, config);
	if (status == 0)
		status = parent_make_history_dir(config, &parent.account);
	if (status == 0)
		status = parent_trust_history(config, &parent.account);
	if (status == 0)
		status = parent_socket_open(config, &parent.account,
		    &parent.socket);
	if (status != 0)
		return (status);
	pidfile_path(config, pidfile, sizeof(pidfile));
	if (!config->foreground) {
		parent.ready_fd = become_daemon();
		if (parent_write_pidfile(pidfile) != 0)
			warn("%s", pidfile);
	}
	/* Now: becoming a daemon changes it. */
	if (parent_socket_note_pid(&parent.socket) != 0)
		warn("%s.lock", config->socket_path);
	status = parent_run(&parent);
	if (!config->foreground)
		(void)unlink(pidfile);
	parent_socket_close(&parent.socket);
	heldlog(status == 0 ? HELDLOG_INFO : HELDLOG_ERROR, "stopped",
	    "status=%d", status);
	parent_log_close(&parent.log);
	return (status);
}

/* What is printed can be read back as a configuration. */
static int
check_only(struct config *config)
{
	struct parent_account account;
	int status;

	status = find_account(config, &account);
	if (status != 0)
		return (status);
	(void)printf("# the configuration is good\n");
	if (config_print(config, stdout) != 0)
		err(EX_IOERR, "standard output");
	return (0);
}

int
main(int argc, char **argv)
{
	struct options options = { 0 };
	struct config config;
	int status;

	if (!parse_options(argc, argv, &options))
		return (0);
	clean_descriptors();
	(void)umask(022);
	load_config(&config, &options.source);
	status = options.check_only ? check_only(&config) :
				      run(&config, &options.source);
	config_fini(&config);
	return (status);
}
