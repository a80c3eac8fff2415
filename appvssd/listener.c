/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The accepting end of the socket: see listener.h.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/vssdev/heldlog.h"
#include "listener.h"

/*
 * Descriptors that are left when accepting pauses: a device and a history
 * process that come must still find room, or the broker would lose its parent's
 * messages.
 */
#define LISTENER_RESERVE 16
/* Without memory, or descriptors of the whole system: nobody tells us when. */
#define LISTENER_PAUSE_MS 2000
#define LISTENER_BATCH	  64 /* connections accepted in one go */

struct listener_user {
	uid_t uid;
	unsigned clients;
};

struct listener {
	struct event *event;
	struct event *resume_event;
	struct listener_limits limits;
	listener_accepted *accepted;
	void *arg;
	struct listener_user *users;
	size_t nusers;
	unsigned clients;
	int fd;
	bool complained;
	bool paused;
	bool crowded; /* since it paused, somebody has always waited */
	bool stopped;
};

static void listener_on_connection(int fd, short what, void *arg);
static void listener_on_resume(int fd, short what, void *arg);

struct listener *
listener_create(struct event_base *base, int fd,
    const struct listener_limits *limits, listener_accepted *accepted,
    void *arg)
{
	struct listener *listener;

	listener = calloc(1, sizeof(*listener));
	if (listener == NULL) {
		(void)close(fd);
		return (NULL);
	}
	listener->fd = fd;
	listener->limits = *limits;
	listener->accepted = accepted;
	listener->arg = arg;
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	listener->event = event_new(base, fd, EV_READ | EV_PERSIST,
	    listener_on_connection, listener);
	listener->resume_event = event_new(base, -1, 0, listener_on_resume,
	    listener);
	if (listener->event == NULL || listener->resume_event == NULL ||
	    event_add(listener->event, NULL) == -1) {
		listener_destroy(listener);
		errno = ENOMEM;
		return (NULL);
	}
	return (listener);
}

void
listener_destroy(struct listener *listener)
{
	if (listener->event != NULL)
		event_free(listener->event);
	if (listener->resume_event != NULL)
		event_free(listener->resume_event);
	if (listener->fd != -1)
		(void)close(listener->fd);
	free(listener->users);
	free(listener);
}

void
listener_set_limits(struct listener *listener,
    const struct listener_limits *limits)
{
	listener->limits = *limits;
}

void
listener_stop(struct listener *listener)
{
	listener->stopped = true;
	(void)event_del(listener->event);
	(void)event_del(listener->resume_event);
}

static struct listener_user *
listener_user(struct listener *listener, uid_t uid)
{
	struct listener_user *users;
	size_t i;

	for (i = 0; i < listener->nusers; i++) {
		if (listener->users[i].uid == uid)
			return (&listener->users[i]);
	}
	for (i = 0; i < listener->nusers; i++) {
		if (listener->users[i].clients == 0)
			break;
	}
	if (i == listener->nusers) {
		users = realloc(listener->users,
		    (i + 1) * sizeof(*listener->users));
		if (users == NULL)
			return (NULL);
		listener->users = users;
		listener->nusers++;
	}
	listener->users[i] = (struct listener_user) { .uid = uid };
	return (&listener->users[i]);
}

/* Those that wait are accepted, and perhaps it pauses again at once. */
static void
listener_resume(struct listener *listener)
{
	if (!listener->paused || listener->stopped)
		return;
	listener->paused = false;
	(void)event_del(listener->resume_event);
	(void)event_add(listener->event, NULL);
}

/* Clients that come now wait in the queue until one of those here goes. */
static void
listener_pause(struct listener *listener, int error)
{
	struct timeval after = { LISTENER_PAUSE_MS / 1000,
		LISTENER_PAUSE_MS % 1000 * 1000 };

	listener->paused = true;
	(void)event_del(listener->event);
	if (error != 0)
		(void)event_add(listener->resume_event, &after);
	if (!listener->crowded)
		heldlog(HELDLOG_WARN, "accept_paused", "clients=%u text=\"%s\"",
		    listener->clients, strerror(error == 0 ? EMFILE : error));
	listener->crowded = true;
}

/* The lowest free number is given: so few are left beyond a high one. */
static bool
listener_is_low(int fd)
{
	struct rlimit limit;

	return (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    (rlim_t)fd + LISTENER_RESERVE >= limit.rlim_cur);
}

void
listener_release(struct listener *listener, uid_t uid)
{
	struct listener_user *user;

	listener->clients--;
	user = listener_user(listener, uid);
	if (user != NULL && user->clients > 0)
		user->clients--;
	listener_resume(listener);
}

/* One connection more, unless that is one too many. */
static bool
listener_admit(struct listener *listener, const struct peercred *cred)
{
	struct listener_user *user;

	user = listener_user(listener, cred->uid);
	if (user == NULL || listener->clients >= listener->limits.max_clients ||
	    user->clients >= listener->limits.max_clients_per_uid) {
		if (!listener->complained)
			heldlog(HELDLOG_WARN, "too_many_clients",
			    "uid=%u clients=%u", (unsigned)cred->uid,
			    listener->clients);
		listener->complained = true;
		return (false);
	}
	listener->complained = false;
	listener->clients++;
	user->clients++;
	return (true);
}

static void
listener_on_accepted(struct listener *listener, int fd)
{
	static const char refusal[] = "ERROR code=too_many_clients\n";
	struct peercred cred;

	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (peercred_get(fd, &cred) == -1) {
		(void)close(fd);
		return;
	}
	if (!listener_admit(listener, &cred)) {
		/* It has a whole socket buffer for this. */
		(void)!write(fd, refusal, sizeof(refusal) - 1);
		(void)close(fd);
		return;
	}
	if (listener->accepted(listener->arg, fd, &cred) == -1)
		listener_release(listener, cred.uid);
}

static void
listener_on_connection(int fd, short what, void *arg)
{
	struct listener *listener = arg;
	int accepted, i;

	(void)what;
	for (i = 0; i < LISTENER_BATCH; i++) {
		accepted = accept(fd, NULL, NULL);
		if (accepted == -1) {
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOBUFS || errno == ENOMEM)
				listener_pause(listener, errno);
			else
				listener->crowded = false;
			return;
		}
		listener_on_accepted(listener, accepted);
		/* One that stays, so that there is an end to the pause. */
		if (listener->clients > 0 && listener_is_low(accepted)) {
			listener_pause(listener, 0);
			return;
		}
	}
}

static void
listener_on_resume(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	listener_resume(arg);
}
