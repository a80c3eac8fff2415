/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the simulated newbus asks of a channel.  Private to kernel/sim.
 */
#ifndef SIM_VMBUS_H
#define SIM_VMBUS_H

#include <stdbool.h>
#include <stdint.h>

struct vmbus_channel;

/* Whether channel is of the kind guid. */
bool sim_channel_is(const struct vmbus_channel *channel,
    const uint8_t guid[16]);

#endif /* SIM_VMBUS_H */
