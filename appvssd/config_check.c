/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold between the values of a configuration, and the look-up of a
 * participant's entry.  Pure: no I/O, so that access.c and its tests can use
 * it without a file.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "config_words.h"

#define WORDS(...)                \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

struct check {
	const struct config *config;
	const struct config_complaints *complaints;
	int result;
};

const char *
config_where(const struct config *config, const char *const *words, char *out,
    size_t size)
{
	const struct config_word *word;
	unsigned line = 0, at;

	for (; *words != NULL; words++) {
		word = config_find_word(&config_top, *words);
		at = word == NULL ? 0 : config->lines[word - config_top.words];
		if (at > line)
			line = at;
	}
	out[0] = '\0';
	if (config->path != NULL && line == 0)
		(void)snprintf(out, size, "%s: ", config->path);
	else if (config->path != NULL)
		(void)snprintf(out, size, "%s:%u: ", config->path, line);
	return (out);
}

static bool
has_bad_line(const struct config *config, const char *const *words)
{
	const struct config_word *word;

	for (; *words != NULL; words++) {
		word = config_find_word(&config_top, *words);
		if (word != NULL &&
		    config->lines[word - config_top.words] == CONFIG_LINE_BAD)
			return (true);
	}
	return (false);
}

/* The words are those that the mistake is about. */
static void __attribute__((format(printf, 3, 4)))
fail(struct check *check, const char *const *words, const char *format, ...)
{
	char text[1024];
	size_t used;
	va_list args;

	if (has_bad_line(check->config, words))
		return;
	(void)config_where(check->config, words, text, sizeof(text) / 2);
	used = strlen(text);
	va_start(args, format);
	(void)vsnprintf(text + used, sizeof(text) - used, format, args);
	va_end(args);
	check->complaints->complain(check->complaints->arg, text);
	check->result = -1;
}

/* Each limit is at most a million, so that the sums fit into 32 bits. */
static void
check_sums(struct check *check, const struct config *config)
{
	uint32_t sum;

	sum = config->check_ms + config->fs_ms;
	if (sum > config->driver_ms)
		fail(check, WORDS("check_ms", "fs_ms", "driver_ms"),
		    "check_ms %u + fs_ms %u = %u does not fit into "
		    "driver_ms %u",
		    config->check_ms, config->fs_ms, sum, config->driver_ms);
	sum = config->freeze_ms + config->commit_ms + config->fs_ms;
	if (sum > config->driver_ms)
		fail(check,
		    WORDS("freeze_ms", "commit_ms", "fs_ms", "driver_ms"),
		    "freeze_ms %u + commit_ms %u + fs_ms %u = %u does not fit "
		    "into driver_ms %u",
		    config->freeze_ms, config->commit_ms, config->fs_ms, sum,
		    config->driver_ms);
	sum = config->thaw_ms + config->fs_ms;
	if (sum > config->driver_ms)
		fail(check, WORDS("thaw_ms", "fs_ms", "driver_ms"),
		    "thaw_ms %u + fs_ms %u = %u does not fit into driver_ms %u",
		    config->thaw_ms, config->fs_ms, sum, config->driver_ms);
}

static void
check_participant_ms(struct check *check,
    const struct config_participant *entry, const char *word, uint32_t asked_ms,
    uint32_t limit_ms)
{
	char text[512];

	if (asked_ms <= limit_ms)
		return;
	if (check->config->path != NULL)
		(void)snprintf(text, sizeof(text),
		    "%s:%u: participant \"%s\": %s %u does not fit into %s %u "
		    "of all together",
		    check->config->path, entry->line, entry->name, word,
		    asked_ms, word, limit_ms);
	else
		(void)snprintf(text, sizeof(text),
		    "participant \"%s\": %s %u does not fit into %s %u of all "
		    "together",
		    entry->name, word, asked_ms, word, limit_ms);
	check->complaints->complain(check->complaints->arg, text);
	check->result = -1;
}

static void
check_participants(struct check *check, const struct config *config)
{
	const struct config_participant *entry;
	size_t i;

	for (i = 0; i < config->nparticipants; i++) {
		entry = &config->participants[i];
		check_participant_ms(check, entry, "freeze_ms",
		    entry->freeze_ms, config->freeze_ms);
		check_participant_ms(check, entry, "thaw_ms", entry->thaw_ms,
		    config->thaw_ms);
	}
	if (config->nparticipants > config->max_names)
		fail(check, WORDS("max_names"),
		    "%zu participants are more than max_names %u",
		    config->nparticipants, config->max_names);
}

static void
check_path(struct check *check, const struct config *config, const char *word,
    const char *path)
{
	if (!config->foreground && path[0] != '/')
		fail(check, WORDS(word),
		    "%s \"%s\" must begin with / unless --foreground is given",
		    word, path);
}

static void
check_paths(struct check *check, const struct config *config)
{
	const size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);

	if (strlen(config->socket_path) >= room)
		fail(check, WORDS("socket_path"),
		    "socket_path \"%s\" is longer than %zu bytes",
		    config->socket_path, room - 1);
	check_path(check, config, "socket_path", config->socket_path);
	check_path(check, config, "history_path", config->history_path);
	check_path(check, config, "history_program", config->history_program);
	if (strcmp(config->device, CONFIG_NO_DEVICE) != 0)
		check_path(check, config, "device", config->device);
	if (config->log_path[0] != '\0' &&
	    strcmp(config->log_path, CONFIG_LOG_STDERR) != 0 &&
	    strcmp(config->log_path, CONFIG_LOG_SYSLOG) != 0)
		check_path(check, config, "log_path", config->log_path);
	if (!config->foreground &&
	    strcmp(config->log_path, CONFIG_LOG_STDERR) == 0)
		fail(check, WORDS("log_path"),
		    "log_path \"stderr\" needs --foreground");
}

int
config_validate_times(const struct config *config,
    const struct config_complaints *complaints)
{
	struct check check = { config, complaints, 0 };

	check_sums(&check, config);
	return (check.result);
}

int
config_validate(const struct config *config,
    const struct config_complaints *complaints)
{
	struct check check = { config, complaints, 0 };

	check_sums(&check, config);
	check_participants(&check, config);
	check_paths(&check, config);
	return (check.result);
}

/* --- names --------------------------------------------------------------- */

bool
config_is_pattern(const char *name)
{
	return (strpbrk(name, "*?") != NULL);
}

/* Goes back to the last * only: it may take one byte more. */
bool
config_fits(const char *pattern, const char *name)
{
	const char *star = NULL, *taken = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			taken = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star + 1;
			name = ++taken;
		} else
			return (false);
	}
	while (*pattern == '*')
		pattern++;
	return (*pattern == '\0');
}

static int
compare_names(const void *a, const void *b)
{
	const struct config_participant *one = a, *other = b;

	return (strcmp(one->name, other->name));
}

static int
compare_with_name(const void *name, const void *entry)
{
	const struct config_participant *participant = entry;

	return (strcmp(name, participant->name));
}

void
config_sort_named(struct config *config)
{
	if (config->nnamed > 1)
		qsort(config->participants, config->nnamed,
		    sizeof(config->participants[0]), compare_names);
}

const struct config_participant *
config_find(const struct config *config, const char *name)
{
	const struct config_participant *entry = NULL;
	size_t i;

	if (config->nnamed > 0)
		entry = bsearch(name, config->participants, config->nnamed,
		    sizeof(config->participants[0]), compare_with_name);
	for (i = config->nnamed; entry == NULL && i < config->nparticipants;
	     i++) {
		if (config_fits(config->participants[i].name, name))
			entry = &config->participants[i];
	}
	return (entry);
}
