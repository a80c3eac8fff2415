/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public functions of a handle: open and close it, say when it wants to
 * run, run it.  All callbacks run under appvss_dispatch(), appvss_unregister()
 * or appvss_close(), which do not nest.
 */
#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define SOCKET_PATH APPVSS_RUNDIR "/appvss/appvssd.sock"

uint64_t
client_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

/*
 * After fork(2) the connection is still the parent's: a word of the child would
 * be taken for the parent's.
 */
bool
client_is_foreign(const struct appvss *handle)
{
	return (handle->pid != getpid());
}

/* The environment is not believed where a program runs with more rights. */
static const char *
environment_path(void)
{
#ifdef __GLIBC__
	return (secure_getenv("APPVSS_SOCKET"));
#else
	return (issetugid() ? NULL : getenv("APPVSS_SOCKET"));
#endif
}

int
appvss_open(struct appvss **handlep, const char *socket_path)
{
	struct appvss *handle;

	if (handlep == NULL)
		return (APPVSS_E_INVAL);
	*handlep = NULL;
	if (socket_path == NULL)
		socket_path = environment_path();
	if (socket_path == NULL || socket_path[0] == '\0')
		socket_path = SOCKET_PATH;
	if (strlen(socket_path) >= sizeof(handle->address.sun_path))
		return (APPVSS_E_INVAL);
	handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return (APPVSS_E_NOMEM);
	handle->pid = getpid();
	handle->fd = -1;
	handle->backoff_ms = CLIENT_BACKOFF_MIN_MS;
	handle->address.sun_family = AF_UNIX;
	memcpy(handle->address.sun_path, socket_path, strlen(socket_path) + 1);
	TAILQ_INIT(&handle->participants);
	conn_start(handle);
	*handlep = handle;
	return (APPVSS_OK);
}

/* In a child nothing is said and nobody called: only memory goes. */
static void
discard_participants(struct appvss *handle)
{
	struct appvss_participant *participant;

	while ((participant = TAILQ_FIRST(&handle->participants)) != NULL) {
		TAILQ_REMOVE(&handle->participants, participant, link);
		free(participant);
	}
}

void
appvss_close(struct appvss *handle)
{
	struct appvss_participant *participant;

	if (handle == NULL)
		return;
	if (client_is_foreign(handle)) {
		discard_participants(handle);
	} else {
		/* Not from a callback: it would free what is in use. */
		if (handle->is_dispatching)
			return;
		handle->is_dispatching = true;
		while (
		    (participant = TAILQ_FIRST(&handle->participants)) != NULL)
			participant_destroy(participant);
	}
	if (handle->fd >= 0)
		close(handle->fd);
	free(handle);
}

int
appvss_get_fd(const struct appvss *handle)
{
	if (handle == NULL || client_is_foreign(handle))
		return (-1);
	return (handle->fd);
}

short
appvss_get_events(const struct appvss *handle)
{
	if (handle == NULL || client_is_foreign(handle))
		return (0);
	switch (handle->state) {
	case CLIENT_WAITING:
		return (0);
	case CLIENT_CONNECTING:
		return (POLLOUT);
	case CLIENT_GREETING:
	case CLIENT_WELCOMED:
		return (conn_has_output(handle) ? POLLIN | POLLOUT : POLLIN);
	}
	return (0);
}

/* Whether something of a participant is due, and when. */
static uint64_t
participant_next_at_ms(const struct appvss_participant *participant)
{
	const struct appvss *handle = participant->handle;
	uint64_t next_at_ms = operation_next_at_ms(participant);

	switch (handle->state) {
	case CLIENT_WAITING:
		if (!participant->has_status ||
		    participant->reported_error != handle->lost_error)
			return (0);
		break;
	case CLIENT_WELCOMED:
		/* Without room the socket's readiness comes first. */
		if (participant->registration == REG_NONE &&
		    conn_has_room(handle) &&
		    participant->register_at_ms < next_at_ms)
			next_at_ms = participant->register_at_ms;
		break;
	case CLIENT_CONNECTING:
	case CLIENT_GREETING:
		break;
	}
	return (next_at_ms);
}

static uint64_t
handle_next_at_ms(const struct appvss *handle)
{
	if (handle->is_broken)
		return (0);
	switch (handle->state) {
	case CLIENT_WAITING:
		return (handle->retry_at_ms);
	case CLIENT_CONNECTING:
	case CLIENT_GREETING:
		return (handle->deadline_at_ms);
	case CLIENT_WELCOMED:
		return (CLIENT_NEVER);
	}
	return (CLIENT_NEVER);
}

int
appvss_get_timeout_ms(const struct appvss *handle)
{
	const struct appvss_participant *participant;
	uint64_t next_at_ms, at_ms, now_ms;

	if (handle == NULL || client_is_foreign(handle))
		return (-1);
	next_at_ms = handle_next_at_ms(handle);
	TAILQ_FOREACH(participant, &handle->participants, link) {
		at_ms = participant_next_at_ms(participant);
		if (at_ms < next_at_ms)
			next_at_ms = at_ms;
	}
	if (next_at_ms == CLIENT_NEVER)
		return (-1);
	now_ms = client_now_ms();
	if (next_at_ms <= now_ms)
		return (0);
	if (next_at_ms - now_ms > INT_MAX)
		return (INT_MAX);
	return ((int)(next_at_ms - now_ms));
}

static void
run_connection(struct appvss *handle)
{
	if (handle->state == CLIENT_WAITING &&
	    handle->retry_at_ms <= client_now_ms())
		conn_start(handle);
	if (handle->state == CLIENT_CONNECTING)
		(void)conn_finish_connect(handle);
	if (handle->state == CLIENT_GREETING ||
	    handle->state == CLIENT_WELCOMED)
		conn_read(handle);
	if (handle->state == CLIENT_GREETING ||
	    handle->state == CLIENT_WELCOMED)
		conn_write(handle);
	if (handle->is_broken)
		conn_lose(handle, APPVSS_E_UNAVAILABLE,
		    "the broker does not read");
	if ((handle->state == CLIENT_CONNECTING ||
		handle->state == CLIENT_GREETING) &&
	    handle->deadline_at_ms <= client_now_ms())
		conn_lose(handle, APPVSS_E_UNAVAILABLE,
		    "the broker did not answer");
}

/* While there is no connection: nothing is registered, nothing stays frozen. */
static void
notice_loss(struct appvss *handle)
{
	struct appvss_participant *participant;

	/* Thaw first; the status callback may take its time. */
	TAILQ_FOREACH(participant, &handle->participants, link) {
		participant->registration = REG_NONE;
		participant->register_at_ms = 0;
		if (!participant->is_leaving)
			operation_lose(participant);
	}
	TAILQ_FOREACH(participant, &handle->participants, link)
		participant_report(participant, handle->lost_error,
		    handle->lost_text);
}

void
client_reap(struct appvss *handle)
{
	struct appvss_participant *participant;

	/* A callback may mark another one: begin again. */
	for (;;) {
		TAILQ_FOREACH(participant, &handle->participants, link)
			if (participant->is_leaving)
				break;
		if (participant == NULL)
			return;
		participant_destroy(participant);
	}
}

int
appvss_dispatch(struct appvss *handle)
{
	struct appvss_participant *participant;

	if (handle == NULL || client_is_foreign(handle) ||
	    handle->is_dispatching)
		return (APPVSS_E_INVAL);
	handle->is_dispatching = true;
	run_connection(handle);
	if (handle->state == CLIENT_WAITING)
		notice_loss(handle);
	TAILQ_FOREACH(participant, &handle->participants, link)
		if (!participant->is_leaving)
			operation_run_timers(participant, client_now_ms());
	client_reap(handle);
	session_register(handle, client_now_ms());
	handle->is_dispatching = false;
	return (APPVSS_OK);
}

int
appvss_wait(struct appvss *handle, int timeout_ms)
{
	struct pollfd pollfd;
	int own_ms;

	if (handle == NULL || client_is_foreign(handle) ||
	    handle->is_dispatching)
		return (APPVSS_E_INVAL);
	own_ms = appvss_get_timeout_ms(handle);
	if (own_ms >= 0 && (timeout_ms < 0 || own_ms < timeout_ms))
		timeout_ms = own_ms;
	pollfd.fd = handle->fd;
	pollfd.events = appvss_get_events(handle);
	if (poll(&pollfd, 1, timeout_ms) < 0 && errno != EINTR)
		return (APPVSS_E_SYSTEM);
	return (appvss_dispatch(handle));
}
