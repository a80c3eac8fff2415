/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the lines of the three processes go: standard error, a file or
 * syslog(3).  The history process only knows its standard error: for syslog the
 * parent reads that from a pipe.
 */
#include <sys/types.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config.h"
#include "kernel/vssdev/heldlog.h"
#include "parent.h"

#define RELAY_READS 64

static int
open_syslog(struct parent_log *log)
{
	int fds[2];

	log->fd = -1;
	if (pipe2(fds, O_CLOEXEC) != 0 ||
	    fcntl(fds[0], F_SETFL, O_NONBLOCK) != 0) {
		warn("pipe");
		return (EX_OSERR);
	}
	log->relay_fd = fds[0];
	/* Kept: each new history process gets it. */
	log->relay_write_fd = fds[1];
	return (0);
}

int
parent_log_open(struct parent_log *log, const struct config *config)
{
	const char *path = config->log_path;

	log->level = config->log_level;
	log->relay_fd = -1;
	log->relay_write_fd = -1;
	log->relay_used = 0;
	if (path[0] == '\0')
		path = config->foreground ? CONFIG_LOG_STDERR :
					    CONFIG_LOG_SYSLOG;
	if (strcmp(path, CONFIG_LOG_SYSLOG) == 0)
		return (open_syslog(log));
	if (strcmp(path, CONFIG_LOG_STDERR) == 0) {
		log->fd = STDERR_FILENO;
		return (0);
	}
	log->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (log->fd == -1) {
		warn("log %s", path);
		return (EX_CANTCREAT);
	}
	return (0);
}

void
parent_log_start(const struct parent_log *log, const char *program)
{
	if (log->fd == -1)
		heldlog_open_syslog(program, (enum heldlog_level)log->level);
	else
		heldlog_open(log->fd, program, (enum heldlog_level)log->level);
}

int
parent_log_stderr(const struct parent_log *log)
{
	return (log->fd == -1 ? log->relay_write_fd : log->fd);
}

/* Its own level is a word of the line; anything else is a surprise. */
static enum heldlog_level
level_of(const char *line)
{
	if (strstr(line, " level=error ") != NULL)
		return (HELDLOG_ERROR);
	if (strstr(line, " level=info ") != NULL)
		return (HELDLOG_INFO);
	if (strstr(line, " level=debug ") != NULL)
		return (HELDLOG_DEBUG);
	return (HELDLOG_WARN);
}

static void
relay_line(struct parent_log *log)
{
	char quoted[HELDLOG_LINE_MAX];

	log->relay_line[log->relay_used] = '\0';
	if (log->relay_used > 0)
		heldlog(level_of(log->relay_line), "history_says", "text=%s",
		    heldlog_quote(log->relay_line, quoted, sizeof(quoted)));
	log->relay_used = 0;
}

static void
relay_bytes(struct parent_log *log, const char *bytes, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		/* A line that is too long becomes several. */
		if (bytes[i] == '\n' ||
		    log->relay_used == sizeof(log->relay_line) - 1)
			relay_line(log);
		if (bytes[i] != '\n')
			log->relay_line[log->relay_used++] = bytes[i];
	}
}

void
parent_log_relay(struct parent_log *log)
{
	char bytes[1024];
	ssize_t length;
	int i;

	/* Bounded: the loop has others to serve. */
	for (i = 0; log->relay_fd != -1 && i < RELAY_READS; i++) {
		length = read(log->relay_fd, bytes, sizeof(bytes));
		if (length <= 0)
			return;
		relay_bytes(log, bytes, (size_t)length);
	}
}
