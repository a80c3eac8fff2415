/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Hyper-V driver as a source of requests: reads them from the application
 * device and writes the answers.  Never opens the device (the parent does) and
 * knows nothing of transactions.
 */
#ifndef SOURCE_DEVICE_H
#define SOURCE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/hv_snapshot.h"

struct event_base;
struct source_device;

struct source_device_callbacks {
	/* A request that wants one answer. */
	void (*request)(void *arg, enum hv_vss_op_t op, uint64_t msgid);
	/* The device has gone.  Comes once, from the event loop. */
	void (*gone)(void *arg);
};

/*
 * Takes the descriptors that the parent sent.  NULL with errno; they are closed
 * then as well.
 */
struct source_device *source_device_create(struct event_base *base,
    const int *fds, int nfds, const struct source_device_callbacks *callbacks,
    void *arg);
void source_device_destroy(struct source_device *device);

/*
 * Answers a request.  0; or -1 with errno: ETIMEDOUT (the host was told FAIL
 * before) and the others of hv_snapshot.h.  A device that has gone is found
 * here too; gone follows.
 */
int source_device_answer(struct source_device *device, enum hv_vss_op_t op,
    uint64_t msgid, bool success);

/* What the host was told; VSS_TOLD_NOTHING: the driver cannot say. */
enum hv_vss_told source_device_told(struct source_device *device,
    uint64_t msgid);

/* A sysctl of the driver that is a number; false: it has no such thing. */
bool source_device_counted(struct source_device *device, const char *name,
    uint64_t *value);

#endif /* SOURCE_DEVICE_H */
