/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the lines of the three processes go: standard error, a file or
 * syslog(3).  Only the parent writes there, because whoever writes to a file on
 * a frozen disk sleeps.  The broker's lines come over a channel of their own
 * that never blocks it; what else the children say, over a pipe that is their
 * standard error.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "kernel/vssdev/heldlog.h"
#include "parent.h"
#include "privsep.h"

/* In one turn of the parent's loop, which has others to serve. */
#define BROKER_LINES 256
#define PIPE_READS   64

static int
open_file(const char *path)
{
	return (open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
}

int
parent_log_open(struct parent_log *log, const struct config *config)
{
	const char *path = config->log_path;
	int fds[2];

	memset(log, 0, sizeof(*log));
	log->level = config->log_level;
	log->fd = -1;
	log->broker_fd = -1;
	/* Kept open: each new child gets the writing end. */
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		warn("pipe");
		return (EX_OSERR);
	}
	log->children_fd = fds[0];
	log->children_write_fd = fds[1];
	if (path[0] == '\0')
		path = config->foreground ? CONFIG_LOG_STDERR :
					    CONFIG_LOG_SYSLOG;
	if (strcmp(path, CONFIG_LOG_SYSLOG) == 0)
		return (0);
	if (strcmp(path, CONFIG_LOG_STDERR) == 0) {
		log->fd = STDERR_FILENO;
		return (0);
	}
	/* The configuration may be replaced while it runs. */
	log->path = strdup(path);
	log->fd = log->path == NULL ? -1 : open_file(path);
	if (log->fd == -1) {
		warn("log %s", path);
		return (EX_CANTCREAT);
	}
	return (0);
}

void
parent_log_start(const struct parent_log *log)
{
	const enum heldlog_level level = (enum heldlog_level)log->level;

	if (log->fd == -1)
		heldlog_open_syslog("appvssd", level);
	else
		heldlog_open(log->fd, "appvssd", level);
}

void
parent_log_close(struct parent_log *log)
{
	free(log->path);
	log->path = NULL;
}

void
parent_log_reopen(struct parent_log *log)
{
	char quoted[HELDLOG_LINE_MAX / 2];
	int fd;

	if (log->path == NULL)
		return;
	(void)heldlog_quote(log->path, quoted, sizeof(quoted));
	fd = open_file(log->path);
	if (fd == -1) {
		heldlog(HELDLOG_ERROR, "log_not_reopened",
		    "path=%s text=\"%s\"", quoted, strerror(errno));
		return;
	}
	heldlog_reopen(fd);
	(void)close(log->fd);
	log->fd = fd;
	heldlog(HELDLOG_INFO, "log_reopened", "path=%s", quoted);
}

int
parent_log_make_channel(struct parent_log *log)
{
	int fds[2];

	if (privsep_pair(fds) != 0)
		return (-1);
	parent_log_end_broker(log);
	log->broker_fd = fds[0];
	return (fds[1]);
}

int
parent_log_start_child(const struct parent_log *log, const char *program,
    int line_fd)
{
	/*
	 * Its last words, an assertion's for instance, must not put it to sleep
	 * on a disk.
	 */
	if (dup2(log->children_write_fd, STDERR_FILENO) == -1)
		return (-1);
	heldlog_open(line_fd == -1 ? STDERR_FILENO : line_fd, program,
	    (enum heldlog_level)log->level);
	return (0);
}

/* What the line itself says, before any text of somebody else. */
static enum heldlog_level
level_of(const char *line)
{
	static const struct {
		const char *word;
		enum heldlog_level level;
	} words[] = {
		{ "error ", HELDLOG_ERROR },
		{ "info ", HELDLOG_INFO },
		{ "debug ", HELDLOG_DEBUG },
	};
	const char *word = strstr(line, " level=");
	size_t i;

	for (i = 0; word != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strncmp(word + strlen(" level="), words[i].word,
			strlen(words[i].word)) == 0)
			return (words[i].level);
	}
	return (HELDLOG_WARN);
}

/* Lines of heldlog are passed on as they are; syslog has its own time. */
static void
pass_line(const struct parent_log *log, const char *line)
{
	const char *program = strstr(line, " program=appvssd-");
	char quoted[HELDLOG_LINE_MAX];

	if (line[0] == '\0')
		return;
	if (strncmp(line, "time=", strlen("time=")) != 0 || program == NULL) {
		heldlog(HELDLOG_WARN, "child_says", "text=%s",
		    heldlog_quote(line, quoted, sizeof(quoted)));
		return;
	}
	heldlog_pass(level_of(line), log->fd == -1 ? program + 1 : line);
}

static void
pass_bytes(struct parent_log *log, const char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		/* A line that is too long becomes several. */
		if (bytes[i] == '\n' || log->used == sizeof(log->line) - 1) {
			log->line[log->used] = '\0';
			pass_line(log, log->line);
			log->used = 0;
		}
		if (bytes[i] != '\n' && bytes[i] != '\0')
			log->line[log->used++] = bytes[i];
	}
}

void
parent_log_read_children(struct parent_log *log)
{
	char bytes[1024];
	ssize_t length;
	int i;

	for (i = 0; i < PIPE_READS; i++) {
		length = read(log->children_fd, bytes, sizeof(bytes));
		if (length <= 0)
			return;
		pass_bytes(log, bytes, (size_t)length);
	}
}

/* False: there is nothing more to read now. */
static bool
read_broker_line(struct parent_log *log)
{
	char line[HELDLOG_LINE_MAX + 2];
	ssize_t length;

	length = recv(log->broker_fd, line, sizeof(line) - 1, MSG_DONTWAIT);
	if (length == -1 && errno == EINTR)
		return (true);
	if (length <= 0) {
		if (length == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
			(void)close(log->broker_fd);
			log->broker_fd = -1;
		}
		return (false);
	}
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	pass_line(log, line);
	return (true);
}

void
parent_log_read_broker(struct parent_log *log)
{
	int i;

	for (i = 0; i < BROKER_LINES && log->broker_fd != -1; i++) {
		if (!read_broker_line(log))
			return;
	}
}

void
parent_log_end_broker(struct parent_log *log)
{
	while (log->broker_fd != -1 && read_broker_line(log))
		continue;
	if (log->broker_fd != -1)
		(void)close(log->broker_fd);
	log->broker_fd = -1;
}
