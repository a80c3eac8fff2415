/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parent's loop: one poll(2) over signals, the broker's channel and
 * deadlines.  Nothing is waited for without a deadline, except what opening a
 * device or writing a log line on a frozen disk costs: see parent.h.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "kernel/vssdev/clock.h"
#include "kernel/vssdev/heldlog.h"
#include "parent.h"
#include "privsep.h"

#define BROKER_STOP_MS	   30000 /* to thaw everybody */
#define BROKER_CLOSED_MS   5000	 /* from the end of its channel to its own */
#define KILL_MS		   5000	 /* a killed broker may sleep on a disk */
#define HISTORY_LEAVING_MS 2000	 /* before the next broker starts */
#define HISTORY_STOP_MS	   5000
#define HISTORY_SLOW_MS	   60000 /* after EX_CONFIG: only a person helps */
#define RESTART_FIRST_MS   100
#define RESTART_MAX_MS	   10000
#define RESTART_GOOD_MS	   10000
#define DEVICE_MAX_MS	   5000
#define RETRY_SEND_MS	   100

static volatile sig_atomic_t stop_signal;
static volatile sig_atomic_t hangup_seen;
static int signal_write_fd = -1; /* for the handler */

static void
on_signal(int number)
{
	int saved_errno = errno;

	if (number == SIGTERM || number == SIGINT)
		stop_signal = number;
	else if (number == SIGHUP)
		hangup_seen = 1;
	/* Full means that there is something to read already. */
	(void)!write(signal_write_fd, "", 1);
	errno = saved_errno;
}

static int
catch_signals(struct parent *parent)
{
	static const int numbers[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	struct sigaction action;
	sigset_t none;
	size_t i;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return (-1);
	parent->wake_fd = fds[0];
	parent->wake_write_fd = fds[1];
	signal_write_fd = fds[1];
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART;
	(void)sigfillset(&action.sa_mask);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (sigaction(numbers[i], &action, NULL) != 0)
			return (-1);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	/* Whoever started us may have left them blocked. */
	(void)sigemptyset(&none);
	return (sigprocmask(SIG_SETMASK, &none, NULL));
}

static void
tell_ready(struct parent *parent)
{
	if (parent->ready_fd == -1)
		return;
	(void)!write(parent->ready_fd, "", 1);
	(void)close(parent->ready_fd);
	parent->ready_fd = -1;
}

static void
close_broker_channel(struct parent *parent)
{
	if (parent->broker_fd == -1)
		return;
	(void)close(parent->broker_fd);
	parent->broker_fd = -1;
}

static void
kill_broker(struct parent *parent, const char *why)
{
	/* It has ended, and its number may be somebody else's. */
	if (parent->broker.pid == 0)
		return;
	/* Before the line about it, which may have to wait for a disk. */
	(void)kill(parent->broker.pid, SIGKILL);
	parent->broker_killed = true;
	parent->kill_at_ms = clock_now_ms() + KILL_MS;
	heldlog(HELDLOG_ERROR, "broker_kill", "broker_pid=%ld reason=%s",
	    (long)parent->broker.pid, why);
}

static void
take_message(struct parent *parent, const struct privsep_msg *msg)
{
	switch ((enum privsep_type)msg->type) {
	case PRIVSEP_WANT_DEVICE:
		parent_want_device(parent, clock_now_ms());
		return;
	case PRIVSEP_LISTENING:
		heldlog(HELDLOG_INFO, "ready", "broker_pid=%ld",
		    (long)parent->broker.pid);
		parent->broker_listens = true;
		tell_ready(parent);
		return;
	case PRIVSEP_FINISHED:
		parent->broker_finished = true;
		return;
	case PRIVSEP_WANT_CONFIG:
		parent_reload(parent, msg->serial);
		return;
	case PRIVSEP_APPLIED:
	case PRIVSEP_NOT_APPLIED:
		parent_reload_done(parent, msg->serial,
		    msg->type == PRIVSEP_APPLIED);
		return;
	case PRIVSEP_DEVICE:
	case PRIVSEP_NO_DEVICE:
	case PRIVSEP_HISTORY:
	case PRIVSEP_SHUTDOWN:
	case PRIVSEP_CONFIG:
	case PRIVSEP_BAD_CONFIG:
		break;
	}
	kill_broker(parent, "unexpected_message");
}

/*
 * Bounded: a broker that talks without end does not starve the rest.  True:
 * there may be more.
 */
static bool
read_broker(struct parent *parent)
{
	struct privsep_msg msg;
	int fds[PRIVSEP_FDS_MAX], got, i;
	unsigned fd;

	for (i = 0; i < 16 && parent->broker_fd != -1; i++) {
		got = privsep_receive(parent->broker_fd, &msg, fds);
		if (got == 1) {
			for (fd = 0; fd < msg.nfds; fd++)
				(void)close(fds[fd]);
			take_message(parent, &msg);
			continue;
		}
		if (got == -1 && errno == EAGAIN)
			return (false);
		if (got == -1 && !parent->broker_killed)
			kill_broker(parent, "malformed_message");
		else if (got == 0 && parent->kill_at_ms == 0)
			parent->kill_at_ms = clock_now_ms() + BROKER_CLOSED_MS;
		close_broker_channel(parent);
	}
	return (parent->broker_fd != -1);
}

static void
log_end(const char *event, pid_t pid, int status, enum heldlog_level level)
{
	if (WIFSIGNALED(status))
		heldlog(level, event, "child_pid=%ld signal=%d", (long)pid,
		    WTERMSIG(status));
	else
		heldlog(level, event, "child_pid=%ld status=%d", (long)pid,
		    WEXITSTATUS(status));
}

static void
on_broker_end(struct parent *parent, int status)
{
	const uint64_t now_ms = clock_now_ms();
	const bool orderly = parent->stopping && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
	const pid_t pid = parent->broker.pid;

	parent->broker.pid = 0;
	while (read_broker(parent))
		continue;
	close_broker_channel(parent);
	parent_log_end_broker(&parent->log);
	parent_reload_settle(parent);
	log_end("broker_ended", pid, status,
	    orderly ? HELDLOG_DEBUG : HELDLOG_ERROR);
	if (orderly && !parent->broker_finished)
		heldlog(HELDLOG_WARN, "broker_unfinished", "child_pid=%ld",
		    (long)pid);
	parent->kill_at_ms = 0;
	(void)parent_backoff_ended(&parent->broker.backoff, now_ms);
	parent->history_until_ms = now_ms + HISTORY_STOP_MS;
	if (parent->history.pid != 0) {
		parent->leaving = parent->history.pid;
		parent->leaving_until_ms = now_ms + HISTORY_LEAVING_MS;
		parent->history.pid = 0;
	}
	/* The next broker's history starts with it. */
	parent->history.backoff.next_at_ms = 0;
}

static void
on_history_end(struct parent *parent, int status)
{
	const uint64_t now_ms = clock_now_ms();
	struct parent_backoff *backoff = &parent->history.backoff;

	/* It ends when its broker did, which may be noticed only later. */
	log_end("history_ended", parent->history.pid, status,
	    parent->stopping ? HELDLOG_DEBUG : HELDLOG_ERROR);
	parent->history.pid = 0;
	(void)parent_backoff_ended(backoff, now_ms);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG)
		backoff->next_at_ms = now_ms + HISTORY_SLOW_MS;
}

static void
reap(struct parent *parent)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == parent->broker.pid)
			on_broker_end(parent, status);
		else if (pid == parent->history.pid)
			on_history_end(parent, status);
		else {
			log_end("child_ended", pid, status, HELDLOG_DEBUG);
			if (pid == parent->leaving)
				parent->leaving = 0;
		}
	}
}

static void
start_children(struct parent *parent, uint64_t now_ms)
{
	if (parent->leaving != 0 && now_ms >= parent->leaving_until_ms) {
		/* It finishes when it can; SQLite's locks order the two. */
		heldlog(HELDLOG_WARN, "history_left", "child_pid=%ld",
		    (long)parent->leaving);
		parent->leaving = 0;
	}
	if (parent->broker.pid == 0 && parent->leaving == 0 &&
	    now_ms >= parent->broker.backoff.next_at_ms) {
		if (parent_start_broker(parent) != 0) {
			(void)parent_backoff_ended(&parent->broker.backoff,
			    now_ms);
			return;
		}
		parent_backoff_started(&parent->broker.backoff, now_ms);
		parent_reset_device(parent, now_ms);
	}
	if (parent->broker_fd != -1 && parent->history.pid == 0 &&
	    now_ms >= parent->history.backoff.next_at_ms) {
		if (parent_start_history(parent) != 0)
			(void)parent_backoff_ended(&parent->history.backoff,
			    now_ms);
		else
			parent_backoff_started(&parent->history.backoff,
			    now_ms);
	}
}

static void
stop_broker(struct parent *parent, uint64_t now_ms)
{
	const struct privsep_msg msg = { .type = PRIVSEP_SHUTDOWN };
	const bool begins = !parent->stopping;

	if (begins) {
		parent->stopping = true;
		parent->device_wanted = false;
		parent->history_until_ms = now_ms + HISTORY_STOP_MS;
		if (parent->broker.pid != 0 && parent->kill_at_ms == 0)
			parent->kill_at_ms = now_ms + BROKER_STOP_MS;
	}
	if (parent->broker_fd != -1 && !parent->shutdown_sent &&
	    privsep_send(parent->broker_fd, &msg, NULL, 0) == 0)
		parent->shutdown_sent = true;
	/* After the order: a frozen disk under the log does not delay it. */
	if (begins)
		heldlog(HELDLOG_INFO, "stopping", "signal=%d",
		    (int)stop_signal);
}

/* True while somebody is still waited for. */
static bool
is_stopping(struct parent *parent, uint64_t now_ms)
{
	if (parent->broker.pid != 0)
		return (!parent->broker_killed || now_ms < parent->kill_at_ms);
	if (parent->history.pid == 0 && parent->leaving == 0)
		return (false);
	if (now_ms < parent->history_until_ms)
		return (true);
	heldlog(HELDLOG_WARN, "history_left", "child_pid=%ld",
	    (long)(parent->leaving != 0 ? parent->leaving :
					  parent->history.pid));
	return (false);
}

static void
sooner(uint64_t *at_ms, uint64_t other_ms)
{
	if (other_ms < *at_ms)
		*at_ms = other_ms;
}

static uint64_t
next_deadline(const struct parent *parent, uint64_t now_ms)
{
	uint64_t at_ms = UINT64_MAX;

	if (parent->kill_at_ms != 0)
		sooner(&at_ms, parent->kill_at_ms);
	if (parent->stopping) {
		if (parent->broker_fd != -1 && !parent->shutdown_sent)
			sooner(&at_ms, now_ms + RETRY_SEND_MS);
		if (parent->broker.pid == 0)
			sooner(&at_ms, parent->history_until_ms);
		return (at_ms);
	}
	if (parent->leaving != 0)
		sooner(&at_ms, parent->leaving_until_ms);
	else if (parent->broker.pid == 0)
		sooner(&at_ms, parent->broker.backoff.next_at_ms);
	if (parent->broker_fd != -1 && parent->history.pid == 0)
		sooner(&at_ms, parent->history.backoff.next_at_ms);
	if (parent->broker_fd != -1 && parent->device_wanted)
		sooner(&at_ms, parent->device_backoff.next_at_ms);
	return (at_ms);
}

/* A descriptor of -1 is skipped by poll. */
static void
wait_and_read(struct parent *parent)
{
	struct pollfd pfds[] = {
		{ .fd = parent->wake_fd, .events = POLLIN },
		{ .fd = parent->broker_fd, .events = POLLIN },
		{ .fd = parent->log.broker_fd, .events = POLLIN },
		{ .fd = parent->log.children_fd, .events = POLLIN },
	};
	const uint64_t now_ms = clock_now_ms();
	const uint64_t at_ms = next_deadline(parent, now_ms);
	char bytes[64];
	int timeout_ms = -1;

	if (at_ms <= now_ms)
		timeout_ms = 0;
	else if (at_ms != UINT64_MAX)
		timeout_ms = at_ms - now_ms > INT_MAX ? INT_MAX :
							(int)(at_ms - now_ms);
	if (poll(pfds, 4, timeout_ms) <= 0)
		return;
	if (pfds[0].revents != 0) {
		while (read(parent->wake_fd, bytes, sizeof(bytes)) > 0)
			continue;
	}
	if (pfds[1].revents != 0)
		(void)read_broker(parent);
	/* Last: writing it may take as long as a disk is frozen. */
	if (pfds[2].revents != 0)
		parent_log_read_broker(&parent->log);
	if (pfds[3].revents != 0)
		parent_log_read_children(&parent->log);
}

static void
check_kill(struct parent *parent, uint64_t now_ms)
{
	if (parent->kill_at_ms == 0 || now_ms < parent->kill_at_ms)
		return;
	if (!parent->broker_killed) {
		kill_broker(parent,
		    parent->stopping ? "did_not_stop" : "left_its_channel");
		return;
	}
	/* Killed, and asleep on a disk: it ends when that thaws. */
	heldlog(HELDLOG_ERROR, "broker_stuck", "broker_pid=%ld",
	    (long)parent->broker.pid);
	if (!parent->stopping)
		parent->kill_at_ms = now_ms + BROKER_STOP_MS;
}

static void
init_backoffs(struct parent *parent)
{
	parent_backoff_init(&parent->broker.backoff, RESTART_FIRST_MS,
	    RESTART_MAX_MS, RESTART_GOOD_MS);
	parent_backoff_init(&parent->history.backoff, RESTART_FIRST_MS,
	    RESTART_MAX_MS, RESTART_GOOD_MS);
	parent_backoff_init(&parent->device_backoff, RESTART_FIRST_MS,
	    DEVICE_MAX_MS, RESTART_GOOD_MS);
}

/* Returns when there is nothing more to do: all ended, or are left. */
static int
run_loop(struct parent *parent)
{
	uint64_t now_ms;

	for (;;) {
		now_ms = clock_now_ms();
		if (stop_signal != 0) {
			stop_broker(parent, now_ms);
			if (!is_stopping(parent, now_ms))
				return (
				    parent->broker_killed ? EX_SOFTWARE : 0);
		} else {
			if (parent->broker.pid == 0 &&
			    !parent->broker_listens &&
			    parent->broker.backoff.next_at_ms != 0) {
				heldlog(HELDLOG_ERROR, "start_failed",
				    "text=\"the first broker ended\"");
				return (EX_SOFTWARE);
			}
			start_children(parent, now_ms);
			parent_try_device(parent, now_ms);
		}
		wait_and_read(parent);
		if (hangup_seen != 0) {
			hangup_seen = 0;
			parent_log_reopen(&parent->log);
			if (!parent->stopping)
				parent_reload(parent, 0);
		}
		reap(parent);
		check_kill(parent, clock_now_ms());
	}
}

int
parent_run(struct parent *parent)
{
	int status;

	parent_log_start(&parent->log);
	parent->broker_fd = -1;
	init_backoffs(parent);
	if (catch_signals(parent) != 0) {
		heldlog(HELDLOG_ERROR, "start_failed", "text=\"%s\"",
		    strerror(errno));
		return (EX_OSERR);
	}
	heldlog(HELDLOG_INFO, "starting", "version=%s", APPVSS_VERSION);
	status = run_loop(parent);
	/* The last words of the history process. */
	parent_log_read_children(&parent->log);
	return (status);
}
