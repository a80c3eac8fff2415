/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vssdev against a stand-in simulator, one for each test, that follows a script
 * of replies: what the caller sees for each, which descriptors are left, and
 * that a silent or talkative simulator cannot hold or mislead it.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/vssdev/vssdev.h"

#define PIPES_MAX 3

/* One reply of the stand-in, to the next request, whatever that is. */
struct step {
	uint32_t expect; /* command that must come, else it exits */
	int32_t error;
	uint32_t length;
	const void *data;
	unsigned npipes;      /* pass the reading end of so many pipes */
	bool silent;	      /* do not answer */
	size_t short_by;      /* bytes missing from the reply */
	uint32_t echo_status; /* the answer's status that must have come */
	bool check_echo;
};

static char directory[] = "/tmp/test_vssdev.XXXXXX";
static char path[sizeof(directory) + 8];
static pid_t server = -1;

static void
reply_to(int client, const struct step *step)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(PIPES_MAX * sizeof(int))];
	} control;
	struct vssdev_reply reply;
	struct iovec vector = { .iov_base = &reply,
		.iov_len = sizeof(reply) - step->short_by };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1 };
	int fds[PIPES_MAX], pipe_fds[2];
	unsigned i;

	memset(&reply, 0, sizeof(reply));
	reply.error = step->error;
	reply.length = step->length;
	if (step->data != NULL)
		memcpy(reply.data, step->data, step->length);
	for (i = 0; i < step->npipes; i++) {
		if (pipe(pipe_fds) != 0)
			_exit(1);
		fds[i] = pipe_fds[0];
	}
	if (step->npipes > 0) {
		memset(&control, 0, sizeof(control));
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(step->npipes * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(step->npipes * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds,
		    step->npipes * sizeof(int));
	}
	(void)sendmsg(client, &header, MSG_NOSIGNAL);
}

static void
serve(int listener, const struct step *steps, unsigned nsteps)
{
	struct vssdev_request request;
	struct hv_vss_opt_msg answer;
	int client;
	unsigned i;

	client = accept(listener, NULL, NULL);
	for (i = 0; i < nsteps; i++) {
		if (recv(client, &request, sizeof(request), 0) !=
			(ssize_t)sizeof(request) ||
		    request.command != steps[i].expect)
			_exit(2);
		memcpy(&answer, request.data, sizeof(answer));
		if (steps[i].check_echo &&
		    (request.number != IOCHVVSSWRITE ||
			answer.status != steps[i].echo_status))
			_exit(3);
		if (!steps[i].silent)
			reply_to(client, &steps[i]);
	}
	/* Silence is not the end: that comes when the client goes. */
	if (nsteps > 0 && steps[nsteps - 1].silent)
		(void)recv(client, &request, sizeof(request), 0);
	_exit(0);
}

static void
start_server(const struct step *steps, unsigned nsteps)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener;

	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/dev", directory);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address,
			     sizeof(address)),
	    0);
	ck_assert_int_eq(listen(listener, 4), 0);
	server = fork();
	ck_assert_int_ne(server, -1);
	if (server == 0)
		serve(listener, steps, nsteps);
	(void)close(listener);
}

/* The stand-in saw what its script expects. */
static void
end_server(void)
{
	int status = -1;

	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert_int_eq(status, 0);
}

static void
remove_directory(void)
{
	if (path[0] != '\0')
		(void)unlink(path);
	(void)rmdir(directory);
}

static int
count_fds(void)
{
	int count = 0, fd;

	for (fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) != -1;
	return (count);
}

static const struct step open_ok = { .expect = VSSDEV_OPEN, .npipes = 1 };

START_TEST(reads_and_answers_a_request)
{
	const struct hv_vss_opt_msg freeze = { .opt = HV_VSS_FREEZE,
		.msgid = 7 };
	const struct hv_vss_opt_msg nothing = { .status = VSS_FAIL };
	const struct step steps[] = { open_ok,
		{ .expect = VSSDEV_IOCTL, .length = 64, .data = &freeze },
		{ .expect = VSSDEV_IOCTL,
		    .check_echo = true,
		    .echo_status = VSS_FAIL },
		{ .expect = VSSDEV_IOCTL, .length = 64, .data = &nothing } };
	struct hv_vss_opt_msg msg;
	struct vssdev *dev;

	start_server(steps, 4);
	ck_assert_int_eq(vssdev_open(path, &dev), 0);
	ck_assert_int_eq(vssdev_read(dev, &msg), 0);
	ck_assert_uint_eq(msg.opt, HV_VSS_FREEZE);
	ck_assert_uint_eq(msg.msgid, 7);
	ck_assert_int_eq(vssdev_write(dev, &msg, VSS_FAIL), 0);
	ck_assert_int_eq(vssdev_read(dev, &msg), -1);
	ck_assert_int_eq(errno, EAGAIN);
	end_server();
	vssdev_close(dev);
}
END_TEST

START_TEST(reports_the_errors_of_the_driver)
{
	const struct step steps[] = { open_ok,
		{ .expect = VSSDEV_IOCTL, .error = ETIMEDOUT },
		{ .expect = VSSDEV_IOCTL, .error = ENXIO },
		/* What FreeBSD says of a device whose node has gone as well. */
		{ .expect = VSSDEV_IOCTL, .error = ENOTTY },
		{ .expect = VSSDEV_IOCTL, .error = ENOTTY },
		{ .expect = VSSDEV_IOCTL, .error = ENOTTY } };
	struct hv_vss_opt_msg msg = { .opt = HV_VSS_FREEZE, .msgid = 7 };
	struct hv_vss_result result;
	struct vssdev *dev;

	start_server(steps, 6);
	ck_assert_int_eq(vssdev_open(path, &dev), 0);
	ck_assert_int_eq(vssdev_write(dev, &msg, VSS_SUCCESS), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_int_eq(vssdev_read(dev, &msg), -1);
	ck_assert_int_eq(errno, ENXIO);
	ck_assert_int_eq(vssdev_write(dev, &msg, VSS_SUCCESS), -1);
	ck_assert_int_eq(errno, ENXIO);
	ck_assert_int_eq(vssdev_read(dev, &msg), -1);
	ck_assert_int_eq(errno, ENXIO);
	ck_assert_int_eq(vssdev_result(dev, 7, &result), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	end_server();
	vssdev_close(dev);
}
END_TEST

START_TEST(takes_an_untouched_result_for_unknown)
{
	const struct hv_vss_result untouched = { .msgid = 7 };
	const struct hv_vss_result told = { .msgid = 7, .told = VSS_TOLD_FAIL };
	const struct step steps[] = { open_ok,
		{ .expect = VSSDEV_IOCTL, .length = 32, .data = &untouched },
		{ .expect = VSSDEV_IOCTL, .length = 32, .data = &told } };
	struct hv_vss_result result;
	struct vssdev *dev;

	start_server(steps, 3);
	ck_assert_int_eq(vssdev_open(path, &dev), 0);
	ck_assert_int_eq(vssdev_result(dev, 7, &result), -1);
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_int_eq(vssdev_result(dev, 7, &result), 0);
	ck_assert_uint_eq(result.told, VSS_TOLD_FAIL);
	end_server();
	vssdev_close(dev);
}
END_TEST

START_TEST(fails_to_open_what_is_busy_absent_or_no_device)
{
	const struct step busy = { .expect = VSSDEV_OPEN, .error = EBUSY };
	int before = count_fds();
	struct vssdev *dev;

	start_server(&busy, 1);
	ck_assert_int_eq(vssdev_open(path, &dev), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_ptr_null(dev);
	end_server();
	ck_assert_int_eq(vssdev_open("/nowhere/dev", &dev), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(vssdev_open(directory, &dev), -1);
	ck_assert_int_eq(errno, ENODEV);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(refuses_an_open_reply_that_is_wrong)
{
	const struct step wrong[] = {
		{ .expect = VSSDEV_OPEN },
		{ .expect = VSSDEV_OPEN, .npipes = 1, .short_by = 4 },
		{ .expect = VSSDEV_OPEN, .npipes = PIPES_MAX },
	};
	int before = count_fds();
	struct vssdev *dev;

	start_server(&wrong[_i], 1);
	ck_assert_int_eq(vssdev_open(path, &dev), -1);
	ck_assert_int_eq(errno, EPROTO);
	end_server();
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(does_not_wait_for_a_silent_simulator)
{
	const struct step silent[] = { { .expect = VSSDEV_OPEN,
	    .silent = true } };
	struct vssdev *dev;

	start_server(silent, 1);
	ck_assert_int_eq(vssdev_open(path, &dev), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	end_server();
}
END_TEST

START_TEST(never_takes_a_late_reply_for_the_next)
{
	const struct step steps[] = { open_ok,
		{ .expect = VSSDEV_IOCTL, .silent = true } };
	struct hv_vss_opt_msg msg = { .opt = HV_VSS_THAW };
	struct vssdev *dev;

	start_server(steps, 2);
	ck_assert_int_eq(vssdev_open(path, &dev), 0);
	ck_assert_int_eq(vssdev_write(dev, &msg, VSS_SUCCESS), -1);
	/* Not ETIMEDOUT, which is the driver's word for a late answer. */
	ck_assert_int_eq(errno, EPIPE);
	/* At once, and not by asking again. */
	ck_assert_int_eq(vssdev_read(dev, &msg), -1);
	ck_assert_int_eq(errno, EPIPE);
	vssdev_close(dev);
	end_server();
}
END_TEST

START_TEST(sees_the_end_of_the_simulator)
{
	struct hv_vss_opt_msg msg;
	struct vssdev *dev;
	struct pollfd pfd;

	start_server(&open_ok, 1);
	ck_assert_int_eq(vssdev_open(path, &dev), 0);
	end_server();
	pfd = (struct pollfd) { .fd = vssdev_poll_fd(dev), .events = POLLIN };
	ck_assert_int_eq(poll(&pfd, 1, 2000), 1);
	ck_assert_int_ne(pfd.revents & (POLLHUP | POLLIN), 0);
	ck_assert_int_eq(vssdev_read(dev, &msg), -1);
	ck_assert_int_eq(errno, EPIPE);
	vssdev_close(dev);
}
END_TEST

START_TEST(all_descriptors_close_on_exec_and_are_closed)
{
	int before = count_fds();
	struct vssdev *dev;
	int fds[VSSDEV_FDS_MAX], i, nfds;

	start_server(&open_ok, 1);
	ck_assert_int_eq(vssdev_open(path, &dev), 0);
	nfds = vssdev_fds(dev, fds);
	ck_assert_int_eq(nfds, 2);
	for (i = 0; i < nfds; i++)
		ck_assert_int_ne(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, 0);
	vssdev_close(dev);
	ck_assert_int_eq(count_fds(), before);
	end_server();
}
END_TEST

START_TEST(works_on_adopted_descriptors)
{
	const struct hv_vss_opt_msg check = { .opt = HV_VSS_CHECK, .msgid = 9 };
	const struct step steps[] = { open_ok,
		{ .expect = VSSDEV_IOCTL, .length = 64, .data = &check } };
	int fds[VSSDEV_FDS_MAX], copies[VSSDEV_FDS_MAX];
	int before = count_fds();
	struct hv_vss_opt_msg msg;
	struct vssdev *adopted, *dev;

	start_server(steps, 2);
	ck_assert_int_eq(vssdev_open(path, &dev), 0);
	ck_assert_int_eq(vssdev_fds(dev, fds), 2);
	copies[0] = dup(fds[0]);
	copies[1] = dup(fds[1]);
	vssdev_close(dev);
	ck_assert_int_eq(vssdev_adopt(copies, 2, &adopted), 0);
	ck_assert_int_eq(vssdev_poll_fd(adopted), copies[1]);
	ck_assert_int_ne(fcntl(copies[0], F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(vssdev_read(adopted, &msg), 0);
	ck_assert_uint_eq(msg.msgid, 9);
	vssdev_close(adopted);
	ck_assert_int_eq(count_fds(), before);
	end_server();
}
END_TEST

START_TEST(refuses_to_adopt_other_descriptors_and_closes_them)
{
	int before = count_fds();
	struct vssdev *adopted;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(vssdev_adopt(fds, 2, &adopted), -1);
	ck_assert_int_eq(errno, ENODEV);
	ck_assert_ptr_null(adopted);
	ck_assert_int_eq(count_fds(), before);
	ck_assert_int_eq(vssdev_adopt(fds, 0, &adopted), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("vssdev");
	TCase *tcase = tcase_create("vssdev");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, remove_directory);
	tcase_set_timeout(tcase, 20);
	tcase_add_test(tcase, reads_and_answers_a_request);
	tcase_add_test(tcase, reports_the_errors_of_the_driver);
	tcase_add_test(tcase, takes_an_untouched_result_for_unknown);
	tcase_add_test(tcase, fails_to_open_what_is_busy_absent_or_no_device);
	tcase_add_loop_test(tcase, refuses_an_open_reply_that_is_wrong, 0, 3);
	tcase_add_test(tcase, does_not_wait_for_a_silent_simulator);
	tcase_add_test(tcase, never_takes_a_late_reply_for_the_next);
	tcase_add_test(tcase, sees_the_end_of_the_simulator);
	tcase_add_test(tcase, all_descriptors_close_on_exec_and_are_closed);
	tcase_add_test(tcase, works_on_adopted_descriptors);
	tcase_add_test(tcase,
	    refuses_to_adopt_other_descriptors_and_closes_them);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
