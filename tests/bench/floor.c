/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor of the fan-out: see floor.h.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "floor.h"

#define EVENTS_MAX     256
#define LINE_MAX_BYTES 512
#define REPLY_BYTES    40 /* a READY is about as long */
#define REQUEST_BYTES  80

/* Sends each client a request, reads each one's reply, and says so. */
static void __attribute__((noreturn))
floor_server(const int *fds, size_t count, int order_fd, int done_fd)
{
	struct epoll_event events[EVENTS_MAX], event = { .events = EPOLLIN };
	char request[REQUEST_BYTES], reply[LINE_MAX_BYTES], order;
	int epoll_fd, n, j;
	size_t i, ready;

	memset(request, 'F', sizeof(request));
	request[sizeof(request) - 1] = '\n';
	epoll_fd = epoll_create1(0);
	for (i = 0; i < count; i++) {
		event.data.fd = fds[i];
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event);
	}
	while (read(order_fd, &order, 1) == 1) {
		for (i = 0; i < count; i++)
			(void)!write(fds[i], request, sizeof(request));
		for (ready = 0; ready < count;) {
			n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
			for (j = 0; j < n; j++)
				ready += read(events[j].data.fd, reply,
					     sizeof(reply)) == REPLY_BYTES;
		}
		(void)!write(done_fd, "!", 1);
	}
	_exit(0);
}

void
floor_start(struct floor *floor_, size_t count)
{
	struct epoll_event event = { .events = EPOLLIN };
	int order[2], done[2], pair[2], *fds;
	size_t i;

	fds = calloc(count, sizeof(*fds));
	floor_->clients = calloc(count, sizeof(*floor_->clients));
	floor_->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (fds == NULL || floor_->clients == NULL ||
	    pipe2(order, O_CLOEXEC) == -1 || pipe2(done, O_CLOEXEC) == -1)
		err(1, "floor");
	for (i = 0; i < count; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ==
		    -1)
			err(1, "socketpair");
		fds[i] = pair[0];
		floor_->clients[i] = pair[1];
		event.data.fd = pair[1];
		(void)epoll_ctl(floor_->epoll_fd, EPOLL_CTL_ADD, pair[1],
		    &event);
	}
	floor_->server = fork();
	if (floor_->server == -1)
		err(1, "fork");
	if (floor_->server == 0) {
		(void)close(order[1]);
		floor_server(fds, count, order[0], done[1]);
	}
	for (i = 0; i < count; i++)
		(void)close(fds[i]);
	free(fds);
	(void)close(order[0]);
	(void)close(done[1]);
	floor_->order_fd = order[1];
	floor_->done_fd = done[0];
	event.data.fd = done[0];
	(void)epoll_ctl(floor_->epoll_fd, EPOLL_CTL_ADD, done[0], &event);
}

double
floor_us(const struct floor *floor_)
{
	struct epoll_event events[EVENTS_MAX];
	char reply[REPLY_BYTES], request[LINE_MAX_BYTES];
	double started_us = bench_now_us();
	int n, i;

	memset(reply, 'R', sizeof(reply));
	(void)!write(floor_->order_fd, "!", 1);
	for (;;) {
		n = epoll_wait(floor_->epoll_fd, events, EVENTS_MAX, -1);
		for (i = 0; i < n; i++) {
			if (read(events[i].data.fd, request, sizeof(request)) <=
			    0)
				errx(1, "the floor's server is gone");
			if (events[i].data.fd == floor_->done_fd)
				return (bench_now_us() - started_us);
			(void)!write(events[i].data.fd, reply, sizeof(reply));
		}
	}
}

void
floor_stop(struct floor *floor_, size_t count)
{
	size_t i;

	(void)close(floor_->order_fd);
	(void)close(floor_->done_fd);
	(void)close(floor_->epoll_fd);
	for (i = 0; i < count; i++)
		(void)close(floor_->clients[i]);
	free(floor_->clients);
	(void)waitpid(floor_->server, NULL, 0);
}
