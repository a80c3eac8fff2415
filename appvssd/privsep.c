/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channel between the root parent and the broker: see privsep.h.  Neither
 * side trusts the other's bytes: what is not exactly a message is EPROTO, and
 * no descriptor of such a message stays open.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "privsep.h"

/* Aligned for a struct cmsghdr, with room for all descriptors. */
union control {
	struct cmsghdr header;
	unsigned char bytes[CMSG_SPACE(PRIVSEP_FDS_MAX * sizeof(int))];
};

static bool
is_message(uint32_t type, unsigned nfds)
{
	switch ((enum privsep_type)type) {
	case PRIVSEP_WANT_DEVICE:
	case PRIVSEP_LISTENING:
	case PRIVSEP_FINISHED:
	case PRIVSEP_NO_DEVICE:
	case PRIVSEP_SHUTDOWN:
	case PRIVSEP_WANT_CONFIG:
	case PRIVSEP_APPLIED:
	case PRIVSEP_NOT_APPLIED:
		return (nfds == 0);
	case PRIVSEP_DEVICE:
		return (nfds == 1 || nfds == 2);
	case PRIVSEP_HISTORY:
	case PRIVSEP_CONFIG:
	case PRIVSEP_BAD_CONFIG:
		return (nfds == 1);
	}
	return (false);
}

int
privsep_send(int fd, const struct privsep_msg *msg, const int *fds,
    unsigned nfds)
{
	struct privsep_msg copy = *msg;
	struct iovec iov = { .iov_base = &copy, .iov_len = sizeof(copy) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control;
	struct cmsghdr *cmsg;

	if (!is_message(msg->type, nfds)) {
		errno = EINVAL;
		return (-1);
	}
	copy.nfds = nfds;
	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		hdr.msg_control = &control;
		hdr.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&hdr);
		/* analyze: control has room for a header. */
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nfds * sizeof(int));
	}
	if (sendmsg(fd, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
		return (0);
	/* FreeBSD's word for a full local socket. */
	if (errno == ENOBUFS || errno == EINTR)
		errno = EAGAIN;
	if (errno == ECONNRESET || errno == ENOTCONN)
		errno = EPIPE;
	return (-1);
}

/* Returns how many descriptors came; those beyond the maximum are closed. */
static unsigned
take_fds(struct msghdr *hdr, int fds[PRIVSEP_FDS_MAX])
{
	struct cmsghdr *cmsg;
	unsigned count, i, nfds;
	int fd;

	nfds = 0;
	for (cmsg = CMSG_FIRSTHDR(hdr); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(hdr, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (unsigned)((cmsg->cmsg_len - CMSG_LEN(0)) /
		    sizeof(int));
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(fd));
			if (nfds < PRIVSEP_FDS_MAX)
				fds[nfds++] = fd;
			else
				(void)close(fd);
		}
	}
	return (nfds);
}

int
privsep_receive(int fd, struct privsep_msg *msg, int fds[PRIVSEP_FDS_MAX])
{
	struct iovec iov = { .iov_base = msg, .iov_len = sizeof(*msg) };
	union control control;
	struct msghdr hdr = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	unsigned i, nfds;
	ssize_t length;

	do {
		length = recvmsg(fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (length == -1 && errno == EINTR);
	if (length == -1) {
		if (errno == EWOULDBLOCK)
			errno = EAGAIN;
		/* Linux, when the other side died with messages unread. */
		return (errno == ECONNRESET ? 0 : -1);
	}
	nfds = take_fds(&hdr, fds);
	if (length == 0 && nfds == 0)
		return (0);
	if (length == (ssize_t)sizeof(*msg) &&
	    (hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
	    msg->nfds == nfds && is_message(msg->type, nfds))
		return (1);
	for (i = 0; i < nfds; i++)
		(void)close(fds[i]);
	errno = EPROTO;
	return (-1);
}

int
privsep_pair(int fds[2])
{
	return (socketpair(AF_UNIX,
	    SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
}
