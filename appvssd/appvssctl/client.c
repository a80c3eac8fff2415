/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A blocking client of appvssd with one deadline for the whole exchange.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client.h"
#include "ctl.h"
#include "sdk/proto.h"
#include "text.h"
#include "when.h"

/* For poll(2). */
static int
time_left(const struct client *client)
{
	long long left;

	if (client->deadline_ms == -1)
		return (-1);
	left = client->deadline_ms - when_now_ms();
	return (left <= 0 ? 0 : (int)left);
}

void
client_set_limit(struct client *client, long long limit_ms)
{
	client->deadline_ms = limit_ms == -1 ? -1 : when_now_ms() + limit_ms;
}

/* Waits for events on the socket.  EX_OK, or a status after a message. */
static int
await(struct client *client, short events)
{
	for (;;) {
		struct pollfd pfd = { client->fd, events, 0 };
		int ready;

		ready = poll(&pfd, 1, time_left(client));
		if (ready > 0)
			return (EX_OK);
		if (ready < 0 && errno == EINTR)
			continue;
		ctl_warn("%s: appvssd does not answer", client->socket);
		return (EX_TEMPFAIL);
	}
}

static int
connect_socket(struct client *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int error = 0, status;
	socklen_t length = sizeof(error);

	if (strlen(client->socket) >= sizeof(address.sun_path)) {
		ctl_warn("%s: the path is too long for a socket",
		    client->socket);
		return (EX_USAGE);
	}
	memcpy(address.sun_path, client->socket, strlen(client->socket));
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (client->fd < 0) {
		ctl_warn("socket: %s", strerror(errno));
		return (EX_OSERR);
	}
	if (connect(client->fd, (const struct sockaddr *)&address,
		sizeof(address)) < 0) {
		if (errno != EINPROGRESS) {
			error = errno;
		} else {
			status = await(client, POLLOUT);
			if (status != EX_OK)
				return (status);
			(void)getsockopt(client->fd, SOL_SOCKET, SO_ERROR,
			    &error, &length);
		}
	}
	if (error == 0)
		return (EX_OK);
	if (error == EAGAIN) {
		ctl_warn("%s: appvssd does not answer", client->socket);
		return (EX_TEMPFAIL);
	}
	ctl_warn("%s: %s%s", client->socket, strerror(error),
	    error == ENOENT || error == ECONNREFUSED ?
		" (is appvssd running?)" :
		"");
	return (error == EACCES || error == EPERM ? EX_NOPERM : EX_UNAVAILABLE);
}

int
client_send(struct client *client, struct wire_line *line)
{
	size_t offset = 0;

	if (wire_end(line) != WIRE_OK) {
		ctl_warn("cannot be said in the protocol: %s",
		    wire_error_word(line->error));
		return (EX_USAGE);
	}
	while (offset < line->length) {
		ssize_t sent = send(client->fd, line->bytes + offset,
		    line->length - offset, MSG_NOSIGNAL);
		int status;

		if (sent >= 0) {
			offset += (size_t)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN) {
			ctl_warn("%s: %s", client->socket, strerror(errno));
			return (EX_UNAVAILABLE);
		}
		status = await(client, POLLOUT);
		if (status != EX_OK)
			return (status);
	}
	return (EX_OK);
}

/* A whole line at the beginning of the buffer; its length with LF. */
static int
read_line(struct client *client, size_t *lengthp)
{
	client->length -= client->used;
	memmove(client->in, client->in + client->used, client->length);
	client->used = 0;
	for (;;) {
		const char *end = memchr(client->in, '\n', client->length);
		ssize_t got;
		int status;

		if (end != NULL) {
			*lengthp = (size_t)(end - client->in) + 1;
			client->used = *lengthp;
			return (EX_OK);
		}
		if (client->length == sizeof(client->in)) {
			ctl_warn("%s: a line is too long", client->socket);
			return (EX_PROTOCOL);
		}
		status = await(client, POLLIN);
		if (status != EX_OK)
			return (status);
		got = recv(client->fd, client->in + client->length,
		    sizeof(client->in) - client->length, 0);
		if (got > 0) {
			client->length += (size_t)got;
		} else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
			ctl_warn("%s: appvssd closed the connection",
			    client->socket);
			return (EX_UNAVAILABLE);
		}
	}
}

static int
report_error(const struct wire_msg *msg)
{
	const char *code = wire_get_text(msg, PK_CODE, "unknown");
	char *text = text_escape(wire_get_text(msg, PK_TEXT, ""));

	ctl_warn("appvssd says: %s%s%s", code,
	    text != NULL && text[0] != '\0' ? ": " : "",
	    text != NULL ? text : "");
	free(text);
	return (strcmp(code, "denied") == 0 ? EX_NOPERM : EX_DATAERR);
}

bool
client_has_line(struct client *client)
{
	struct pollfd pfd = { client->fd, POLLIN, 0 };

	return (memchr(client->in + client->used, '\n',
		    client->length - client->used) != NULL ||
	    poll(&pfd, 1, 0) == 1);
}

int
client_receive_any(struct client *client, struct wire_msg *msg)
{
	enum wire_error error;
	size_t length;
	int status;

	do {
		status = read_line(client, &length);
		if (status != EX_OK)
			return (status);
		error = wire_decode(&proto_broker_grammar, client->in, length,
		    msg);
		/* A newer appvssd may say more than this program knows. */
	} while (error == WIRE_E_UNKNOWN_VERB);
	if (error != WIRE_OK) {
		ctl_warn("%s: cannot be understood: %s", client->socket,
		    wire_error_word(error));
		return (EX_PROTOCOL);
	}
	return (EX_OK);
}

int
client_receive(struct client *client, struct wire_msg *msg)
{
	int status = client_receive_any(client, msg);

	if (status == EX_OK && msg->verb == PB_ERROR)
		return (report_error(msg));
	return (status);
}

int
client_open(struct client *client, const char *socket, const char *program)
{
	static struct wire_msg msg;
	struct wire_line line;
	int status;

	memset(client, 0, sizeof(*client));
	client->socket = socket;
	client->fd = -1;
	client->deadline_ms = when_now_ms() + CLIENT_LIMIT_MS;
	status = connect_socket(client);
	if (status == EX_OK) {
		wire_begin(&line, &proto_client_grammar, PC_HELLO);
		wire_put_uint(&line, PK_VERSION, PROTO_VERSION);
		wire_put_text(&line, PK_PROGRAM,
		    program == NULL ? "appvssctl " APPVSS_VERSION : program);
		status = client_send(client, &line);
	}
	if (status == EX_OK)
		status = client_receive(client, &msg);
	if (status == EX_OK && msg.verb != PB_WELCOME) {
		ctl_warn("%s: this is not appvssd", socket);
		status = EX_PROTOCOL;
	}
	if (status != EX_OK)
		client_close(client);
	return (status);
}

void
client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}
