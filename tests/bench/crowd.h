/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that answer FREEZE and THAW at once, all from one process and one
 * epoll.  The same ones serve the broker and the floor that it is compared
 * with, so that what they cost is in both.
 */
#ifndef CROWD_H
#define CROWD_H

#include <stdbool.h>
#include <stddef.h>

#define CROWD_LINE_MAX 256

struct crowd_member {
	int fd;
	size_t used;
	char line[CROWD_LINE_MAX];
};

struct crowd {
	int epoll_fd;
	struct crowd_member *members;
	size_t count;
	size_t registered; /* OKs that have come */
	size_t answered;   /* FREEZEs and THAWs, ever */
};

/* Exits with a message when something is wrong, as all of these do. */
void crowd_create(struct crowd *crowd, size_t count);
void crowd_destroy(struct crowd *crowd);

/* A member's end of a connection; takes fd. */
void crowd_join(struct crowd *crowd, size_t index, int fd);
/*
 * Connects and registers everybody as p0, p1, ...; other is as for
 * crowd_serve().
 */
void crowd_register(struct crowd *crowd, const char *path,
    void (*other)(void *arg, void *data), void *arg);

/* data is not of a member, and not NULL. */
void crowd_watch(struct crowd *crowd, int fd, void *data);
/*
 * Waits once, and answers what has come; other is called with the data of what
 * is not a member's.
 */
void crowd_serve(struct crowd *crowd, void (*other)(void *arg, void *data),
    void *arg);
/* The same, at most that long; false: nothing has come. */
bool crowd_serve_for(struct crowd *crowd, int timeout_ms,
    void (*other)(void *arg, void *data), void *arg);

double bench_now_us(void);

#endif /* CROWD_H */
