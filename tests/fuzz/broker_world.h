/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of a broker without a kernel, for fuzz_broker.c: an event loop with
 * a clock that stands until it is moved (broker_loop.c, in place of libevent),
 * and descriptors that are only numbers (broker_world.c, in place of sockets,
 * the driver's device and the parent).  Everything is deterministic.
 *
 * The broker's objects are linked as they are; their calls of recv, send,
 * write, accept, close and clock_gettime come to __wrap_ functions, by the
 * linker's
 * --wrap or by macros of the same effect.
 */
#ifndef BROKER_WORLD_H
#define BROKER_WORLD_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "appvssd/privsep.h"
#include "kernel/hv_snapshot.h"

/* Aborts, with the text on standard error. */
void world_require(bool holds, const char *what);

/* --- the loop ------------------------------------------------------------ */

void loop_reset(void);
uint64_t loop_now_ms(void);
/* Carries out what can be done now, until there is nothing left. */
void loop_settle(void);
/* The same, moment by moment, for so long. */
void loop_advance(uint64_t ms);
/* The clock goes on, but nobody runs: the guest was paused. */
void loop_pause(uint64_t ms);
/* The broker has left its loop. */
bool loop_is_over(void);
/* Of event_new() without event_free(). */
size_t loop_events(void);

/* The target's: called in place of the loop, from inside of broker_run(). */
void fuzz_drive(void);

/* --- descriptors --------------------------------------------------------- */

struct world_callbacks {
	/* The broker sent bytes, or closed it. */
	void (*sent)(int fd, const char *bytes, size_t length);
	void (*closed)(int fd);
	/* The broker took a request from the device; and its answer. */
	void (*taken)(uint32_t op, uint64_t msgid);
	void (*answered)(uint32_t op, uint64_t msgid, bool success);
	/* The device was closed: nothing more is answered. */
	void (*device_closed)(void);
	/* To the parent. */
	void (*reported)(const struct privsep_msg *msg);
};

void world_reset(const struct world_callbacks *callbacks);
/* How many the broker has open. */
size_t world_open(void);

/* A stream; -1: there are too many.  The broker has the number now. */
int world_stream(void);
/* A client that waits to be accepted; -1: there are too many. */
int world_connect(uid_t uid);
int world_listener(void);
int world_parent(void);

/* To the broker; false: its buffer is full. */
bool world_put(int fd, const void *bytes, size_t length);
/* The other end is closed. */
void world_hang_up(int fd);
/* So many bytes are taken from the broker, and then no more. */
void world_set_room(int fd, size_t bytes);

/* Orders of the parent: with msg->nfds descriptors. */
void world_order(const struct privsep_msg *msg, const int *fds);
void world_order_plain(enum privsep_type type);
/* A text to go with an order, lent; -1: there are too many descriptors. */
int world_text(const char *text);
void world_parent_dies(void);

/* A request waits at the device; false: there is no room. */
bool world_request(uint32_t op, uint64_t msgid);
void world_device_dies(void);
/* errno for the next answers, or 0; and what the host was told at last. */
void world_set_device(int answer_error, uint32_t told);

/* For the loop. */
bool world_readable(int fd);
bool world_writable(int fd);

#endif /* BROKER_WORLD_H */
