/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor of the fan-out: a bare epoll program that sends each client a
 * request and reads its reply, with as many bytes as appvssd and participants
 * exchange.
 */
#ifndef FLOOR_H
#define FLOOR_H

#include <sys/types.h>

#include <stddef.h>

struct floor {
	int *clients; /* their ends */
	int epoll_fd, order_fd, done_fd;
	pid_t server;
};

double bench_now_us(void);

/* Makes the clients and the server; ends the program when it cannot. */
void floor_start(struct floor *floor_, size_t count);
/* Microseconds of one round. */
double floor_us(const struct floor *floor_);
void floor_stop(struct floor *floor_, size_t count);

#endif /* FLOOR_H */
