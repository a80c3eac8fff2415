/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets, device and parent that are only numbers and buffers: see
 * broker_world.h.  A number is closed once, and not used again.
 */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/peercred.h"
#include "appvssd/textfd.h"
#include "broker_world.h"
#include "kernel/vssdev/vssdev.h"

#define FD_FIRST     1000 /* none of the process's own */
#define FDS_MAX	     512
#define INPUT_MAX    (1u << 16)
#define REQUESTS_MAX 16
#define ORDERS_MAX   64

enum world_kind { KIND_STREAM, KIND_LISTENER, KIND_PARENT };

struct world_fd {
	char *input; /* owned; what the broker has not read */
	size_t input_bytes;
	size_t room;	  /* for what it sends */
	const char *text; /* borrows: one of the parent's */
	uid_t uid;
	enum world_kind kind;
	bool hung_up;
	bool open;
};

struct vssdev {
	int fds[VSSDEV_FDS_MAX];
	int nfds;
	bool dead;
};

static struct {
	const struct world_callbacks *callbacks;
	struct world_fd fds[FDS_MAX];
	int count;

	int waiting[FDS_MAX]; /* to be accepted */
	size_t nwaiting;

	struct {
		struct privsep_msg msg;
		int fds[PRIVSEP_FDS_MAX];
	} orders[ORDERS_MAX];
	size_t norders;
	size_t ndropped; /* descriptors of orders that had no room */
	bool parent_died;

	struct vssdev *device; /* borrows; NULL: none is open */
	struct hv_vss_opt_msg requests[REQUESTS_MAX];
	size_t nrequests;
	int answer_error;
	uint32_t told;
} world;

/* --- numbers ------------------------------------------------------------- */

void
world_reset(const struct world_callbacks *callbacks)
{
	int i;

	for (i = 0; i < world.count; i++)
		free(world.fds[i].input);
	memset(&world, 0, sizeof(world));
	world.callbacks = callbacks;
}

static int
world_make(enum world_kind kind)
{
	struct world_fd *fd = &world.fds[world.count];

	if (world.count == FDS_MAX)
		return (-1);
	fd->kind = kind;
	fd->room = SIZE_MAX;
	fd->open = true;
	return (FD_FIRST + world.count++);
}

static struct world_fd *
world_fd(int fd)
{
	world_require(fd >= FD_FIRST && fd < FD_FIRST + world.count &&
		world.fds[fd - FD_FIRST].open,
	    "a descriptor that is not open");
	return (&world.fds[fd - FD_FIRST]);
}

/* What it was never given it need not close. */
size_t
world_open(void)
{
	size_t open = 0, i;

	for (i = 0; i < (size_t)world.count; i++)
		open += world.fds[i].open;
	for (i = 0; i < world.norders; i++)
		open -= world.orders[i].msg.nfds;
	return (open - world.nwaiting - world.ndropped);
}

int
world_stream(void)
{
	return (world_make(KIND_STREAM));
}

int
world_listener(void)
{
	return (world_make(KIND_LISTENER));
}

int
world_parent(void)
{
	return (world_make(KIND_PARENT));
}

int
world_connect(uid_t uid)
{
	int fd = world_stream();

	if (fd == -1)
		return (-1);
	world_fd(fd)->uid = uid;
	world.waiting[world.nwaiting++] = fd;
	return (fd);
}

bool
world_put(int fd, const void *bytes, size_t length)
{
	struct world_fd *at = world_fd(fd);

	if (at->input == NULL)
		at->input = malloc(INPUT_MAX);
	world_require(at->input != NULL, "no memory");
	if (at->hung_up || length > INPUT_MAX - at->input_bytes)
		return (false);
	memcpy(at->input + at->input_bytes, bytes, length);
	at->input_bytes += length;
	return (true);
}

void
world_hang_up(int fd)
{
	world_fd(fd)->hung_up = true;
}

void
world_set_room(int fd, size_t bytes)
{
	world_fd(fd)->room = bytes;
}

bool
world_readable(int fd)
{
	const struct world_fd *at = world_fd(fd);

	switch (at->kind) {
	case KIND_LISTENER:
		return (world.nwaiting > 0);
	case KIND_PARENT:
		return (world.norders > 0 || world.parent_died);
	case KIND_STREAM:
		break;
	}
	if (world.device != NULL && fd == world.device->fds[0])
		return (world.nrequests > 0 || world.device->dead);
	return (at->input_bytes > 0 || at->hung_up);
}

bool
world_writable(int fd)
{
	const struct world_fd *at = world_fd(fd);

	return (at->room > 0 || at->hung_up);
}

/* --- in place of system calls -------------------------------------------- */

ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags);
ssize_t __wrap___recv_chk(int fd, void *bytes, size_t length, size_t room,
    int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
int __wrap_accept(int fd, struct sockaddr *address, socklen_t *length);
int __wrap_close(int fd);

ssize_t
__wrap_recv(int fd, void *bytes, size_t length, int flags)
{
	struct world_fd *at = world_fd(fd);

	(void)flags;
	if (at->input_bytes == 0) {
		errno = EAGAIN;
		return (at->hung_up ? 0 : -1);
	}
	if (length > at->input_bytes)
		length = at->input_bytes;
	memcpy(bytes, at->input, length);
	at->input_bytes -= length;
	memmove(at->input, at->input + length, at->input_bytes);
	return ((ssize_t)length);
}

/* What recv(2) is where _FORTIFY_SOURCE is. */
ssize_t
__wrap___recv_chk(int fd, void *bytes, size_t length, size_t room, int flags)
{
	if (length > room)
		abort();
	return (__wrap_recv(fd, bytes, length, flags));
}

ssize_t
__wrap_send(int fd, const void *bytes, size_t length, int flags)
{
	struct world_fd *at = world_fd(fd);

	(void)flags;
	if (at->hung_up || at->room == 0) {
		errno = at->hung_up ? EPIPE : EAGAIN;
		return (-1);
	}
	if (length > at->room)
		length = at->room;
	if (at->room != SIZE_MAX)
		at->room -= length;
	world.callbacks->sent(fd, bytes, length);
	return ((ssize_t)length);
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t length)
{
	return (__wrap_send(fd, bytes, length, 0));
}

int
__wrap_accept(int fd, struct sockaddr *address, socklen_t *length)
{
	int accepted;

	(void)address;
	(void)length;
	(void)world_fd(fd);
	if (world.nwaiting == 0) {
		errno = EAGAIN;
		return (-1);
	}
	accepted = world.waiting[0];
	world.nwaiting--;
	memmove(world.waiting, world.waiting + 1,
	    world.nwaiting * sizeof(world.waiting[0]));
	return (accepted);
}

int
__wrap_close(int fd)
{
	struct world_fd *at = world_fd(fd);

	at->open = false;
	world.callbacks->closed(fd);
	return (0);
}

int
peercred_get(int fd, struct peercred *cred)
{
	*cred = (struct peercred) { world_fd(fd)->uid, fd };
	return (0);
}

int
peercred_get_groups(int fd, gid_t **gids, size_t *ngids)
{
	*gids = malloc(sizeof(**gids));
	world_require(*gids != NULL, "no memory");
	**gids = world_fd(fd)->uid;
	*ngids = 1;
	return (0);
}

/* --- the parent ---------------------------------------------------------- */

void
world_order(const struct privsep_msg *msg, const int *fds)
{
	unsigned i;

	if (world.norders == ORDERS_MAX)
		loop_settle();
	if (world.norders == ORDERS_MAX) {
		world.ndropped += msg->nfds; /* there is nobody */
		return;
	}
	world.orders[world.norders].msg = *msg;
	for (i = 0; i < msg->nfds; i++)
		world.orders[world.norders].fds[i] = fds[i];
	world.norders++;
}

void
world_order_plain(enum privsep_type type)
{
	const struct privsep_msg msg = { .type = type };

	world_order(&msg, NULL);
}

int
world_text(const char *text)
{
	int fd = world_stream();

	if (fd != -1)
		world_fd(fd)->text = text;
	return (fd);
}

char *
textfd_read(int fd, size_t max, size_t *length)
{
	const char *text = world_fd(fd)->text;

	if (text == NULL || strlen(text) > max) {
		errno = EFBIG;
		return (NULL);
	}
	*length = strlen(text);
	return (strdup(text));
}

void
world_parent_dies(void)
{
	world.parent_died = true;
}

int
privsep_receive(int fd, struct privsep_msg *msg, int fds[PRIVSEP_FDS_MAX])
{
	unsigned i;

	(void)world_fd(fd);
	if (world.norders == 0) {
		errno = EAGAIN;
		return (world.parent_died ? 0 : -1);
	}
	*msg = world.orders[0].msg;
	for (i = 0; i < msg->nfds; i++)
		fds[i] = world.orders[0].fds[i];
	world.norders--;
	memmove(world.orders, world.orders + 1,
	    world.norders * sizeof(world.orders[0]));
	return (1);
}

int
privsep_send(int fd, const struct privsep_msg *msg, const int *fds,
    unsigned nfds)
{
	(void)fds;
	(void)nfds;
	(void)world_fd(fd);
	if (world.parent_died) {
		errno = EPIPE;
		return (-1);
	}
	world.callbacks->reported(msg);
	return (0);
}

/* --- the device ---------------------------------------------------------- */

bool
world_request(uint32_t op, uint64_t msgid)
{
	if (world.device == NULL || world.device->dead ||
	    world.nrequests == REQUESTS_MAX)
		return (false);
	world.requests[world.nrequests++] = (struct hv_vss_opt_msg) { .opt = op,
		.msgid = msgid };
	return (true);
}

void
world_device_dies(void)
{
	if (world.device != NULL)
		world.device->dead = true;
}

void
world_set_device(int answer_error, uint32_t told)
{
	world.answer_error = answer_error;
	world.told = told;
}

int
vssdev_adopt(const int fds[VSSDEV_FDS_MAX], int nfds, struct vssdev **devp)
{
	struct vssdev *dev = calloc(1, sizeof(*dev));

	world_require(dev != NULL, "no memory");
	world_require(world.device == NULL, "two devices are open");
	memcpy(dev->fds, fds, (size_t)nfds * sizeof(*fds));
	dev->nfds = nfds;
	world.device = *devp = dev;
	return (0);
}

bool
vssdev_suits_kqueue(const char *path)
{
	(void)path;
	return (true);
}

int
vssdev_poll_fd(const struct vssdev *dev)
{
	return (dev->fds[0]);
}

int
vssdev_read(struct vssdev *dev, struct hv_vss_opt_msg *msg)
{
	if (dev->dead || world.nrequests == 0) {
		errno = dev->dead ? ENXIO : EAGAIN;
		return (-1);
	}
	*msg = world.requests[0];
	world.nrequests--;
	memmove(world.requests, world.requests + 1,
	    world.nrequests * sizeof(world.requests[0]));
	world.callbacks->taken(msg->opt, msg->msgid);
	return (0);
}

int
vssdev_write(struct vssdev *dev, const struct hv_vss_opt_msg *msg,
    uint32_t status)
{
	if (dev->dead) {
		errno = ENXIO;
		return (-1);
	}
	world.callbacks->answered(msg->opt, msg->msgid,
	    status == VSS_SUCCESS && world.answer_error == 0);
	errno = world.answer_error;
	return (world.answer_error == 0 ? 0 : -1);
}

int
vssdev_result(struct vssdev *dev, uint64_t msgid, struct hv_vss_result *result)
{
	if (dev->dead || world.told == VSS_TOLD_NOTHING) {
		errno = dev->dead ? ENXIO : ENOTSUP;
		return (-1);
	}
	*result = (struct hv_vss_result) { .msgid = msgid, .told = world.told };
	return (0);
}

int
vssdev_sysctl(struct vssdev *dev, const char *name, uint64_t *value)
{
	(void)name;
	if (dev->dead || world.told == VSS_TOLD_NOTHING) {
		errno = dev->dead ? EPIPE : ENOENT;
		return (-1);
	}
	*value = world.told;
	return (0);
}

void
vssdev_close(struct vssdev *dev)
{
	int i;

	world.callbacks->device_closed();
	world.device = NULL;
	world.nrequests = 0;
	for (i = 0; i < dev->nfds; i++)
		(void)__wrap_close(dev->fds[i]);
	free(dev);
}
