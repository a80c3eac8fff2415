/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See run.h.  Must never wait: not for a child, not for its output.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frozenlist.h"
#include "procid.h"
#include "run.h"

#define DRAIN_MAX 64 /* reads in a row: a chatty script starves nobody */
#define DEFAULT_PATH                                     \
	"/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:" \
	"/usr/local/bin"
#define EXIT_NOT_RUN 127
/* A line of its own in what a script prints. */
#define HOLDING	     "appvss: holding\n"
#define LINE_DIFFERS UINT_MAX

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

void
run_init(struct run *run)
{
	int i;

	memset(run, 0, sizeof(*run));
	run->output_fd = run->control_fd = run->copy_fd = -1;
	for (i = 0; i < RUN_OLD_MAX; i++)
		run->old_fds[i] = -1;
}

void
run_fini(struct run *run)
{
	int i;

	close_fd(&run->output_fd);
	close_fd(&run->control_fd);
	for (i = 0; i < RUN_OLD_MAX; i++)
		close_fd(&run->old_fds[i]);
}

/* A process of the last run may still write to its pipe: keep reading it. */
static void
retire_output(struct run *run)
{
	if (run->output_fd == -1)
		return;
	close_fd(&run->old_fds[RUN_OLD_MAX - 1]);
	memmove(&run->old_fds[1], &run->old_fds[0],
	    (RUN_OLD_MAX - 1) * sizeof(run->old_fds[0]));
	run->old_fds[0] = run->output_fd;
	run->output_fd = -1;
}

static void
set_number(const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	(void)setenv(name, text, 1);
}

static void
set_environment(const struct run_command *command)
{
	(void)setenv("PATH", DEFAULT_PATH, 0);
	(void)setenv("APPVSS_OPERATION", command->operation, 1);
	set_number("APPVSS_TRANSACTION", command->transaction);
	set_number("APPVSS_DEADLINE_MS", (uint64_t)command->deadline_ms);
	(void)setenv("APPVSS_RESULT", command->result, 1);
}

static void
reset_signals(void)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD,
		SIGPIPE };
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		(void)signal(caught[i], SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * By its name, so that it runs as what the directory holds, and a file without
 * "#!" by sh(1), as other systems' runners do.  One that was deleted since its
 * freeze runs from the descriptor that was kept, by a link that has its name,
 * which the script may want to know: else nobody would thaw it.
 */
static void
execute(const struct run_command *command, bool has_link)
{
	(void)execlp(command->path, command->path, command->operation,
	    (char *)NULL);
	if (errno != ENOENT || command->kept_fd == -1 || !has_link)
		return;
	/* The interpreter opens it once more. */
	(void)fcntl(command->kept_fd, F_SETFD, 0);
	(void)execlp(command->kept_path, command->kept_path, command->operation,
	    (char *)NULL);
	errno = ENOENT;
}

/* In memory, beside the list; only this process can follow it. */
static int
make_link(const struct run_command *command)
{
	char target[32], directory[FROZENLIST_PATH], *end;

	(void)snprintf(directory, sizeof(directory), "%s", command->kept_path);
	end = strrchr(directory, '/');
	if (end == NULL)
		return (-1);
	*end = '\0';
	(void)snprintf(target, sizeof(target), "/dev/fd/%d", command->kept_fd);
	(void)mkdir(directory, 0755);
	(void)unlink(command->kept_path);
	return (symlink(target, command->kept_path));
}

/* The child, up to execve(2).  There is one thread: all of libc may be used. */
static _Noreturn void
child(const struct run_command *command, int null_fd, int output_fd,
    int control_fd)
{
	bool has_link;
	ssize_t length;
	char go;
	int error;

	(void)setpgid(0, 0);
	reset_signals();
	do
		length = read(control_fd, &go, 1);
	while (length == -1 && errno == EINTR);
	if (length != 1)
		_exit(EXIT_NOT_RUN);
	set_environment(command);
	has_link = command->kept_fd != -1 &&
	    access(command->path, F_OK) == -1 && make_link(command) == 0;
	if (dup2(null_fd, STDIN_FILENO) != -1 &&
	    dup2(output_fd, STDOUT_FILENO) != -1 &&
	    dup2(output_fd, STDERR_FILENO) != -1 &&
	    (command->account == NULL || account_become(command->account) == 0))
		execute(command, has_link);
	error = errno;
	(void)send(control_fd, &error, sizeof(error), MSG_NOSIGNAL);
	_exit(EXIT_NOT_RUN);
}

/* A pipe whose reading end does not block; its writing end is the script's. */
static int
make_output(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC) == -1)
		return (-1);
	return (fcntl(fds[0], F_SETFL, O_NONBLOCK));
}

static void
close_all(int *fds, int count)
{
	int i, saved = errno;

	for (i = 0; i < count; i++)
		close_fd(&fds[i]);
	errno = saved;
}

/* Nothing is known of it yet, and nothing of the one before any more. */
static void
set_process(struct run *run, pid_t pid, uint64_t start_id, bool foreign)
{
	run->pid = pid;
	run->start_id = start_id;
	run->foreign = foreign;
	run->status = -1;
	run->exec_errno = 0;
	run->is_holding = false;
	run->line_matches = 0;
	run->tail_length = 0;
	run->tail[0] = '\0';
}

int
run_prepare(struct run *run, const struct run_command *command)
{
	/* Output's reading and writing end, control's two ends, null. */
	int fds[5] = { -1, -1, -1, -1, -1 };

	retire_output(run);
	close_fd(&run->control_fd);
	if (make_output(&fds[0]) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, &fds[2]) == -1 ||
	    fcntl(fds[2], F_SETFL, O_NONBLOCK) == -1 ||
	    (fds[4] = open("/dev/null", O_RDWR | O_CLOEXEC)) == -1) {
		close_all(fds, 5);
		return (-1);
	}
	run->pid = fork();
	if (run->pid == 0) {
		/* Else the death of the runner would not end the wait. */
		(void)close(fds[2]);
		child(command, fds[4], fds[1], fds[3]);
	}
	if (run->pid == -1) {
		run->pid = 0;
		close_all(fds, 5);
		return (-1);
	}
	(void)setpgid(run->pid, run->pid);
	set_process(run, run->pid, procid_get(run->pid), false);
	run->output_fd = fds[0];
	run->control_fd = fds[2];
	fds[0] = fds[2] = -1;
	close_all(fds, 5);
	return (0);
}

void
run_go(struct run *run)
{
	/* It cannot be full; a child that is gone is seen by run_has_ended. */
	(void)send(run->control_fd, "g", 1, MSG_NOSIGNAL);
}

void
run_adopt(struct run *run, pid_t pid, uint64_t start_id)
{
	set_process(run, pid, start_id, true);
}

static void
keep_tail(struct run *run, const char *bytes, unsigned length)
{
	unsigned keep;

	if (length > RUN_TAIL_BYTES) {
		bytes += length - RUN_TAIL_BYTES;
		length = RUN_TAIL_BYTES;
	}
	keep = run->tail_length;
	if (keep > RUN_TAIL_BYTES - length)
		keep = RUN_TAIL_BYTES - length;
	memmove(run->tail, run->tail + run->tail_length - keep, keep);
	memcpy(run->tail + keep, bytes, length);
	run->tail_length = keep + length;
	run->tail[run->tail_length] = '\0';
}

/* Whether this byte ends the line of the promise. */
static bool
ends_promise(struct run *run, char byte)
{
	bool matches = run->line_matches != LINE_DIFFERS &&
	    byte == HOLDING[run->line_matches];

	if (byte == '\n') {
		run->line_matches = 0;
		return (matches);
	}
	run->line_matches = matches ? run->line_matches + 1 : LINE_DIFFERS;
	return (false);
}

/*
 * The promise is for the runner, not a part of what people are shown.  It
 * counts wherever it stands, also where the tail does not reach.
 */
static void
take_output(struct run *run, const char *bytes, unsigned length)
{
	unsigned i, start = 0;

	/* Nobody reads it any more: the script runs on. */
	if (run->copy_fd != -1 && write(run->copy_fd, bytes, length) == -1)
		run->copy_fd = -1;
	for (i = 0; i < length; i++) {
		if (!ends_promise(run, bytes[i]))
			continue;
		keep_tail(run, bytes + start, i + 1 - start);
		run->tail_length -= (unsigned)strlen(HOLDING);
		run->tail[run->tail_length] = '\0';
		run->is_holding = true;
		start = i + 1;
	}
	keep_tail(run, bytes + start, length - start);
}

/* Reads what is there; into the tail if run is given. */
static void
read_output(int *fd, struct run *run)
{
	char bytes[4096];
	ssize_t length;
	int i;

	for (i = 0; i < DRAIN_MAX && *fd != -1; i++) {
		length = read(*fd, bytes, sizeof(bytes));
		if (length == 0)
			close_fd(fd);
		else if (length > 0 && run != NULL)
			take_output(run, bytes, (unsigned)length);
		else if (length == -1 && errno != EINTR)
			break;
	}
}

void
run_drain(struct run *run)
{
	int i;

	read_output(&run->output_fd, run);
	for (i = 0; i < RUN_OLD_MAX; i++)
		read_output(&run->old_fds[i], NULL);
}

bool
run_has_ended(struct run *run)
{
	siginfo_t info;

	if (run->pid == 0)
		return (true);
	if (run->foreign)
		return (procid_get(run->pid) != run->start_id);
	memset(&info, 0, sizeof(info));
	if (waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
	    -1)
		return (errno == ECHILD);
	if (info.si_pid == 0)
		return (false);
	/* What it printed before its end is in the pipe by now. */
	read_output(&run->output_fd, run);
	return (true);
}

void
run_kill(const struct run *run, int signal_number)
{
	/* The number of a process that is gone may be somebody else's now. */
	if (run->pid <= 1 ||
	    (run->foreign && procid_get(run->pid) != run->start_id))
		return;
	(void)killpg(run->pid, signal_number);
	/* It may have left its group for another one. */
	if (getpgid(run->pid) != run->pid)
		(void)kill(run->pid, signal_number);
}

void
run_reap(struct run *run)
{
	int error;

	if (run->pid == 0)
		return;
	if (!run->foreign) {
		if (waitpid(run->pid, &run->status, WNOHANG) != run->pid)
			run->status = -1;
		if (recv(run->control_fd, &error, sizeof(error), 0) ==
		    (ssize_t)sizeof(error))
			run->exec_errno = error;
	}
	close_fd(&run->control_fd);
	run->pid = 0;
}

bool
run_is_holding(const struct run *run)
{
	return (run->is_holding);
}

bool
run_output_ended(const struct run *run)
{
	return (run->output_fd == -1);
}

bool
run_succeeded(const struct run *run)
{
	return (run->exec_errno == 0 && run->status != -1 &&
	    WIFEXITED(run->status) && WEXITSTATUS(run->status) == 0);
}

/* The tail as text: without NULs, and without line ends at its end. */
static unsigned
tail_text(const struct run *run, char *text)
{
	unsigned i, length = run->tail_length;

	for (i = 0; i < length; i++)
		text[i] = run->tail[i] == '\0' ? '?' : run->tail[i];
	while (
	    length > 0 && (text[length - 1] == '\n' || text[length - 1] == ' '))
		length--;
	text[length] = '\0';
	return (length);
}

const char *
run_describe(const struct run *run, char *text, unsigned size)
{
	char what[96], tail[RUN_TAIL_BYTES + 1];
	const char *separator;

	if (run->exec_errno != 0)
		(void)snprintf(what, sizeof(what), "cannot execute: %s",
		    strerror(run->exec_errno));
	else if (run->status == -1)
		(void)snprintf(what, sizeof(what), "end unknown");
	else if (WIFSIGNALED(run->status))
		(void)snprintf(what, sizeof(what), "killed by signal %d",
		    WTERMSIG(run->status));
	else
		(void)snprintf(what, sizeof(what), "exit status %d",
		    WEXITSTATUS(run->status));
	separator = tail_text(run, tail) > 0 ? ": " : "";
	(void)snprintf(text, size, "%s%s%s", what, separator, tail);
	return (text);
}

unsigned
run_fill_poll(const struct run *run, struct pollfd *fds)
{
	unsigned count = 0;
	int i;

	if (run->output_fd != -1)
		fds[count++].fd = run->output_fd;
	for (i = 0; i < RUN_OLD_MAX; i++)
		if (run->old_fds[i] != -1)
			fds[count++].fd = run->old_fds[i];
	for (i = 0; i < (int)count; i++) {
		fds[i].events = POLLIN;
		fds[i].revents = 0;
	}
	return (count);
}
