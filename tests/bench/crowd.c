/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients of the benchmark: see crowd.h.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crowd.h"

#define EVENTS_MAX	256
#define READY_TIMEOUT_S 60
#define CONNECT_TRIES	1000

double
bench_now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3);
}

void
crowd_create(struct crowd *crowd, size_t count)
{
	*crowd = (struct crowd) { .count = count };
	crowd->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	crowd->members = calloc(count + 1, sizeof(*crowd->members));
	if (crowd->epoll_fd == -1 || crowd->members == NULL)
		err(1, "crowd");
}

void
crowd_destroy(struct crowd *crowd)
{
	size_t i;

	for (i = 0; i < crowd->count; i++)
		(void)close(crowd->members[i].fd);
	(void)close(crowd->epoll_fd);
	free(crowd->members);
}

void
crowd_watch(struct crowd *crowd, int fd, void *data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = data };

	if (epoll_ctl(crowd->epoll_fd, EPOLL_CTL_ADD, fd, &event) == -1)
		err(1, "epoll_ctl");
}

void
crowd_join(struct crowd *crowd, size_t index, int fd)
{
	crowd->members[index].fd = fd;
	crowd_watch(crowd, fd, &crowd->members[index]);
}

static void
crowd_say(int fd, const char *line, size_t length)
{
	if (send(fd, line, length, MSG_NOSIGNAL) != (ssize_t)length)
		err(1, "send");
}

/* READY with name and id of the request, as they stand in it. */
static void
crowd_answer(struct crowd *crowd, const struct crowd_member *member,
    const char *op)
{
	char reply[CROWD_LINE_MAX];
	const char *keys, *end;
	size_t length;

	keys = strstr(member->line, " name=");
	end = keys == NULL ? NULL : strstr(keys, " id=");
	if (end == NULL)
		errx(1, "no name and id: %s", member->line);
	end += strlen(" id=");
	end += strspn(end, "0123456789");
	length = (size_t)(end - keys);
	memcpy(reply, "READY", 5);
	memcpy(reply + 5, keys, length);
	length += 5;
	memcpy(reply + length, " op=", 4);
	length += 4;
	memcpy(reply + length, op, strlen(op));
	length += strlen(op);
	reply[length++] = '\n';
	crowd_say(member->fd, reply, length);
	crowd->answered++;
}

static void
crowd_on_line(struct crowd *crowd, const struct crowd_member *member)
{
	if (strncmp(member->line, "FREEZE ", 7) == 0)
		crowd_answer(crowd, member, "freeze");
	else if (strncmp(member->line, "THAW ", 5) == 0)
		crowd_answer(crowd, member, "thaw");
	else if (strncmp(member->line, "OK ", 3) == 0)
		crowd->registered++;
	else if (strncmp(member->line, "WELCOME ", 8) != 0)
		errx(1, "a client is told: %s", member->line);
}

static void
crowd_read(struct crowd *crowd, struct crowd_member *member)
{
	char *end;
	ssize_t received;

	received = recv(member->fd, member->line + member->used,
	    sizeof(member->line) - 1 - member->used, MSG_DONTWAIT);
	if (received <= 0)
		errx(1, "a client was disconnected");
	member->used += (size_t)received;
	member->line[member->used] = '\0';
	while ((end = strchr(member->line, '\n')) != NULL) {
		*end = '\0';
		crowd_on_line(crowd, member);
		member->used -= (size_t)(end + 1 - member->line);
		memmove(member->line, end + 1, member->used + 1);
	}
}

bool
crowd_serve_for(struct crowd *crowd, int timeout_ms,
    void (*other)(void *arg, void *data), void *arg)
{
	struct epoll_event events[EVENTS_MAX];
	struct crowd_member *member;
	int count, i;

	count = epoll_wait(crowd->epoll_fd, events, EVENTS_MAX, timeout_ms);
	if (count == -1 && errno != EINTR)
		err(1, "epoll_wait");
	for (i = 0; i < count; i++) {
		member = events[i].data.ptr;
		if (member >= crowd->members &&
		    member < crowd->members + crowd->count)
			crowd_read(crowd, member);
		else
			other(arg, events[i].data.ptr);
	}
	return (count != 0);
}

void
crowd_serve(struct crowd *crowd, void (*other)(void *arg, void *data),
    void *arg)
{
	if (!crowd_serve_for(crowd, READY_TIMEOUT_S * 1000, other, arg))
		errx(1, "nothing happens");
}

void
crowd_register(struct crowd *crowd, const char *path,
    void (*other)(void *arg, void *data), void *arg)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char line[CROWD_LINE_MAX];
	size_t i;
	int fd, length, tries;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (i = 0; i < crowd->count; i++) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		tries = 0;
		while (connect(fd, (struct sockaddr *)&address,
			   sizeof(address)) == -1) {
			if (++tries == CONNECT_TRIES)
				err(1, "connect");
			(void)usleep(5000);
		}
		crowd_join(crowd, i, fd);
		length = snprintf(line, sizeof(line),
		    "HELLO version=1\nREGISTER name=p%zu\n", i);
		crowd_say(fd, line, (size_t)length);
		while (crowd->registered <= i)
			crowd_serve(crowd, other, arg);
	}
}
