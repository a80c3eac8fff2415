/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The application device of the Hyper-V VSS driver: see source_device.h.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "kernel/vssdev/vssdev.h"
#include "source_device.h"

struct source_device {
	struct vssdev *vssdev;
	struct event *event;
	struct event *gone_event;
	const struct source_device_callbacks *callbacks;
	void *arg;
};

static void source_device_on_readable(int fd, short what, void *arg);
static void source_device_on_gone(int fd, short what, void *arg);

struct source_device *
source_device_create(struct event_base *base, const int *fds, int nfds,
    const struct source_device_callbacks *callbacks, void *arg)
{
	struct source_device *device;
	struct vssdev *vssdev;

	if (vssdev_adopt(fds, nfds, &vssdev) == -1)
		return (NULL);
	device = calloc(1, sizeof(*device));
	if (device == NULL) {
		vssdev_close(vssdev);
		return (NULL);
	}
	device->vssdev = vssdev;
	device->callbacks = callbacks;
	device->arg = arg;
	device->event = event_new(base, vssdev_poll_fd(vssdev),
	    EV_READ | EV_PERSIST, source_device_on_readable, device);
	device->gone_event = event_new(base, -1, 0, source_device_on_gone,
	    device);
	if (device->event == NULL || device->gone_event == NULL ||
	    event_add(device->event, NULL) == -1) {
		source_device_destroy(device);
		errno = ENODEV;
		return (NULL);
	}
	return (device);
}

void
source_device_destroy(struct source_device *device)
{
	if (device->event != NULL)
		event_free(device->event);
	if (device->gone_event != NULL)
		event_free(device->gone_event);
	vssdev_close(device->vssdev);
	free(device);
}

/* From the event loop, so that nobody loses the device under his hands. */
static void
source_device_lose(struct source_device *device)
{
	(void)event_del(device->event);
	event_active(device->gone_event, EV_TIMEOUT, 1);
}

static void
source_device_on_gone(int fd, short what, void *arg)
{
	struct source_device *device = arg;

	(void)fd;
	(void)what;
	device->callbacks->gone(device->arg);
}

static void
source_device_on_readable(int fd, short what, void *arg)
{
	struct source_device *device = arg;
	struct hv_vss_opt_msg msg;

	(void)fd;
	(void)what;
	if (vssdev_read(device->vssdev, &msg) == -1) {
		if (errno != EAGAIN && errno != EINTR)
			source_device_lose(device);
		return;
	}
	switch (msg.opt) {
	case HV_VSS_CHECK:
	case HV_VSS_FREEZE:
	case HV_VSS_THAW:
		device->callbacks->request(device->arg,
		    (enum hv_vss_op_t)msg.opt, msg.msgid);
		break;
	default:
		/* Whatever it is, it gets its answer. */
		(void)vssdev_write(device->vssdev, &msg, VSS_FAIL);
		break;
	}
}

int
source_device_answer(struct source_device *device, enum hv_vss_op_t op,
    uint64_t msgid, bool success)
{
	struct hv_vss_opt_msg msg = { .opt = (uint32_t)op, .msgid = msgid };
	int saved;

	if (vssdev_write(device->vssdev, &msg,
		success ? VSS_SUCCESS : VSS_FAIL) == 0)
		return (0);
	saved = errno;
	if (saved == ENXIO || saved == EPIPE)
		source_device_lose(device);
	errno = saved;
	return (-1);
}

enum hv_vss_told
source_device_told(struct source_device *device, uint64_t msgid)
{
	struct hv_vss_result result;

	if (vssdev_result(device->vssdev, msgid, &result) == -1)
		return (VSS_TOLD_NOTHING);
	return ((enum hv_vss_told)result.told);
}

bool
source_device_counted(struct source_device *device, const char *name,
    uint64_t *value)
{
	return (vssdev_sysctl(device->vssdev, name, value) == 0);
}
