/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program hv_vss_sim: its sockets, as kernel/vssdev speaks to them, its
 * commands, and clients that do not behave.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/vssdev/vssdev.h"

#define PATIENT_MS 20000

static char directory[64], app_path[128], fs_path[128];
static const char *module_option; /* NULL: the driver of VMBus */
static pid_t sim_pid;
static int sim_input; /* written to */
static FILE *sim_output;

/* The next line of the simulator's output, which begins with this. */
static void
expect_line(const char *begin)
{
	char line[256] = "";

	ck_assert_msg(fgets(line, sizeof(line), sim_output) != NULL,
	    "no line, not \"%s\"", begin);
	ck_assert_msg(strncmp(line, begin, strlen(begin)) == 0,
	    "\"%s\", not \"%s\"", line, begin);
}

static void
command(const char *text)
{
	ck_assert_int_eq(write(sim_input, text, strlen(text)),
	    (ssize_t)strlen(text));
}

static void
start(const char *limit_ms)
{
	int in[2], out[2];

	ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	sim_pid = fork();
	ck_assert_int_ne(sim_pid, -1);
	if (sim_pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl("kernel/sim/hv_vss_sim", "hv_vss_sim", "-d", directory,
		    "--limit-ms", limit_ms, module_option, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	sim_input = in[1];
	sim_output = fdopen(out[0], "r");
	ck_assert_ptr_nonnull(sim_output);
	expect_line("ready");
}

/* Its exit status; -1 if a signal killed it. */
static int
finish(void)
{
	int status;

	close(sim_input);
	ck_assert_int_eq(waitpid(sim_pid, &status, 0), sim_pid);
	sim_pid = 0;
	fclose(sim_output);
	return (WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void
setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	strcpy(directory, "/tmp/appvss-sim.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(app_path, sizeof(app_path), "%s/%s", directory,
	    APP_VSS_DEV_NAME);
	snprintf(fs_path, sizeof(fs_path), "%s/%s", directory, FS_VSS_DEV_NAME);
}

static void
setup_module(void)
{
	setup();
	module_option = "--module";
}

static void
teardown(void)
{
	if (sim_pid != 0)
		kill(sim_pid, SIGKILL);
	unlink(app_path);
	unlink(fs_path);
	ck_assert_int_eq(rmdir(directory), 0);
}

static bool
readable(const struct vssdev *dev, int timeout_ms)
{
	struct pollfd pfd = { .fd = vssdev_poll_fd(dev), .events = POLLIN };

	return (poll(&pfd, 1, timeout_ms) == 1);
}

static void
serve(struct vssdev *dev, uint32_t op)
{
	struct hv_vss_opt_msg msg;

	ck_assert(readable(dev, PATIENT_MS));
	ck_assert_int_eq(vssdev_read(dev, &msg), 0);
	ck_assert_uint_eq(msg.opt, op);
	ck_assert(!readable(dev, 0));
	ck_assert_int_eq(vssdev_write(dev, &msg, VSS_SUCCESS), 0);
}

static struct vssdev *
open_dev(const char *path)
{
	struct vssdev *dev;

	ck_assert_int_eq(vssdev_open(path, &dev), 0);
	return (dev);
}

START_TEST(snapshot)
{
	struct vssdev *app, *fs, *second;
	struct hv_vss_result result;
	uint64_t number;

	start("15000");
	app = open_dev(app_path);
	fs = open_dev(fs_path);
	ck_assert_int_eq(vssdev_open(fs_path, &second), -1);
	ck_assert_int_eq(errno, EBUSY);
	command("wait-openers\nnegotiate\nfreeze\n# comment\n\nthaw\n");
	expect_line("openers app=1 fs=1");
	expect_line("reply op=NEGOTIATE status=0x00000000 elapsed_ms=");
	serve(app, HV_VSS_FREEZE);
	serve(fs, HV_VSS_FREEZE);
	expect_line("reply op=FREEZE status=0x00000000 elapsed_ms=");
	serve(fs, HV_VSS_THAW);
	serve(app, HV_VSS_THAW);
	expect_line("reply op=THAW status=0x00000000 elapsed_ms=");
	ck_assert_int_eq(vssdev_result(app, 2, &result), 0);
	ck_assert_uint_eq(result.told, VSS_TOLD_SUCCESS);
	ck_assert_int_eq(vssdev_sysctl(app, "snapshots", &number), 0);
	ck_assert_uint_eq(number, 1);
	ck_assert_int_eq(vssdev_sysctl(app, "instance", &number), 0);
	ck_assert_int_eq(vssdev_sysctl(app, "nonsense", &number), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(vssdev_sysctl(app, "last_result", &number), -1);
	command("run true\n");
	ck_assert_int_eq(finish(), 0);
	/* End of file, and the sockets are gone. */
	ck_assert(readable(app, PATIENT_MS));
	vssdev_close(app);
	vssdev_close(fs);
	ck_assert_int_ne(access(fs_path, F_OK), 0);
}
END_TEST

START_TEST(withdrawn_request_makes_unreadable)
{
	struct vssdev *fs;
	struct hv_vss_opt_msg msg;

	start("200");
	fs = open_dev(fs_path);
	command("check\n");
	ck_assert(readable(fs, PATIENT_MS));
	expect_line("reply op=CHECK status=0x80004005");
	/* The reply is sent first; the pipe follows. */
	while (readable(fs, 0))
		(void)poll(NULL, 0, 1);
	ck_assert_int_eq(vssdev_read(fs, &msg), -1);
	ck_assert_int_eq(errno, EAGAIN);
	vssdev_close(fs);
	ck_assert_int_eq(finish(), 1);
}
END_TEST

START_TEST(death_of_client_closes_device)
{
	struct vssdev *fs;
	char byte;
	int fds[2], status;
	pid_t pid;

	start("600000");
	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		if (vssdev_open(fs_path, &fs) != 0)
			_exit(1);
		(void)!write(fds[1], "x", 1);
		pause();
		vssdev_close(fs);
		_exit(0);
	}
	ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	command("freeze\n");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	/* Long before the limit. */
	expect_line("reply op=FREEZE status=0x80004005");
	ck_assert_int_eq(finish(), 1);
}
END_TEST

static int
connect_raw(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address,
			     sizeof(address)),
	    0);
	return (fd);
}

START_TEST(hostile_clients)
{
	struct vssdev_request request = { .command = VSSDEV_IOCTL,
		.length = 64,
		.number = IOCHVVSSREAD };
	struct vssdev_reply answer;
	struct vssdev *fs;
	int fds[40], i;
	char byte;

	start("15000");
	/* Garbage is the end of the connection, and of no other one. */
	fds[0] = connect_raw(fs_path);
	ck_assert_int_eq(send(fds[0], "garbage", 7, 0), 7);
	ck_assert_int_eq(recv(fds[0], &byte, 1, 0), 0);
	close(fds[0]);
	/* An ioctl before the open, a number that is too long. */
	fds[0] = connect_raw(fs_path);
	ck_assert_int_gt(send(fds[0], &request, sizeof(request), 0), 0);
	ck_assert_int_gt(recv(fds[0], &answer, sizeof(answer), 0), 0);
	ck_assert_int_eq(answer.error, EBADF);
	request.length = 4096;
	ck_assert_int_gt(send(fds[0], &request, sizeof(request), 0), 0);
	ck_assert_int_eq(recv(fds[0], &byte, 1, 0), 0);
	close(fds[0]);
	/* One that does not read its replies, and more than are allowed. */
	request.length = 64;
	fds[0] = connect_raw(app_path);
	while (send(fds[0], &request, sizeof(request), MSG_DONTWAIT) > 0)
		;
	for (i = 1; i < 40; i++)
		fds[i] = connect_raw(app_path);
	fs = open_dev(fs_path);
	command("check\n");
	serve(fs, HV_VSS_CHECK);
	expect_line("reply op=CHECK status=0x00000000");
	vssdev_close(fs);
	for (i = 0; i < 40; i++)
		close(fds[i]);
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(commands_and_exit_status)
{
	start("200");
	command("bogus\nraw 0\nsleep x\nwait-openers 1\nrun exit 3\n"
		"sysctl limit_ms\nraw 00\nasync thaw\nwait\nquit\n");
	expect_line("sysctl limit_ms=200");
	expect_line("noreply op=RAW");
	expect_line("reply op=THAW status=0x80004005");
	ck_assert_int_eq(finish(), 1);
}
END_TEST

/* A script that was written on the host's own system. */
START_TEST(lines_that_end_in_cr)
{
	start("200");
	command("\r\n \t\r\n# comment\r\nsysctl limit_ms\r\nquit\r\n");
	expect_line("sysctl limit_ms=200");
	ck_assert_int_eq(finish(), 0);
}
END_TEST

/* Not as the simulator's own, which ignores it. */
START_TEST(command_has_usual_signals)
{
	start("200");
	command("run kill -PIPE $$; exit 0\n");
	ck_assert_int_eq(finish(), 1);
	start("200");
	command("run exit 0\n");
	ck_assert_int_eq(finish(), 0);
}
END_TEST

START_TEST(signal_ends_cleanly)
{
	struct vssdev *fs;
	struct hv_vss_opt_msg msg;

	start("600000");
	/* What another simulator left behind is replaced, if it is dead. */
	fs = open_dev(fs_path);
	command("check\n");
	ck_assert(readable(fs, PATIENT_MS));
	ck_assert_int_eq(vssdev_read(fs, &msg), 0);
	kill(sim_pid, SIGTERM);
	expect_line("noreply op=CHECK");
	ck_assert_int_eq(finish(), 1);
	ck_assert(readable(fs, PATIENT_MS));
	vssdev_close(fs);
	ck_assert_int_ne(access(fs_path, F_OK), 0);

	start("200");
	kill(sim_pid, SIGKILL);
	ck_assert_int_eq(finish(), -1);
	ck_assert_int_eq(access(fs_path, F_OK), 0);
	start("200");
	ck_assert_int_eq(finish(), 0);
}
END_TEST

/* Without the module loaded, which no test may load. */
START_TEST(wrong_options)
{
	static const char *const commands[] = {
		"kernel/sim/hv_vss_sim",
		"kernel/sim/hv_vss_sim -k -d /tmp",
		"kernel/sim/hv_vss_sim -d /tmp -l 99",
		"kernel/sim/hv_vss_sim -d /tmp superfluous",
	};
	char line[128];
	size_t i;
	int status;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		snprintf(line, sizeof(line), "%s </dev/null 2>/dev/null",
		    commands[i]);
		status = system(line);
		ck_assert_int_eq(WEXITSTATUS(status), 64);
	}
}
END_TEST

static TCase *
program_tests(const char *name, void (*fixture)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, fixture, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, snapshot);
	tcase_add_test(tcase, withdrawn_request_makes_unreadable);
	tcase_add_test(tcase, death_of_client_closes_device);
	tcase_add_test(tcase, hostile_clients);
	tcase_add_test(tcase, commands_and_exit_status);
	tcase_add_test(tcase, lines_that_end_in_cr);
	tcase_add_test(tcase, command_has_usual_signals);
	tcase_add_test(tcase, signal_ends_cleanly);
	tcase_add_test(tcase, wrong_options);
	return (tcase);
}

int
main(void)
{
	Suite *suite = suite_create("vss_driver_sim");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, program_tests("vmbus", setup));
	suite_add_tcase(suite, program_tests("module", setup_module));
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
