/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's device as a source of requests: empty, kept back until requests
 * can be taken, or open.  Devices come from the parent and go by themselves.
 * Translates between the driver's words and the machine's; decides nothing.
 */
#ifndef DEVICE_SLOT_H
#define DEVICE_SLOT_H

#include <stdbool.h>

#include "privsep.h"
#include "source.h"

struct event_base;
struct source_device;

struct device_slot {
	struct event_base *base; /* borrowed */
	const char *path;	 /* borrowed; for messages */
	const struct source_upcalls *upcalls;
	void *arg;
	struct source_device *device;	  /* owned, or NULL */
	bool missing;			  /* there should be one */
	bool accepts;			  /* requests can be taken */
	int stashed_fds[PRIVSEP_FDS_MAX]; /* a device that came too early */
	unsigned nstashed;
};

void device_slot_init(struct device_slot *slot, struct event_base *base,
    const char *path, const struct source_upcalls *upcalls, void *arg);
void device_slot_fini(struct device_slot *slot);

struct source device_slot_source(struct device_slot *slot);

/* A device that the parent opened; takes fds.  The one before is closed. */
void device_slot_put(struct device_slot *slot, const int *fds, unsigned nfds);
/* From now on requests are taken: opens what came too early. */
void device_slot_accept(struct device_slot *slot);
/* The parent has none. */
void device_slot_miss(struct device_slot *slot);

/* For STATUS: open, missing, none. */
const char *device_slot_word(const struct device_slot *slot);

#endif /* DEVICE_SLOT_H */
