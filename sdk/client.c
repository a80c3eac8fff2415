/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The public functions of a handle: open and close it, say when it wants to
 * run, run it.  All callbacks run while is_dispatching, which does not nest.
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

int
client_check(const struct appvss *handle)
{
	if (handle == NULL)
		return (APPVSS_E_INVAL);
	return (client_is_foreign(handle) ? APPVSS_E_FORKED : APPVSS_OK);
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
	/* Now, so that an answer to a freeze needs no memory. */
	handle->out = malloc(CLIENT_OUT_ROOM);
	if (handle->out == NULL) {
		free(handle);
		return (APPVSS_E_NOMEM);
	}
	handle->out_size = CLIENT_OUT_ROOM;
	(void)pthread_mutex_init(&handle->mutex, NULL);
	(void)pthread_cond_init(&handle->reaped, NULL);
	handle->wake_fds[0] = handle->wake_fds[1] = -1;
	atomic_init(&handle->wake_fd, -1);
	atomic_init(&handle->is_asked, false);
	handle->pid = getpid();
	handle->fd = -1;
	handle->backoff_ms = CLIENT_BACKOFF_MIN_MS;
	handle->address.sun_family = AF_UNIX;
	memcpy(handle->address.sun_path, socket_path, strlen(socket_path) + 1);
	TAILQ_INIT(&handle->participants);
	TAILQ_INIT(&handle->queries);
	conn_start(handle);
	*handlep = handle;
	return (APPVSS_OK);
}

/* A callback may mark another one, or close: nobody can be added then. */
void
client_shut(struct appvss *handle)
{
	struct appvss_participant *participant;

	handle->is_closing = true;
	handle->is_dispatching = true;
	while ((participant = TAILQ_FIRST(&handle->participants)) != NULL)
		participant_destroy(participant);
	query_end_all(handle, APPVSS_E_CLOSED, "");
	handle->is_dispatching = false;
}

void
client_free(struct appvss *handle)
{
	query_discard(handle);
	if (handle->fd >= 0)
		close(handle->fd);
	if (handle->wake_fds[0] >= 0) {
		close(handle->wake_fds[0]);
		close(handle->wake_fds[1]);
	}
	pthread_cond_destroy(&handle->reaped);
	pthread_mutex_destroy(&handle->mutex);
	free(handle->out);
	free(handle);
}

/*
 * In a child nothing is said and nobody called: only memory goes.  Where a
 * thread of the library's had the handle when the process forked, it may have
 * left it half changed, and locked: then only the descriptors go.
 */
static void
close_in_child(struct appvss *handle)
{
	struct appvss_participant *participant;

	if (handle->has_thread) {
		if (handle->fd >= 0)
			close(handle->fd);
		close(handle->wake_fds[0]);
		close(handle->wake_fds[1]);
		return;
	}
	while ((participant = TAILQ_FIRST(&handle->participants)) != NULL) {
		TAILQ_REMOVE(&handle->participants, participant, link);
		free(participant);
	}
	client_free(handle);
}

void
appvss_close(struct appvss *handle)
{
	bool is_callback;

	if (handle == NULL)
		return;
	if (client_is_foreign(handle)) {
		close_in_child(handle);
		return;
	}
	client_lock(handle);
	is_callback = handle->is_dispatching && !client_is_elsewhere(handle);
	if (handle->is_closing || is_callback) {
		/* Whoever closed it first frees it. */
		if (!handle->is_closing)
			handle->is_abandoned = true;
		handle->is_closing = true;
		client_unlock(handle);
		return;
	}
	handle->is_closing = true;
	if (!handle->has_thread)
		client_shut(handle);
	client_unlock_changed(handle);
	client_join(handle);
	client_free(handle);
}

int
appvss_get_fd(const struct appvss *handle)
{
	if (client_check(handle) != APPVSS_OK || handle->has_thread)
		return (-1);
	return (handle->fd);
}

short
client_get_events(const struct appvss *handle)
{
	switch (handle->state) {
	case CLIENT_WAITING:
		return (0);
	case CLIENT_CONNECTING:
		return (POLLOUT);
	case CLIENT_GREETING:
	case CLIENT_WELCOMED:
		/* Paused, what has come is not read before there is room. */
		if (handle->is_paused)
			return (POLLOUT);
		return (conn_has_output(handle) ? POLLIN | POLLOUT : POLLIN);
	}
	return (0);
}

short
appvss_get_events(const struct appvss *handle)
{
	if (client_check(handle) != APPVSS_OK || handle->has_thread)
		return (0);
	return (client_get_events(handle));
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
client_get_timeout_ms(const struct appvss *handle)
{
	const struct appvss_participant *participant;
	uint64_t next_at_ms, at_ms, now_ms;

	next_at_ms = handle_next_at_ms(handle);
	at_ms = query_next_at_ms(handle);
	if (at_ms < next_at_ms)
		next_at_ms = at_ms;
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

int
appvss_get_timeout_ms(const struct appvss *handle)
{
	if (handle == NULL)
		return (-1);
	if (client_is_foreign(handle))
		return (0);
	return (handle->has_thread ? -1 : client_get_timeout_ms(handle));
}

/* First what frees room for the answers to what is read. */
static void
run_connection(struct appvss *handle)
{
	if (handle->state == CLIENT_WAITING &&
	    handle->retry_at_ms <= client_now_ms())
		conn_start(handle);
	if (handle->state == CLIENT_CONNECTING)
		(void)conn_finish_connect(handle);
	if (handle->state == CLIENT_GREETING ||
	    handle->state == CLIENT_WELCOMED) {
		conn_write(handle);
		conn_read(handle);
	}
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
client_dispatch(struct appvss *handle)
{
	struct appvss_participant *participant;

	handle->is_dispatching = true;
	run_connection(handle);
	if (handle->state == CLIENT_WAITING)
		notice_loss(handle);
	TAILQ_FOREACH(participant, &handle->participants, link)
		if (!participant->is_leaving)
			operation_run_timers(participant, client_now_ms());
	client_reap(handle);
	session_register(handle, client_now_ms());
	query_run(handle, client_now_ms());
	handle->is_dispatching = false;
	return (handle->is_closing ? APPVSS_E_CLOSED : APPVSS_OK);
}

int
appvss_dispatch(struct appvss *handle)
{
	int error;

	error = client_check(handle);
	if (error != APPVSS_OK)
		return (error);
	client_lock(handle);
	error = APPVSS_E_INVAL;
	if (!handle->is_dispatching && !handle->has_thread)
		error = client_dispatch(handle);
	if (error == APPVSS_E_CLOSED)
		client_shut(handle);
	client_unlock(handle);
	if (error == APPVSS_E_CLOSED)
		client_free(handle);
	return (error);
}
