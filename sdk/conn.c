/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket of a handle: connect, read lines, queue and write.  It never
 * blocks, never raises SIGPIPE, and calls no callback but by way of the lines
 * that it hands over: a lost connection is only noted here, and dealt with at
 * the end of a dispatch.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

static void
set_state(struct appvss *handle, enum client_state state)
{
	handle->state = state;
	if (state == CLIENT_CONNECTING)
		handle->deadline_at_ms = client_now_ms() +
		    PROTO_HELLO_TIMEOUT_MS;
}

void
conn_lose(struct appvss *handle, int error, const char *text)
{
	int fd = handle->fd;

	/* In this order: a child that is forked now must not close another. */
	handle->fd = -1;
	if (fd >= 0)
		close(fd);
	handle->is_paused = false;
	handle->in_length = 0;
	handle->out_start = 0;
	handle->out_end = 0;
	handle->is_broken = false;
	handle->lost_error = error;
	snprintf(handle->lost_text, sizeof(handle->lost_text), "%s", text);
	handle->retry_at_ms = client_now_ms() + handle->backoff_ms;
	handle->backoff_ms *= 2;
	if (handle->backoff_ms > CLIENT_BACKOFF_MAX_MS)
		handle->backoff_ms = CLIENT_BACKOFF_MAX_MS;
	set_state(handle, CLIENT_WAITING);
}

static void
lose_by_errno(struct appvss *handle, const char *what, int error)
{
	char text[sizeof(handle->lost_text)], why[64];

#ifdef __GLIBC__
	snprintf(text, sizeof(text), "%s: %s", what,
	    strerror_r(error, why, sizeof(why)));
#else
	if (strerror_r(error, why, sizeof(why)) != 0)
		snprintf(why, sizeof(why), "error %d", error);
	snprintf(text, sizeof(text), "%s: %s", what, why);
#endif
	conn_lose(handle, APPVSS_E_UNAVAILABLE, text);
}

void
conn_start(struct appvss *handle)
{
	int error;

	handle->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (handle->fd < 0) {
		lose_by_errno(handle, "socket", errno);
		return;
	}
	set_state(handle, CLIENT_CONNECTING);
	if (connect(handle->fd, (const struct sockaddr *)&handle->address,
		(socklen_t)sizeof(handle->address)) == 0) {
		set_state(handle, CLIENT_GREETING);
		session_hello(handle);
		return;
	}
	/* EAGAIN is Linux's way to say that the broker's backlog is full. */
	error = errno;
	if (error != EINPROGRESS && error != EINTR)
		lose_by_errno(handle, handle->address.sun_path, error);
}

bool
conn_finish_connect(struct appvss *handle)
{
	struct pollfd pollfd = { .fd = handle->fd, .events = POLLOUT };
	socklen_t length = sizeof(int);
	int error = 0;

	if (poll(&pollfd, 1, 0) <= 0)
		return (false);
	if (getsockopt(handle->fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		error = errno;
	if (error != 0) {
		lose_by_errno(handle, handle->address.sun_path, error);
		return (false);
	}
	set_state(handle, CLIENT_GREETING);
	session_hello(handle);
	return (true);
}

/*
 * Hands over the complete lines of the buffer, while there is room for answers;
 * keeps the rest.
 */
static void
split_lines(struct appvss *handle)
{
	size_t start = 0, length;
	const char *lf;

	handle->is_paused = false;
	while (handle->state != CLIENT_WAITING &&
	    (lf = memchr(handle->in + start, '\n',
		 handle->in_length - start)) != NULL) {
		if (!conn_has_room(handle)) {
			handle->is_paused = true;
			break;
		}
		length = (size_t)(lf - (handle->in + start)) + 1;
		session_receive(handle, handle->in + start, length);
		start += length;
	}
	if (handle->state == CLIENT_WAITING)
		return; /* lost on the way: the buffer is void */
	handle->in_length -= start;
	memmove(handle->in, handle->in + start, handle->in_length);
	if (!handle->is_paused && handle->in_length == sizeof(handle->in))
		conn_lose(handle, APPVSS_E_PROTOCOL,
		    "the broker sent a line that is too long");
}

void
conn_read(struct appvss *handle)
{
	ssize_t length;
	int reads;

	if (handle->is_paused)
		split_lines(handle);
	for (reads = 0; reads < CLIENT_READS_MAX; reads++) {
		if (handle->state == CLIENT_WAITING || handle->is_paused)
			return;
		length = recv(handle->fd, handle->in + handle->in_length,
		    sizeof(handle->in) - handle->in_length, 0);
		if (length == 0) {
			conn_lose(handle, APPVSS_E_UNAVAILABLE,
			    "the broker closed the connection");
			return;
		}
		if (length < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK &&
			    errno != EINTR)
				lose_by_errno(handle, "recv", errno);
			return;
		}
		handle->received_at_ms = client_now_ms();
		handle->in_length += (size_t)length;
		split_lines(handle);
	}
}

bool
conn_has_output(const struct appvss *handle)
{
	return (handle->out_start < handle->out_end);
}

bool
conn_has_room(const struct appvss *handle)
{
	return (handle->out_end - handle->out_start <=
	    CLIENT_OUT_ROOM - WIRE_LINE_MAX);
}

/*
 * A failure is only noted: what the broker said before it went is still read,
 * and callbacks must not run inside of functions that callbacks call.
 */
void
conn_write(struct appvss *handle)
{
	ssize_t length;

	while (!handle->is_broken && handle->out_start < handle->out_end) {
		length = send(handle->fd, handle->out + handle->out_start,
		    handle->out_end - handle->out_start, MSG_NOSIGNAL);
		if (length >= 0) {
			handle->out_start += (size_t)length;
			continue;
		}
		if (errno == EINTR)
			continue;
		/* FreeBSD says ENOBUFS when the peer's buffer is full. */
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS)
			handle->is_broken = true;
		return;
	}
}

static bool
reserve_output(struct appvss *handle, size_t length)
{
	size_t size = handle->out_size;
	char *out;

	if (length <= size - handle->out_end)
		return (true);
	if (handle->out_start > 0) {
		handle->out_end -= handle->out_start;
		memmove(handle->out, handle->out + handle->out_start,
		    handle->out_end);
		handle->out_start = 0;
	}
	/* Half of it free, or else moving would cost more than sending. */
	if (handle->out_end + length <= size / 2)
		return (true);
	out = size < CLIENT_OUT_MAX ? realloc(handle->out, size * 2) : NULL;
	if (out != NULL) {
		handle->out = out;
		handle->out_size = size * 2;
	}
	return (length <= handle->out_size - handle->out_end);
}

bool
conn_send_line(struct appvss *handle)
{
	size_t length = handle->line.length;

	if (handle->fd < 0 || handle->is_broken)
		return (false);
	if (!reserve_output(handle, length)) {
		handle->is_broken = true;
		return (false);
	}
	memcpy(handle->out + handle->out_end, handle->line.bytes, length);
	handle->out_end += length;
	conn_write(handle);
	return (!handle->is_broken);
}
