/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens the VSS device for the broker, which lacks the rights, and keeps trying
 * while it is missing or somebody else has it.  The parent keeps no descriptor
 * of it: the driver must see the broker's end as the end.
 */
#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "config.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/vssdev.h"
#include "parent.h"
#include "privsep.h"

_Static_assert(VSSDEV_FDS_MAX <= PRIVSEP_FDS_MAX, "a device fits a message");

static void
say_missing(struct parent *parent, int error, uint64_t now_ms)
{
	const struct privsep_msg msg = { .type = PRIVSEP_NO_DEVICE,
		.error = error,
		.again = ++parent->device_tries };
	char quoted[256];

	(void)parent_backoff_ended(&parent->device_backoff, now_ms);
	/* Only news: a machine without the device would fill its log. */
	if (error != parent->device_error)
		heldlog(HELDLOG_WARN, "device_unavailable",
		    "path=%s errno=%d text=\"%s\"",
		    heldlog_quote(parent->config->device, quoted,
			sizeof(quoted)),
		    error, strerror(error));
	parent->device_error = error;
	/* Best effort: the next try says it again. */
	(void)privsep_send(parent->broker_fd, &msg, NULL, 0);
}

void
parent_try_device(struct parent *parent, uint64_t now_ms)
{
	const struct privsep_msg msg = { .type = PRIVSEP_DEVICE };
	int error, fds[VSSDEV_FDS_MAX], nfds;
	struct vssdev *dev;
	char quoted[256];

	if (!parent->device_wanted || parent->broker_fd == -1 ||
	    now_ms < parent->device_backoff.next_at_ms)
		return;
	if (vssdev_open(parent->config->device, &dev) != 0) {
		say_missing(parent, errno, now_ms);
		return;
	}
	nfds = vssdev_fds(dev, fds);
	error = 0;
	if (privsep_send(parent->broker_fd, &msg, fds, (unsigned)nfds) != 0)
		error = errno;
	vssdev_close(dev);
	if (error != 0) {
		say_missing(parent, error, now_ms);
		return;
	}
	heldlog(HELDLOG_INFO, "device_opened", "path=%s tries=%u",
	    heldlog_quote(parent->config->device, quoted, sizeof(quoted)),
	    parent->device_tries + 1);
	parent->device_wanted = false;
	parent->device_tries = 0;
	parent->device_error = 0;
	parent_backoff_started(&parent->device_backoff, now_ms);
}

/* A device that goes each time it is opened is not opened in a tight loop. */
void
parent_want_device(struct parent *parent, uint64_t now_ms)
{
	if (strcmp(parent->config->device, CONFIG_NO_DEVICE) == 0 ||
	    parent->device_wanted)
		return;
	parent->device_wanted = true;
	(void)parent_backoff_ended(&parent->device_backoff, now_ms);
}

void
parent_reset_device(struct parent *parent, uint64_t now_ms)
{
	parent->device_wanted = strcmp(parent->config->device,
				    CONFIG_NO_DEVICE) != 0;
	parent->device_backoff.next_at_ms = now_ms;
}
