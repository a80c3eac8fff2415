/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unused numbers below the highest descriptor of this process, filled for a
 * moment.  Up to 13.2 at least, FreeBSD's descrip_check_write_mp(), which
 * UFSSUSPEND calls, reads through the null pointer of each: the kernel panics.
 */
#ifndef FDGAPS_H
#define FDGAPS_H

#define FDGAPS_MAX 1024 /* numbers that are looked at */

struct fdgaps {
	int fds[FDGAPS_MAX]; /* owned */
	unsigned count;
};

/*
 * Each becomes a duplicate of fd, which nothing is done with.  0, or -1 with
 * errno, and nothing is filled.
 */
int fdgaps_fill(struct fdgaps *gaps, int fd);

void fdgaps_empty(struct fdgaps *gaps);

#endif /* FDGAPS_H */
