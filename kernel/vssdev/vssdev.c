/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two ways to a VSS device: ioctls on a character device, or the socket of
 * hv_vss_sim.  See vssdev.h; the two differ only inside of this file.  Keeps no
 * policy and never logs.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#ifdef __FreeBSD__
#include <sys/sysctl.h>
#endif
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "passfd.h"
#include "vssdev.h"

struct vssdev {
	int fd;	     /* owned: the character device, or the socket */
	int poll_fd; /* owned if it is not fd: the simulator's pipe */
	bool dead;   /* the simulator went, or broke the protocol */
};

static int
fail(int error)
{
	errno = error;
	return (-1);
}

static void
close_keeping_errno(int fd)
{
	int error = errno;

	if (fd != -1)
		(void)close(fd);
	errno = error;
}

static int
wait_for(int fd, short events, int64_t deadline_at_ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int64_t left_ms;
	int ready;

	for (;;) {
		left_ms = deadline_at_ms - clock_now_ms();
		if (left_ms <= 0)
			return (fail(ETIMEDOUT));
		ready = poll(&pfd, 1, (int)left_ms);
		if (ready > 0)
			return (0);
		if (ready == -1 && errno != EINTR)
			return (-1);
	}
}

static int
send_request(int fd, const struct vssdev_request *request,
    int64_t deadline_at_ms)
{
	for (;;) {
		if (send(fd, request, sizeof(*request), MSG_NOSIGNAL) ==
		    (ssize_t)sizeof(*request))
			return (0);
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return (fail(EPIPE));
		if (wait_for(fd, POLLOUT, deadline_at_ms) != 0)
			return (-1);
	}
}

/* *passed_fd gets a descriptor that came along, owned, or -1. */
static int
receive_reply(int fd, struct vssdev_reply *reply, int *passed_fd,
    int64_t deadline_at_ms)
{
	union passfd_control control;
	struct iovec vector = { .iov_base = reply, .iov_len = sizeof(*reply) };
	struct msghdr header;
	ssize_t received;

	*passed_fd = -1;
	for (;;) {
		memset(&header, 0, sizeof(header));
		header.msg_iov = &vector;
		header.msg_iovlen = 1;
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		received = recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
		if (received >= 0)
			break;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return (fail(EPIPE));
		if (wait_for(fd, POLLIN, deadline_at_ms) != 0)
			return (-1);
	}
	*passed_fd = passfd_take(&header);
	if (received == 0)
		return (fail(EPIPE));
	if (received != (ssize_t)sizeof(*reply) ||
	    (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
	    reply->length > VSSDEV_DATA_MAX)
		return (fail(EPROTO));
	return (0);
}

/* One question and its answer.  Sets reply->error, does not look at it. */
static int
exchange(int fd, const struct vssdev_request *request,
    struct vssdev_reply *reply, int *passed_fd)
{
	int64_t deadline_at_ms = clock_now_ms() + VSSDEV_REPLY_TIMEOUT_MS;

	*passed_fd = -1;
	if (send_request(fd, request, deadline_at_ms) != 0)
		return (-1);
	return (receive_reply(fd, reply, passed_fd, deadline_at_ms));
}

static int
set_nonblocking(int fd)
{
	int flags;

	flags = fcntl(fd, F_GETFL);
	if (flags == -1)
		return (-1);
	return (fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

static int
connect_to(const char *path)
{
	const struct timeval timeout = {
		.tv_sec = VSSDEV_REPLY_TIMEOUT_MS / 1000,
		.tv_usec = VSSDEV_REPLY_TIMEOUT_MS % 1000 * 1000,
	};
	struct sockaddr_un address;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return (fail(ENAMETOOLONG));
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return (-1);
	/* A full backlog blocks connect; this limits it. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
		sizeof(timeout)) != 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) !=
		0 ||
	    set_nonblocking(fd) != 0) {
		if (errno == EAGAIN)
			errno = ETIMEDOUT;
		close_keeping_errno(fd);
		return (-1);
	}
	return (fd);
}

/* Fills in dev, whose descriptors stay owned by it even on failure. */
static int
open_simulated(const char *path, struct vssdev *dev)
{
	const uint32_t flags = VSSDEV_READ | VSSDEV_WRITE;
	struct vssdev_request request;
	struct vssdev_reply reply;

	dev->fd = connect_to(path);
	if (dev->fd == -1)
		return (-1);
	memset(&request, 0, sizeof(request));
	request.command = VSSDEV_OPEN;
	request.length = sizeof(flags);
	memcpy(request.data, &flags, sizeof(flags));
	if (exchange(dev->fd, &request, &reply, &dev->poll_fd) != 0)
		return (-1);
	if (reply.error != 0)
		return (fail(reply.error));
	if (dev->poll_fd == -1)
		return (fail(EPROTO));
	return (set_nonblocking(dev->poll_fd));
}

static int
open_real(const char *path, struct vssdev *dev)
{
	dev->fd = open(path, O_RDWR | O_CLOEXEC);
	dev->poll_fd = dev->fd;
	return (dev->fd == -1 ? -1 : 0);
}

static bool
is_simulated(const struct vssdev *dev)
{
	return (dev->poll_fd != dev->fd);
}

int
vssdev_open(const char *path, struct vssdev **devp)
{
	struct vssdev *dev;
	struct stat status;
	int error, result;

	*devp = NULL;
	if (stat(path, &status) != 0)
		return (-1);
	if (!S_ISCHR(status.st_mode) && !S_ISSOCK(status.st_mode))
		return (fail(ENODEV));
	dev = malloc(sizeof(*dev));
	if (dev == NULL)
		return (-1);
	*dev = (struct vssdev) { .fd = -1, .poll_fd = -1 };
	if (S_ISSOCK(status.st_mode))
		result = open_simulated(path, dev);
	else
		result = open_real(path, dev);
	if (result != 0) {
		error = errno;
		vssdev_close(dev);
		return (fail(error));
	}
	*devp = dev;
	return (0);
}

int
vssdev_fds(const struct vssdev *dev, int fds[VSSDEV_FDS_MAX])
{
	fds[0] = dev->fd;
	if (!is_simulated(dev))
		return (1);
	fds[1] = dev->poll_fd;
	return (2);
}

/* False with errno. */
static bool
can_be_adopted(const int *fds, int nfds)
{
	struct stat status[VSSDEV_FDS_MAX];
	int i;

	for (i = 0; i < nfds; i++) {
		if (fstat(fds[i], &status[i]) != 0 ||
		    fcntl(fds[i], F_SETFD, FD_CLOEXEC) == -1)
			return (false);
	}
	errno = ENODEV;
	if (nfds == 1)
		return (S_ISCHR(status[0].st_mode));
	return (S_ISSOCK(status[0].st_mode) && S_ISFIFO(status[1].st_mode));
}

int
vssdev_adopt(const int fds[VSSDEV_FDS_MAX], int nfds, struct vssdev **devp)
{
	struct vssdev *dev;
	int i;

	*devp = NULL;
	if (nfds < 1 || nfds > VSSDEV_FDS_MAX)
		return (fail(EINVAL));
	dev = can_be_adopted(fds, nfds) ? malloc(sizeof(*dev)) : NULL;
	if (dev == NULL) {
		for (i = 0; i < nfds; i++)
			close_keeping_errno(fds[i]);
		return (-1);
	}
	*dev = (struct vssdev) { .fd = fds[0], .poll_fd = fds[nfds - 1] };
	*devp = dev;
	return (0);
}

int
vssdev_poll_fd(const struct vssdev *dev)
{
	return (dev->poll_fd);
}

/*
 * A simulator that does not answer in time is gone for good: its late reply
 * must not be taken for that of the next request.
 */
static int
simulated_ioctl(struct vssdev *dev, uint64_t number, void *argument,
    size_t size)
{
	struct vssdev_request request;
	struct vssdev_reply reply;
	int passed_fd, result;

	if (dev->dead)
		return (fail(EPIPE));
	memset(&request, 0, sizeof(request));
	request.command = VSSDEV_IOCTL;
	request.number = number;
	request.length = (uint32_t)size;
	memcpy(request.data, argument, size);
	result = exchange(dev->fd, &request, &reply, &passed_fd);
	close_keeping_errno(passed_fd);
	/* What only goes in, as in IOCHVVSSWRITE, need not come back. */
	if (result != 0 || (reply.length != 0 && reply.length != size)) {
		dev->dead = true;
		return (fail(EPIPE));
	}
	if (reply.error != 0)
		return (fail(reply.error));
	memcpy(argument, reply.data, reply.length);
	return (0);
}

static int
device_ioctl(struct vssdev *dev, unsigned long number, void *argument,
    size_t size)
{
	int result;

	if (is_simulated(dev))
		return (simulated_ioctl(dev, number, argument, size));
	do {
		result = ioctl(dev->fd, number, argument);
	} while (result == -1 && errno == EINTR);
	if (result == -1 && errno == ENODEV)
		errno = ENXIO;
	return (result == -1 ? -1 : 0);
}

/*
 * A request that every driver has.  FreeBSD says ENXIO when the device has
 * gone, and soon after, when its node has been taken back, ENOTTY.
 */
static int
known_ioctl(struct vssdev *dev, unsigned long number, void *argument,
    size_t size)
{
	if (device_ioctl(dev, number, argument, size) == 0)
		return (0);
	if (errno == ENOTTY)
		errno = ENXIO;
	return (-1);
}

int
vssdev_read(struct vssdev *dev, struct hv_vss_opt_msg *msg)
{
	_Static_assert(sizeof(*msg) <= VSSDEV_DATA_MAX, "fits into a request");

	memset(msg, 0, sizeof(*msg));
	if (known_ioctl(dev, IOCHVVSSREAD, msg, sizeof(*msg)) != 0)
		return (-1);
	if (msg->status != VSS_SUCCESS || msg->opt == HV_VSS_NONE)
		return (fail(EAGAIN));
	return (0);
}

int
vssdev_write(struct vssdev *dev, const struct hv_vss_opt_msg *msg,
    uint32_t status)
{
	struct hv_vss_opt_msg answer = *msg;

	answer.status = status;
	return (known_ioctl(dev, IOCHVVSSWRITE, &answer, sizeof(answer)));
}

int
vssdev_result(struct vssdev *dev, uint64_t msgid, struct hv_vss_result *result)
{
	memset(result, 0, sizeof(*result));
	result->msgid = msgid;
	result->told = VSS_TOLD_NOTHING;
	if (device_ioctl(dev, IOCHVVSSRESULT, result, sizeof(*result)) != 0) {
		if (errno == ENOTTY)
			errno = ENOTSUP;
		return (-1);
	}
	/* The base system's driver: yes to every ioctl, and nothing done. */
	if (result->told == VSS_TOLD_NOTHING)
		return (fail(ENOTSUP));
	return (0);
}

static int
simulated_sysctl(struct vssdev *dev, const char *name, uint64_t *value)
{
	struct vssdev_request request;
	struct vssdev_reply reply;
	int passed_fd, result;
	char *end;

	if (dev->dead)
		return (fail(EPIPE));
	memset(&request, 0, sizeof(request));
	request.command = VSSDEV_SYSCTL;
	request.length = (uint32_t)strlen(name) + 1;
	if (request.length > sizeof(request.data))
		return (fail(ENOENT));
	memcpy(request.data, name, request.length);
	result = exchange(dev->fd, &request, &reply, &passed_fd);
	close_keeping_errno(passed_fd);
	if (result != 0) {
		dev->dead = true;
		return (fail(EPIPE));
	}
	if (reply.error != 0)
		return (fail(reply.error));
	reply.data[sizeof(reply.data) - 1] = '\0';
	errno = 0;
	*value = strtoull((char *)reply.data, &end, 10);
	if (errno != 0 || *end != '\0' || end == (char *)reply.data)
		return (fail(ENOENT));
	return (0);
}

#ifdef __FreeBSD__
static int
kernel_sysctl(const char *name, uint64_t *value)
{
	static const char *const nodes[] = { "dev.hv_appvss.0",
		"dev.hv_appvss_sim" };
	char full_name[128];
	uint32_t number;
	size_t i, length;

	for (i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		(void)snprintf(full_name, sizeof(full_name), "%s.%s", nodes[i],
		    name);
		length = sizeof(*value);
		if (sysctlbyname(full_name, value, &length, NULL, 0) != 0)
			continue;
		if (length == sizeof(number)) {
			memcpy(&number, value, sizeof(number));
			*value = number;
			return (0);
		}
		if (length == sizeof(*value))
			return (0);
	}
	return (fail(ENOENT));
}

bool
vssdev_suits_kqueue(const char *path)
{
	struct stat st;
	uint64_t value;

	/* The simulator's pipe; or a device: only ours has sysctls. */
	return ((stat(path, &st) == 0 && S_ISSOCK(st.st_mode)) ||
	    kernel_sysctl("instance", &value) == 0);
}
#else
static int
kernel_sysctl(const char *name, uint64_t *value)
{
	(void)name;
	(void)value;
	return (fail(ENOENT));
}

bool
vssdev_suits_kqueue(const char *path)
{
	(void)path;
	return (true);
}
#endif

int
vssdev_sysctl(struct vssdev *dev, const char *name, uint64_t *value)
{
	return (is_simulated(dev) ? simulated_sysctl(dev, name, value) :
				    kernel_sysctl(name, value));
}

int
vssdev_look(const char *path, const char *name, uint64_t *value)
{
	struct vssdev dev = { .poll_fd = -1 };
	struct stat st;
	int result;

	if (stat(path, &st) != 0)
		return (-1);
	if (!S_ISSOCK(st.st_mode))
		return (kernel_sysctl(name, value));
	dev.fd = connect_to(path);
	if (dev.fd == -1)
		return (-1);
	result = simulated_sysctl(&dev, name, value);
	close_keeping_errno(dev.fd);
	return (result);
}

void
vssdev_close(struct vssdev *dev)
{
	if (dev == NULL)
		return;
	if (dev->poll_fd != dev->fd && dev->poll_fd != -1)
		(void)close(dev->poll_fd);
	if (dev->fd != -1)
		(void)close(dev->fd);
	free(dev);
}
