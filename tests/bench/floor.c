/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor of the fan-out: see floor.h.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "floor.h"

#define EVENTS_MAX  256
#define REPLY_BYTES 4096

struct floor_line {
	size_t length;
	char bytes[CROWD_LINE_MAX];
};

/* The lines that the broker would send, made before the time is taken. */
static struct floor_line *
floor_lines(size_t count)
{
	struct floor_line *lines;
	size_t i;

	lines = calloc(count, sizeof(*lines));
	if (lines == NULL)
		err(1, "floor");
	for (i = 0; i < count; i++)
		lines[i].length = (size_t)snprintf(lines[i].bytes,
		    sizeof(lines[i].bytes),
		    "FREEZE name=p%zu id=10 remaining_ms=5000 hold_ms=81500\n",
		    i);
	return (lines);
}

/* Sends each client its line, reads each one's reply, and says so. */
static void
floor_round(int epoll_fd, const int *fds, const struct floor_line *lines,
    size_t count)
{
	struct epoll_event events[EVENTS_MAX];
	char reply[REPLY_BYTES];
	size_t i, ready;
	ssize_t got;
	int n, j;

	for (i = 0; i < count; i++)
		(void)!write(fds[i], lines[i].bytes, lines[i].length);
	for (ready = 0; ready < count;) {
		n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
		for (j = 0; j < n; j++) {
			got = read(events[j].data.fd, reply, sizeof(reply));
			ready += got > 0 && reply[got - 1] == '\n';
		}
	}
}

static void __attribute__((noreturn))
floor_server(int listen_fd, size_t count, int order_fd, int done_fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct floor_line *lines = floor_lines(count);
	char order;
	size_t i;
	int epoll_fd, *fds;

	epoll_fd = epoll_create1(0);
	fds = calloc(count, sizeof(*fds));
	for (i = 0; i < count; i++) {
		event.data.fd = fds[i] = accept(listen_fd, NULL, NULL);
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &event);
	}
	while (read(order_fd, &order, 1) == 1) {
		floor_round(epoll_fd, fds, lines, count);
		(void)!write(done_fd, "!", 1);
	}
	_exit(0);
}

/* A socket of this process alone: the kernel chooses an abstract name. */
static int
floor_listen(struct sockaddr_un *address, socklen_t *length)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_un) { .sun_family = AF_UNIX };
	*length = sizeof(*address);
	if (fd == -1 ||
	    bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)) == -1 ||
	    getsockname(fd, (struct sockaddr *)address, length) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		err(1, "floor");
	return (fd);
}

void
floor_start(struct floor *floor_, size_t count)
{
	struct sockaddr_un address;
	socklen_t length;
	int done[2], fd, listen_fd, order[2];
	size_t i;

	if (pipe2(order, O_CLOEXEC) == -1 || pipe2(done, O_CLOEXEC) == -1)
		err(1, "floor");
	listen_fd = floor_listen(&address, &length);
	floor_->server = fork();
	if (floor_->server == -1)
		err(1, "fork");
	if (floor_->server == 0) {
		(void)close(order[1]);
		floor_server(listen_fd, count, order[0], done[1]);
	}
	crowd_create(&floor_->crowd, count);
	for (i = 0; i < count; i++) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd == -1 ||
		    connect(fd, (struct sockaddr *)&address, length) == -1)
			err(1, "floor");
		crowd_join(&floor_->crowd, i, fd);
	}
	(void)close(listen_fd);
	(void)close(order[0]);
	(void)close(done[1]);
	floor_->order_fd = order[1];
	floor_->done_fd = done[0];
	crowd_watch(&floor_->crowd, done[0], floor_);
}

static void
floor_on_done(void *arg, void *data)
{
	struct floor *floor_ = data;
	char byte;

	if (read(floor_->done_fd, &byte, 1) != 1)
		errx(1, "the floor's server is gone");
	*(bool *)arg = true;
}

double
floor_us(struct floor *floor_)
{
	double started_us = bench_now_us();
	bool done = false;

	(void)!write(floor_->order_fd, "!", 1);
	while (!done)
		crowd_serve(&floor_->crowd, floor_on_done, &done);
	return (bench_now_us() - started_us);
}

void
floor_stop(struct floor *floor_)
{
	(void)close(floor_->order_fd);
	(void)close(floor_->done_fd);
	crowd_destroy(&floor_->crowd);
	(void)waitpid(floor_->server, NULL, 0);
}
