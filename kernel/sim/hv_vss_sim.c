/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv_vss_sim: a Hyper-V host that does what it is told on standard input, and
 * the driver in a simulated kernel, or in that of this machine.  See
 * hv_vss_sim(8).
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

#include "control.h"
#include "host.h"
#include "kernel/hv_appvss_sim/hv_appvss_sim.h"
#include "kernel/hv_snapshot.h"
#include "machine.h"
#include "script.h"
#include "server.h"
#include "sim.h"

#define LINE_MAX_BYTES 16384
#define HOST_EXTRA_MS  1000 /* the host is a little more patient */
#define SIM_DEVICES    2

enum mode {
	MODE_VMBUS,  /* the driver of VMBus, in the simulated kernel */
	MODE_MODULE, /* the module hv_appvss_sim, in the simulated kernel */
	MODE_KERNEL, /* the same, in the kernel of this machine */
};

struct program {
	enum mode mode;
	const char *directory;
	int limit_ms; /* 0: the driver's own */
	int stop_fd;
	const struct sim_machine *machine;
	struct vmbus_channel *channel; /* MODE_VMBUS, as device */
	struct sim_device *device;
	bool loaded;		     /* MODE_MODULE */
	struct sim_control *control; /* but for MODE_VMBUS */
	struct sim_host *host;
	struct sim_server *servers[SIM_DEVICES];
};

static const char *const device_names[SIM_DEVICES] = { FS_VSS_DEV_NAME,
	APP_VSS_DEV_NAME };

/* What the thread that waits for signals needs. */
struct signal_wait {
	sigset_t signals;
	int stop_fd;		       /* closed at the first signal */
	struct vmbus_channel *channel; /* NULL: there is none */
};

static void
usage(FILE *stream)
{
	fputs("usage: hv_vss_sim -d directory [-m|--module] [-l|--limit-ms "
	      "milliseconds]\n"
	      "       hv_vss_sim -k|--kernel [-l|--limit-ms milliseconds]\n"
	      "       hv_vss_sim -h|--help\n"
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
	if (wait->channel != NULL)
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

/* 0 or an errno value, and what failed in *what. */
static int
driver_start(struct program *program, const char **what)
{
	int error = 0;

	*what = "attach";
	switch (program->mode) {
	case MODE_VMBUS:
		return (sim_device_attach(sim_driver_hv_appvss,
		    program->channel, &program->device));
	case MODE_MODULE:
		error = sim_module_load(sim_module_hv_appvss_sim);
		program->loaded = error == 0;
		if (error == 0)
			error = sim_control_open_simulated(program->stop_fd,
			    &program->control);
		break;
	case MODE_KERNEL:
		*what = "/dev/" HV_APPVSS_SIM_NAME;
		error = sim_control_open_kernel(*what, program->stop_fd,
		    &program->control);
		break;
	}
	return (error);
}

static int
host_start(struct program *program)
{
	struct sim_link link;

	if (program->control != NULL) {
		link = sim_control_link(program->control);
		program->host = sim_host_create_link(&link);
	} else {
		program->host = sim_host_create(program->channel);
	}
	return (program->host != NULL ? 0 : ENOMEM);
}

/* Sets the driver's limit, or asks what it is. */
static int
limit_start(struct program *program)
{
	char text[32];
	int error;

	if (program->limit_ms != 0)
		return (program->machine->sysctl_set("limit_ms",
		    program->limit_ms));
	error = program->machine->sysctl_get("limit_ms", text, sizeof(text));
	if (error == 0)
		program->limit_ms = (int)strtol(text, NULL, 10);
	return (error);
}

static int
program_start(struct program *program)
{
	const char *what;
	char path[4096];
	int error, i;

	error = driver_start(program, &what);
	if (error != 0)
		return (complain(what, error));
	error = host_start(program);
	if (error != 0)
		return (complain("host", error));
	error = limit_start(program);
	if (error != 0)
		return (complain("limit", error));
	for (i = 0; program->mode != MODE_KERNEL && i < SIM_DEVICES; i++) {
		snprintf(path, sizeof(path), "%s/%s", program->directory,
		    device_names[i]);
		error = sim_server_start(path, device_names[i],
		    &program->servers[i]);
		if (error != 0)
			return (complain(path, error));
	}
	return (0);
}

/*
 * The driver first: it answers the host, and clients see the device go.  A
 * driver that stays, in a real kernel, thaws at the close.
 */
static void
program_stop(struct program *program)
{
	int i;

	if (program->device != NULL)
		(void)sim_device_detach(program->device);
	if (program->loaded)
		(void)sim_module_unload(sim_module_hv_appvss_sim);
	if (program->control != NULL)
		sim_control_close(program->control);
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
		.machine = program->machine,
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
		{ "kernel", no_argument, NULL, 'k' },
		{ "limit-ms", required_argument, NULL, 'l' },
		{ "module", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	char *end;
	long number;
	int option;

	while ((option = getopt_long(argc, argv, "d:hkl:m", options, NULL)) !=
	    -1) {
		switch (option) {
		case 'd':
			program->directory = optarg;
			break;
		case 'k':
			program->mode = MODE_KERNEL;
			break;
		case 'm':
			program->mode = MODE_MODULE;
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
	if ((program->directory == NULL) != (program->mode == MODE_KERNEL) ||
	    optind != argc) {
		usage(stderr);
		return (EX_USAGE);
	}
	return (EX_OK);
}

int
main(int argc, char **argv)
{
	static struct signal_wait wait;
	struct program program = { .machine = &sim_machine_simulated };
	bool success = false;
	int status;

	status = parse_options(&program, argc, argv);
	if (status != EX_OK)
		return (status);
	if (program.mode == MODE_KERNEL)
		program.machine = &sim_machine_kernel;
	if (program.mode == MODE_VMBUS) {
		program.channel = sim_channel_create(sim_guid_vss);
		if (program.channel == NULL)
			return (EX_OSERR);
	}
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
