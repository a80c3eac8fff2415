/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VSS device that does only what it is told: it puts any request before the
 * program that has opened it, in any order, and refuses answers on command. For
 * tests of hv_vss_daemon in cases into which the driver does not let it come.
 * Speaks the simulator's socket protocol (vssdev.h) to one client at a time.
 *
 * usage: fake_fsvss SOCKET, with commands on standard input, one a line:
 *	check | freeze | thaw	a request
 *	cycles N		freeze and thaw, N times; "cycles done", or the
 *				first answer that is not a success
 *	refuse ERRNO		the next answer fails with that number
 *	hangup			the device goes, for the client, which may
 *				open it anew
 *	quit
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/vssdev/vssdev.h"

#define WAITING_MAX 16

static struct {
	int listener;
	int client;	 /* -1: nobody has opened it */
	int pipe_fds[2]; /* holds one byte for each request that waits */
	struct hv_vss_opt_msg waiting[WAITING_MAX];
	unsigned nwaiting;
	uint64_t last_msgid;
	unsigned cycles_left;
	int refuse_error;
	struct timespec asked_at;
} fake = { .listener = -1, .client = -1, .pipe_fds = { -1, -1 } };

static const char *const op_names[] = { "NONE", "CHECK", "FREEZE", "THAW" };

static void
hang_up(void)
{
	if (fake.client == -1)
		return;
	(void)close(fake.client);
	(void)close(fake.pipe_fds[0]);
	(void)close(fake.pipe_fds[1]);
	fake.client = -1;
	fake.nwaiting = 0;
	fake.cycles_left = 0;
	printf("closed\n");
}

static void
ask(uint32_t opt)
{
	if (fake.client == -1 || fake.nwaiting == WAITING_MAX) {
		printf("nobody listens\n");
		return;
	}
	fake.waiting[fake.nwaiting++] = (struct hv_vss_opt_msg) {
		.opt = opt,
		.msgid = ++fake.last_msgid,
	};
	(void)clock_gettime(CLOCK_MONOTONIC, &fake.asked_at);
	if (write(fake.pipe_fds[1], "!", 1) != 1)
		err(1, "pipe");
}

static void
command(char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, "check") == 0)
		ask(HV_VSS_CHECK);
	else if (strcmp(line, "freeze") == 0)
		ask(HV_VSS_FREEZE);
	else if (strcmp(line, "thaw") == 0)
		ask(HV_VSS_THAW);
	else if (strncmp(line, "cycles ", 7) == 0) {
		fake.cycles_left = (unsigned)atoi(line + 7);
		ask(HV_VSS_FREEZE);
	} else if (strncmp(line, "refuse ", 7) == 0)
		fake.refuse_error = atoi(line + 7);
	else if (strcmp(line, "hangup") == 0)
		hang_up();
	else if (strcmp(line, "quit") == 0)
		exit(0);
	else
		errx(1, "what is %s?", line);
}

static void
accept_client(void)
{
	int fd;

	fd = accept(fake.listener, NULL, NULL);
	if (fd == -1)
		return;
	if (fake.client != -1) {
		(void)close(fd);
		return;
	}
	if (pipe(fake.pipe_fds) != 0)
		err(1, "pipe");
	fake.client = fd;
}

static void
reply_open(void)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct vssdev_reply reply;
	struct iovec vector = { .iov_base = &reply, .iov_len = sizeof(reply) };
	struct msghdr header = { .msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };

	memset(&reply, 0, sizeof(reply));
	memset(&control, 0, sizeof(control));
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.align), &fake.pipe_fds[0], sizeof(int));
	if (sendmsg(fake.client, &header, MSG_NOSIGNAL) == -1)
		hang_up();
	else
		printf("opened\n");
}

static void
take_request(struct vssdev_reply *reply)
{
	struct hv_vss_opt_msg msg = { .status = VSS_FAIL };
	char byte;

	if (fake.nwaiting > 0) {
		msg = fake.waiting[0];
		fake.nwaiting--;
		memmove(fake.waiting, fake.waiting + 1,
		    fake.nwaiting * sizeof(msg));
		if (read(fake.pipe_fds[0], &byte, 1) != 1)
			err(1, "pipe");
	}
	reply->length = sizeof(msg);
	memcpy(reply->data, &msg, sizeof(msg));
}

/* True if the answer is one of many of a kind, of which nothing is printed. */
static bool
next_of_cycles(const struct hv_vss_opt_msg *msg)
{
	if (fake.cycles_left == 0)
		return (false);
	if (msg->status != VSS_SUCCESS) {
		fake.cycles_left = 0;
		return (false);
	}
	if (msg->opt == HV_VSS_FREEZE)
		ask(HV_VSS_THAW);
	else if (--fake.cycles_left > 0)
		ask(HV_VSS_FREEZE);
	else
		printf("cycles done\n");
	return (true);
}

static void
take_answer(const struct vssdev_request *request, struct vssdev_reply *reply)
{
	struct hv_vss_opt_msg msg;
	struct timespec now;

	memcpy(&msg, request->data, sizeof(msg));
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	reply->error = fake.refuse_error;
	fake.refuse_error = 0;
	if (next_of_cycles(&msg))
		return;
	printf("reply op=%s status=%u refused=%d elapsed_ms=%ld\n",
	    msg.opt <= HV_VSS_THAW ? op_names[msg.opt] : "?", msg.status,
	    reply->error,
	    (now.tv_sec - fake.asked_at.tv_sec) * 1000 +
		(now.tv_nsec - fake.asked_at.tv_nsec) / 1000000);
}

static void
serve_client(void)
{
	struct vssdev_request request;
	struct vssdev_reply reply;

	if (recv(fake.client, &request, sizeof(request), 0) !=
	    (ssize_t)sizeof(request)) {
		hang_up();
		return;
	}
	if (request.command == VSSDEV_OPEN) {
		reply_open();
		return;
	}
	memset(&reply, 0, sizeof(reply));
	if (request.number == IOCHVVSSREAD)
		take_request(&reply);
	else if (request.number == IOCHVVSSWRITE)
		take_answer(&request, &reply);
	else
		reply.error = ENOTTY;
	(void)send(fake.client, &reply, sizeof(reply), MSG_NOSIGNAL);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct pollfd pfds[3];
	char line[256];

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		errx(64, "usage: fake_fsvss SOCKET");
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	/* One line for each read: poll does not see what stdio holds. */
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	memcpy(address.sun_path, argv[1], strlen(argv[1]));
	(void)unlink(argv[1]);
	fake.listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (fake.listener == -1 ||
	    bind(fake.listener, (struct sockaddr *)&address, sizeof(address)) !=
		0 ||
	    listen(fake.listener, 4) != 0)
		err(1, "%s", argv[1]);
	printf("ready\n");
	for (;;) {
		pfds[0] = (struct pollfd) { STDIN_FILENO, POLLIN, 0 };
		pfds[1] = (struct pollfd) { fake.listener, POLLIN, 0 };
		pfds[2] = (struct pollfd) { fake.client, POLLIN, 0 };
		if (poll(pfds, 3, -1) == -1)
			err(1, "poll");
		if (pfds[2].revents != 0)
			serve_client();
		if (pfds[1].revents != 0)
			accept_client();
		if (pfds[0].revents != 0) {
			if (fgets(line, sizeof(line), stdin) == NULL)
				return (0);
			command(line);
		}
	}
}
