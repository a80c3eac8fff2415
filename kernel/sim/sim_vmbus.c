/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: one VMBus channel, with the guest's end as drivers see it
 * and the host's end of sim.h.  The callback runs in a thread of the channel,
 * as on FreeBSD it runs in a taskqueue.
 *
 * Lock order: a driver's mutex, then the channel's.
 */
#include <sys/param.h>
#include <sys/systm.h>

#include <dev/hyperv/include/hyperv.h>
#include <dev/hyperv/include/vmbus.h>

#include <pthread.h>
#include <stdlib.h>

#include "sim.h"
#include "sim_vmbus.h"
#include "sim_wait.h"

#define PACKETS_MAX 256 /* in one ring; more: EAGAIN */

const uint8_t sim_guid_vss[16] = { 0x29, 0x2e, 0xfa, 0x35, 0x23, 0xea, 0x36,
	0x42, 0x96, 0xae, 0x3a, 0x6e, 0xba, 0xcb, 0xa4, 0x40 };

struct packet {
	struct packet *next;
	uint64_t xactid;
	size_t length; /* a multiple of 8 */
	uint8_t bytes[];
};

struct ring {
	struct packet *first, **last;
	unsigned count;
};

struct vmbus_channel {
	uint8_t guid[16];
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct ring to_guest, to_host;
	bool open;
	bool full;
	bool interrupted;
	bool signaled; /* something came since the callback last started */
	vmbus_chan_callback_t callback;
	void *callback_arg;
	pthread_t thread;
};

static void
ring_init(struct ring *ring)
{
	ring->first = NULL;
	ring->last = &ring->first;
	ring->count = 0;
}

static int
ring_put(struct ring *ring, const void *bytes, size_t length, uint64_t xactid)
{
	size_t padded = (length + 7) / 8 * 8;
	struct packet *packet;

	if (ring->count >= PACKETS_MAX)
		return (EAGAIN);
	packet = calloc(1, sizeof(*packet) + padded);
	if (packet == NULL)
		return (ENOMEM);
	packet->length = padded;
	packet->xactid = xactid;
	if (length != 0)
		memcpy(packet->bytes, bytes, length);
	*ring->last = packet;
	ring->last = &packet->next;
	ring->count++;
	return (0);
}

static struct packet *
ring_take(struct ring *ring)
{
	struct packet *packet = ring->first;

	if (packet != NULL) {
		ring->first = packet->next;
		if (ring->first == NULL)
			ring->last = &ring->first;
		ring->count--;
	}
	return (packet);
}

static void
ring_clear(struct ring *ring)
{
	struct packet *packet;

	while ((packet = ring_take(ring)) != NULL)
		free(packet);
}

bool
sim_channel_is(const struct vmbus_channel *channel, const uint8_t guid[16])
{
	return (memcmp(channel->guid, guid, 16) == 0);
}

static void *
channel_thread(void *arg)
{
	struct vmbus_channel *chan = arg;

	pthread_mutex_lock(&chan->lock);
	while (chan->open) {
		if (!chan->signaled) {
			(void)sim_cond_wait(&chan->cond, &chan->lock,
			    sim_deadline_after_ms(-1));
			continue;
		}
		chan->signaled = false;
		pthread_mutex_unlock(&chan->lock);
		chan->callback(chan, chan->callback_arg);
		pthread_mutex_lock(&chan->lock);
	}
	pthread_mutex_unlock(&chan->lock);
	return (NULL);
}

int
vmbus_chan_open(struct vmbus_channel *chan, int txbr_size, int rxbr_size,
    const void *udata __unused, int udlen __unused, vmbus_chan_callback_t cb,
    void *cbarg)
{
	if (txbr_size % PAGE_SIZE != 0 || rxbr_size % PAGE_SIZE != 0)
		sim_panic("ring size is not a multiple of a page");
	pthread_mutex_lock(&chan->lock);
	if (chan->open)
		sim_panic("channel opened twice");
	chan->open = true;
	chan->signaled = false;
	chan->callback = cb;
	chan->callback_arg = cbarg;
	if (pthread_create(&chan->thread, NULL, channel_thread, chan) != 0)
		sim_panic("no thread for a channel");
	pthread_mutex_unlock(&chan->lock);
	return (0);
}

void
vmbus_chan_close(struct vmbus_channel *chan)
{
	pthread_mutex_lock(&chan->lock);
	if (!chan->open)
		sim_panic("channel closed twice");
	chan->open = false;
	pthread_cond_broadcast(&chan->cond);
	pthread_mutex_unlock(&chan->lock);
	pthread_join(chan->thread, NULL);
	pthread_mutex_lock(&chan->lock);
	ring_clear(&chan->to_guest);
	pthread_mutex_unlock(&chan->lock);
}

void
vmbus_chan_set_readbatch(struct vmbus_channel *chan __unused, bool on __unused)
{
}

int
vmbus_chan_recv(struct vmbus_channel *chan, void *data, int *dlen,
    uint64_t *xactid)
{
	struct packet *packet;
	int error = 0;

	pthread_mutex_lock(&chan->lock);
	packet = chan->to_guest.first;
	if (packet == NULL)
		error = EAGAIN;
	else if ((size_t)*dlen < packet->length) {
		*dlen = (int)packet->length;
		error = ENOBUFS;
	} else {
		(void)ring_take(&chan->to_guest);
		*dlen = (int)packet->length;
		*xactid = packet->xactid;
		memcpy(data, packet->bytes, packet->length);
		free(packet);
	}
	pthread_mutex_unlock(&chan->lock);
	return (error);
}

int
vmbus_chan_send(struct vmbus_channel *chan, uint16_t type, uint16_t flags,
    void *data, int dlen, uint64_t xactid)
{
	int error = EAGAIN;

	if (type != VMBUS_CHANPKT_TYPE_INBAND || flags != 0)
		sim_panic("packet of another type than in-band");
	pthread_mutex_lock(&chan->lock);
	if (!chan->open)
		sim_panic("send on a channel that is closed");
	if (!chan->full)
		error = ring_put(&chan->to_host, data, (size_t)dlen, xactid);
	pthread_cond_broadcast(&chan->cond);
	pthread_mutex_unlock(&chan->lock);
	return (error);
}

struct vmbus_channel *
sim_channel_create(const uint8_t guid[16])
{
	struct vmbus_channel *chan = calloc(1, sizeof(*chan));

	if (chan == NULL)
		return (NULL);
	memcpy(chan->guid, guid, sizeof(chan->guid));
	pthread_mutex_init(&chan->lock, NULL);
	sim_cond_init(&chan->cond);
	ring_init(&chan->to_guest);
	ring_init(&chan->to_host);
	return (chan);
}

void
sim_channel_destroy(struct vmbus_channel *chan)
{
	ring_clear(&chan->to_guest);
	ring_clear(&chan->to_host);
	pthread_cond_destroy(&chan->cond);
	pthread_mutex_destroy(&chan->lock);
	free(chan);
}

int
sim_channel_send(struct vmbus_channel *chan, const void *bytes, size_t length,
    uint64_t xactid)
{
	int error = ENXIO;

	pthread_mutex_lock(&chan->lock);
	if (chan->open) {
		error = ring_put(&chan->to_guest, bytes, length, xactid);
		chan->signaled = true;
		pthread_cond_broadcast(&chan->cond);
	}
	pthread_mutex_unlock(&chan->lock);
	return (error);
}

bool
sim_channel_receive(struct vmbus_channel *chan, void *bytes, size_t size,
    size_t *length, uint64_t *xactid, int timeout_ms)
{
	struct sim_deadline deadline = sim_deadline_after_ms(timeout_ms);
	struct packet *packet;

	pthread_mutex_lock(&chan->lock);
	while (chan->to_host.first == NULL && !chan->interrupted)
		if (sim_cond_wait(&chan->cond, &chan->lock, deadline) != 0)
			break;
	packet = ring_take(&chan->to_host);
	pthread_mutex_unlock(&chan->lock);
	if (packet == NULL)
		return (false);
	*length = packet->length < size ? packet->length : size;
	*xactid = packet->xactid;
	memcpy(bytes, packet->bytes, *length);
	free(packet);
	return (true);
}

void
sim_channel_interrupt(struct vmbus_channel *chan)
{
	pthread_mutex_lock(&chan->lock);
	chan->interrupted = true;
	pthread_cond_broadcast(&chan->cond);
	pthread_mutex_unlock(&chan->lock);
}

void
sim_channel_set_full(struct vmbus_channel *chan, bool full)
{
	pthread_mutex_lock(&chan->lock);
	chan->full = full;
	pthread_mutex_unlock(&chan->lock);
}
