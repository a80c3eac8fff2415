/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of appvssd.conf(5): see config_words.h.  Tables only.
 */
#include <string.h>

#include "config.h"
#include "config_words.h"
#include "kernel/vssdev/heldlog.h"

#define MS_MAX	   900000
#define ORDER_MAX  99
#define SIZE(list) (sizeof(list) / sizeof((list)[0]))

#define TEXT(word, default_text)                                            \
	{                                                                   \
		.name = #word, .type = CONFIG_TEXT, .text = (default_text), \
		.offset = offsetof(struct config, word)                     \
	}
#define EMPTY_TEXT(word)                                                       \
	{                                                                      \
		.name = #word, .type = CONFIG_TEXT, .text = "", .empty = true, \
		.offset = offsetof(struct config, word)                        \
	}
#define NUMBER(word, from, to, default_number, is_live)                     \
	{                                                                   \
		.name = #word, .type = CONFIG_NUMBER, .min = (from),        \
		.max = (to), .number = (default_number), .live = (is_live), \
		.offset = offsetof(struct config, word)                     \
	}

static const struct config_word top_words[] = {
	TEXT(user, "appvss"),
	TEXT(device, "/dev/hv_appvss_dev"),
	TEXT(socket_path, APPVSS_RUNDIR "/appvss/appvssd.sock"),
	EMPTY_TEXT(socket_group),
	{ .name = "socket_mode",
	    .type = CONFIG_MODE,
	    .number = 0660,
	    .offset = offsetof(struct config, socket_mode) },
	TEXT(history_path, CONFIG_HISTORY_PATH_DEFAULT),
	TEXT(history_program, APPVSS_LIBEXECDIR "/appvssd-history"),
	EMPTY_TEXT(log_path),
	{ .name = "log_level",
	    .type = CONFIG_LEVEL,
	    .text = "info",
	    .live = true,
	    .offset = offsetof(struct config, log_level) },
	NUMBER(driver_ms, 1, MS_MAX, CONFIG_DRIVER_MS_DEFAULT, true),
	NUMBER(fs_ms, 0, MS_MAX, 4000, true),
	NUMBER(margin_ms, 0, MS_MAX, 1000, true),
	NUMBER(check_ms, 1, MS_MAX, 8000, true),
	NUMBER(freeze_ms, 1, MS_MAX, 10000, true),
	NUMBER(commit_ms, 0, 60000, CONFIG_COMMIT_MS_DEFAULT, true),
	NUMBER(hold_ms, 1, 3600000, 60000, true),
	/* What participants are told is longer, and at most a day. */
	NUMBER(hold_max_ms, 1, 79200000, 600000, true),
	NUMBER(thaw_ms, 1, MS_MAX, 10000, true),
	NUMBER(pause_ms, 1, MS_MAX, 1000, true),
	NUMBER(rearm_ms, 1, MS_MAX, 5000, true),
	NUMBER(retry_ms, 1, MS_MAX, 500, true),
	NUMBER(retry_max_ms, 1, MS_MAX, 30000, true),
	NUMBER(hello_ms, 1, MS_MAX, 5000, true),
	NUMBER(stall_ms, 1, MS_MAX, 30000, true),
	NUMBER(linger_ms, 1, MS_MAX, 5000, true),
	NUMBER(slice_ms, 1, MS_MAX, 5000, true),
	/* Descriptors for them are reserved when the broker starts. */
	NUMBER(max_clients, 1, 100000, 10000, false),
	NUMBER(max_clients_per_uid, 1, 100000, 1000, true),
	NUMBER(max_names, 1, 100000, 10000, true),
	NUMBER(max_names_per_uid, 1, 100000, 1000, true),
	/* So is the memory for these. */
	NUMBER(history_queue_rows, 64, 1000000, 4096, false),
	NUMBER(history_keep_days, 0, 36500, 0, true),
	NUMBER(history_keep_count, 0, 100000000, 100000, true),
};
_Static_assert(SIZE(top_words) <= CONFIG_WORDS_MAX, "a line for each word");

/* Not set: what the participant asks for. */
static const struct config_word participant_words[] = {
	{ .name = "user", .type = CONFIG_TEXT },
	{ .name = "required", .type = CONFIG_BOOL },
	{ .name = "expect", .type = CONFIG_BOOL },
	{ .name = "order",
	    .type = CONFIG_NUMBER,
	    .max = ORDER_MAX,
	    .number = -1 },
	{ .name = "freeze_ms", .type = CONFIG_NUMBER, .min = 1, .max = MS_MAX },
	{ .name = "thaw_ms", .type = CONFIG_NUMBER, .min = 1, .max = MS_MAX },
};

static const struct config_word access_words[] = {
	{ .name = "user", .type = CONFIG_TEXTS },
	{ .name = "group", .type = CONFIG_TEXTS },
	{ .name = "roles", .type = CONFIG_TEXTS },
	{ .name = "names", .type = CONFIG_TEXTS },
};

const struct config_scope config_top = { NULL, top_words, SIZE(top_words) };
const struct config_scope config_sections[] = {
	{ "participant", participant_words, SIZE(participant_words) },
	{ "access", access_words, SIZE(access_words) },
};
const size_t config_nsections = SIZE(config_sections);

const struct config_word *
config_find_word(const struct config_scope *scope, const char *name)
{
	size_t i;

	for (i = 0; i < scope->nwords; i++) {
		if (strcmp(scope->words[i].name, name) == 0)
			return (&scope->words[i]);
	}
	return (NULL);
}

const struct config_scope *
config_find_section(const char *title)
{
	size_t i;

	for (i = 0; i < config_nsections; i++) {
		if (strcmp(config_sections[i].title, title) == 0)
			return (&config_sections[i]);
	}
	return (NULL);
}

uint32_t *
config_number_at(const struct config_word *word, struct config *config)
{
	return ((uint32_t *)(void *)((char *)config + word->offset));
}

uint32_t
config_get_number(const struct config_word *word, const struct config *config)
{
	uint32_t number;

	memcpy(&number, (const char *)config + word->offset, sizeof(number));
	return (number);
}

char **
config_text_at(const struct config_word *word, struct config *config)
{
	return ((char **)(void *)((char *)config + word->offset));
}

const char *
config_get_text(const struct config_word *word, const struct config *config)
{
	const char *text;

	memcpy(&text, (const char *)config + word->offset, sizeof(text));
	return (text);
}

static const char *const level_words[] = {
	[HELDLOG_ERROR] = "error",
	[HELDLOG_WARN] = "warn",
	[HELDLOG_INFO] = "info",
	[HELDLOG_DEBUG] = "debug",
};

/* In the order of the bits of enum access_role. */
static const char *const role_words[] = { "observe", "participate", "request",
	"admin" };

static int
index_of(const char *const *words, size_t count, const char *word)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(words[i], word) == 0)
			return ((int)i);
	}
	return (-1);
}

const char *
config_level_word(size_t level)
{
	return (level < SIZE(level_words) ? level_words[level] : NULL);
}

const char *
config_role_word(size_t bit)
{
	return (bit < SIZE(role_words) ? role_words[bit] : NULL);
}

int
config_level_of(const char *word)
{
	return (index_of(level_words, SIZE(level_words), word));
}

int
config_role_of(const char *word)
{
	return (index_of(role_words, SIZE(role_words), word));
}
