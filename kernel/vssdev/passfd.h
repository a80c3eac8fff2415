/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A descriptor that goes with a message over a UNIX socket (SCM_RIGHTS).
 */
#ifndef PASSFD_H
#define PASSFD_H

#include <sys/types.h>
#include <sys/socket.h>

/* Room for one descriptor.  Whoever receives may have room for more. */
union passfd_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* Makes fd, lent, go with the message of header; both are kept until then. */
void passfd_put(struct msghdr *header, union passfd_control *control, int fd);

/*
 * The first descriptor that has come with a message, owned by the caller, or
 * -1; any other is closed.
 */
int passfd_take(struct msghdr *header);

#endif /* PASSFD_H */
