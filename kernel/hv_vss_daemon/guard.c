/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guardian process: see guardian.h and guard.h.  Waits, for messages and
 * for its deadline, and thaws.  Opens nothing, logs nothing while anything may
 * be frozen, and ends only after the daemon, and after the last thaw: it takes
 * no notice of signals that can be ignored.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "clock.h"
#include "guard.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/passfd.h"
#include "kernel/vssdev/protect.h"
#include "thawlist.h"

#define GUARD_NAME	"hv_vss_guardian" /* as ps shows it: 15 bytes */
#define PASS_MS		100
#define NOT_FROZEN_MS	1000  /* that long "not frozen" is not believed */
#define GIVE_UP_MS	60000 /* for errors other than "not frozen" */
#define CONTROL_FDS_MAX 4

struct guard_target {
	struct freeze_target target; /* point is in name */
	char name[GUARD_POINT_MAX];
	bool may_be_frozen;
};

struct guard {
	struct guard_target targets[MOUNTS_FREEZE_MAX];
	unsigned count;
	int fd;
	int64_t deadline_at_ms; /* 0: not armed */
	bool rearmed;
	bool expired;
	const char *runtime_dir;
	pid_t daemon_pid;
};

static void
forget_targets(struct guard *guard)
{
	unsigned i;

	for (i = 0; i < guard->count; i++) {
		if (guard->targets[i].target.fd != -1)
			(void)close(guard->targets[i].target.fd);
	}
	guard->count = 0;
	guard->deadline_at_ms = 0;
	guard->rearmed = false;
	guard->expired = false;
}

static void
add_target(struct guard *guard, const struct guard_message *message, int fd)
{
	struct guard_target *added;

	/* The daemon has the same limit. */
	if (guard->count == MOUNTS_FREEZE_MAX || fd == -1)
		return;
	added = &guard->targets[guard->count++];
	memset(added, 0, sizeof(*added));
	added->target.fd = fd;
	(void)snprintf(added->name, sizeof(added->name), "%s", message->point);
}

/*
 * Once over all that may be frozen, from the last frozen: it may hold the
 * devices of the others.  believe: "not frozen" is final.  True when nothing is
 * left.
 */
static bool
thaw_pass(struct guard *guard, bool believe)
{
	char name[GUARD_POINT_MAX];
	struct guard_target *target;
	bool done = true;
	unsigned i;

	for (i = guard->count; i-- > 0;) {
		target = &guard->targets[i];
		if (!target->may_be_frozen)
			continue;
		if (system_thaw(&target->target) == 0) {
			heldlog(HELDLOG_WARN, "guardian_thawed", "mount=%s",
			    heldlog_quote(target->name, name, sizeof(name)));
			/* The daemon may yet freeze it again, if it lives. */
			target->may_be_frozen = !believe && guard->fd != -1;
		} else if (errno == EINVAL && believe) {
			target->may_be_frozen = false;
		}
		done = done && !target->may_be_frozen;
	}
	return (done);
}

/* The daemon has ended: thaw what it left, and end as well. */
static void __attribute__((noreturn)) finish(struct guard *guard)
{
	int64_t believe_at_ms = clock_now_ms() + NOT_FROZEN_MS;
	int64_t give_up_at_ms = clock_now_ms() + GIVE_UP_MS;
	bool armed = guard->deadline_at_ms != 0 || guard->expired;
	bool done = true;

	(void)close(guard->fd);
	guard->fd = -1;
	while (armed) {
		done = thaw_pass(guard, clock_now_ms() > believe_at_ms);
		if (done || clock_now_ms() > give_up_at_ms)
			break;
		(void)poll(NULL, 0, PASS_MS);
	}
	if (armed && done)
		(void)thawlist_remove_of(guard->runtime_dir, guard->daemon_pid);
	heldlog_hold(false);
	if (armed) {
		heldlog(done ? HELDLOG_WARN : HELDLOG_ERROR, "guardian_ended",
		    "reason=\"the daemon ended while armed\" thawed=%s",
		    done ? "all" : "not_all");
	}
	_exit(done ? 0 : 1);
}

static void
answer(struct guard *guard, const struct guard_message *message)
{
	if (send(guard->fd, message, sizeof(*message), MSG_NOSIGNAL) == -1)
		finish(guard);
}

static void
handle(struct guard *guard, const struct guard_message *message, int fd)
{
	switch ((enum guard_kind)message->kind) {
	case GUARD_BEGIN:
		forget_targets(guard);
		break;
	case GUARD_TARGET:
		add_target(guard, message, fd);
		return;
	case GUARD_ARM:
		guard->deadline_at_ms = clock_now_ms() + message->number +
		    GUARDIAN_GRACE_MS;
		heldlog_hold(true);
		if (guard->count != message->index)
			finish(guard);
		answer(guard, message);
		break;
	case GUARD_FREEZING:
	case GUARD_THAWED:
		if (message->index < guard->count)
			guard->targets[message->index].may_be_frozen =
			    message->kind == GUARD_FREEZING;
		break;
	case GUARD_DISARM:
		forget_targets(guard);
		heldlog_hold(false);
		answer(guard, message);
		break;
	case GUARD_PING:
		answer(guard, message);
		break;
	}
	if (fd != -1)
		(void)close(fd);
}

static void
receive(struct guard *guard)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(CONTROL_FDS_MAX * sizeof(int))];
	} control;
	struct guard_message message;
	struct iovec vector = { .iov_base = &message,
		.iov_len = sizeof(message) };
	struct msghdr header = { .msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	ssize_t got;
	int fd;

	got = recvmsg(guard->fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got != (ssize_t)sizeof(message))
		finish(guard);
	fd = passfd_take(&header);
	message.point[sizeof(message.point) - 1] = '\0';
	handle(guard, &message, fd);
}

/* Late: the machine was paused, see guardian.h. */
static void
handle_deadline(struct guard *guard)
{
	int64_t late_ms = clock_now_ms() - guard->deadline_at_ms;

	if (late_ms < 0)
		return;
	if (!guard->expired && !guard->rearmed && late_ms > LATE_MS) {
		guard->rearmed = true;
		guard->deadline_at_ms = clock_now_ms() + GUARDIAN_REARM_MS;
		return;
	}
	guard->expired = true;
	/* Again and again, until the daemon says that it knows, or ends. */
	(void)thaw_pass(guard, false);
	guard->deadline_at_ms = clock_now_ms() + PASS_MS;
}

/* All but those by which a fault of its own would end it. */
static void
ignore_signals(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT,
		SIGTRAP, SIGSYS };
	const size_t nfaults = sizeof(faults) / sizeof(faults[0]);
	sigset_t none;
	size_t i;
	int number;

	for (number = 1; number < NSIG; number++) {
		for (i = 0; i < nfaults; i++) {
			if (faults[i] == number)
				break;
		}
		if (i == nfaults)
			(void)signal(number, SIG_IGN);
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Whoever waits for the other end of a pipe must not wait for the guardian. */
static void
close_others(int fd, int log_fd)
{
	unsigned first = STDERR_FILENO + 1, keep[2], swap;
	unsigned i;

	keep[0] = (unsigned)fd;
	keep[1] = log_fd > STDERR_FILENO ? (unsigned)log_fd : (unsigned)fd;
	if (keep[0] > keep[1]) {
		swap = keep[0];
		keep[0] = keep[1];
		keep[1] = swap;
	}
	for (i = 0; i < 2; i++) {
		if (keep[i] > first)
			(void)close_range(first, keep[i] - 1, 0);
		first = keep[i] + 1;
	}
	(void)close_range(first, UINT_MAX, 0);
}

void
guard_main(int fd, const struct guardian_config *config, pid_t daemon_pid)
{
	static struct guard guard; /* not on the stack: it is large */
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int ready;

	ignore_signals();
	if (config->log_fd != -1) {
		close_others(fd, config->log_fd);
		heldlog_open(config->log_fd, GUARD_NAME,
		    (enum heldlog_level)config->log_level);
	} else {
		/* Else libc would go on using the closed number. */
		closelog();
		close_others(fd, fd);
		heldlog_open_syslog(GUARD_NAME,
		    (enum heldlog_level)config->log_level);
	}
	(void)prctl(PR_SET_NAME, GUARD_NAME);
	if (protect_lock_memory() != 0) {
		heldlog(HELDLOG_WARN, "memory_not_locked", "error=\"%s\"",
		    strerror(errno));
	}
	guard.fd = fd;
	guard.runtime_dir = config->runtime_dir;
	guard.daemon_pid = daemon_pid;
	for (;;) {
		ready = poll(&pfd, 1, clock_timeout_ms(guard.deadline_at_ms));
		/* Messages first: a thaw that was just told must not expire. */
		if (ready > 0)
			receive(&guard);
		else if (guard.deadline_at_ms != 0)
			handle_deadline(&guard);
	}
}
