/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channel between the root parent and the broker: a non-blocking
 * SOCK_SEQPACKET pair with small fixed messages that may carry descriptors.
 * Neither side waits for the other.
 */
#ifndef PRIVSEP_H
#define PRIVSEP_H

#include <stdint.h>

#define PRIVSEP_FDS_MAX 2

enum privsep_type {
	/* broker to parent */
	PRIVSEP_WANT_DEVICE = 1, /* the device was lost: open it again */
	PRIVSEP_LISTENING,	 /* start-up is complete */
	PRIVSEP_FINISHED,    /* shut down in good order; the broker exits now */
	PRIVSEP_WANT_CONFIG, /* read the configuration again (serial) */
	PRIVSEP_APPLIED,     /* the configuration of that serial runs now */
	PRIVSEP_NOT_APPLIED, /* it could not be applied: the one before runs */
	/* parent to broker */
	PRIVSEP_DEVICE,	   /* opened: 1 or 2 descriptors for vssdev_adopt() */
	PRIVSEP_NO_DEVICE, /* could not be opened yet (error); will be retried
			    */
	PRIVSEP_HISTORY,   /* a history process was started: 1 descriptor */
	PRIVSEP_SHUTDOWN,  /* thaw everybody and exit */
	/* 1 descriptor: a text, see textfd.h.  again is the serial of the
	 * WANT_CONFIG that asked for it; 0: none did. */
	PRIVSEP_CONFIG,	    /* apply it (serial, again) */
	PRIVSEP_BAD_CONFIG, /* it was refused: the first mistake (again) */
};

struct privsep_msg {
	uint32_t type;	 /* enum privsep_type */
	int32_t error;	 /* of PRIVSEP_NO_DEVICE: errno */
	uint32_t again;	 /* of PRIVSEP_NO_DEVICE: tries so far; see _CONFIG */
	uint32_t serial; /* of a configuration */
	uint32_t nfds;	 /* filled in by both calls */
};

/* 0, or -1 with errno: EAGAIN (full: try later), EPIPE.  fds are only lent. */
int privsep_send(int fd, const struct privsep_msg *msg, const int *fds,
    unsigned nfds);

/*
 * 1 with *msg and msg->nfds descriptors in fds (owned by the caller, CLOEXEC);
 * 0 at end of file; -1 with errno (EAGAIN: nothing there; EPROTO: malformed).
 */
int privsep_receive(int fd, struct privsep_msg *msg, int fds[PRIVSEP_FDS_MAX]);

/* A non-blocking, close-on-exec pair.  0, or -1 with errno. */
int privsep_pair(int fds[2]);

#endif /* PRIVSEP_H */
