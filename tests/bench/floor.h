/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the broker is compared with: a process that does nothing but send the
 * same FREEZE lines to the same clients, and read the same answers, with epoll
 * and nothing else.  It parses nothing and decides nothing.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <sys/types.h>

#include "crowd.h"

struct floor {
	struct crowd crowd;
	pid_t server;
	int order_fd;
	int done_fd;
};

/* Exits with a message when something is wrong. */
void floor_start(struct floor *floor_, size_t count);
/* Microseconds of one broadcast and gather. */
double floor_us(struct floor *floor_);
void floor_stop(struct floor *floor_);

#endif /* FLOOR_H */
