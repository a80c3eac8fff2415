/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections: see client.h.  The only place of the broker that reads from and
 * writes to clients' sockets.
 */
#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "sdk/proto.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

#define CLIENT_INPUT_BYTES ((size_t)2 * WIRE_LINE_MAX)

struct client {
	struct event read_event;
	struct event *write_event; /* NULL until a write is short */
	/*
	 * NULL unless a limit runs: HELLO's deadline, and later that of a peer
	 * that does not read.
	 */
	struct event *timer;
	void *tag;
	const struct client_callbacks *callbacks;
	void *arg;
	struct client_pool *pool;
	char *output; /* NULL unless something waits */
	size_t output_bytes;
	struct outpool_buffer output_room; /* bytes: its size */
	size_t input_bytes;
	size_t input_room;
	/* What was not handled: the beginning of a line, or lines; or NULL. */
	char *input;
	char *program;
	struct peercred cred;
	unsigned judgement; /* of roles.h */
	int fd;
	bool greeted; /* HELLO was there */
	bool paused;  /* nothing is read until the output is written */
	bool closing; /* closes when the output is written */
	bool closed;
};

static void client_on_read(int fd, short what, void *arg);
static void client_resume(struct client *client);
static void client_on_write(int fd, short what, void *arg);
static void client_on_timer(int fd, short what, void *arg);

/*
 * The limits are few and the same for all: each has one queue in the event
 * loop, where the next is the first, and one place in its heap.  -1: out of
 * memory.
 */
static int
client_arm(struct client *client, unsigned after_ms)
{
	struct timeval after = { after_ms / 1000, after_ms % 1000 * 1000 };
	struct event_base *base = event_get_base(&client->read_event);
	const struct timeval *queue;

	if (client->timer == NULL)
		client->timer = event_new(base, -1, 0, client_on_timer, client);
	if (client->timer == NULL)
		return (-1);
	queue = event_base_init_common_timeout(base, &after);
	return (event_add(client->timer, queue != NULL ? queue : &after));
}

static void
client_disarm(struct client *client)
{
	if (client->timer != NULL)
		event_free(client->timer);
	client->timer = NULL;
}

struct client *
client_create(struct event_base *base, int fd, const struct peercred *cred,
    struct client_pool *pool, const struct client_callbacks *callbacks,
    void *arg)
{
	struct client *client;

	client = calloc(1, sizeof(*client));
	if (client == NULL) {
		(void)close(fd);
		return (NULL);
	}
	client->fd = fd;
	client->cred = *cred;
	client->pool = pool;
	client->output_room.owner = client;
	client->callbacks = callbacks;
	client->arg = arg;
	(void)event_assign(&client->read_event, base, fd, EV_READ | EV_PERSIST,
	    client_on_read, client);
	if (event_add(&client->read_event, NULL) == -1 ||
	    client_arm(client, pool->hello_ms) == -1) {
		client_destroy(client);
		errno = ENOMEM;
		return (NULL);
	}
	return (client);
}

static void
client_drop_output(struct client *client)
{
	free(client->output);
	client->output = NULL;
	client->output_bytes = 0;
	(void)outpool_set(&client->pool->output, &client->output_room,
	    client->cred.uid, 0);
}

void
client_destroy(struct client *client)
{
	(void)event_del(&client->read_event);
	if (client->write_event != NULL)
		event_free(client->write_event);
	client_disarm(client);
	(void)close(client->fd);
	client_drop_output(client);
	free(client->input);
	free(client->program);
	free(client);
}

void
client_close(struct client *client)
{
	if (client->closed)
		return;
	client->closed = true;
	(void)event_del(&client->read_event);
	if (client->write_event != NULL)
		(void)event_del(client->write_event);
	client_disarm(client);
	/* Back from the event loop, where nobody has it in his hands. */
	event_active(&client->read_event, EV_READ, 1);
}

bool
client_is_open(const struct client *client)
{
	return (!client->closed && !client->closing);
}

const struct peercred *
client_cred(const struct client *client)
{
	return (&client->cred);
}

void **
client_tag(struct client *client)
{
	return (&client->tag);
}

const char *
client_program(const struct client *client)
{
	return (client->program == NULL ? "" : client->program);
}

int
client_groups(const struct client *client, gid_t **gids, size_t *ngids)
{
	return (peercred_get_groups(client->fd, gids, ngids));
}

unsigned
client_judgement(const struct client *client)
{
	return (client->judgement);
}

void
client_set_judgement(struct client *client, unsigned judgement)
{
	client->judgement = judgement;
}

/*
 * A buffer of room bytes fits, or those give way who read least.  False: it is
 * this one.
 */
static bool
client_make_way(struct client *client, size_t room)
{
	struct outpool *pool = &client->pool->output;
	struct client *greedy;

	if (outpool_set(pool, &client->output_room, client->cred.uid, room) ==
	    -1)
		return (false);
	while (pool->bytes > CLIENT_OUTPUT_ALL_MAX) {
		greedy = outpool_greediest(pool)->owner;
		if (greedy == client)
			return (false);
		client_close(greedy);
		client_drop_output(greedy);
	}
	return (true);
}

/* Room for length more bytes of output; false: too much, or no memory. */
static bool
client_reserve(struct client *client, size_t length)
{
	size_t room = client->output_room.bytes;
	char *output;

	if (client->output_bytes + length > CLIENT_OUTPUT_MAX)
		return (false);
	if (client->output_bytes + length <= room)
		return (true);
	room = room == 0 ? 4096 : room;
	while (room < client->output_bytes + length)
		room *= 2;
	if (!client_make_way(client, room))
		return (false);
	output = realloc(client->output, room);
	if (output != NULL)
		client->output = output;
	return (output != NULL);
}

/* Keeps what the socket did not take. */
static void
client_queue(struct client *client, const char *bytes, size_t length)
{
	bool waits = client->output_bytes > 0;

	if (!client_reserve(client, length)) {
		client_close(client);
		return;
	}
	memcpy(client->output + client->output_bytes, bytes, length);
	client->output_bytes += length;
	if (client->write_event == NULL)
		client->write_event = event_new(event_get_base(
						    &client->read_event),
		    client->fd, EV_WRITE | EV_PERSIST, client_on_write, client);
	if (client->write_event == NULL ||
	    event_add(client->write_event, NULL) == -1 ||
	    (!waits && client->greeted &&
		client_arm(client, client->pool->stall_ms) == -1))
		client_close(client);
}

/* What the socket takes of bytes; -1: the peer is gone. */
static ssize_t
client_write(struct client *client, const char *bytes, size_t length)
{
	ssize_t written;

	do
		written = send(client->fd, bytes, length,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	while (written == -1 && errno == EINTR);
	if (written == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return (0);
	return (written);
}

void
client_send_bytes(struct client *client, const char *bytes, size_t length)
{
	ssize_t written;

	if (client->closed)
		return;
	written = 0;
	if (client->output_bytes == 0)
		written = client_write(client, bytes, length);
	if (written == -1)
		client_close(client);
	else if ((size_t)written < length)
		client_queue(client, bytes + written, length - (size_t)written);
}

void
client_send(struct client *client, struct wire_line *line)
{
	enum wire_error error;

	error = wire_end(line);
	assert(error == WIRE_OK);
	(void)error;
	client_send_bytes(client, line->bytes, line->length);
}

void
client_send_error(struct client *client, const char *code, const char *verb,
    const char *name, const char *text)
{
	struct wire_line line;

	wire_begin(&line, &proto_broker_grammar, PB_ERROR);
	wire_put_text(&line, PK_CODE, code);
	if (verb != NULL)
		wire_put_text(&line, PK_VERB, verb);
	if (name != NULL)
		wire_put_text(&line, PK_NAME, name);
	if (text != NULL)
		wire_put_text(&line, PK_TEXT, text);
	client_send(client, &line);
}

/* No more input; the end comes when the output is written. */
static void
client_linger(struct client *client)
{
	if (client->closed)
		return;
	if (client->output_bytes == 0) {
		client_close(client);
		return;
	}
	client->closing = true;
	(void)event_del(&client->read_event);
	if (client_arm(client, client->pool->linger_ms) == -1)
		client_close(client);
}

/* An ERROR that ends the connection once it is written. */
static void
client_refuse(struct client *client, const char *code, const char *text)
{
	client_send_error(client, code, NULL, NULL, text);
	client_linger(client);
}

void
client_finish(struct client *client, const char *verb)
{
	struct wire_line line;

	wire_begin(&line, &proto_broker_grammar, PB_OK);
	wire_put_text(&line, PK_VERB, verb);
	client_send(client, &line);
	client_linger(client);
}

static void
client_on_write(int fd, short what, void *arg)
{
	struct client *client = arg;
	ssize_t written;

	(void)fd;
	(void)what;
	written = client_write(client, client->output, client->output_bytes);
	if (written == -1) {
		client_close(client);
		return;
	}
	client->output_bytes -= (size_t)written;
	memmove(client->output, client->output + written, client->output_bytes);
	if (client->output_bytes > 0) {
		if (written > 0 && client->greeted && !client->closing &&
		    client_arm(client, client->pool->stall_ms) == -1)
			client_close(client);
		return;
	}
	client_drop_output(client);
	event_free(client->write_event);
	client->write_event = NULL;
	if (client->greeted)
		client_disarm(client);
	if (client->closing)
		client_close(client);
	else if (client->paused)
		client_resume(client);
}

static void
client_on_timer(int fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	(void)what;
	if (client->greeted || client->closing)
		client_close(client);
	else
		client_refuse(client, "hello_first", "no HELLO in time");
}

static void
client_on_hello(struct client *client, const struct wire_msg *msg)
{
	struct wire_line line;

	if (msg->verb != PC_HELLO) {
		client_refuse(client, "hello_first",
		    "the first message must be HELLO version=1");
		return;
	}
	if (wire_get_uint(msg, PK_VERSION, 0) != PROTO_VERSION) {
		client_refuse(client, "version", "only version 1 is spoken");
		return;
	}
	client->program = strdup(wire_get_text(msg, PK_PROGRAM, ""));
	client->greeted = true;
	client_disarm(client);
	wire_begin(&line, &proto_broker_grammar, PB_WELCOME);
	wire_put_uint(&line, PK_VERSION, PROTO_VERSION);
	client_send(client, &line);
}

static void
client_on_line(struct client *client, const char *bytes, size_t length)
{
	struct wire_msg msg;
	enum wire_error error;

	error = wire_decode(&proto_client_grammar, bytes, length, &msg);
	switch (error) {
	case WIRE_OK:
		if (!client->greeted)
			client_on_hello(client, &msg);
		else if (msg.verb == PC_HELLO)
			client_send_error(client, "again", "HELLO", NULL, NULL);
		else
			client->callbacks->message(client->arg, client, &msg);
		break;
	case WIRE_E_GRAMMAR:
	case WIRE_E_TOO_LONG:
		client_refuse(client, wire_error_word(error), NULL);
		break;
	case WIRE_E_UNKNOWN_VERB:
	case WIRE_E_DUPLICATE_KEY:
	case WIRE_E_MISSING_KEY:
	case WIRE_E_BAD_VALUE:
		if (!client->greeted)
			client_refuse(client, wire_error_word(error),
			    msg.culprit);
		else
			client_send_error(client, wire_error_word(error),
			    msg.verb < PC_COUNT ?
				proto_client_grammar.verbs[msg.verb].name :
				NULL,
			    NULL, msg.culprit);
		break;
	}
}

/*
 * Handles the whole lines in bytes; returns how many bytes they were.  Who asks
 * for more than he reads waits for himself, and not others for his answers.
 */
static size_t
client_on_bytes(struct client *client, const char *bytes, size_t length)
{
	const char *end, *start;

	start = bytes;
	while (client_is_open(client) &&
	    client->output_bytes <= CLIENT_OUTPUT_PAUSE) {
		end = memchr(start, '\n', length - (size_t)(start - bytes));
		if (end == NULL)
			break;
		client_on_line(client, start, (size_t)(end - start) + 1);
		start = end + 1;
	}
	return ((size_t)(start - bytes));
}

/* Room for so much input; there is no buffer between lines. */
static bool
client_make_room(struct client *client, size_t length)
{
	const size_t room = length == 0 ? 0 :
	    length <= WIRE_LINE_MAX	? WIRE_LINE_MAX :
					  CLIENT_INPUT_BYTES;

	if (room == client->input_room)
		return (true);
	free(client->input);
	client->input = room == 0 ? NULL : malloc(room);
	client->input_room = client->input == NULL ? 0 : room;
	return (client->input_room == room);
}

static void
client_keep(struct client *client, const char *bytes, size_t length)
{
	client->paused = client->output_bytes > CLIENT_OUTPUT_PAUSE;
	if (!client->paused && length >= WIRE_LINE_MAX) {
		client_refuse(client, wire_error_word(WIRE_E_TOO_LONG), NULL);
		return;
	}
	if (!client_make_room(client, length)) {
		client_close(client);
		return;
	}
	if (length > 0)
		memcpy(client->input, bytes, length);
	client->input_bytes = length;
	if (client->paused)
		(void)event_del(&client->read_event);
}

static void
client_take(struct client *client, const char *bytes, size_t length)
{
	size_t used;

	used = client_on_bytes(client, bytes, length);
	if (client_is_open(client))
		client_keep(client, bytes + used, length - used);
}

/* The peer has read what it was sent. */
static void
client_resume(struct client *client)
{
	char buffer[CLIENT_INPUT_BYTES];

	client->paused = false;
	if (event_add(&client->read_event, NULL) == -1) {
		client_close(client);
		return;
	}
	if (client->input_bytes > 0)
		memcpy(buffer, client->input, client->input_bytes);
	client_take(client, buffer, client->input_bytes);
}

static void
client_on_read(int fd, short what, void *arg)
{
	struct client *client = arg;
	char buffer[CLIENT_INPUT_BYTES];
	ssize_t received;
	size_t length;

	(void)what;
	if (client->closed) {
		client->callbacks->closed(client->arg, client);
		client_destroy(client);
		return;
	}
	length = client->input_bytes;
	if (length > 0)
		memcpy(buffer, client->input, length);
	received = recv(fd, buffer + length, sizeof(buffer) - length,
	    MSG_DONTWAIT);
	if (received == -1 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (received <= 0) {
		client_close(client);
		return;
	}
	client_take(client, buffer, length + (size_t)received);
}
