/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a configuration: read from its file, overridden, compared with
 * the next one, and replaced by it.  What is in the file is config_parse.c's.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access.h"
#include "config.h"
#include "config_words.h"
#include "kernel/vssdev/heldlog.h"

#define DEFAULT_FILE APPVSS_SYSCONFDIR "/appvss/appvssd.conf"

static int __attribute__((format(printf, 2, 3)))
fail(const struct config_complaints *complaints, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	complaints->complain(complaints->arg, text);
	return (-1);
}

/* --- the file ------------------------------------------------------------ */

/* Only root's own file may say what root's process opens. */
static int
check_file(int fd, const char *path, const struct config_complaints *complaints)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return (fail(complaints, "%s: %s", path, strerror(errno)));
	if (S_ISDIR(st.st_mode))
		return (fail(complaints, "%s: %s", path, strerror(EISDIR)));
	if (geteuid() == 0 && S_ISREG(st.st_mode) &&
	    (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0))
		return (fail(complaints,
		    "%s: must belong to root and be writable by its owner only",
		    path));
	return (0);
}

/* To the end of file.  The text is owned, also on failure. */
static int
read_file(int fd, char **text, size_t *length)
{
	size_t room = 0;
	ssize_t got;
	char *more;

	*text = NULL;
	*length = 0;
	do {
		if (*length == room) {
			if (room >= CONFIG_BYTES_MAX) {
				errno = EFBIG;
				return (-1);
			}
			room = room == 0 ? 16384 : room * 2;
			more = realloc(*text, room);
			if (more == NULL)
				return (-1);
			*text = more;
		}
		got = read(fd, *text + *length, room - *length);
		if (got > 0)
			*length += (size_t)got;
	} while (got > 0 || (got == -1 && errno == EINTR));
	return (got == 0 ? 0 : -1);
}

int
config_load(struct config *config, const char *path,
    const struct config_complaints *complaints)
{
	const char *name = path != NULL ? path : DEFAULT_FILE;
	size_t length;
	int fd, result;
	char *text;

	memset(config, 0, sizeof(*config));
	/* A pipe without a writer is no reason to wait. */
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 && path == NULL && errno == ENOENT)
		return (config_parse(config, "", 0, NULL, complaints));
	if (fd == -1)
		return (fail(complaints, "%s: %s", name, strerror(errno)));
	result = check_file(fd, name, complaints);
	if (result == 0) {
		if (read_file(fd, &text, &length) == -1)
			result = fail(complaints, "%s: %s", name,
			    strerror(errno));
		else
			result = config_parse(config, text, length, name,
			    complaints);
		free(text);
	}
	(void)close(fd);
	return (result);
}

int
config_override(char **word, const char *value)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return (-1);
	free(*word);
	*word = copy;
	return (0);
}

static int
override(struct config *config, const struct config_source *source)
{
	config->foreground = source->foreground;
	if (source->debug)
		config->log_level = HELDLOG_DEBUG;
	if ((source->device != NULL &&
		config_override(&config->device, source->device) != 0) ||
	    (source->socket != NULL &&
		config_override(&config->socket_path, source->socket) != 0) ||
	    (source->history != NULL &&
		config_override(&config->history_path, source->history) != 0))
		return (-1);
	return (0);
}

int
config_read(struct config *config, const struct config_source *source,
    const struct config_complaints *complaints)
{
	if (config_load(config, source->path, complaints) != 0)
		return (-1);
	if (override(config, source) != 0)
		(void)fail(complaints, "out of memory");
	else if (config_validate(config, complaints) == 0)
		return (0);
	config_fini(config);
	return (-1);
}

int
config_default_access(struct config *config, gid_t gid)
{
	struct config_access *access;

	if (config->naccess > 0)
		return (0);
	access = calloc(1, sizeof(*access));
	if (access == NULL)
		return (-1);
	access->title = strdup("default");
	access->gids = malloc(sizeof(*access->gids));
	if (access->title == NULL || access->gids == NULL) {
		free(access->title);
		free(access->gids);
		free(access);
		return (-1);
	}
	access->gids[access->ngids++] = gid;
	access->roles = ACCESS_OBSERVE | ACCESS_PARTICIPATE;
	free(config->access);
	config->access = access;
	config->naccess = 1;
	return (0);
}

/* --- the next one -------------------------------------------------------- */

static bool
is_same(const struct config_word *word, const struct config *config,
    const struct config *next)
{
	if (word->type == CONFIG_TEXT)
		return (strcmp(config_get_text(word, config),
			    config_get_text(word, next)) == 0);
	return (
	    config_get_number(word, config) == config_get_number(word, next));
}

int
config_compare(const struct config *config, const struct config *next,
    const struct config_complaints *complaints)
{
	const struct config_word *word;
	char where[1024];
	int result = 0;
	size_t i;

	for (i = 0; i < config_top.nwords; i++) {
		word = &config_top.words[i];
		if (word->live || is_same(word, config, next))
			continue;
		result = fail(complaints,
		    "%s%s cannot change while appvssd runs: restart it",
		    config_where(next,
			(const char *const[]) { word->name, NULL }, where,
			sizeof(where)),
		    word->name);
	}
	return (result);
}

void
config_adopt(struct config *config, struct config *next)
{
	const struct config_word *word;
	struct config old = *config;
	size_t i;

	for (i = 0; i < config_top.nwords; i++) {
		word = &config_top.words[i];
		if (word->type != CONFIG_TEXT)
			*config_number_at(word,
			    config) = config_get_number(word, next);
	}
	config->participants = next->participants;
	config->nparticipants = next->nparticipants;
	config->nnamed = next->nnamed;
	config->access = next->access;
	config->naccess = next->naccess;
	config->path = next->path;
	memcpy(config->lines, next->lines, sizeof(config->lines));
	next->participants = old.participants;
	next->nparticipants = old.nparticipants;
	next->access = old.access;
	next->naccess = old.naccess;
	next->path = old.path;
	config_fini(next);
}

static void
free_access(struct config_access *access)
{
	size_t i;

	for (i = 0; i < access->nnames; i++)
		free(access->names[i]);
	free(access->names);
	free(access->title);
	free(access->uids);
	free(access->gids);
}

void
config_fini(struct config *config)
{
	const struct config_word *word;
	size_t i;

	for (i = 0; i < config->nparticipants; i++)
		free(config->participants[i].name);
	for (i = 0; i < config->naccess; i++)
		free_access(&config->access[i]);
	for (i = 0; i < config_top.nwords; i++) {
		word = &config_top.words[i];
		if (word->type == CONFIG_TEXT)
			free(*config_text_at(word, config));
	}
	free(config->participants);
	free(config->access);
	free(config->path);
	memset(config, 0, sizeof(*config));
}
