/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors in messages: see passfd.h.
 */
#include <string.h>
#include <unistd.h>

#include "passfd.h"

void
passfd_put(struct msghdr *header, union passfd_control *control, int fd)
{
	struct cmsghdr *message;

	memset(control, 0, sizeof(*control));
	header->msg_control = control->bytes;
	header->msg_controllen = sizeof(control->bytes);
	message = CMSG_FIRSTHDR(header);
	message->cmsg_level = SOL_SOCKET;
	message->cmsg_type = SCM_RIGHTS;
	message->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(message), &fd, sizeof(fd));
}

int
passfd_take(struct msghdr *header)
{
	struct cmsghdr *message;
	size_t count, i;
	int fd, taken = -1;

	for (message = CMSG_FIRSTHDR(header); message != NULL;
	     message = CMSG_NXTHDR(header, message)) {
		if (message->cmsg_level != SOL_SOCKET ||
		    message->cmsg_type != SCM_RIGHTS)
			continue;
		count = (message->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(message) + i * sizeof(int),
			    sizeof(fd));
			if (taken == -1)
				taken = fd;
			else
				(void)close(fd);
		}
	}
	return (taken);
}
