/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: see control.h.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"

#define SOCKET_NAME	"hv_vss_daemon.sock"
#define PUT_MAX		2048 /* one line of an answer */
#define ACCEPT_RETRY_MS 500

struct client {
	int fd;	       /* -1: free */
	uint64_t id;   /* from 1 */
	uint64_t used; /* the higher, the later it was heard of */
	char in[CONTROL_LINE_MAX];
	size_t in_bytes;
	char *out; /* owned */
	size_t out_bytes;
	size_t sent_bytes;
	bool end_after; /* to be closed when all is sent */
	bool overflow;
};

struct control {
	struct sockaddr_un address;
	int listener;
	int64_t resume_at_ms; /* 0: connections are taken */
	uint64_t last_id;
	uint64_t last_used;
	struct client clients[CONTROL_CLIENTS_MAX];
};

static const char *const verbs[] = {
	[CONTROL_STATUS] = "STATUS",
	[CONTROL_MOUNTS] = "MOUNTS",
	[CONTROL_FREEZE] = "FREEZE",
	[CONTROL_THAW] = "THAW",
};
#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

int
control_address(const char *runtime_dir, struct sockaddr_un *address)
{
	int length;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	length = snprintf(address->sun_path, sizeof(address->sun_path),
	    "%s/" SOCKET_NAME, runtime_dir);
	if (length > 0 && (size_t)length < sizeof(address->sun_path))
		return (0);
	errno = ENAMETOOLONG;
	return (-1);
}

static int
make_socket(void)
{
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return (fd);
}

/* Removes a socket whose owner has gone.  0, or -1 with errno. */
static int
remove_stale(const struct sockaddr_un *address)
{
	int error, fd, result;

	fd = make_socket();
	if (fd == -1)
		return (-1);
	result = connect(fd, (const struct sockaddr *)address,
	    sizeof(*address));
	error = errno;
	(void)close(fd);
	if (result == 0 || error == EAGAIN) {
		errno = EADDRINUSE;
		return (-1);
	}
	if (error == ECONNREFUSED)
		return (unlink(address->sun_path));
	return (error == ENOENT ? 0 : -1);
}

int
control_open(const char *runtime_dir, struct control **out)
{
	struct control *control;
	mode_t mask;
	int error, i, result;

	*out = NULL;
	control = calloc(1, sizeof(*control));
	if (control == NULL)
		return (-1);
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	control->listener = -1;
	result = control_address(runtime_dir, &control->address);
	if (result == 0)
		result = remove_stale(&control->address);
	if (result == 0) {
		control->listener = make_socket();
		mask = umask(0177);
		if (control->listener == -1 ||
		    bind(control->listener,
			(struct sockaddr *)&control->address,
			sizeof(control->address)) != 0 ||
		    listen(control->listener, CONTROL_CLIENTS_MAX) != 0)
			result = -1;
		(void)umask(mask);
	}
	if (result == 0) {
		*out = control;
		return (0);
	}
	error = errno;
	if (control->listener != -1)
		(void)close(control->listener);
	free(control);
	errno = error;
	return (-1);
}

static void
drop(struct client *client)
{
	(void)close(client->fd);
	free(client->out);
	memset(client, 0, sizeof(*client));
	client->fd = -1;
}

void
control_close(struct control *control)
{
	unsigned i;

	if (control == NULL)
		return;
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd != -1)
			drop(&control->clients[i]);
	}
	(void)close(control->listener);
	(void)unlink(control->address.sun_path);
	free(control);
}

unsigned
control_pollfds(struct control *control, struct pollfd fds[CONTROL_FDS_MAX])
{
	const struct client *client;
	unsigned i;

	if (control == NULL)
		return (0);
	if (clock_now_ms() >= control->resume_at_ms)
		control->resume_at_ms = 0;
	fds[0] = (struct pollfd) {
		.fd = control->resume_at_ms != 0 ? -1 : control->listener,
		.events = POLLIN,
	};
	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client = &control->clients[i];
		/* The end of a connection is told without being asked for. */
		fds[i + 1] = (struct pollfd) {
			.fd = client->fd,
			.events = client->out_bytes > 0 ? POLLOUT : POLLIN,
		};
	}
	return (CONTROL_FDS_MAX);
}

int64_t
control_resume_at_ms(const struct control *control)
{
	return (control == NULL ? 0 : control->resume_at_ms);
}

/* A place for a client; NULL: none is free. */
static struct client *
find_free(struct control *control)
{
	unsigned i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd == -1)
			return (&control->clients[i]);
	}
	return (NULL);
}

/* The place of the one that has been idle the longest; NULL: nobody's. */
static struct client *
drop_idlest(struct control *control, uint64_t kept)
{
	struct client *client, *idlest = NULL;
	unsigned i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		client = &control->clients[i];
		if (client->fd != -1 && client->id != kept &&
		    (idlest == NULL || client->used < idlest->used))
			idlest = client;
	}
	if (idlest != NULL)
		drop(idlest);
	return (idlest);
}

/* A connection that cannot be taken would wake the loop again and again. */
static void
accept_client(struct control *control, uint64_t kept)
{
	struct client *client;
	int fd;

	fd = accept4(control->listener, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd == -1) {
		if ((errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			errno == ENOBUFS) &&
		    drop_idlest(control, kept) == NULL)
			control->resume_at_ms = clock_now_ms() +
			    ACCEPT_RETRY_MS;
		return;
	}
	client = find_free(control);
	if (client == NULL)
		client = drop_idlest(control, kept);
	/* There is room for more than the one that is kept. */
	assert(client != NULL);
	client->fd = fd;
	client->id = ++control->last_id;
	client->used = ++control->last_used;
}

static void
flush(struct client *client)
{
	ssize_t sent;

	while (client->sent_bytes < client->out_bytes) {
		sent = send(client->fd, client->out + client->sent_bytes,
		    client->out_bytes - client->sent_bytes, MSG_NOSIGNAL);
		if (sent == -1 && errno == EINTR)
			continue;
		if (sent == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (sent == -1) {
			drop(client);
			return;
		}
		client->sent_bytes += (size_t)sent;
	}
	free(client->out);
	client->out = NULL;
	client->out_bytes = 0;
	client->sent_bytes = 0;
	client->overflow = false;
	if (client->end_after)
		drop(client);
}

static void
put(struct client *client, const char *text, size_t length)
{
	static const char too_long[] = "ERROR reason=too_long\n";
	char *grown;

	if (client->overflow)
		return;
	if (client->out_bytes + length > CONTROL_ANSWER_BYTES) {
		client->overflow = true;
		text = too_long;
		length = sizeof(too_long) - 1;
	}
	grown = realloc(client->out, client->out_bytes + length);
	if (grown == NULL) {
		client->end_after = true;
		return;
	}
	client->out = grown;
	memcpy(client->out + client->out_bytes, text, length);
	client->out_bytes += length;
}

static void
refuse(struct client *client, const char *reason)
{
	char text[64];
	int length;

	length = snprintf(text, sizeof(text), "ERROR reason=%s\n", reason);
	put(client, text, (size_t)length);
	client->end_after = true;
	client->in_bytes = 0;
	flush(client);
}

static void
receive(struct control *control, struct client *client)
{
	ssize_t got;

	got = recv(client->fd, client->in + client->in_bytes,
	    sizeof(client->in) - client->in_bytes, 0);
	if (got == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		drop(client);
		return;
	}
	client->used = ++control->last_used;
	client->in_bytes += (size_t)got;
	if (client->in_bytes == sizeof(client->in) &&
	    memchr(client->in, '\n', client->in_bytes) == NULL)
		refuse(client, "too_long");
}

void
control_serve(struct control *control, const struct pollfd *fds, unsigned nfds,
    uint64_t kept)
{
	struct client *client;
	unsigned i;

	for (i = 1; i < nfds; i++) {
		client = &control->clients[i - 1];
		if (fds[i].revents == 0 || client->fd != fds[i].fd)
			continue;
		if ((fds[i].revents & POLLOUT) != 0)
			flush(client);
		else if ((fds[i].revents & POLLIN) != 0)
			receive(control, client);
		else
			drop(client);
	}
	if (nfds > 0 && fds[0].revents != 0)
		accept_client(control, kept);
}

static bool
parse_ms(const char *text, unsigned *value)
{
	unsigned long number;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return (false);
	errno = 0;
	number = strtoul(text, &end, 10);
	*value = (unsigned)number;
	return (*end == '\0' && errno == 0 && number > 0 && number <= 3600000);
}

/* line is cut up.  NULL, or the reason why it is no request. */
static const char *
parse(char *line, struct control_request *request)
{
	char *next = line, *word;
	size_t i;

	word = strsep(&next, " ");
	for (i = 0; i < NVERBS; i++) {
		if (strcmp(word, verbs[i]) == 0)
			break;
	}
	if (i == NVERBS)
		return ("unknown_verb");
	request->verb = (enum control_verb)i;
	request->hold_ms = 0;
	request->mount[0] = '\0';
	while ((word = strsep(&next, " ")) != NULL) {
		if (request->verb == CONTROL_FREEZE &&
		    strncmp(word, "hold_ms=", 8) == 0) {
			if (!parse_ms(word + 8, &request->hold_ms))
				return ("bad_value");
		} else if (request->verb == CONTROL_FREEZE &&
		    strncmp(word, "mount=", 6) == 0) {
			/* A line is no longer than there is room. */
			(void)snprintf(request->mount, sizeof(request->mount),
			    "%s", word + 6);
			if (request->mount[0] != '/')
				return ("bad_value");
		} else {
			return ("unknown_key");
		}
	}
	return (NULL);
}

bool
control_next(struct control *control, struct control_request *request)
{
	const char *reason;
	struct client *client;
	size_t used;
	unsigned i;
	char *end;

	for (i = 0; control != NULL && i < CONTROL_CLIENTS_MAX; i++) {
		client = &control->clients[i];
		/* One answer at a time. */
		if (client->fd == -1 || client->in_bytes == 0 ||
		    client->out_bytes > 0 || client->end_after)
			continue;
		end = memchr(client->in, '\n', client->in_bytes);
		if (end == NULL)
			continue;
		*end = '\0';
		request->client = client->id;
		reason = parse(client->in, request);
		if (reason != NULL) {
			refuse(client, reason);
			continue;
		}
		used = (size_t)(end + 1 - client->in);
		client->in_bytes -= used;
		memmove(client->in, end + 1, client->in_bytes);
		return (true);
	}
	return (false);
}

static struct client *
find_client(struct control *control, uint64_t id)
{
	unsigned i;

	for (i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd != -1 &&
		    control->clients[i].id == id)
			return (&control->clients[i]);
	}
	return (NULL);
}

bool
control_is_there(const struct control *control, uint64_t client)
{
	unsigned i;

	for (i = 0; control != NULL && i < CONTROL_CLIENTS_MAX; i++) {
		if (control->clients[i].fd != -1 &&
		    control->clients[i].id == client)
			return (true);
	}
	return (false);
}

void
control_put(struct control *control, uint64_t id, const char *format, ...)
{
	struct client *client = find_client(control, id);
	char text[PUT_MAX];
	va_list args;
	int length;

	if (client == NULL)
		return;
	va_start(args, format);
	length = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	if (length < 0)
		return;
	if ((size_t)length > sizeof(text) - 2)
		length = (int)sizeof(text) - 2;
	text[length] = '\n';
	/* analyze: drop() frees what waits to be sent. */
	put(client, text, (size_t)length + 1);
}

void
control_send(struct control *control, uint64_t id)
{
	struct client *client = find_client(control, id);

	if (client != NULL)
		flush(client);
}
