/* SPDX-License-Identifier: BSD-2-Clause */
/* See fsdrill.h. */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "fsdrill.h"
#include "kernel/vssdev/protect.h"

#define SOCKET_NAME   "hv_vss_daemon.sock"
#define HOLD_MS	      10000 /* the daemon's own limit of this drill */
#define ANSWER_MS     30000
#define GUARD_WAIT_MS 60000 /* longer than the daemon keeps anything frozen */
#define GUARD_STEP_MS 20

/* -1 with errno. */
static int
connect_daemon(const char *directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, length, saved_errno;

	length = snprintf(address.sun_path, sizeof(address.sun_path),
	    "%s/" SOCKET_NAME, directory);
	if (length < 0 || (size_t)length >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		saved_errno = errno;
		(void)close(fd);
		errno = saved_errno;
		return (-1);
	}
	return (fd);
}

/* Says a line and takes the one that answers; false: there was none in time. */
static bool
ask(int fd, const char *request, char line[FSDRILL_LINE_MAX], int limit_ms)
{
	const size_t length = strlen(request);
	size_t used = 0;

	if (send(fd, request, length, MSG_NOSIGNAL) != (ssize_t)length)
		return (false);
	for (;;) {
		struct pollfd pfd = { fd, POLLIN, 0 };
		ssize_t got;
		char *end;

		if (poll(&pfd, 1, limit_ms) <= 0)
			return (false);
		got = recv(fd, line + used, FSDRILL_LINE_MAX - 1 - used, 0);
		if (got <= 0)
			return (false);
		used += (size_t)got;
		line[used] = '\0';
		end = strchr(line, '\n');
		if (end != NULL) {
			*end = '\0';
			return (true);
		}
		if (used == FSDRILL_LINE_MAX - 1)
			return (false);
	}
}

/* A number of an answer; -1: it is not there. */
static int64_t
number_of(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return (at == NULL ? -1 : strtoll(at + strlen(key), NULL, 10));
}

int
fsdrill_open(struct fsdrill *drill, const struct ctl *ctl)
{
	memset(drill, 0, sizeof(*drill));
	drill->mount = ctl->fs;
	drill->directory = ctl->runtime_dir == NULL ? APPVSS_RUNDIR :
						      ctl->runtime_dir;
	drill->guard_fd = -1;
	drill->freeze_ms = -1;
	drill->frozen_ms = -1;
	drill->fd = -1;
	if (drill->mount[0] != '/' || strpbrk(drill->mount, " \n") != NULL ||
	    strlen(drill->mount) > 200)
		return (ctl_usage("--fs: not the path of a mount: %s",
		    drill->mount));
	drill->fd = connect_daemon(drill->directory);
	if (drill->fd != -1)
		return (EX_OK);
	ctl_warn("hv_vss_daemon in %s: %s%s", drill->directory, strerror(errno),
	    errno == ENOENT || errno == ECONNREFUSED ? " (is it running?)" :
						       "");
	return (errno == EACCES || errno == EPERM ? EX_NOPERM : EX_UNAVAILABLE);
}

/* Does the daemon have anything frozen for a drill? */
static bool
is_drilling(const char *directory)
{
	char line[FSDRILL_LINE_MAX];
	bool drilling = true;
	int fd = connect_daemon(directory);

	if (fd == -1)
		return (false); /* it has gone, and whoever goes thaws */
	if (ask(fd, "STATUS\n", line, ANSWER_MS))
		drilling = strstr(line, " state=drill ") != NULL ||
		    strstr(line, " state=stuck ") != NULL;
	(void)close(fd);
	return (drilling);
}

/*
 * The second process.  An end of the socket pair without a byte means that the
 * first one died: its connection to the daemon has ended with it, but that to
 * appvssd is still open here.
 */
static _Noreturn void
guard(int fd, const char *directory)
{
	const struct timespec step = { 0, GUARD_STEP_MS * 1000000 };
	char byte = 'r';

	(void)setsid();
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)protect_lock_memory();
	(void)!write(fd, &byte, 1);
	if (read(fd, &byte, 1) == 1)
		_exit(0);
	for (int waited_ms = 0; waited_ms < GUARD_WAIT_MS;
	     waited_ms += GUARD_STEP_MS) {
		if (!is_drilling(directory))
			break;
		(void)nanosleep(&step, NULL);
	}
	_exit(0);
}

/* With it comes what has to be in memory before anything is frozen. */
static bool
start_guard(struct fsdrill *drill)
{
	int fds[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return (false);
	drill->guard_pid = fork();
	if (drill->guard_pid == 0) {
		(void)close(fds[0]);
		(void)close(drill->fd);
		guard(fds[1], drill->directory);
	}
	(void)close(fds[1]);
	drill->guard_fd = fds[0];
	(void)protect_lock_memory();
	return (drill->guard_pid != -1 && read(fds[0], &byte, 1) == 1);
}

static void
end_guard(struct fsdrill *drill)
{
	if (drill->guard_fd == -1)
		return;
	(void)!send(drill->guard_fd, "x", 1, MSG_NOSIGNAL);
	(void)close(drill->guard_fd);
	drill->guard_fd = -1;
	if (drill->guard_pid > 0)
		(void)waitpid(drill->guard_pid, NULL, 0);
}

/* What the daemon answered, without its first word. */
static int
fail(struct fsdrill *drill, const char *what, const char *line)
{
	if (strncmp(line, "ERROR ", 6) == 0)
		line += 6;
	snprintf(drill->error, sizeof(drill->error), "%s: %.512s", what, line);
	return (
	    strcmp(line, "reason=busy") == 0 ? EX_TEMPFAIL : EX_UNAVAILABLE);
}

/* Not before it is sure that nothing is frozen. */
static void
await_thaw(struct fsdrill *drill)
{
	const struct timespec step = { 0, GUARD_STEP_MS * 1000000 };

	/* Its end is the daemon's reason to thaw. */
	(void)close(drill->fd);
	drill->fd = -1;
	for (int waited_ms = 0; waited_ms < GUARD_WAIT_MS;
	     waited_ms += GUARD_STEP_MS) {
		if (!is_drilling(drill->directory))
			return;
		(void)nanosleep(&step, NULL);
	}
}

static int
freeze_and_thaw(struct fsdrill *drill)
{
	char request[FSDRILL_LINE_MAX], line[FSDRILL_LINE_MAX] = "no answer";

	snprintf(request, sizeof(request), "FREEZE hold_ms=%d mount=%.200s\n",
	    HOLD_MS, drill->mount);
	if (!ask(drill->fd, request, line, ANSWER_MS)) {
		await_thaw(drill);
		return (fail(drill, "cannot freeze", "no answer"));
	}
	if (strncmp(line, "OK ", 3) != 0)
		return (fail(drill, "cannot freeze", line));
	drill->freeze_ms = number_of(line, " elapsed_ms=");
	if (!ask(drill->fd, "THAW\n", line, ANSWER_MS)) {
		await_thaw(drill);
		return (fail(drill, "not thawed in good order", "no answer"));
	}
	if (strncmp(line, "OK ", 3) != 0) {
		await_thaw(drill);
		return (fail(drill, "not thawed in good order", line));
	}
	drill->frozen_ms = number_of(line, " frozen_ms=");
	return (EX_OK);
}

int
fsdrill_do(struct fsdrill *drill)
{
	int status;

	if (!start_guard(drill)) {
		end_guard(drill);
		return (fail(drill, "cannot freeze", "no second process"));
	}
	status = freeze_and_thaw(drill);
	end_guard(drill);
	(void)munlockall();
	return (status);
}

void
fsdrill_close(struct fsdrill *drill)
{
	end_guard(drill);
	if (drill->fd != -1)
		(void)close(drill->fd);
	drill->fd = -1;
}
