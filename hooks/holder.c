/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See holder.h.  Must never wait without a limit, and must not outlive one.
 */
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "holder.h"
#include "kernel/vssdev/protect.h"
#include "signals.h"

#define PING_EVERY_MS 500
#define RELEASE_MS    5000   /* a session's confirmation, at the end */
#define GRACE_MS      1000   /* from the end of its input to SIGKILL */
#define TELL_MS	      600000 /* a loss waits so long for who asks of it */
#define PEER_MS	      1000   /* a peer that connects says what it wants */

struct holder {
	const struct holder_options *options;
	struct holdsession sessions[HOLDER_WORDS_MAX];
	int listen_fd;
	int report_fd;			/* -1: the freeze has been answered */
	char reason[HOLDER_REASON_MAX]; /* why it was lost; "" */
};

static unsigned
count_state(const struct holder *holder, enum holdsession_state state)
{
	unsigned i, count = 0;

	for (i = 0; i < holder->options->nwords; i++)
		count += holder->sessions[i].state == state;
	return (count);
}

/*
 * Sleeps until something happens, and lets the sessions see it.  Who asks for
 * the end wakes it only if listens: else it is not the time to accept.
 */
static void
step(struct holder *holder, int64_t until_at_ms, bool listens)
{
	struct pollfd fds[2 * HOLDER_WORDS_MAX + 2];
	unsigned i, count = 0;

	for (i = 0; i < holder->options->nwords; i++)
		count += holdsession_fill_poll(&holder->sessions[i],
		    fds + count);
	if (listens) {
		fds[count].fd = holder->listen_fd;
		fds[count++].events = POLLIN;
	}
	if (holder->report_fd != -1) {
		fds[count].fd = holder->report_fd;
		fds[count++].events = 0;
	}
	signals_wait(fds, count, until_at_ms);
	for (i = 0; i < holder->options->nwords; i++)
		holdsession_step(&holder->sessions[i]);
}

/* Has the freeze script gone, which waits for the report? */
static bool
script_is_gone(const struct holder *holder)
{
	struct pollfd fd = { holder->report_fd, 0, 0 };

	return (poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR)) != 0);
}

/* Ends what is left of the sessions: by their input, then by force. */
static void
end_sessions(struct holder *holder)
{
	static const int signals[] = { SIGTERM, SIGKILL };
	unsigned i, j, nwords = holder->options->nwords;
	int64_t until_at_ms;

	for (i = 0; i < nwords; i++) {
		/* A client that waits takes it for: cancel that. */
		if (holder->sessions[i].state == HOLDSESSION_STARTING)
			holdsession_kill(&holder->sessions[i], SIGINT);
		holdsession_close(&holder->sessions[i]);
	}
	for (j = 0; j < 2; j++) {
		until_at_ms = clock_now_ms() + GRACE_MS;
		while (count_state(holder, HOLDSESSION_GONE) < nwords &&
		    clock_now_ms() < until_at_ms)
			step(holder, until_at_ms, false);
		for (i = 0; i < nwords; i++)
			holdsession_kill(&holder->sessions[i], signals[j]);
	}
	until_at_ms = clock_now_ms() + GRACE_MS;
	while (count_state(holder, HOLDSESSION_GONE) < nwords &&
	    clock_now_ms() < until_at_ms)
		step(holder, until_at_ms, false);
}

static void
set_reason(struct holder *holder, const char *text,
    const struct holdsession *session)
{
	char what[HOLDER_REASON_MAX];

	if (holder->reason[0] != '\0')
		return;
	if (session == NULL)
		(void)snprintf(holder->reason, sizeof(holder->reason), "%s",
		    text);
	else
		(void)snprintf(holder->reason, sizeof(holder->reason),
		    "%.40s%s", text,
		    holdsession_describe(session, what, sizeof(what) - 41));
}

/* The first session in that state. */
static const struct holdsession *
find_state(const struct holder *holder, enum holdsession_state state)
{
	unsigned i;

	for (i = 0; i < holder->options->nwords; i++)
		if (holder->sessions[i].state == state)
			return (&holder->sessions[i]);
	return (NULL);
}

/* Starts the sessions and waits until all are held; false: a reason is set. */
static bool
take_hold(struct holder *holder)
{
	const struct holder_options *options = holder->options;
	int64_t until_at_ms = clock_now_ms() + options->ready_ms;
	unsigned i;

	for (i = 0; i < options->nwords; i++)
		if (holdsession_start(&holder->sessions[i], &options->command,
			options->words[i]) == -1 ||
		    holdsession_send(&holder->sessions[i], options->script) ==
			-1) {
			set_reason(holder, strerror(errno), NULL);
			return (false);
		}
	while (count_state(holder, HOLDSESSION_IS_HELD) < options->nwords) {
		if (count_state(holder, HOLDSESSION_GONE) > 0)
			set_reason(holder, "",
			    find_state(holder, HOLDSESSION_GONE));
		else if (clock_now_ms() >= until_at_ms)
			set_reason(holder, "not held in time: ",
			    find_state(holder, HOLDSESSION_STARTING));
		else if (signals_stop_asked() || script_is_gone(holder))
			set_reason(holder, "the freeze was given up", NULL);
		if (holder->reason[0] != '\0')
			return (false);
		step(holder, until_at_ms, false);
	}
	return (true);
}

static void
report(struct holder *holder, const char *text)
{
	(void)send(holder->report_fd, text, strlen(text), MSG_NOSIGNAL);
	(void)close(holder->report_fd);
	holder->report_fd = -1;
}

/*
 * From here on nobody is to take it for a part of the script: not who kills the
 * script's process group, and not who waits for the end of its output.
 */
static void
stay_behind(const struct holder *holder)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	/* Then the directory where it is stays in use: no more than that. */
	if (chdir("/") == -1)
		warn("/");
	if (fd == -1)
		return;
	(void)dup2(fd, STDIN_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	if (!holder->options->keeps_output)
		(void)dup2(fd, STDOUT_FILENO);
	(void)close(fd);
}

/* A peer that asks for the end; -1: none has. */
static int
accept_end(const struct holder *holder)
{
	struct pollfd ready = { -1, POLLIN, 0 };
	char request[sizeof(HOLDER_END)];
	int fd;

	fd = accept4(holder->listen_fd, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1)
		return (-1);
	ready.fd = fd;
	if (poll(&ready, 1, PEER_MS) == 1 &&
	    recv(fd, request, sizeof(request), 0) ==
		(ssize_t)strlen(HOLDER_END) &&
	    memcmp(request, HOLDER_END, strlen(HOLDER_END)) == 0)
		return (fd);
	(void)close(fd);
	return (-1);
}

static void
ping_sessions(struct holder *holder)
{
	unsigned i;

	for (i = 0; i < holder->options->nwords; i++) {
		if (holder->sessions[i].ping_due)
			continue;
		holder->sessions[i].ping_due = true;
		(void)holdsession_send(&holder->sessions[i],
		    holder->options->ping_text);
	}
}

/* Until the end is asked for; then the peer's descriptor.  -1: a loss. */
static int
keep_hold(struct holder *holder)
{
	int64_t now_ms = clock_now_ms(), ping_at_ms = CLOCK_NEVER_MS;
	int64_t until_at_ms = now_ms + holder->options->hold_ms;
	int fd;

	if (holder->options->ping_text != NULL)
		ping_at_ms = now_ms + PING_EVERY_MS;
	for (;;) {
		now_ms = clock_now_ms();
		if (count_state(holder, HOLDSESSION_IS_HELD) <
		    holder->options->nwords) {
			set_reason(holder, "",
			    find_state(holder, HOLDSESSION_GONE));
			set_reason(holder, "released by itself", NULL);
			return (-1);
		}
		if (now_ms >= until_at_ms)
			set_reason(holder, "its limit passed", NULL);
		else if (signals_stop_asked())
			set_reason(holder, "told to stop", NULL);
		if (holder->reason[0] != '\0')
			return (-1);
		fd = accept_end(holder);
		if (fd != -1)
			return (fd);
		if (now_ms >= ping_at_ms) {
			ping_sessions(holder);
			ping_at_ms = now_ms + PING_EVERY_MS;
		}
		step(holder,
		    ping_at_ms < until_at_ms ? ping_at_ms : until_at_ms, true);
	}
}

/*
 * Has every session say that it held until now: only the database knows, not a
 * client that slept.
 */
static void
release(struct holder *holder)
{
	const struct holdsession *session;
	int64_t until_at_ms = clock_now_ms() + RELEASE_MS;
	unsigned i, nwords = holder->options->nwords;

	for (i = 0; i < nwords; i++)
		(void)holdsession_send(&holder->sessions[i],
		    holder->options->end_text);
	while (clock_now_ms() < until_at_ms &&
	    (find_state(holder, HOLDSESSION_IS_HELD) != NULL))
		step(holder, until_at_ms, false);
	session = find_state(holder, HOLDSESSION_IS_HELD);
	if (session != NULL)
		set_reason(holder, "it did not confirm: ", session);
	for (i = 0; i < nwords; i++)
		if (!holder->sessions[i].was_released)
			set_reason(holder, "", &holder->sessions[i]);
}

static void
answer(const struct holder *holder, int fd)
{
	char text[HOLDER_REASON_MAX + sizeof(HOLDER_LOST) + 1];

	if (holder->reason[0] == '\0')
		(void)snprintf(text, sizeof(text), HOLDER_RELEASED);
	else
		(void)snprintf(text, sizeof(text), HOLDER_LOST "%s\n",
		    holder->reason);
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
	(void)close(fd);
}

/* Keeps the reason of a loss for who asks; nothing is held any more. */
static void
tell_loss(struct holder *holder)
{
	int64_t until_at_ms = clock_now_ms() + TELL_MS;
	int fd = -1;

	while (fd == -1 && clock_now_ms() < until_at_ms) {
		fd = accept_end(holder);
		if (fd == -1)
			step(holder, until_at_ms, true);
	}
	if (fd != -1)
		answer(holder, fd);
}

_Noreturn void
holder_run(const struct holder_options *options, const char *path,
    int listen_fd, int report_fd)
{
	static struct holder holder;
	int fd;

	holder.options = options;
	holder.listen_fd = listen_fd;
	holder.report_fd = report_fd;
	signals_init();
	/* Inherited by the sessions, which hold just as well. */
	(void)protect_from_oom();
	if (!take_hold(&holder)) {
		end_sessions(&holder);
		(void)unlink(path);
		report(&holder, holder.reason);
		exit(1);
	}
	(void)protect_lock_memory();
	if (options->keeps_output)
		(void)dprintf(STDOUT_FILENO, HOLDER_HOLDING "\n");
	stay_behind(&holder);
	report(&holder, "+");
	fd = keep_hold(&holder);
	if (fd == -1) {
		/* What is left of a hold that was lost only hurts. */
		end_sessions(&holder);
		if (options->keeps_output)
			(void)dprintf(STDOUT_FILENO, "%s\n", holder.reason);
		(void)close(STDOUT_FILENO);
		tell_loss(&holder);
		exit(1);
	}
	release(&holder);
	end_sessions(&holder);
	answer(&holder, fd);
	exit(0);
}
