/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's side of its guardian: starts it, tells it what may be frozen,
 * and keeps the list on tmpfs.  See guardian.h; the guardian itself is guard.c.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "guard.h"
#include "kernel/vssdev/passfd.h"
#include "thawlist.h"

#define ANSWER_MS                                                   \
	2000 /* the guardian does nothing else: it is quick, or ill \
	      */
#define STOP_MS 2000

struct guardian {
	pid_t pid;
	int fd;	     /* owned */
	int list_fd; /* owned: holds the lock on the list; or -1 */
	const char *runtime_dir;
};

int
guardian_start(const struct guardian_config *config, struct guardian **out,
    struct why *why)
{
	pid_t daemon_pid = getpid();
	struct guardian *guardian;
	int fds[2];

	*out = NULL;
	guardian = malloc(sizeof(*guardian));
	if (guardian == NULL ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
		why_set(why, NULL, "cannot start the guardian", errno);
		free(guardian);
		return (-1);
	}
	guardian->pid = fork();
	if (guardian->pid == 0) {
		(void)close(fds[0]);
		guard_main(fds[1], config, daemon_pid);
	}
	(void)close(fds[1]);
	if (guardian->pid == -1) {
		why_set(why, NULL, "cannot start the guardian", errno);
		(void)close(fds[0]);
		free(guardian);
		return (-1);
	}
	guardian->fd = fds[0];
	guardian->list_fd = -1;
	guardian->runtime_dir = config->runtime_dir;
	*out = guardian;
	return (guardian_ping(guardian, why));
}

int
guardian_poll_fd(const struct guardian *guardian)
{
	return (guardian->fd);
}

/* Nothing may wait for the guardian without a limit, not even a send. */
static int
wait_ready(const struct guardian *guardian, short events, int timeout_ms)
{
	struct pollfd pfd = { .fd = guardian->fd, .events = events };
	int64_t end_at_ms = clock_now_ms() + timeout_ms;
	int ready;

	do {
		ready = poll(&pfd, 1, clock_timeout_ms(end_at_ms));
	} while (ready == -1 && errno == EINTR);
	if (ready == 0)
		errno = ETIMEDOUT;
	return (ready == 1 ? 0 : -1);
}

/* passed: a descriptor to go along, or -1. */
static int
tell(const struct guardian *guardian, const struct guard_message *message,
    int passed, struct why *why)
{
	union passfd_control control;
	struct guard_message copy = *message;
	struct iovec vector = { .iov_base = &copy, .iov_len = sizeof(copy) };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1 };
	ssize_t sent;

	if (passed != -1)
		passfd_put(&header, &control, passed);
	for (;;) {
		sent = sendmsg(guardian->fd, &header,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent == (ssize_t)sizeof(copy))
			return (0);
		if (errno == EINTR)
			continue;
		if ((errno != EAGAIN && errno != EWOULDBLOCK) ||
		    wait_ready(guardian, POLLOUT, ANSWER_MS) != 0)
			break;
	}
	why_set(why, NULL, "the guardian does not listen", errno);
	return (-1);
}

/*
 * A guardian that does not answer is ended: so the daemon ends as well, and the
 * service manager starts both anew.  No answer can come late.
 */
static int
ask(const struct guardian *guardian, const struct guard_message *message,
    struct why *why)
{
	struct guard_message answer = { 0 };
	ssize_t got = -1;

	if (tell(guardian, message, -1, why) == 0) {
		why_set(why, NULL, "the guardian does not answer", 0);
		if (wait_ready(guardian, POLLIN, ANSWER_MS) == 0)
			got = recv(guardian->fd, &answer, sizeof(answer),
			    MSG_DONTWAIT);
	}
	if (got == (ssize_t)sizeof(answer) && answer.kind == message->kind)
		return (0);
	(void)kill(guardian->pid, SIGKILL);
	return (-1);
}

static int
send_targets(struct guardian *guardian, const struct freeze_target *targets,
    unsigned count, unsigned limit_ms, struct why *why)
{
	struct guard_message message = { .kind = GUARD_BEGIN };
	unsigned i;

	if (tell(guardian, &message, -1, why) != 0)
		return (-1);
	for (i = 0; i < count; i++) {
		message.kind = GUARD_TARGET;
		message.index = i;
		(void)snprintf(message.point, sizeof(message.point), "%s",
		    targets[i].point);
		if (tell(guardian, &message, targets[i].fd, why) != 0)
			return (-1);
	}
	message.kind = GUARD_ARM;
	message.index = count;
	message.number = limit_ms;
	return (ask(guardian, &message, why));
}

static int
remove_list(struct guardian *guardian, struct why *why)
{
	int result;

	result = thawlist_remove(guardian->runtime_dir);
	if (result != 0)
		why_set(why, guardian->runtime_dir,
		    "the list cannot be removed", errno);
	if (guardian->list_fd != -1)
		(void)close(guardian->list_fd);
	guardian->list_fd = -1;
	return (result);
}

int
guardian_arm(struct guardian *guardian, const struct freeze_target *targets,
    unsigned count, unsigned limit_ms, struct why *why)
{
	struct why ignored;

	if (thawlist_write(guardian->runtime_dir, targets, count,
		&guardian->list_fd) != 0) {
		why_set(why, guardian->runtime_dir,
		    errno == EEXIST ?
			"another daemon holds a freeze, or --thaw is due" :
			"the list cannot be written",
		    errno == EEXIST ? 0 : errno);
		return (-1);
	}
	if (send_targets(guardian, targets, count, limit_ms, why) == 0)
		return (0);
	(void)remove_list(guardian, &ignored);
	return (-1);
}

int
guardian_note(struct guardian *guardian, unsigned target, bool may_be_frozen,
    struct why *why)
{
	const struct guard_message message = {
		.kind = may_be_frozen ? GUARD_FREEZING : GUARD_THAWED,
		.index = target,
	};

	return (tell(guardian, &message, -1, why));
}

/*
 * Waits for the answer: only then has it closed its descriptors, and the file
 * systems can be unmounted.
 */
int
guardian_disarm(struct guardian *guardian, struct why *why)
{
	const struct guard_message message = { .kind = GUARD_DISARM };
	int result;

	result = ask(guardian, &message, why);
	if (remove_list(guardian, why) != 0)
		result = -1;
	return (result);
}

int
guardian_ping(struct guardian *guardian, struct why *why)
{
	const struct guard_message message = { .kind = GUARD_PING };

	return (ask(guardian, &message, why));
}

void
guardian_stop(struct guardian *guardian)
{
	int64_t end_at_ms;

	if (guardian == NULL)
		return;
	/* It ends with the socket, after thawing what it believes frozen. */
	(void)close(guardian->fd);
	end_at_ms = clock_now_ms() + STOP_MS;
	while (waitpid(guardian->pid, NULL, WNOHANG) == 0 &&
	    clock_now_ms() < end_at_ms)
		(void)poll(NULL, 0, 5);
	if (guardian->list_fd != -1)
		(void)close(guardian->list_fd);
	free(guardian);
}

int
guardian_thaw_left(const char *runtime_dir, struct thaw_report *report,
    struct why *why)
{
	return (thawlist_thaw(runtime_dir, report, why));
}

int
guardian_left_any(const char *runtime_dir)
{
	return (thawlist_left_any(runtime_dir));
}

int
guardian_check_dir(const char *runtime_dir, struct why *why)
{
	return (thawlist_check_dir(runtime_dir, why));
}
