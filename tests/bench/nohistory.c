/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A history process that confirms rows and keeps none: what is left of the time
 * to a release without SQLite and a disk.  For the benchmark only.
 *
 * usage: nohistory --history PATH --fd N
 */
#include <sys/socket.h>

#include <err.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IN_BYTES (256 * 1024)

struct sink {
	int fd;
	unsigned long seq; /* of the last row */
	bool unconfirmed;
	size_t length;
	char in[IN_BYTES];
};

static void
sink_say(struct sink *sink, const char *verb, unsigned long number)
{
	char line[64];
	int length;

	length = snprintf(line, sizeof(line), "%s%lu\n", verb, number);
	if (send(sink->fd, line, (size_t)length, MSG_NOSIGNAL) != length)
		exit(0);
}

static void
sink_confirm(struct sink *sink)
{
	if (sink->unconfirmed)
		sink_say(sink, "ACK seq=", sink->seq);
	sink->unconfirmed = false;
}

/* line ends with its LF. */
static void
sink_on_line(struct sink *sink, const char *line, const char *end)
{
	const char *seq;

	if (strncmp(line, "RUN ", 4) == 0) {
		sink_say(sink, "READY last_id=", 0);
	} else if (strncmp(line, "COMMIT", 6) == 0) {
		sink_confirm(sink);
	} else if (strncmp(line, "KEEP ", 5) != 0) {
		seq = memmem(line, (size_t)(end - line), " seq=", 5);
		if (seq == NULL)
			errx(1, "a row without a number");
		sink->seq = strtoul(seq + 5, NULL, 10);
		sink->unconfirmed = true;
	}
}

static void
sink_on_bytes(struct sink *sink)
{
	char *end, *line = sink->in;

	while ((end = memchr(line, '\n',
		    sink->length - (size_t)(line - sink->in))) != NULL) {
		sink_on_line(sink, line, end);
		line = end + 1;
	}
	sink->length -= (size_t)(line - sink->in);
	memmove(sink->in, line, sink->length);
}

int
main(int argc, char *argv[])
{
	static struct sink sink;
	struct pollfd pfd = { .events = POLLIN };
	ssize_t got;

	if (argc < 2)
		return (64);
	pfd.fd = sink.fd = atoi(argv[argc - 1]);
	for (;;) {
		/* What is not followed at once by more is confirmed. */
		if (poll(&pfd, 1, 0) == 0)
			sink_confirm(&sink);
		got = recv(sink.fd, sink.in + sink.length,
		    sizeof(sink.in) - sink.length, 0);
		if (got <= 0)
			return (0);
		sink.length += (size_t)got;
		sink_on_bytes(&sink);
	}
}
