/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accepts connections: the limits on clients, and what happens when descriptors
 * run out (accepting pauses; the clients that are there are kept).
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stddef.h>

#include "peercred.h"

struct event_base;
struct listener;

struct listener_limits {
	unsigned max_clients;
	unsigned max_clients_per_uid;
};

/* A connection was accepted; takes fd.  0, or -1: it was not wanted. */
typedef int listener_accepted(void *arg, int fd, const struct peercred *cred);

/* Takes fd, a listening socket.  NULL with errno. */
struct listener *listener_create(struct event_base *base, int fd,
    const struct listener_limits *limits, listener_accepted *accepted,
    void *arg);
void listener_destroy(struct listener *listener);

void listener_set_limits(struct listener *listener,
    const struct listener_limits *limits);

/* A client of this user has gone; its descriptor is closed before long. */
void listener_release(struct listener *listener, uid_t uid);

/* No more clients: only while shutting down. */
void listener_stop(struct listener *listener);

#endif /* LISTENER_H */
