/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channel between parent and broker: descriptors arrive and are
 * close-on-exec, nobody blocks, and malformed messages leave nothing open.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appvssd/privsep.h"

static int ends[2];

static void
setup(void)
{
	ck_assert_int_eq(privsep_pair(ends), 0);
}

static void
teardown(void)
{
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* The lowest free descriptor: the same before and after, if none leaked. */
static int
lowest_free(void)
{
	int fd = dup(ends[0]);

	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	return (fd);
}

START_TEST(descriptors_arrive)
{
	struct privsep_msg msg = { .type = PRIVSEP_DEVICE, .nfds = 99 };
	int fds[PRIVSEP_FDS_MAX], pipes[2];
	char byte;

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(privsep_send(ends[0], &msg, pipes, 2), 0);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	memset(&msg, 0, sizeof(msg));
	ck_assert_int_eq(privsep_receive(ends[1], &msg, fds), 1);
	ck_assert_uint_eq(msg.type, PRIVSEP_DEVICE);
	ck_assert_uint_eq(msg.nfds, 2);
	ck_assert_int_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

START_TEST(messages_keep_order_and_content)
{
	struct privsep_msg msg = { .type = PRIVSEP_NO_DEVICE,
		.error = EBUSY,
		.again = 7 };
	int fds[PRIVSEP_FDS_MAX];

	ck_assert_int_eq(privsep_send(ends[0], &msg, NULL, 0), 0);
	msg.type = PRIVSEP_SHUTDOWN;
	ck_assert_int_eq(privsep_send(ends[0], &msg, NULL, 0), 0);
	memset(&msg, 0, sizeof(msg));
	ck_assert_int_eq(privsep_receive(ends[1], &msg, fds), 1);
	ck_assert_uint_eq(msg.type, PRIVSEP_NO_DEVICE);
	ck_assert_int_eq(msg.error, EBUSY);
	ck_assert_uint_eq(msg.again, 7);
	ck_assert_uint_eq(msg.nfds, 0);
	ck_assert_int_eq(privsep_receive(ends[1], &msg, fds), 1);
	ck_assert_uint_eq(msg.type, PRIVSEP_SHUTDOWN);
}
END_TEST

START_TEST(nobody_waits)
{
	struct privsep_msg msg = { .type = PRIVSEP_WANT_DEVICE };
	int fds[PRIVSEP_FDS_MAX], sent;

	ck_assert_int_eq(privsep_receive(ends[1], &msg, fds), -1);
	ck_assert_int_eq(errno, EAGAIN);
	msg.type = PRIVSEP_WANT_DEVICE;
	for (sent = 0; privsep_send(ends[0], &msg, NULL, 0) == 0; sent++)
		ck_assert_int_lt(sent, 1000000);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_gt(sent, 0);
}
END_TEST

START_TEST(the_other_side_has_gone)
{
	struct privsep_msg msg = { .type = PRIVSEP_SHUTDOWN };
	int fds[PRIVSEP_FDS_MAX];

	/* Unread messages on the dying side change nothing. */
	ck_assert_int_eq(privsep_send(ends[0], &msg, NULL, 0), 0);
	(void)close(ends[1]);
	ck_assert_int_eq(privsep_receive(ends[0], &msg, fds), 0);
	msg.type = PRIVSEP_SHUTDOWN;
	ck_assert_int_eq(privsep_send(ends[0], &msg, NULL, 0), -1);
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

START_TEST(a_wrong_number_of_descriptors_is_not_sent)
{
	struct privsep_msg msg = { .type = PRIVSEP_HISTORY };
	int fds[PRIVSEP_FDS_MAX] = { 0, 0 };

	ck_assert_int_eq(privsep_send(ends[0], &msg, fds, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(privsep_send(ends[0], &msg, fds, 2), -1);
	ck_assert_int_eq(errno, EINVAL);
	msg.type = 99;
	ck_assert_int_eq(privsep_send(ends[0], &msg, NULL, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* Sends bytes with count copies of descriptor 0 past privsep_send's checks. */
static void
send_raw(const void *bytes, size_t length, unsigned count)
{
	struct iovec iov = { .iov_len = length };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	union {
		struct cmsghdr header;
		unsigned char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct cmsghdr *cmsg;
	unsigned char copy[64];

	ck_assert_uint_le(length, sizeof(copy));
	memcpy(copy, bytes, length);
	iov.iov_base = copy;
	memset(&control, 0, sizeof(control));
	if (count > 0) {
		hdr.msg_control = &control;
		hdr.msg_controllen = CMSG_SPACE(count * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(ends[0], &hdr, 0), (ssize_t)length);
}

static void
expect_malformed(void)
{
	struct privsep_msg msg;
	int before, fds[PRIVSEP_FDS_MAX];

	before = lowest_free();
	ck_assert_int_eq(privsep_receive(ends[1], &msg, fds), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_int_eq(lowest_free(), before);
}

START_TEST(malformed_messages_leave_nothing_open)
{
	struct privsep_msg msg = { .type = PRIVSEP_HISTORY, .nfds = 1 };
	unsigned char longer[sizeof(msg) + 8] = { 0 };

	send_raw(&msg, sizeof(msg) - 1, 1);
	expect_malformed();
	memcpy(longer, &msg, sizeof(msg));
	send_raw(longer, sizeof(longer), 1);
	expect_malformed();
	/* What it says it carries, and what it carries. */
	send_raw(&msg, sizeof(msg), 0);
	expect_malformed();
	send_raw(&msg, sizeof(msg), 2);
	expect_malformed();
	msg.nfds = 2;
	send_raw(&msg, sizeof(msg), 2);
	expect_malformed();
	msg.type = PRIVSEP_DEVICE;
	msg.nfds = 5;
	send_raw(&msg, sizeof(msg), 5);
	expect_malformed();
	msg.type = 1234;
	msg.nfds = 0;
	send_raw(&msg, sizeof(msg), 0);
	expect_malformed();
	/* And the channel still works. */
	msg.type = PRIVSEP_SHUTDOWN;
	send_raw(&msg, sizeof(msg), 0);
	ck_assert_int_eq(privsep_receive(ends[1], &msg,
			     (int[PRIVSEP_FDS_MAX]) { 0 }),
	    1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("privsep");
	TCase *tcase = tcase_create("privsep");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, descriptors_arrive);
	tcase_add_test(tcase, messages_keep_order_and_content);
	tcase_add_test(tcase, nobody_waits);
	tcase_add_test(tcase, the_other_side_has_gone);
	tcase_add_test(tcase, a_wrong_number_of_descriptors_is_not_sent);
	tcase_add_test(tcase, malformed_messages_leave_nothing_open);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
