/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: the channel functions of VMBus.
 */
#ifndef SIM_DEV_HYPERV_INCLUDE_VMBUS_H
#define SIM_DEV_HYPERV_INCLUDE_VMBUS_H

#include <sys/param.h>
#include <sys/bus.h>

struct vmbus_channel;

#define VMBUS_CHANPKT_TYPE_INBAND 0x0006

typedef void (*vmbus_chan_callback_t)(struct vmbus_channel *chan, void *arg);

static inline struct vmbus_channel *
vmbus_get_channel(device_t dev)
{
	return (device_get_ivars(dev));
}

int vmbus_chan_open(struct vmbus_channel *chan, int txbr_size, int rxbr_size,
    const void *udata, int udlen, vmbus_chan_callback_t cb, void *cbarg);
/* Waits for a callback that runs. */
void vmbus_chan_close(struct vmbus_channel *chan);
void vmbus_chan_set_readbatch(struct vmbus_channel *chan, bool on);
int vmbus_chan_recv(struct vmbus_channel *chan, void *data, int *dlen,
    uint64_t *xactid);
int vmbus_chan_send(struct vmbus_channel *chan, uint16_t type, uint16_t flags,
    void *data, int dlen, uint64_t xactid);

#endif /* SIM_DEV_HYPERV_INCLUDE_VMBUS_H */
