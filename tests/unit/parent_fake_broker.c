/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A broker that only shows what its parent gave it, for tests of the parent.
 * Whoever connects gets one line and is disconnected:
 *
 *	pid=N uid=N gid=N groups=N run=N devices=N device_errno=N tries=N
 *	histories=N fds=N
 *
 * devices, histories and tries count messages of the parent; fds counts the
 * open descriptors.  The history connections and the devices stay open.  The
 * environment has its faults: FAKE_FAIL_START, FAKE_IGNORE_SHUTDOWN, and
 * FAKE_LAST_WORDS: it ends after its first answer, with many messages behind it
 * of which the last one makes no sense.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "appvssd/broker.h"
#include "appvssd/histq.h"
#include "appvssd/privsep.h"
#include "kernel/vssdev/heldlog.h"
#include "kernel/vssdev/vssdev.h"

#define LAST_WORDS 24 /* more than its parent takes at once */

struct fake {
	const struct broker_params *params;
	struct vssdev *device;
	int history_fd;
	unsigned devices;
	unsigned histories;
	unsigned tries;
	int device_errno;
};

static unsigned
count_fds(void)
{
	unsigned count = 0;
	int fd;

	for (fd = 0; fd < 256; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			count++;
	}
	return (count);
}

static void
answer(const struct fake *fake)
{
	int fd = accept(fake->params->listen_fd, NULL, NULL);

	if (fd == -1)
		return;
	(void)dprintf(fd,
	    "pid=%ld uid=%lu gid=%lu groups=%d run=%" PRIu64
	    " devices=%u device_errno=%d tries=%u histories=%u fds=%u\n",
	    (long)getpid(), (unsigned long)getuid(), (unsigned long)getegid(),
	    getgroups(0, NULL), fake->params->run->run, fake->devices,
	    fake->device_errno, fake->tries, fake->histories, count_fds() - 1);
	(void)close(fd);
}

static void
send_type(const struct fake *fake, uint32_t type)
{
	const struct privsep_msg msg = { .type = type };

	if (privsep_send(fake->params->parent_fd, &msg, NULL, 0) != 0)
		exit(EX_IOERR);
}

static void
say_last_words(const struct fake *fake)
{
	int i;

	for (i = 0; i < LAST_WORDS; i++)
		send_type(fake, PRIVSEP_LISTENING);
	send_type(fake, PRIVSEP_NO_DEVICE);
	_exit(0);
}

static void
take_device(struct fake *fake, const int *fds, unsigned nfds)
{
	vssdev_close(fake->device);
	fake->device = NULL;
	if (vssdev_adopt(fds, (int)nfds, &fake->device) != 0)
		exit(EX_IOERR);
	fake->devices++;
	fake->device_errno = 0;
}

/* False: told to stop, or the parent has gone. */
static bool
take_message(struct fake *fake)
{
	int fds[PRIVSEP_FDS_MAX], got;
	struct privsep_msg msg;

	got = privsep_receive(fake->params->parent_fd, &msg, fds);
	if (got != 1)
		return (got == -1 && errno == EAGAIN);
	if (msg.type == PRIVSEP_DEVICE)
		take_device(fake, fds, msg.nfds);
	else if (msg.type == PRIVSEP_NO_DEVICE) {
		fake->device_errno = msg.error;
		fake->tries = msg.again;
	} else if (msg.type == PRIVSEP_HISTORY) {
		if (fake->history_fd != -1)
			(void)close(fake->history_fd);
		fake->history_fd = fds[0];
		fake->histories++;
	} else if (msg.type == PRIVSEP_SHUTDOWN)
		return (getenv("FAKE_IGNORE_SHUTDOWN") != NULL);
	return (true);
}

/* Readable without a request to read means here: it has gone. */
static void
check_device(struct fake *fake, short revents)
{
	struct hv_vss_opt_msg msg;

	if (revents == 0 || vssdev_read(fake->device, &msg) == 0 ||
	    errno == EAGAIN)
		return;
	vssdev_close(fake->device);
	fake->device = NULL;
	send_type(fake, PRIVSEP_WANT_DEVICE);
}

int
broker_run(const struct broker_params *params)
{
	struct fake fake = { .params = params, .history_fd = -1 };
	struct pollfd pfds[3];

	if (getenv("FAKE_FAIL_START") != NULL)
		return (EX_UNAVAILABLE);
	send_type(&fake, PRIVSEP_LISTENING);
	do {
		pfds[0].fd = params->listen_fd;
		pfds[1].fd = params->parent_fd;
		pfds[2].fd = fake.device == NULL ? -1 :
						   vssdev_poll_fd(fake.device);
		pfds[0].events = pfds[1].events = pfds[2].events = POLLIN;
		if (poll(pfds, 3, -1) <= 0)
			continue;
		if (pfds[0].revents != 0)
			answer(&fake);
		if (pfds[0].revents != 0 && getenv("FAKE_LAST_WORDS") != NULL)
			say_last_words(&fake);
		if (fake.device != NULL)
			check_device(&fake, pfds[2].revents);
	} while (pfds[1].revents == 0 || take_message(&fake));
	heldlog(HELDLOG_INFO, "fake_broker_stops", "%s", "");
	send_type(&fake, PRIVSEP_FINISHED);
	vssdev_close(fake.device);
	if (fake.history_fd != -1)
		(void)close(fake.history_fd);
	return (0);
}
