/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker's end of the channel to its parent: descriptors and orders in,
 * reports out.  Never waits.
 */
#ifndef ORDERS_H
#define ORDERS_H

#include "privsep.h"

struct event_base;
struct orders;

struct orders_callbacks {
	/* The device was opened; takes the descriptors. */
	void (*device)(void *arg, const int *fds, unsigned nfds);
	void (*no_device)(void *arg);
	/* A history process was started; takes fd. */
	void (*history)(void *arg, int fd);
	/* Thaw everybody and end: ordered, or the parent has gone. */
	void (*stop)(void *arg);
	/* A configuration to be taken over, or why there is none: see
	 * privsep.h; both take fd. */
	void (*config)(void *arg, int fd, uint32_t serial, uint32_t again);
	void (*bad_config)(void *arg, int fd, uint32_t again);
};

/* Takes fd.  NULL with errno. */
struct orders *orders_create(struct event_base *base, int fd,
    const struct orders_callbacks *callbacks, void *arg);
void orders_destroy(struct orders *orders);

/* Reports to the parent; a report that it cannot take is logged. */
void orders_report(struct orders *orders, enum privsep_type type);
/* The same about a configuration.  0, or -1 after logging. */
int orders_report_serial(struct orders *orders, enum privsep_type type,
    uint32_t serial);

#endif /* ORDERS_H */
