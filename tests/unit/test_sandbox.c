/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel refuses to the broker and to the history process, and what it
 * must not refuse.  Each attempt is made in a process of its own.
 */
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#endif

#include "appvssd/sandbox.h"

#define EX_SKIPPED    77
#define EX_UNCONFINED 100

/* Returns the errno of what it tried, 0 if that was done. */
typedef int attempt(void);

/* The attempt's errno; a signal's number, negative; or 77: no sandbox here. */
static int
run_confined(int (*confine)(void), attempt *try)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (confine() != 0)
			_exit(errno == ENOTSUP ? EX_SKIPPED : EX_UNCONFINED);
		_exit(try());
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		return (EX_UNCONFINED);
	if (WIFSIGNALED(status))
		return (-WTERMSIG(status));
	return (WEXITSTATUS(status));
}

#ifdef __linux__

static int
result(long value)
{
	return (value == -1 ? errno : 0);
}

static int
open_to_write(void)
{
	return (result(open("/dev/null", O_WRONLY)));
}

static int
open_to_read(void)
{
	return (result(open("/etc/passwd", O_RDONLY)));
}

static int
make_file(void)
{
	return (result(open("/tmp/test_sandbox", O_WRONLY | O_CREAT, 0600)));
}

static int
remove_file(void)
{
	return (result(unlink("/nonexistent")));
}

static int
signal_parent(void)
{
	return (result(kill(getppid(), 0)));
}

static int
signal_parents_thread(void)
{
	return (
	    result(syscall(SYS_tgkill, (long)getppid(), (long)getppid(), 0L)));
}

static int
send_by_fcntl(void)
{
	return (result(fcntl(STDIN_FILENO, F_SETOWN, getppid())));
}

static int
fake_input(void)
{
	return (result(ioctl(STDIN_FILENO, TIOCSTI, "x")));
}

static int
ask_for_terminal(void)
{
	return (isatty(-1) == 0 && errno == EBADF ? 0 : errno);
}

static int
inet_socket(void)
{
	return (result(socket(AF_INET, SOCK_STREAM, 0)));
}

static int
unix_socket(void)
{
	return (result(socket(AF_UNIX, SOCK_DGRAM, 0)));
}

static int
fork_again(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return (result(pid));
}

static int
executable_memory(void)
{
	return (mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ?
		errno :
		0);
}

static int
make_executable(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return (EX_UNCONFINED);
	return (result(mprotect(page, 4096, PROT_READ | PROT_EXEC)));
}

static int
raise_limit(void)
{
	const struct rlimit limit = { 100, 100 };

	return (result(setrlimit(RLIMIT_NOFILE, &limit)));
}

static int
unknown_call(void)
{
	return (result(syscall(4000L)));
}

static int
execute(void)
{
	char *const argv[] = { (char[]) { "true" }, NULL };

	return (result(execv("/bin/true", argv)));
}

static int
trace(void)
{
	return (result(ptrace(PTRACE_TRACEME, 0, NULL, NULL)));
}

static int
read_memory(void)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };

	return (result(process_vm_readv(getpid(), &iov, 1, &iov, 1, 0)));
}

static int
abort_itself(void)
{
	abort();
}

static int
compare(const void *a, const void *b)
{
	return (*(const int *)a - *(const int *)b);
}

/* Blocks of all sizes, grown and given back; a sort that asks for memory. */
static int
use_memory(void)
{
	static const size_t sizes[] = { 100, 5000, 200000, 4 << 20 };
	size_t i, n = 100000;
	char *block;
	int *numbers;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		block = malloc(sizes[i]);
		if (block == NULL)
			return (ENOMEM);
		block[0] = 1;
		/* analyze: this process ends. */
		block = realloc(block, 3 * sizes[i]);
		if (block == NULL || block[0] != 1)
			return (ENOMEM);
		free(block);
	}
	numbers = calloc(n, sizeof(*numbers));
	if (numbers == NULL)
		return (ENOMEM);
	for (i = 0; i < n; i++)
		numbers[i] = (int)(n - i);
	qsort(numbers, n, sizeof(*numbers), compare);
	return (numbers[0] == 1 ? 0 : EINVAL);
}

/* Texts and times, as the log makes them. */
static int
use_library(void)
{
	struct timespec now;
	struct tm utc;
	char text[64];
	unsigned number;
	struct stat st;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0 ||
	    clock_gettime(CLOCK_REALTIME, &now) != 0 ||
	    gmtime_r(&now.tv_sec, &utc) == NULL ||
	    strftime(text, sizeof(text), "%Y", &utc) == 0 ||
	    snprintf(text, sizeof(text), "%s", strerror(EPERM)) <= 0)
		return (EINVAL);
	if (getentropy(&number, sizeof(number)) != 0 ||
	    fstat(STDIN_FILENO, &st) != 0)
		return (errno);
	return (0);
}

static int memory_fd;

/* A text on a descriptor, as it comes from the parent. */
static int
read_text(void)
{
	struct stat st;
	char text[5];

	if (fstat(memory_fd, &st) != 0 || lseek(memory_fd, 0, SEEK_SET) != 0 ||
	    pread(memory_fd, text, sizeof(text), 0) != 5 ||
	    read(memory_fd, text, sizeof(text)) != 5)
		return (errno);
	return (0);
}

static int ends[2];

static int
use_descriptors(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd pfd = { .fd = ends[1], .events = POLLIN };
	int epoll, pipes[2];
	struct rlimit limit;
	char byte;

	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll == -1 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event) != 0 ||
	    send(ends[0], "a", 1, MSG_NOSIGNAL) != 1 ||
	    poll(&pfd, 1, 1000) != 1 ||
	    epoll_wait(epoll, &event, 1, 1000) != 1 ||
	    recv(ends[1], &byte, 1, MSG_DONTWAIT) != 1 ||
	    fcntl(ends[1], F_SETFL, fcntl(ends[1], F_GETFL) | O_NONBLOCK) !=
		0 ||
	    fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0 ||
	    getrlimit(RLIMIT_NOFILE, &limit) != 0 || pipe2(pipes, 0) != 0 ||
	    write(pipes[1], "a", 1) != 1 || read(pipes[0], &byte, 1) != 1 ||
	    close(pipes[0]) != 0)
		return (errno);
	return (0);
}

static int
use_files(void)
{
	char path[] = "/tmp/test_sandbox.XXXXXX";
	int fd = mkstemp(path);

	if (fd == -1 || write(fd, "a", 1) != 1 || fsync(fd) != 0 ||
	    unlink(path) != 0)
		return (errno);
	return (0);
}

static const struct {
	const char *name;
	attempt *try;
	int broker; /* expected: errno, or minus a signal */
	int history;
} cases[] = {
	{ "open to write", open_to_write, EPERM, 0 },
	{ "open to read", open_to_read, EPERM, 0 },
	{ "make a file", make_file, EPERM, -1000 },
	{ "remove a file", remove_file, EPERM, ENOENT },
	{ "signal the parent", signal_parent, EPERM, EPERM },
	{ "signal its thread", signal_parents_thread, EPERM, -1000 },
	{ "signal by fcntl", send_by_fcntl, EPERM, -1000 },
	{ "fake a terminal's input", fake_input, EPERM, -1000 },
	{ "isatty", ask_for_terminal, 0, 0 },
	{ "socket(AF_INET)", inet_socket, EPERM, EPERM },
	{ "socket(AF_UNIX)", unix_socket, EPERM, EPERM },
	{ "fork", fork_again, EPERM, EPERM },
	{ "map executable", executable_memory, EPERM, 0 },
	{ "make executable", make_executable, EPERM, 0 },
	{ "change a limit", raise_limit, EPERM, -1000 },
	{ "an unknown call", unknown_call, ENOSYS, ENOSYS },
	{ "exec", execute, -SIGSYS, -SIGSYS },
	{ "ptrace", trace, -SIGSYS, -SIGSYS },
	{ "read memory", read_memory, -SIGSYS, -SIGSYS },
	{ "abort", abort_itself, -SIGABRT, -SIGABRT },
	{ "memory", use_memory, 0, 0 },
	{ "the library", use_library, 0, 0 },
	{ "descriptors", use_descriptors, 0, 0 },
	{ "a text", read_text, 0, 0 },
	{ "files", use_files, EPERM, 0 },
};

static void
prepare(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	memory_fd = memfd_create("text", MFD_CLOEXEC);
	ck_assert_int_ne(memory_fd, -1);
	ck_assert_int_eq(write(memory_fd, "12345", 5), 5);
}

START_TEST(broker)
{
	int got;

	prepare();
	got = run_confined(sandbox_broker, cases[_i].try);
	ck_assert_msg(got == cases[_i].broker, "%s: %d, expected %d",
	    cases[_i].name, got, cases[_i].broker);
}
END_TEST

START_TEST(history)
{
	int got;

	if (cases[_i].history == -1000)
		return;
	prepare();
	got = run_confined(sandbox_history, cases[_i].try);
	ck_assert_msg(got == cases[_i].history, "%s: %d, expected %d",
	    cases[_i].name, got, cases[_i].history);
}
END_TEST

static void
add_tests(TCase *tcase)
{
	const int count = (int)(sizeof(cases) / sizeof(cases[0]));

	tcase_add_loop_test(tcase, broker, 0, count);
	tcase_add_loop_test(tcase, history, 0, count);
}

#else /* capability mode */

static int
open_to_write(void)
{
	return (open("/dev/null", O_WRONLY) == -1 ? errno : 0);
}

START_TEST(broker)
{
	ck_assert_int_eq(run_confined(sandbox_broker, open_to_write), ECAPMODE);
}
END_TEST

static void
add_tests(TCase *tcase)
{
	tcase_add_test(tcase, broker);
}

#endif

static int
nothing(void)
{
	return (0);
}

int
main(void)
{
	SRunner *runner;
	Suite *suite;
	TCase *tcase;
	int failed, got;

	got = run_confined(sandbox_broker, nothing);
	if (got == EX_SKIPPED || got == EX_UNCONFINED) {
		(void)printf("%s\n",
		    got == EX_SKIPPED ? "no sandbox in this build" :
					"the kernel refuses the sandbox");
		return (EX_SKIPPED);
	}
	suite = suite_create("sandbox");
	tcase = tcase_create("sandbox");
	add_tests(tcase);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
