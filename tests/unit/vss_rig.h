/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the driver share: a simulated kernel with the driver of
 * VMBus, a host, and openers of both devices.  Every function asserts.
 */
#ifndef VSS_RIG_H
#define VSS_RIG_H

#include <stdint.h>

#include "kernel/sim/host.h"
#include "kernel/sim/sim.h"

#define VSS_RIG_LIMIT_MS   2000	 /* of the driver */
#define VSS_RIG_PATIENT_MS 15000 /* for what happens at once */
#define VSS_RIG_FAIL	   0x80004005u

struct vss_rig {
	struct vmbus_channel *channel;
	struct sim_host *host;
	struct sim_device *device; /* NULL: detached */
	struct sim_file *app, *fs; /* NULL: not open */
	struct sim_host_reply reply;
};

extern struct vss_rig rig;

/* Fixtures.  teardown also sees that nothing is left. */
void rig_setup(void);
void rig_teardown(void);

void rig_open_app(void);
void rig_open_fs(void);
void rig_close_file(struct sim_file **file);

/* The host asks; the reply to id is well formed and has this status. */
uint64_t rig_ask(enum sim_host_op op);
void rig_expect(uint64_t id, uint32_t status);

/* An opener: takes the request that comes, answers, or both. */
uint64_t rig_reads(struct sim_file *file, uint32_t op);
int rig_writes(struct sim_file *file, uint32_t op, uint64_t msgid,
    uint32_t status);
uint64_t rig_serve(struct sim_file *file, uint32_t op, uint32_t status);
void rig_nothing_waits(struct sim_file *file);

#endif /* VSS_RIG_H */
