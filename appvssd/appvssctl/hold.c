/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssctl run, freeze and thaw.  If appvssctl dies while a command runs, its
 * connection ends, and appvssd thaws.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "request.h"
#include "text.h"

/* Signal flags: what came, and the pipe that wakes the loop. */
static volatile sig_atomic_t stop_signal;
static int wake_fds[2] = { -1, -1 };

static void
on_signal(int number)
{
	int saved_errno = errno;

	if (number != SIGCHLD)
		stop_signal = number;
	(void)!write(wake_fds[1], "", 1);
	errno = saved_errno;
}

static const int caught[] = { SIGCHLD, SIGINT, SIGTERM, SIGHUP };
#define NCAUGHT (sizeof(caught) / sizeof(caught[0]))

/* Whom nohup(1) or a shell has made deaf stays so, and the command with it. */
static bool
is_ignored(int number)
{
	struct sigaction action;

	return (sigaction(number, NULL, &action) == 0 &&
	    action.sa_handler == SIG_IGN);
}

static int
catch_signals(void)
{
	struct sigaction action;
	size_t i;

	if (pipe2(wake_fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		ctl_warn("pipe: %s", strerror(errno));
		return (EX_OSERR);
	}
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	(void)sigfillset(&action.sa_mask);
	for (i = 0; i < NCAUGHT; i++) {
		if (caught[i] == SIGCHLD || !is_ignored(caught[i]))
			(void)sigaction(caught[i], &action, NULL);
	}
	return (EX_OK);
}

/* What comes for the command before it has its own handlers, waits for them. */
static pid_t
start_command(char *argv[])
{
	sigset_t all, saved;
	pid_t pid;
	size_t i;
	int error;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &saved);
	pid = fork();
	if (pid != 0)
		(void)sigprocmask(SIG_SETMASK, &saved, NULL);
	if (pid == -1)
		ctl_warn("fork: %s", strerror(errno));
	if (pid != 0)
		return (pid);
	for (i = 0; i < NCAUGHT; i++) {
		if (!is_ignored(caught[i]))
			(void)signal(caught[i], SIG_DFL);
	}
	(void)sigprocmask(SIG_SETMASK, &saved, NULL);
	(void)execvp(argv[0], argv);
	error = errno;
	ctl_warn("%s: %s", argv[0], strerror(error));
	_exit(error == ENOENT ? 127 : 126);
}

static void
drain_wakes(void)
{
	char bytes[64];

	while (read(wake_fds[0], bytes, sizeof(bytes)) > 0)
		;
}

/*
 * Waits for the command, and watches the hold meanwhile: it is said at once if
 * that is lost.  The command is not ended: nobody knows what it would leave.
 * False: appvssd has gone.
 */
static bool
await_command(struct request *request, pid_t pid, int *wstatus)
{
	bool there = true;

	for (;;) {
		struct pollfd fds[] = { { wake_fds[0], POLLIN, 0 },
			{ there ? request->client.fd : -1, POLLIN, 0 } };

		(void)poll(fds, 2, -1);
		drain_wakes();
		/* ^C reaches the command by itself; others are passed on. */
		if (stop_signal != 0 && stop_signal != SIGINT)
			(void)kill(pid, stop_signal);
		stop_signal = 0;
		if (there && fds[1].revents != 0 &&
		    request_look(request) != EX_OK)
			there = false;
		if (waitpid(pid, wstatus, WNOHANG) == pid)
			return (there);
	}
}

static int
status_of(int wstatus)
{
	return (WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) :
				     128 + WTERMSIG(wstatus));
}

static int
run_held(struct request *request, char *argv[])
{
	int status, wstatus = 0;
	bool there;
	pid_t pid;

	pid = start_command(argv);
	if (pid == -1) {
		(void)request_thaw(request);
		return (EX_OSERR);
	}
	there = await_command(request, pid, &wstatus);
	status = there ? request_thaw(request) : EX_TEMPFAIL;
	if (status == EX_OK && !request->lost)
		return (status_of(wstatus));
	ctl_warn("what %s made must not be used (its status was %d)", argv[0],
	    status_of(wstatus));
	return (EX_TEMPFAIL);
}

int
ctl_run(const struct ctl *ctl, int argc, char *argv[])
{
	struct request request;
	int status;

	(void)argc;
	/* Up to here a signal ends this program, and the freeze with it. */
	status = request_freeze(ctl, &request, REQUEST_HELD);
	if (status != EX_OK)
		return (status);
	status = request_is_too_little(ctl, &request) ? EX_UNAVAILABLE :
							catch_signals();
	if (status != EX_OK)
		(void)request_thaw(&request);
	else
		status = run_held(&request, argv);
	request_close(&request);
	return (status);
}

int
ctl_freeze(const struct ctl *ctl, int argc, char *argv[])
{
	struct text_json json;
	struct request request;
	int status;

	(void)argc;
	(void)argv;
	status = request_freeze(ctl, &request, REQUEST_DETACHED);
	if (status != EX_OK)
		return (status);
	if (request_is_too_little(ctl, &request)) {
		(void)request_thaw(&request);
		request_close(&request);
		return (EX_UNAVAILABLE);
	}
	if (ctl->json) {
		text_json_begin(&json);
		text_json_uint(&json, "id", request.id);
		text_json_string(&json, "consistency", request.consistency);
		text_json_uint(&json, "hold_ms", request.hold_ms);
		text_json_end(&json);
	} else {
		printf("%" PRIu64 "\n", request.id);
	}
	request_close(&request);
	return (EX_OK);
}

int
ctl_thaw(const struct ctl *ctl, int argc, char *argv[])
{
	struct request request = { .id = 0 };
	struct text_json json;
	int status;

	(void)argc;
	request.id = (uint64_t)ctl_number(argv[0]);
	if (request.id == 0)
		return (
		    ctl_usage("not the number of a transaction: %s", argv[0]));
	status = client_open(&request.client, ctl->socket, NULL);
	if (status != EX_OK)
		return (status);
	status = request_thaw(&request);
	request_close(&request);
	if (request.consistency[0] == '\0')
		return (status);
	if (ctl->json) {
		text_json_begin(&json);
		text_json_uint(&json, "id", request.id);
		text_json_string(&json, "outcome", request.outcome);
		text_json_string(&json, "consistency", request.consistency);
		text_json_string(&json, "reason", request.code);
		text_json_end(&json);
	} else {
		printf("transaction %" PRIu64 ": %s, consistency %s\n",
		    request.id, request.outcome, request.consistency);
	}
	return (status);
}
