/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two kinds of control node: see control.h.
 */
#include <sys/types.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "kernel/hv_appvss_sim/hv_appvss_sim.h"
#include "sim.h"
#include "sim_wait.h"

/* How long a wait in the simulated kernel overlooks stop_fd. */
#define STOP_RECHECK_MS 100

struct sim_control {
	struct sim_file *file; /* of the simulated kernel, or NULL */
	int fd;		       /* of the real one, or -1 */
	int stop_fd;
	struct hv_appvss_sim_packet packet; /* of the call that runs */
};

static int
control_create(int stop_fd, struct sim_control **controlp)
{
	*controlp = calloc(1, sizeof(**controlp));
	if (*controlp == NULL)
		return (ENOMEM);
	(*controlp)->fd = -1;
	(*controlp)->stop_fd = stop_fd;
	return (0);
}

int
sim_control_open_simulated(int stop_fd, struct sim_control **controlp)
{
	struct sim_control *control;
	int error;

	error = control_create(stop_fd, &control);
	if (error != 0)
		return (error);
	error = sim_open(HV_APPVSS_SIM_NAME, SIM_READ | SIM_WRITE,
	    &control->file);
	if (error != 0)
		free(control);
	else
		*controlp = control;
	return (error);
}

int
sim_control_open_kernel(const char *path, int stop_fd,
    struct sim_control **controlp)
{
	struct sim_control *control;
	int error;

	error = control_create(stop_fd, &control);
	if (error != 0)
		return (error);
	control->fd = open(path, O_RDWR | O_CLOEXEC);
	if (control->fd == -1) {
		error = errno;
		free(control);
	} else {
		*controlp = control;
	}
	return (error);
}

void
sim_control_close(struct sim_control *control)
{
	if (control->file != NULL)
		sim_close(control->file);
	if (control->fd != -1)
		close(control->fd);
	free(control);
}

static int
control_ioctl(struct sim_control *control, unsigned long number)
{
	if (control->file != NULL)
		return (sim_ioctl(control->file, number, &control->packet));
	return (ioctl(control->fd, number, &control->packet) == 0 ? 0 : errno);
}

/* May end early; false when nothing will come any more. */
static bool
control_wait(struct sim_control *control, int timeout_ms)
{
	struct pollfd pfds[2] = {
		{ .fd = control->stop_fd, .events = POLLIN },
		{ .fd = control->fd, .events = POLLIN },
	};
	int revents;

	if (control->file != NULL) {
		revents = sim_poll(control->file, POLLIN,
		    timeout_ms < STOP_RECHECK_MS ? timeout_ms :
						   STOP_RECHECK_MS);
		if (poll(pfds, 1, 0) > 0)
			return (false);
	} else {
		if (poll(pfds, 2, timeout_ms) == -1)
			return (errno == EINTR);
		if (pfds[0].revents != 0)
			return (false);
		revents = pfds[1].revents;
	}
	return ((revents & (POLLHUP | POLLERR | POLLNVAL)) == 0);
}

static int
control_send(void *arg, const void *bytes, size_t length, uint64_t id)
{
	struct sim_control *control = arg;
	struct hv_appvss_sim_packet *packet = &control->packet;

	if (id > UINT32_MAX || length > sizeof(packet->bytes))
		return (EMSGSIZE);
	memset(packet, 0, sizeof(*packet));
	packet->id = (uint32_t)id;
	packet->length = (uint32_t)length;
	memcpy(packet->bytes, bytes, length);
	return (control_ioctl(control, HV_APPVSS_SIM_SEND));
}

static bool
control_receive(void *arg, void *bytes, size_t size, size_t *length,
    uint64_t *id, int timeout_ms)
{
	struct sim_deadline deadline = sim_deadline_after_ms(timeout_ms);
	struct sim_control *control = arg;
	struct hv_appvss_sim_packet *packet = &control->packet;
	int64_t left_ms;
	int error;

	while (
	    (error = control_ioctl(control, HV_APPVSS_SIM_RECEIVE)) == EAGAIN) {
		left_ms = STOP_RECHECK_MS;
		if (timeout_ms != -1)
			left_ms = (deadline.at_ns - sim_now_ns()) / 1000000;
		if (left_ms < 0 || !control_wait(control, (int)left_ms + 1))
			return (false);
	}
	if (error != 0 || packet->length > sizeof(packet->bytes))
		return (false);
	*id = packet->id;
	*length = packet->length < size ? packet->length : size;
	memcpy(bytes, packet->bytes, *length);
	return (true);
}

struct sim_link
sim_control_link(struct sim_control *control)
{
	return ((struct sim_link) { control_send, control_receive, control });
}
