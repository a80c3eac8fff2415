/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See holdsession.h.  Must never wait, and must touch no disk once the command
 * has started.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "holdsession.h"

#define EXIT_NOT_RUN 127
#define READS_MAX    64 /* in a row: a chatty session starves nobody */

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

/* In the child: what it prints is shown as the reason. */
static _Noreturn void
give_up(const char *what)
{
	(void)dprintf(STDOUT_FILENO, "%s: %s\n", what, strerror(errno));
	_exit(EXIT_NOT_RUN);
}

static const struct passwd *
find_user(const struct holdsession_command *command, const char *word)
{
	struct stat status;
	const struct passwd *user;

	errno = 0;
	if (command->is_owners) {
		if (stat(word, &status) == -1)
			give_up(word);
		user = getpwuid(status.st_uid);
	} else {
		user = getpwnam(command->user);
	}
	if (user == NULL) {
		if (errno == 0)
			errno = ENOENT;
		give_up(
		    command->is_owners ? "owner of the file" : command->user);
	}
	return (user);
}

void
holdsession_become(const struct holdsession_command *command, const char *word)
{
	const struct passwd *user;

	if (!command->is_owners && command->user == NULL)
		return;
	user = find_user(command, word);
	if (user->pw_uid == geteuid())
		return;
	if (initgroups(user->pw_name, user->pw_gid) == -1 ||
	    setgid(user->pw_gid) == -1 || setuid(user->pw_uid) == -1)
		give_up(user->pw_name);
	(void)setenv("USER", user->pw_name, 1);
	(void)setenv("LOGNAME", user->pw_name, 1);
	(void)setenv("HOME", user->pw_dir, 1);
}

static _Noreturn void
child(const struct holdsession_command *command, const char *word, int in_fd,
    int out_fd)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD,
		SIGPIPE };
	char *argv[HOLDSESSION_ARGS_MAX + 2];
	sigset_t none;
	unsigned i;

	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		(void)signal(caught[i], SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(in_fd, STDIN_FILENO) == -1 ||
	    dup2(out_fd, STDOUT_FILENO) == -1 ||
	    dup2(out_fd, STDERR_FILENO) == -1)
		_exit(EXIT_NOT_RUN);
	holdsession_become(command, word);
	memcpy(argv, command->argv, command->argc * sizeof(argv[0]));
	argv[command->argc] = word[0] == '\0' ? NULL : strdup(word);
	argv[command->argc + 1] = NULL;
	(void)execvp(argv[0], argv);
	give_up(argv[0]);
}

int
holdsession_start(struct holdsession *session,
    const struct holdsession_command *command, const char *word)
{
	int in[2], out[2], error;

	memset(session, 0, sizeof(*session));
	session->state = HOLDSESSION_GONE;
	session->word = word;
	session->in_fd = session->out_fd = -1;
	if (pipe2(in, O_CLOEXEC) == -1)
		return (-1);
	if (pipe2(out, O_CLOEXEC) == -1) {
		error = errno;
		(void)close(in[0]);
		(void)close(in[1]);
		errno = error;
		return (-1);
	}
	session->in_fd = in[1];
	session->out_fd = out[0];
	/* Only our ends: a client expects its own ones to block. */
	(void)fcntl(in[1], F_SETFL, O_NONBLOCK);
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	session->pid = fork();
	if (session->pid == 0)
		child(command, word, in[0], out[1]);
	error = errno;
	(void)close(in[0]);
	(void)close(out[1]);
	if (session->pid == -1) {
		close_fd(&session->in_fd);
		close_fd(&session->out_fd);
		errno = error;
		return (-1);
	}
	session->state = HOLDSESSION_STARTING;
	return (0);
}

static void
write_unsent(struct holdsession *session)
{
	ssize_t length;

	if (session->in_fd == -1 || session->unsent_length == 0)
		return;
	length = write(session->in_fd, session->unsent, session->unsent_length);
	if (length == -1) {
		if (errno != EAGAIN && errno != EINTR)
			holdsession_close(session);
		return;
	}
	session->unsent_length -= (unsigned)length;
	memmove(session->unsent, session->unsent + length,
	    session->unsent_length);
}

int
holdsession_send(struct holdsession *session, const char *text)
{
	size_t length = strlen(text);

	if (session->unsent == NULL)
		session->unsent = malloc(HOLDSESSION_SCRIPT_MAX);
	if (session->unsent == NULL ||
	    length > HOLDSESSION_SCRIPT_MAX - session->unsent_length)
		return (-1);
	memcpy(session->unsent + session->unsent_length, text, length);
	session->unsent_length += (unsigned)length;
	write_unsent(session);
	return (0);
}

void
holdsession_close(struct holdsession *session)
{
	close_fd(&session->in_fd);
	session->unsent_length = 0;
}

void
holdsession_kill(const struct holdsession *session, int signal_number)
{
	if (session->state != HOLDSESSION_GONE)
		(void)kill(session->pid, signal_number);
}

static void
take_line(struct holdsession *session)
{
	const char *line = session->line;

	session->line[session->line_length] = '\0';
	session->line_length = 0;
	if (strcmp(line, HOLDSESSION_HELD) == 0) {
		if (session->state == HOLDSESSION_STARTING)
			session->state = HOLDSESSION_IS_HELD;
	} else if (strcmp(line, HOLDSESSION_ALIVE) == 0) {
		session->ping_due = false;
	} else if (strcmp(line, HOLDSESSION_RELEASED) == 0) {
		if (session->state == HOLDSESSION_IS_HELD) {
			session->state = HOLDSESSION_IS_RELEASED;
			session->was_released = true;
		}
	} else if (line[0] != '\0') {
		(void)snprintf(session->tail, sizeof(session->tail), "%.*s",
		    HOLDSESSION_TAIL_MAX, line);
	}
}

static void
take_bytes(struct holdsession *session, const char *bytes, ssize_t length)
{
	ssize_t i;

	for (i = 0; i < length; i++) {
		if (bytes[i] == '\n')
			take_line(session);
		else if (bytes[i] != '\0' && bytes[i] != '\r' &&
		    session->line_length < HOLDSESSION_LINE_MAX - 1)
			session->line[session->line_length++] = bytes[i];
	}
}

static void
read_output(struct holdsession *session)
{
	char bytes[4096];
	ssize_t length;
	int i;

	for (i = 0; i < READS_MAX && session->out_fd != -1; i++) {
		length = read(session->out_fd, bytes, sizeof(bytes));
		if (length > 0)
			take_bytes(session, bytes, length);
		else if (length == 0)
			close_fd(&session->out_fd);
		else if (errno != EINTR)
			break;
	}
}

void
holdsession_step(struct holdsession *session)
{
	if (session->state == HOLDSESSION_GONE)
		return;
	write_unsent(session);
	if (waitpid(session->pid, &session->status, WNOHANG) != session->pid) {
		read_output(session);
		return;
	}
	/* What it said before its end is in the pipe by now. */
	read_output(session);
	if (session->line_length > 0)
		take_line(session);
	session->state = HOLDSESSION_GONE;
	holdsession_close(session);
	close_fd(&session->out_fd);
	free(session->unsent);
	session->unsent = NULL;
}

unsigned
holdsession_fill_poll(const struct holdsession *session, struct pollfd *fds)
{
	unsigned count = 0;

	if (session->state == HOLDSESSION_GONE)
		return (0);
	if (session->out_fd != -1) {
		fds[count].fd = session->out_fd;
		fds[count++].events = POLLIN;
	}
	if (session->in_fd != -1 && session->unsent_length > 0) {
		fds[count].fd = session->in_fd;
		fds[count++].events = POLLOUT;
	}
	return (count);
}

const char *
holdsession_describe(const struct holdsession *session, char *text,
    unsigned size)
{
	char what[64];

	if (session->state != HOLDSESSION_GONE)
		(void)snprintf(what, sizeof(what), "still waits");
	else if (WIFSIGNALED(session->status))
		(void)snprintf(what, sizeof(what), "killed by signal %d",
		    WTERMSIG(session->status));
	else
		(void)snprintf(what, sizeof(what), "exit status %d",
		    WEXITSTATUS(session->status));
	(void)snprintf(text, size, "%s%s%s%s%s", session->word,
	    session->word[0] == '\0' ? "" : ": ", what,
	    session->tail[0] == '\0' ? "" : ": ", session->tail);
	return (text);
}
