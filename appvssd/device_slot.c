/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device that is there, or not: see device_slot.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "device_slot.h"
#include "kernel/vssdev/heldlog.h"

void
device_slot_init(struct device_slot *slot, struct event_base *base,
    const char *path, const struct source_device_callbacks *callbacks,
    void *arg)
{
	*slot = (struct device_slot) {
		.base = base,
		.path = path,
		.callbacks = callbacks,
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
	device_slot_empty(slot);
	slot->device = source_device_create(slot->base, fds, (int)nfds,
	    slot->callbacks, slot->arg);
	slot->missing = slot->device == NULL;
	if (slot->device == NULL)
		heldlog(HELDLOG_ERROR, "device_unusable",
		    "path=%s error=\"%s\"", slot->path, strerror(errno));
	else
		heldlog(HELDLOG_INFO, "device_open", "path=%s", slot->path);
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

void
device_slot_empty(struct device_slot *slot)
{
	if (slot->device == NULL)
		return;
	source_device_destroy(slot->device);
	slot->device = NULL;
	slot->missing = true;
}

int
device_slot_answer(struct device_slot *slot, enum hv_vss_op_t op,
    uint64_t msgid, bool success)
{
	if (slot->device != NULL)
		return (source_device_answer(slot->device, op, msgid, success));
	errno = ENXIO;
	return (-1);
}

enum hv_vss_told
device_slot_told(const struct device_slot *slot, uint64_t msgid)
{
	return (slot->device == NULL ? VSS_TOLD_NOTHING :
				       source_device_told(slot->device, msgid));
}

const char *
device_slot_word(const struct device_slot *slot)
{
	if (slot->device != NULL)
		return ("open");
	return (slot->missing ? "missing" : "none");
}
