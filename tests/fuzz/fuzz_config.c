/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration from any bytes.  The oracle: what is read is printed, what is
 * printed is read back, and prints the same; what the scanner lets through,
 * libConfuse takes; every complaint has a line of the text.
 *
 * Built with libFuzzer by "make fuzz-config"; replay.c runs the corpus through
 * the same function in "make check".
 */
#include <sys/types.h>

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/access.h"
#include "appvssd/config.h"

#define NAME "text"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct heard {
	unsigned lines;
	unsigned complaints;
};

static void
require(bool holds)
{
	if (!holds)
		abort();
}

/* In place of libc's: the accounts of this machine are not the input. */
struct passwd *
getpwnam(const char *name)
{
	static struct passwd root;

	return (strcmp(name, "root") == 0 ? &root : NULL);
}

struct group *
getgrnam(const char *name)
{
	static struct group wheel = { .gr_gid = 7 };

	return (strcmp(name, "wheel") == 0 ? &wheel : NULL);
}

/* libConfuse's own words for a text that it cannot take. */
static bool
is_of_libconfuse(const char *text)
{
	static const char *const beginnings[] = { "attempt to", "bad escape",
		"cannot be read", "found duplicate", "integer value", "invalid",
		"missing", "no such option", "no sub-section", "out of memory",
		"premature", "unexpected", "unterminated" };
	size_t i;

	for (i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (strncmp(text, beginnings[i], strlen(beginnings[i])) == 0)
			return (true);
	}
	return (false);
}

static void
on_complaint(void *arg, const char *text)
{
	struct heard *heard = arg;
	unsigned long line;
	char *end;

	heard->complaints++;
	require(strncmp(text, NAME ":", sizeof(NAME)) == 0);
	text += sizeof(NAME);
	if (strstr(text, " more mistakes") != NULL && *text == ' ')
		return;
	line = strtoul(text, &end, 10);
	require(
	    end != text && *end == ':' && line >= 1 && line <= heard->lines);
	require(!is_of_libconfuse(end + 2));
}

static int
parse(struct config *config, const char *text, size_t length)
{
	struct heard heard = { .lines = 1 };
	const struct config_complaints complaints = { on_complaint, &heard };
	size_t i;
	int result;

	for (i = 0; i < length; i++)
		heard.lines += text[i] == '\n';
	result = config_parse(config, text, length, NAME, &complaints);
	require((result == 0) == (heard.complaints == 0));
	return (result);
}

static char *
print(const struct config *config, size_t *length)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, length);

	require(file != NULL && config_print(config, file) == 0 &&
	    fclose(file) == 0);
	return (text);
}

static void
ignore(void *arg, const char *text)
{
	(void)arg;
	require(strlen(text) > 0);
}

/* Everybody who is named finds itself, and nobody has roles unheard of. */
static void
use(const struct config *config)
{
	const struct config_complaints complaints = { ignore, NULL };
	const struct config_participant *entry;
	struct access_peer peer = { .uid = 5 };
	size_t i;

	(void)config_validate(config, &complaints);
	require(access_roles(config, &peer) <= 15);
	for (i = 0; i < config->nparticipants; i++) {
		entry = config_find(config, config->participants[i].name);
		require(entry != NULL);
		require(i >= config->nnamed ||
		    strcmp(entry->name, config->participants[i].name) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config_complaints complaints = { ignore, NULL };
	struct config config, again;
	size_t length, other_length;
	char *text, *other;

	if (parse(&config, (const char *)data, size) == -1)
		return (0);
	use(&config);
	text = print(&config, &length);
	require(parse(&again, text, length) == 0);
	other = print(&again, &other_length);
	require(length == other_length && memcmp(text, other, length) == 0);
	require(config_compare(&config, &again, &complaints) == 0);
	config_adopt(&config, &again);
	free(other);
	other = print(&config, &other_length);
	require(length == other_length && memcmp(text, other, length) == 0);
	free(text);
	free(other);
	config_fini(&config);
	return (0);
}
