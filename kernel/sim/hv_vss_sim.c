/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv_vss_sim: the driver in a simulated kernel, with a Hyper-V host that does
 * what it is told on standard input.  See hv_vss_sim(8).
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "host.h"
#include "kernel/hv_snapshot.h"
#include "script.h"
#include "server.h"
#include "sim.h"

#define LINE_MAX_BYTES	 16384
#define LIMIT_MS_DEFAULT 15000
#define HOST_EXTRA_MS	 1000 /* the host is a little more patient */
#define SIM_DEVICES	 2

struct program {
	const char *directory;
	int limit_ms;
	int stop_fd;
	struct vmbus_channel *channel;
	struct sim_device *device;
	struct sim_host *host;
	struct sim_server *servers[SIM_DEVICES];
};

static const char *const device_names[SIM_DEVICES] = { FS_VSS_DEV_NAME,
	APP_VSS_DEV_NAME };

/* What the thread that waits for signals needs. */
struct signal_wait {
	sigset_t signals;
	int stop_fd; /* closed at the first signal */
	struct vmbus_channel *channel;
};

static void
usage(FILE *stream)
{
	fputs("usage: hv_vss_sim -d directory [-l|--limit-ms milliseconds]\n"
	      "       hv_vss_sim -h | --help\n"
	      "Commands on standard input, one a line: negotiate, dm-info,\n"
	      "check, freeze, thaw, raw HEX, async REQUEST, wait,\n"
	      "wait-openers [MS], sleep MS, run COMMAND, sysctl NAME[=VALUE],\n"
	      "quit.\n",
	    stream);
}

static void *
signal_main(void *arg)
{
	struct signal_wait *wait = arg;
	int signo;

	sigwait(&wait->signals, &signo);
	close(wait->stop_fd);
	sim_channel_interrupt(wait->channel);
	return (NULL);
}

/* Blocks the signals in every thread and takes them in one. */
static int
signals_start(struct program *program, struct signal_wait *wait)
{
	pthread_t thread;
	int error, fds[2];

	sigemptyset(&wait->signals);
	sigaddset(&wait->signals, SIGINT);
	sigaddset(&wait->signals, SIGTERM);
	sigaddset(&wait->signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &wait->signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (pipe2(fds, O_CLOEXEC) != 0)
		return (errno);
	program->stop_fd = fds[0];
	wait->stop_fd = fds[1];
	wait->channel = program->channel;
	error = pthread_create(&thread, NULL, signal_main, wait);
	if (error == 0)
		pthread_detach(thread);
	return (error);
}

static int
complain(const char *what, int error)
{
	fprintf(stderr, "hv_vss_sim: %s: %s\n", what, strerror(error));
	return (-1);
}

static int
program_start(struct program *program)
{
	char path[4096];
	int error, i;

	program->host = sim_host_create(program->channel);
	if (program->host == NULL)
		return (complain("host", ENOMEM));
	error = sim_device_attach(sim_driver_hv_appvss, program->channel,
	    &program->device);
	if (error != 0)
		return (complain("attach", error));
	error = sim_sysctl_set("limit_ms", program->limit_ms);
	if (error != 0)
		return (complain("limit", error));
	for (i = 0; i < SIM_DEVICES; i++) {
		snprintf(path, sizeof(path), "%s/%s", program->directory,
		    device_names[i]);
		error = sim_server_start(path, device_names[i],
		    &program->servers[i]);
		if (error != 0)
			return (complain(path, error));
	}
	return (0);
}

/* The driver first: it answers the host, and clients see the device go. */
static void
program_stop(struct program *program)
{
	int i;

	if (program->device != NULL)
		(void)sim_device_detach(program->device);
	for (i = 0; i < SIM_DEVICES; i++)
		if (program->servers[i] != NULL)
			sim_server_stop(program->servers[i]);
	sim_host_destroy(program->host);
}

/*
 * The next line of standard input, without waiting in read(2) where a signal
 * could not be seen.  False at its end, or when the program shall end.
 */
static bool
read_line(struct sim_script *script, char *line)
{
	static char buffer[LINE_MAX_BYTES];
	static size_t used;
	struct pollfd pfds[2];
	char *newline;
	ssize_t got;
	size_t length;

	for (;;) {
		newline = memchr(buffer, '\n', used);
		if (newline != NULL || used == sizeof(buffer))
			break;
		pfds[0] = (struct pollfd) { .fd = STDIN_FILENO,
			.events = POLLIN };
		pfds[1] = (struct pollfd) { .fd = script->stop_fd,
			.events = POLLIN };
		if (poll(pfds, 2, -1) == -1 && errno != EINTR)
			return (false);
		if (pfds[1].revents != 0)
			return (false);
		got = read(STDIN_FILENO, buffer + used, sizeof(buffer) - used);
		if (got == -1 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got <= 0)
			break;
		used += (size_t)got;
	}
	if (used == 0)
		return (false);
	/* A line that is too long is taken in pieces, and not understood. */
	length = newline != NULL ? (size_t)(newline - buffer) : used;
	memcpy(line, buffer, length);
	line[length] = '\0';
	if (newline != NULL)
		length++;
	memmove(buffer, buffer + length, used - length);
	used -= length;
	return (true);
}

static bool
run_script(struct program *program)
{
	static char line[LINE_MAX_BYTES + 1];
	struct sim_script script = { .host = program->host,
		.host_limit_ms = program->limit_ms + HOST_EXTRA_MS,
		.stop_fd = program->stop_fd };
	unsigned strays;

	while (!script.quit && read_line(&script, line)) {
		script.line++;
		sim_script_line(&script, line);
	}
	strays = sim_host_strays(program->host);
	if (strays != 0) {
		fprintf(stderr, "hv_vss_sim: %u replies that no request had\n",
		    strays);
		script.failed = true;
	}
	return (!script.failed);
}

static int
parse_options(struct program *program, int argc, char **argv)
{
	static const struct option options[] = {
		{ "limit-ms", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	char *end;
	long number;
	int option;

	while (
	    (option = getopt_long(argc, argv, "d:l:h", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			program->directory = optarg;
			break;
		case 'l':
			number = strtol(optarg, &end, 10);
			if (*optarg == '\0' || *end != '\0' || number < 100 ||
			    number > 600000) {
				fprintf(stderr,
				    "hv_vss_sim: the limit is 100 to 600000 "
				    "milliseconds\n");
				return (EX_USAGE);
			}
			program->limit_ms = (int)number;
			break;
		case 'h':
			usage(stdout);
			exit(EX_OK);
		default:
			usage(stderr);
			return (EX_USAGE);
		}
	}
	if (program->directory == NULL || optind != argc) {
		usage(stderr);
		return (EX_USAGE);
	}
	return (EX_OK);
}

int
main(int argc, char **argv)
{
	static struct signal_wait wait;
	struct program program = { .limit_ms = LIMIT_MS_DEFAULT };
	bool success = false;
	int status;

	status = parse_options(&program, argc, argv);
	if (status != EX_OK)
		return (status);
	program.channel = sim_channel_create(sim_guid_vss);
	if (program.channel == NULL)
		return (EX_OSERR);
	if (signals_start(&program, &wait) != 0)
		return (EX_OSERR);
	status = EX_UNAVAILABLE;
	if (program_start(&program) == 0) {
		printf("ready\n");
		fflush(stdout);
		success = run_script(&program);
		status = success ? EX_OK : 1;
	}
	program_stop(&program);
	return (status);
}
