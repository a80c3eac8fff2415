/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: the methods of the VMBus bus.
 */
#ifndef SIM_VMBUS_IF_H
#define SIM_VMBUS_IF_H

#include <sys/bus.h>

struct hyperv_guid;

int VMBUS_PROBE_GUID(device_t bus, device_t dev,
    const struct hyperv_guid *guid);

#endif /* SIM_VMBUS_IF_H */
