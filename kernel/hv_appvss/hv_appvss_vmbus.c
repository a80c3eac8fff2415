/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newbus and VMBus glue: finds the VSS channel, carries messages between it and
 * the core.  Uses vmbus_chan_* only: the helpers for integration components are
 * not visible where hyperv(4) is a module.
 */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/bus.h>
#include <sys/kernel.h>
#include <sys/malloc.h>
#include <sys/module.h>
#include <sys/sysctl.h>

#include <dev/hyperv/include/hyperv.h>
#include <dev/hyperv/include/vmbus.h>

#include "hv_appvss_core.h"
#include "vmbus_if.h"

/* The bytes of each ring, and so of the longest message of the host. */
#define HV_APPVSS_RING_BYTES (4 * PAGE_SIZE)

struct hv_appvss_softc {
	device_t dev;
	struct vmbus_channel *chan;
	struct hv_appvss_core *core;
	uint8_t *buffer; /* of the channel's callback only */
	bool broken;	 /* likewise: the ring cannot be read any more */
};

/* 35fa2e29-ea23-4236-96ae-3a6ebacba440 */
static const struct hyperv_guid hv_appvss_guid = {
	.hv_guid = { 0x29, 0x2e, 0xfa, 0x35, 0x23, 0xea, 0x36, 0x42, 0x96, 0xae,
	    0x3a, 0x6e, 0xba, 0xcb, 0xa4, 0x40 }
};

static int
hv_appvss_send(void *arg, void *bytes, size_t length, uint64_t xactid)
{
	struct hv_appvss_softc *sc = arg;

	return (vmbus_chan_send(sc->chan, VMBUS_CHANPKT_TYPE_INBAND, 0, bytes,
	    (int)length, xactid));
}

/* Runs in the channel's task, one at a time; drained by vmbus_chan_close. */
static void
hv_appvss_chan_callback(struct vmbus_channel *chan, void *arg)
{
	struct hv_appvss_softc *sc = arg;
	uint64_t xactid;
	int error, length;

	while (!sc->broken) {
		length = HV_APPVSS_RING_BYTES;
		xactid = 0;
		error = vmbus_chan_recv(chan, sc->buffer, &length, &xactid);
		if (error == EAGAIN)
			return;
		if (error != 0) {
			/*
			 * The host wrote a packet that is longer than the ring
			 * or has no header: what follows cannot be found.
			 */
			sc->broken = true;
			device_printf(sc->dev,
			    "the host's ring is damaged: error %d, length %d\n",
			    error, length);
			return;
		}
		hv_appvss_core_receive(sc->core, sc->buffer, (size_t)length,
		    xactid);
	}
}

static int
hv_appvss_probe(device_t dev)
{
	if (resource_disabled("hv_appvss", 0))
		return (ENXIO);
	if (VMBUS_PROBE_GUID(device_get_parent(dev), dev, &hv_appvss_guid) != 0)
		return (ENXIO);
	device_set_desc(dev, "Hyper-V VSS with applications");
	/* Better than the base system's driver, if both are there. */
	return (BUS_PROBE_VENDOR);
}

static int
hv_appvss_attach(device_t dev)
{
	struct hv_appvss_softc *sc = device_get_softc(dev);
	int error;

	sc->dev = dev;
	sc->chan = vmbus_get_channel(dev);
	error = hv_appvss_core_attach(device_get_nameunit(dev),
	    device_get_sysctl_tree(dev), hv_appvss_send, sc, &sc->core);
	if (error != 0)
		return (error);
	sc->buffer = malloc(HV_APPVSS_RING_BYTES, M_DEVBUF, M_WAITOK | M_ZERO);
	/* The host sends one request at a time: nothing to gain by batches. */
	vmbus_chan_set_readbatch(sc->chan, false);
	error = vmbus_chan_open(sc->chan, HV_APPVSS_RING_BYTES,
	    HV_APPVSS_RING_BYTES, NULL, 0, hv_appvss_chan_callback, sc);
	if (error != 0) {
		device_printf(dev, "cannot open the channel: error %d\n",
		    error);
		/* Nothing was received, so nothing is pending to be sent. */
		hv_appvss_core_detach(sc->core);
		free(sc->buffer, M_DEVBUF);
	}
	return (error);
}

/*
 * The order matters: pending requests are answered while the channel is open,
 * and the core lives until the channel's task can no longer run.
 */
static int
hv_appvss_detach(device_t dev)
{
	struct hv_appvss_softc *sc = device_get_softc(dev);

	hv_appvss_core_stop(sc->core);
	vmbus_chan_close(sc->chan);
	hv_appvss_core_detach(sc->core);
	free(sc->buffer, M_DEVBUF);
	return (0);
}

static device_method_t hv_appvss_methods[] = { DEVMETHOD(device_probe,
						   hv_appvss_probe),
	DEVMETHOD(device_attach, hv_appvss_attach),
	DEVMETHOD(device_detach, hv_appvss_detach), DEVMETHOD_END };

static driver_t hv_appvss_driver = {
	"hv_appvss",
	hv_appvss_methods,
	sizeof(struct hv_appvss_softc),
};

DRIVER_MODULE(hv_appvss, vmbus, hv_appvss_driver, NULL, NULL);
MODULE_VERSION(hv_appvss, 1);
MODULE_DEPEND(hv_appvss, vmbus, 1, 1, 1);
