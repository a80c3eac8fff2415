/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FreeBSD's part of sandbox.h: capability mode.  Compiled against FreeBSD's
 * headers; not seen running.
 */
#include <sys/capsicum.h>

#include <errno.h>

#include "sandbox.h"

/*
 * No path, no socket that is connected to or bound, no signal to others, no
 * exec of a path.  What the broker needs goes on in this mode, by capsicum(4)'s
 * list of system calls: kqueue(2) and poll(2), so libevent may be initialised
 * afterwards; accept(2), and sendmsg(2) and recvmsg(2) with descriptors;
 * getpid, clocks, memory; ioctl(2) on the device, whose descriptor keeps all
 * rights. Where a kernel lacks it (ENOSYS) the broker goes on without.
 */
int
sandbox_broker(void)
{
	return (cap_enter());
}

/*
 * SQLite opens the database, its journal and their directory by path, which
 * capability mode forbids.
 */
int
sandbox_history(void)
{
	errno = ENOTSUP;
	return (-1);
}
