/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command interpreter of hv_vss_sim: see script.h and hv_vss_sim(8).
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "machine.h"
#include "script.h"
#include "sim_wait.h"

#define RAW_MAX		   SIM_HOST_MESSAGE_MAX
#define WAIT_OPENERS_MS	   10000
#define WAIT_OPENERS_MAX   3600000
#define RUN_KILL_GRACE_MS  2000 /* for a command at the end of the program */
#define OPENERS_RECHECK_MS 1000

extern char **environ;

struct command {
	const char *name;
	void (*run)(struct sim_script *script, char *argument);
	bool argument; /* it must have one */
};

__attribute__((format(printf, 2, 3))) static void
complain(struct sim_script *script, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "hv_vss_sim: line %u: ", script->line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	script->failed = true;
}

static bool
stopped(const struct sim_script *script, int timeout_ms)
{
	struct pollfd pfd = { .fd = script->stop_fd, .events = POLLIN };

	return (poll(&pfd, 1, timeout_ms) > 0);
}

/* A whole decimal number in 0..max. */
static bool
parse_number(const char *text, int max, int *value)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 ||
	    number > max)
		return (false);
	*value = (int)number;
	return (true);
}

static void
report(struct sim_script *script, uint64_t id, const char *op)
{
	struct sim_host_reply reply;

	if (!sim_host_wait(script->host, id, script->host_limit_ms, &reply)) {
		sim_host_forget(script->host, id);
		printf("noreply op=%s\n", op);
		script->failed = true;
	} else {
		printf("reply op=%s status=0x%08" PRIx32 " elapsed_ms=%" PRId64
		       ".%03d\n",
		    sim_host_op_name(reply.op), reply.status,
		    reply.elapsed_us / 1000, (int)(reply.elapsed_us % 1000));
		if (reply.fault != NULL)
			complain(script, "bad reply: %s", reply.fault);
		if (reply.status != 0)
			script->failed = true;
	}
	fflush(stdout);
}

static void
ask_and_report(struct sim_script *script, enum sim_host_op op)
{
	uint64_t id;
	int error;

	error = sim_host_ask(script->host, op, &id);
	if (error != 0)
		complain(script, "cannot ask: %s", strerror(error));
	else
		report(script, id, sim_host_op_name(op));
}

static bool
find_op(const char *word, enum sim_host_op *op)
{
	static const struct {
		const char *word;
		enum sim_host_op op;
	} words[] = {
		{ "negotiate", SIM_HOST_NEGOTIATE },
		{ "dm-info", SIM_HOST_DM_INFO },
		{ "check", SIM_HOST_CHECK },
		{ "freeze", SIM_HOST_FREEZE },
		{ "thaw", SIM_HOST_THAW },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, word) == 0) {
			*op = words[i].op;
			return (true);
		}
	return (false);
}

static void
run_async(struct sim_script *script, char *argument)
{
	enum sim_host_op op;
	uint64_t id;
	int error;

	if (!find_op(argument, &op)) {
		complain(script, "async: unknown request \"%s\"", argument);
		return;
	}
	error = sim_host_ask(script->host, op, &id);
	if (error != 0)
		complain(script, "cannot ask: %s", strerror(error));
}

static void
run_wait(struct sim_script *script, char *argument)
{
	uint64_t id;

	(void)argument;
	while ((id = sim_host_oldest(script->host)) != 0)
		report(script, id, "ASYNC");
}

static void
run_raw(struct sim_script *script, char *argument)
{
	uint8_t bytes[RAW_MAX];
	char digits[3] = "";
	size_t length = 0;
	uint64_t id;
	char *p;
	int error;

	for (p = argument; *p != '\0'; p++) {
		if (isspace((unsigned char)*p))
			continue;
		if (!isxdigit((unsigned char)p[0]) ||
		    !isxdigit((unsigned char)p[1]) || length == sizeof(bytes)) {
			complain(script,
			    "raw: pairs of hexadecimal digits, at most %d",
			    RAW_MAX);
			return;
		}
		memcpy(digits, p++, 2);
		bytes[length++] = (uint8_t)strtoul(digits, NULL, 16);
	}
	error = sim_host_ask_raw(script->host, bytes, length, &id);
	if (error != 0)
		complain(script, "cannot ask: %s", strerror(error));
	else
		report(script, id, sim_host_op_name(SIM_HOST_RAW));
}

static void
run_sleep(struct sim_script *script, char *argument)
{
	int ms;

	if (!parse_number(argument, WAIT_OPENERS_MAX, &ms))
		complain(script, "sleep: milliseconds, at most %d",
		    WAIT_OPENERS_MAX);
	else
		(void)stopped(script, ms);
}

/* 0 if it cannot be read. */
static unsigned long
sysctl_number(const struct sim_machine *machine, const char *name)
{
	char text[32];

	if (machine->sysctl_get(name, text, sizeof(text)) != 0)
		return (0);
	return (strtoul(text, NULL, 10));
}

static void
run_wait_openers(struct sim_script *script, char *argument)
{
	const struct sim_machine *machine = script->machine;
	struct sim_deadline deadline;
	int ms = WAIT_OPENERS_MS;
	unsigned long app, fs;
	uint64_t seen;

	if (*argument != '\0' &&
	    !parse_number(argument, WAIT_OPENERS_MAX, &ms)) {
		complain(script, "wait-openers: milliseconds, at most %d",
		    WAIT_OPENERS_MAX);
		return;
	}
	deadline = sim_deadline_after_ms(ms);
	for (;;) {
		seen = machine->changes();
		app = sysctl_number(machine, "app_open");
		fs = sysctl_number(machine, "fs_open");
		if (app != 0 && fs != 0)
			break;
		ms = (int)((deadline.at_ns - sim_now_ns()) / 1000000);
		if (ms <= 0 || stopped(script, 0)) {
			complain(script,
			    "wait-openers: app=%lu fs=%lu after the time given",
			    app, fs);
			return;
		}
		/* Looks at the program's end from time to time. */
		machine->wait_change(seen,
		    ms < OPENERS_RECHECK_MS ? ms : OPENERS_RECHECK_MS);
	}
	printf("openers app=1 fs=1\n");
	fflush(stdout);
}

static void
run_sysctl(struct sim_script *script, char *argument)
{
	char text[256], *equals = strchr(argument, '=');
	int error, value;

	if (equals != NULL) {
		*equals++ = '\0';
		if (!parse_number(equals, INT32_MAX, &value)) {
			complain(script, "sysctl: \"%s\" is not a number",
			    equals);
			return;
		}
		error = script->machine->sysctl_set(argument, value);
		if (error != 0)
			complain(script, "sysctl %s: %s", argument,
			    strerror(error));
		return;
	}
	error = script->machine->sysctl_get(argument, text, sizeof(text));
	if (error != 0) {
		complain(script, "sysctl %s: %s", argument, strerror(error));
		return;
	}
	printf("sysctl %s=%s\n", argument, text);
	fflush(stdout);
}

struct child {
	pid_t pid;
	int status;
	int done_fd; /* closed by the waiting thread when status is valid */
};

static void *
child_wait(void *arg)
{
	struct child *child = arg;

	while (waitpid(child->pid, &child->status, 0) == -1 && errno == EINTR)
		;
	close(child->done_fd);
	return (NULL);
}

/* sh -c command, in a process group of its own, without our input. */
static int
child_spawn(struct child *child, char *command)
{
	char name[] = "sh", option[] = "-c";
	char *argv[] = { name, option, command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t ignored, none;
	int error;

	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes,
	    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
		POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &ignored);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	error = posix_spawn(&child->pid, "/bin/sh", &actions, &attributes, argv,
	    environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return (error);
}

/* Starts command, and the thread that waits for it.  0 or an errno value. */
static int
child_start(struct child *child, char *command, pthread_t *thread)
{
	int error;

	error = child_spawn(child, command);
	if (error != 0)
		return (error);
	error = pthread_create(thread, NULL, child_wait, child);
	if (error != 0) {
		kill(-child->pid, SIGKILL);
		(void)waitpid(child->pid, NULL, 0);
	}
	return (error);
}

static void
run_run(struct sim_script *script, char *argument)
{
	struct child child = { .status = -1 };
	struct pollfd pfds[2];
	pthread_t thread;
	int done_pipe[2], error;

	if (pipe2(done_pipe, O_CLOEXEC) != 0) {
		complain(script, "run: %s", strerror(errno));
		return;
	}
	child.done_fd = done_pipe[1];
	fflush(stdout);
	error = child_start(&child, argument, &thread);
	if (error != 0) {
		complain(script, "run: %s", strerror(error));
		close(done_pipe[0]);
		close(done_pipe[1]);
		return;
	}
	pfds[0] = (struct pollfd) { .fd = done_pipe[0], .events = POLLIN };
	pfds[1] = (struct pollfd) { .fd = script->stop_fd, .events = POLLIN };
	while (poll(pfds, 2, -1) == -1 && errno == EINTR)
		;
	if (pfds[0].revents == 0) {
		/* The program ends: so does the command, one way or another. */
		kill(-child.pid, SIGTERM);
		if (poll(pfds, 1, RUN_KILL_GRACE_MS) == 0)
			kill(-child.pid, SIGKILL);
	}
	pthread_join(thread, NULL);
	close(done_pipe[0]);
	if (WIFSIGNALED(child.status))
		complain(script, "run: killed by signal %d",
		    WTERMSIG(child.status));
	else if (WEXITSTATUS(child.status) != 0)
		complain(script, "run: exit status %d",
		    WEXITSTATUS(child.status));
}

static void
run_quit(struct sim_script *script, char *argument)
{
	(void)argument;
	script->quit = true;
}

static const struct command commands[] = {
	{ "async", run_async, true },
	{ "wait", run_wait, false },
	{ "raw", run_raw, false },
	{ "sleep", run_sleep, true },
	{ "wait-openers", run_wait_openers, false },
	{ "sysctl", run_sysctl, true },
	{ "run", run_run, true },
	{ "quit", run_quit, false },
};

void
sim_script_line(struct sim_script *script, char *line)
{
	enum sim_host_op op;
	char *argument, *end;
	size_t i;

	line += strspn(line, " \t");
	for (end = line + strlen(line);
	     end > line && isspace((unsigned char)end[-1]); end--)
		end[-1] = '\0';
	if (*line == '\0' || *line == '#')
		return;
	argument = line + strcspn(line, " \t");
	if (*argument != '\0')
		*argument++ = '\0';
	argument += strspn(argument, " \t");

	if (find_op(line, &op)) {
		if (*argument != '\0')
			complain(script, "%s takes no argument", line);
		else
			ask_and_report(script, op);
		return;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, line) == 0) {
			if (commands[i].argument && *argument == '\0')
				complain(script, "%s needs an argument", line);
			else
				commands[i].run(script, argument);
			return;
		}
	complain(script, "unknown command \"%s\"", line);
}
