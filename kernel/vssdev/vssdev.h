/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a userland program opens a VSS device and speaks to it: ioctls on the
 * character device of FreeBSD, or the same calls over the UNIX socket of
 * hv_vss_sim.  Which of the two is found out from the path.  Owns the
 * descriptors; keeps no policy and never logs.
 *
 * The simulator's socket: SOCK_SEQPACKET; the client sends struct
 * vssdev_request, the simulator answers each with struct vssdev_reply.  The
 * reply to VSSDEV_OPEN carries (SCM_RIGHTS) the read end of a pipe that is
 * readable exactly while poll(2) on the device would say readable, and at end
 * of file when the simulator or its device goes: that is what to poll.
 *
 * Not thread safe: one thread for each handle.
 */
#ifndef VSSDEV_H
#define VSSDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/hv_snapshot.h"

#define VSSDEV_FDS_MAX 2
#define VSSDEV_REPLY_TIMEOUT_MS \
	2000 /* the simulator must answer in this time */

struct vssdev;

/* The messages of the simulator's socket. */
enum vssdev_command {
	VSSDEV_OPEN = 1, /* data: u32 open flags, VSSDEV_READ | VSSDEV_WRITE */
	VSSDEV_IOCTL,	 /* number: the ioctl; data: its argument */
	VSSDEV_SYSCTL,	 /* data: last name of a sysctl; reply: its text */
};
#define VSSDEV_READ	1u
#define VSSDEV_WRITE	2u
#define VSSDEV_DATA_MAX 64

struct vssdev_request {
	uint32_t command; /* enum vssdev_command */
	uint32_t length;  /* bytes of data in use */
	uint64_t number;  /* ioctl number */
	uint8_t data[VSSDEV_DATA_MAX];
};

struct vssdev_reply {
	int32_t error; /* 0 or an errno value */
	uint32_t length;
	uint8_t data[VSSDEV_DATA_MAX]; /* the ioctl's argument, copied out */
};

/*
 * Opens path for reading and writing.  0 and an owned handle in *devp, or -1
 * with errno: EBUSY (another program has it), ENOENT, ENODEV (neither a
 * character device nor a socket), ETIMEDOUT.
 */
int vssdev_open(const char *path, struct vssdev **devp);

/*
 * The descriptors of a handle, to pass to another process, and a handle made
 * of descriptors so received.  vssdev_fds returns how many there are and only
 * lends them; vssdev_adopt takes them, also on failure (-1, errno).
 */
int vssdev_fds(const struct vssdev *dev, int fds[VSSDEV_FDS_MAX]);
int vssdev_adopt(const int fds[VSSDEV_FDS_MAX], int nfds, struct vssdev **devp);

/* The descriptor to poll for reading (level triggered).  Lent. */
int vssdev_poll_fd(const struct vssdev *dev);

/*
 * Takes the waiting request.  0; or -1 with errno: EAGAIN (nothing waits),
 * ENXIO or EPIPE (the device has gone: close the handle and open it anew).
 */
int vssdev_read(struct vssdev *dev, struct hv_vss_opt_msg *msg);

/*
 * Answers msg with status.  0; or -1 with errno as hv_snapshot.h says for
 * IOCHVVSSWRITE.
 */
int vssdev_write(struct vssdev *dev, const struct hv_vss_opt_msg *msg,
    uint32_t status);

/*
 * What the host was told for msgid.  0 with *result filled in; or -1 with
 * errno: ENOTSUP (the driver cannot tell), ENXIO, EPIPE.
 */
int vssdev_result(struct vssdev *dev, uint64_t msgid,
    struct hv_vss_result *result);

/*
 * A number among the driver's sysctls, by its last name: see hv_appvss(4).  0;
 * or -1 with errno: ENOENT (the driver has no such sysctl: the base system's
 * has none at all), EPIPE.
 */
int vssdev_sysctl(struct vssdev *dev, const char *name, uint64_t *value);

/*
 * The same of the driver behind path, without opening its device: nobody is
 * then asked to take part in what the host does.  Numbers of 32 bits are found
 * too.
 */
int vssdev_look(const char *path, const char *name, uint64_t *value);

/*
 * Whether kqueue(2) can watch path: the base system's driver cannot be watched,
 * and until a driver is there nobody knows which it will be.  True where there
 * is no kqueue.
 */
bool vssdev_suits_kqueue(const char *path);

/* Closes and frees; NULL is allowed. */
void vssdev_close(struct vssdev *dev);

#endif /* VSSDEV_H */
