/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What appvssctl prints: texts of others made harmless, times, durations,
 * tables, JSON.  Everything goes to standard output.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_TIME_SIZE	   48
#define TEXT_DURATION_SIZE 32
#define TEXT_COLUMNS_MAX   12

/* True if the terminal's locale takes UTF-8.  Asks setlocale's result once. */
bool text_is_utf8(void);

/*
 * text without anything that a terminal acts on: controls, bytes that are no
 * character of the locale, and direction marks become \xHH.  Owned; "" on lack
 * of memory.
 */
char *text_escape(const char *text);
void text_print(const char *text);
/* How many columns a text takes that was escaped. */
int text_width(const char *text);

/*
 * What goes before and behind a word that says how good something is: colours,
 * or "" if standard output is no terminal, or NO_COLOR is set.
 */
struct text_colour {
	const char *on;
	const char *off;
};
struct text_colour text_colour(const char *word);
/* Such a word, escaped. */
void text_print_word(const char *word);

/* The length of the valid UTF-8 sequence at bytes, or 0. */
size_t text_utf8_length(const unsigned char *bytes);

/* Local time with its offset from UTC; with milliseconds if wanted. */
const char *text_time(int64_t at_ms, bool with_ms, char out[TEXT_TIME_SIZE]);
/* "12 ms", "3.204 s", "2 m 05 s", "3 h 10 m"; "-" if negative. */
const char *text_duration(int64_t ms, char out[TEXT_DURATION_SIZE]);

/* A table that knows its rows before it prints the first. */
struct text_table {
	const char *const *headings; /* borrows; ends with NULL */
	unsigned ncolumns;
	unsigned words; /* columns of coloured words, by bits; may be set */
	size_t nrows;
	size_t room;
	char **cells; /* owns */
};

void text_table_init(struct text_table *table, const char *const *headings);
/* Copies (and escapes) ncolumns cells. */
void text_table_add(struct text_table *table, const char *const *cells);
/* Prints it and frees what it holds. */
void text_table_print(struct text_table *table);

/* One JSON object on one line.  Times that are negative become null. */
struct text_json {
	bool began;
};

void text_json_begin(struct text_json *json);
void text_json_string(struct text_json *json, const char *key,
    const char *value);
void text_json_int(struct text_json *json, const char *key, int64_t value);
void text_json_uint(struct text_json *json, const char *key, uint64_t value);
void text_json_time(struct text_json *json, const char *key, int64_t ms);
void text_json_bool(struct text_json *json, const char *key, bool value);
void text_json_null(struct text_json *json, const char *key);
/* An array of strings. */
void text_json_list(struct text_json *json, const char *key,
    const char *const *values, size_t count);
void text_json_end(struct text_json *json);

#endif /* TEXT_H */
