/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device that is there, or not: see device_slot.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "device_slot.h"
#include "kernel/vssdev/heldlog.h"
#include "source_device.h"

static void device_slot_empty(struct device_slot *slot);

/* --- between the driver's words and the machine's ------------------------ */

static enum hv_vss_op_t
device_slot_driver_op(enum txn_op op)
{
	switch (op) {
	case TXN_OP_CHECK:
		return (HV_VSS_CHECK);
	case TXN_OP_FREEZE:
		return (HV_VSS_FREEZE);
	case TXN_OP_THAW:
		break;
	}
	return (HV_VSS_THAW);
}

/* False: it is no request. */
static bool
device_slot_txn_op(enum hv_vss_op_t driver_op, enum txn_op *op)
{
	switch (driver_op) {
	case HV_VSS_CHECK:
		*op = TXN_OP_CHECK;
		return (true);
	case HV_VSS_FREEZE:
		*op = TXN_OP_FREEZE;
		return (true);
	case HV_VSS_THAW:
		*op = TXN_OP_THAW;
		return (true);
	case HV_VSS_NONE:
	case HV_VSS_COUNT:
		break;
	}
	return (false);
}

static void
device_slot_on_request(void *arg, enum hv_vss_op_t op, uint64_t msgid)
{
	struct source_request request = { .msgid = msgid,
		.source = SOURCE_OF(SOURCE_DEVICE, 0) };
	struct device_slot *slot = arg;

	if (device_slot_txn_op(op, &request.op))
		slot->upcalls->request(slot->arg, &request);
}

static void
device_slot_on_gone(void *arg)
{
	struct device_slot *slot = arg;
	char quoted[HELDLOG_LINE_MAX / 2];

	device_slot_empty(slot);
	slot->upcalls->gone(slot->arg, SOURCE_OF(SOURCE_DEVICE, 0));
	heldlog(HELDLOG_WARN, "device_lost", "path=%s",
	    heldlog_quote(slot->path, quoted, sizeof(quoted)));
}

static const struct source_device_callbacks device_slot_callbacks = {
	.request = device_slot_on_request,
	.gone = device_slot_on_gone,
};

static int
device_slot_answer(void *self, const struct source_answer *answer)
{
	struct device_slot *slot = self;

	if (slot->device != NULL)
		return (source_device_answer(slot->device,
		    device_slot_driver_op(answer->op), answer->msgid,
		    answer->success));
	errno = ENXIO;
	return (-1);
}

static enum hv_vss_told
device_slot_told(void *self, uint64_t msgid)
{
	struct device_slot *slot = self;

	return (slot->device == NULL ? VSS_TOLD_NOTHING :
				       source_device_told(slot->device, msgid));
}

static bool
device_slot_counted(void *self, struct source_counters *counters)
{
	struct device_slot *slot = self;

	return (slot->device != NULL &&
	    source_device_counted(slot->device, "instance",
		&counters->instance) &&
	    source_device_counted(slot->device, "snapshots",
		&counters->snapshots));
}

static const struct source_ops device_slot_ops = {
	.name = "device",
	.answer = device_slot_answer,
	.told = device_slot_told,
	.counted = device_slot_counted,
};

struct source
device_slot_source(struct device_slot *slot)
{
	return ((struct source) { &device_slot_ops, slot });
}

/* --- what is in it ------------------------------------------------------- */

void
device_slot_init(struct device_slot *slot, struct event_base *base,
    const char *path, const struct source_upcalls *upcalls, void *arg)
{
	*slot = (struct device_slot) {
		.base = base,
		.path = path,
		.upcalls = upcalls,
		.arg = arg,
	};
}

static void
device_slot_drop_stash(struct device_slot *slot)
{
	unsigned i;

	for (i = 0; i < slot->nstashed; i++)
		(void)close(slot->stashed_fds[i]);
	slot->nstashed = 0;
}

void
device_slot_fini(struct device_slot *slot)
{
	device_slot_drop_stash(slot);
	device_slot_empty(slot);
}

static void
device_slot_open(struct device_slot *slot, const int *fds, unsigned nfds)
{
	char quoted[HELDLOG_LINE_MAX / 2];

	device_slot_empty(slot);
	slot->device = source_device_create(slot->base, fds, (int)nfds,
	    &device_slot_callbacks, slot);
	slot->missing = slot->device == NULL;
	if (slot->device != NULL) {
		heldlog(HELDLOG_INFO, "device_open", "path=%s",
		    heldlog_quote(slot->path, quoted, sizeof(quoted)));
		slot->upcalls->opened(slot->arg, SOURCE_OF(SOURCE_DEVICE, 0));
		return;
	}
	heldlog(HELDLOG_ERROR, "device_unusable", "path=%s error=\"%s\"",
	    heldlog_quote(slot->path, quoted, sizeof(quoted)), strerror(errno));
	/* It is opened anew, later and later. */
	slot->upcalls->gone(slot->arg, SOURCE_OF(SOURCE_DEVICE, 0));
}

void
device_slot_put(struct device_slot *slot, const int *fds, unsigned nfds)
{
	if (slot->accepts) {
		device_slot_open(slot, fds, nfds);
		return;
	}
	device_slot_drop_stash(slot);
	memcpy(slot->stashed_fds, fds, nfds * sizeof(*fds));
	slot->nstashed = nfds;
}

void
device_slot_accept(struct device_slot *slot)
{
	slot->accepts = true;
	if (slot->nstashed > 0)
		device_slot_open(slot, slot->stashed_fds, slot->nstashed);
	slot->nstashed = 0;
}

void
device_slot_miss(struct device_slot *slot)
{
	slot->missing = true;
}

static void
device_slot_empty(struct device_slot *slot)
{
	if (slot->device == NULL)
		return;
	source_device_destroy(slot->device);
	slot->device = NULL;
	slot->missing = true;
}

const char *
device_slot_word(const struct device_slot *slot)
{
	if (slot->device != NULL)
		return ("open");
	return (slot->missing ? "missing" : "none");
}
