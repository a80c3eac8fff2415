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
#include <string.h>

#include "config.h"

struct check {
	void (*complain)(const char *text);
	int result;
};

static void __attribute__((format(printf, 2, 3)))
fail(struct check *check, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	check->complain(text);
	check->result = -1;
}

/* Each limit is at most a million, so that the sums fit into 32 bits. */
static void
check_sums(struct check *check, const struct config *config)
{
	uint32_t sum;

	sum = config->check_ms + config->fs_ms;
	if (sum > config->driver_ms)
		fail(check,
		    "check_ms %u + fs_ms %u = %u does not fit into "
		    "driver_ms %u",
		    config->check_ms, config->fs_ms, sum, config->driver_ms);
	sum = config->freeze_ms + config->commit_ms + config->fs_ms;
	if (sum > config->driver_ms)
		fail(check,
		    "freeze_ms %u + commit_ms %u + fs_ms %u = %u does not fit "
		    "into driver_ms %u",
		    config->freeze_ms, config->commit_ms, config->fs_ms, sum,
		    config->driver_ms);
	sum = config->thaw_ms + config->fs_ms;
	if (sum > config->driver_ms)
		fail(check,
		    "thaw_ms %u + fs_ms %u = %u does not fit into driver_ms %u",
		    config->thaw_ms, config->fs_ms, sum, config->driver_ms);
}

static void
check_participants(struct check *check, const struct config *config)
{
	const struct config_participant *entry;
	size_t i;

	for (i = 0; i < config->nparticipants; i++) {
		entry = &config->participants[i];
		if (entry->freeze_ms > config->freeze_ms)
			fail(check,
			    "participant \"%s\": freeze_ms %u does not fit "
			    "into freeze_ms %u of all together",
			    entry->name, entry->freeze_ms, config->freeze_ms);
	}
	if (config->nparticipants > config->max_names)
		fail(check, "%zu participants are more than max_names %u",
		    config->nparticipants, config->max_names);
}

static void
check_path(struct check *check, const struct config *config, const char *word,
    const char *path)
{
	if (!config->foreground && path[0] != '/')
		fail(check,
		    "%s \"%s\" must begin with / unless --foreground is given",
		    word, path);
}

static void
check_paths(struct check *check, const struct config *config)
{
	const size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path);

	if (strlen(config->socket_path) >= room)
		fail(check, "socket_path \"%s\" is longer than %zu bytes",
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
		fail(check, "log_path \"stderr\" needs --foreground");
}

int
config_validate(const struct config *config, void (*complain)(const char *text))
{
	struct check check = { .complain = complain, .result = 0 };

	check_sums(&check, config);
	check_participants(&check, config);
	check_paths(&check, config);
	return (check.result);
}

const struct config_participant *
config_find(const struct config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->nparticipants; i++) {
		if (strcmp(config->participants[i].name, name) == 0)
			return (&config->participants[i]);
	}
	return (NULL);
}
