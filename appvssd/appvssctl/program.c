/* SPDX-License-Identifier: BSD-2-Clause */
/* See program.h. */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "program.h"
#include "when.h"

#define MORE_PLACES \
	"/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
#define REAP_TRIES 100 /* of 10 ms: until one that was killed has gone */

static bool
find_in(const char *places, const char *name, char path[PATH_MAX])
{
	while (places != NULL && *places != '\0') {
		const size_t length = strcspn(places, ":");

		if (length > 0 &&
		    snprintf(path, PATH_MAX, "%.*s/%s", (int)length, places,
			name) < PATH_MAX &&
		    access(path, X_OK) == 0)
			return (true);
		places += length;
		if (*places == ':')
			places++;
	}
	return (false);
}

static pid_t
start(const char *path, const char *const argv[], int out)
{
	/* execv(3) does not change what it is given. */
	union {
		const char *const *given;
		char *const *taken;
	} arguments = { .given = argv };
	pid_t pid = fork();
	int null;

	if (pid != 0)
		return (pid);
	null = open("/dev/null", O_RDONLY);
	if (null != -1)
		(void)dup2(null, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)dup2(out, STDERR_FILENO);
	(void)execv(path, arguments.taken);
	_exit(127);
}

/* To the end of file, or the deadline: then false. */
static bool
take_output(struct program *program, int fd, long long deadline_ms)
{
	for (;;) {
		struct pollfd pfd = { fd, POLLIN, 0 };
		const long long left = deadline_ms - when_now_ms();
		char rest[4096];
		char *to = program->output + program->length;
		size_t room = PROGRAM_OUTPUT_MAX - program->length;
		ssize_t got;

		if (left <= 0)
			return (false);
		if (poll(&pfd, 1, (int)left) <= 0)
			continue;
		if (room == 0) {
			to = rest;
			room = sizeof(rest);
		}
		got = read(fd, to, room);
		if (got == 0)
			return (true);
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return (true);
		if (got > 0 && to != rest)
			program->length += (size_t)got;
	}
}

/* False: it does not end. */
static bool
reap(pid_t pid, bool kills, int *status)
{
	const struct timespec pause = { 0, 10 * 1000000 };

	for (int tries = 0; tries < REAP_TRIES; tries++) {
		int wstatus;

		if (waitpid(pid, &wstatus, WNOHANG) == pid) {
			*status = WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) :
						       128 + WTERMSIG(wstatus);
			return (true);
		}
		if (kills)
			(void)kill(pid, SIGKILL);
		(void)nanosleep(&pause, NULL);
	}
	return (false);
}

enum program_result
program_run(const char *const argv[], struct program *program)
{
	char path[PATH_MAX];
	bool ended;
	int fds[2];
	pid_t pid;

	memset(program, 0, sizeof(*program));
	program->output = calloc(1, PROGRAM_OUTPUT_MAX + 1);
	if (program->output == NULL)
		return (PROGRAM_FAILED);
	if (!find_in(getenv("PATH"), argv[0], path) &&
	    !find_in(MORE_PLACES, argv[0], path))
		return (PROGRAM_MISSING);
	if (pipe2(fds, O_CLOEXEC) != 0)
		return (PROGRAM_FAILED);
	pid = start(path, argv, fds[1]);
	(void)close(fds[1]);
	ended = pid != -1 &&
	    take_output(program, fds[0], when_now_ms() + PROGRAM_LIMIT_MS);
	(void)close(fds[0]);
	if (pid == -1)
		return (PROGRAM_FAILED);
	if (!reap(pid, !ended, &program->status) || !ended)
		return (PROGRAM_LATE);
	return (PROGRAM_RAN);
}

void
program_fini(struct program *program)
{
	free(program->output);
	memset(program, 0, sizeof(*program));
}

char *
program_line(char **text)
{
	char *line = *text;

	if (line == NULL || *line == '\0')
		return (NULL);
	*text += strcspn(line, "\n");
	if (**text == '\n')
		*(*text)++ = '\0';
	return (line);
}
