/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of appvssd.conf(5): one table that scanning, reading, printing and
 * comparing share.  A new word is one line here, a member of struct config, and
 * a paragraph of the manual.
 */
#ifndef CONFIG_WORDS_H
#define CONFIG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;

enum config_type {
	CONFIG_NUMBER, /* min..max; a uint32_t */
	CONFIG_MODE,   /* a mode of a socket; a uint32_t */
	CONFIG_TEXT,   /* a char * */
	CONFIG_LEVEL,  /* a word of config_level_word(); a uint32_t */
	CONFIG_BOOL,
	CONFIG_TEXTS, /* a list */
};

struct config_word {
	const char *name;
	enum config_type type;
	bool live;  /* can change while appvssd runs */
	bool empty; /* of a text: may be empty */
	long min;
	long max;
	long number;	  /* default */
	const char *text; /* default */
	size_t offset;	  /* in struct config; unused in sections */
};

/* The words of one level: the file's own (title NULL), or of a section. */
struct config_scope {
	const char *title;
	const struct config_word *words;
	size_t nwords;
};

extern const struct config_scope config_top;
extern const struct config_scope config_sections[];
extern const size_t config_nsections;

/* Both lent, or NULL. */
const struct config_word *config_find_word(const struct config_scope *scope,
    const char *name);
const struct config_scope *config_find_section(const char *title);

uint32_t *config_number_at(const struct config_word *word,
    struct config *config);
uint32_t config_get_number(const struct config_word *word,
    const struct config *config);
char **config_text_at(const struct config_word *word, struct config *config);
const char *config_get_text(const struct config_word *word,
    const struct config *config);

/* A word for a level or a role, by index; NULL beyond the last one. */
const char *config_level_word(size_t level);
const char *config_role_word(size_t bit);
/* The index of a word, or -1. */
int config_level_of(const char *word);
int config_role_of(const char *word);

#endif /* CONFIG_WORDS_H */
