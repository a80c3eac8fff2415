/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Output for people: escapes, times, tables.  Must not let a byte of a
 * participant's text reach the terminal as a command.
 */
#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "text.h"

#define ESCAPE_BYTES 4 /* \xHH */

bool
text_is_utf8(void)
{
	const char *codeset = nl_langinfo(CODESET);

	return (strcmp(codeset, "UTF-8") == 0 || strcmp(codeset, "utf8") == 0);
}

/* Marks that change the direction or are not seen at all. */
static bool
is_invisible(wint_t c)
{
	return ((c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xad ||
	    (c >= 0xfff9 && c <= 0xfffb) || c >= 0xe0000);
}

/* How many bytes at text may be printed as they are: one character, or 0. */
static size_t
printable_bytes(const char *text, size_t length)
{
	mbstate_t state;
	wchar_t c;
	size_t used;

	memset(&state, 0, sizeof(state));
	used = mbrtowc(&c, text, length, &state);
	if (used == (size_t)-1 || used == (size_t)-2 || used == 0)
		return (0);
	if (!iswprint((wint_t)c) || is_invisible((wint_t)c))
		return (0);
	return (used);
}

char *
text_escape(const char *text)
{
	size_t length = strlen(text), used = 0;
	char *out;

	out = malloc(length * ESCAPE_BYTES + 1);
	if (out == NULL)
		return (calloc(1, 1));
	while (length > 0) {
		size_t bytes = printable_bytes(text, length);

		if (bytes == 0) {
			used += (size_t)snprintf(out + used, ESCAPE_BYTES + 1,
			    "\\x%02x", (unsigned char)*text);
			bytes = 1;
		} else {
			memcpy(out + used, text, bytes);
			used += bytes;
		}
		text += bytes;
		length -= bytes;
	}
	out[used] = '\0';
	return (out);
}

void
text_print(const char *text)
{
	char *escaped = text_escape(text);

	if (escaped != NULL)
		fputs(escaped, stdout);
	free(escaped);
}

const char *
text_time(int64_t at_ms, bool with_ms, char out[TEXT_TIME_SIZE])
{
	time_t seconds = (time_t)(at_ms / 1000);
	char date[32], offset[8];
	struct tm tm;

	if (at_ms < 0 || localtime_r(&seconds, &tm) == NULL) {
		snprintf(out, TEXT_TIME_SIZE, "-");
		return (out);
	}
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
	strftime(offset, sizeof(offset), "%z", &tm);
	if (with_ms)
		snprintf(out, TEXT_TIME_SIZE, "%s.%03d %s", date,
		    (int)(at_ms % 1000), offset);
	else
		snprintf(out, TEXT_TIME_SIZE, "%s %s", date, offset);
	return (out);
}

const char *
text_duration(int64_t ms, char out[TEXT_DURATION_SIZE])
{
	const int64_t seconds = ms / 1000;

	if (ms < 0)
		snprintf(out, TEXT_DURATION_SIZE, "-");
	else if (ms < 1000)
		snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 " ms", ms);
	else if (seconds < 60)
		snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 ".%03d s", seconds,
		    (int)(ms % 1000));
	else if (seconds < 3600)
		snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 " m %02d s",
		    seconds / 60, (int)(seconds % 60));
	else if (seconds < 48 * 3600)
		snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 " h %02d m",
		    seconds / 3600, (int)(seconds / 60 % 60));
	else
		snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 " d",
		    seconds / (24 * 3600));
	return (out);
}

/* Columns of a text that text_escape() made. */
int
text_width(const char *text)
{
	mbstate_t state;
	int width = 0;

	memset(&state, 0, sizeof(state));
	while (*text != '\0') {
		wchar_t c;
		size_t used = mbrtowc(&c, text, MB_CUR_MAX, &state);

		if (used == 0 || used == (size_t)-1 || used == (size_t)-2)
			return (width + (int)strlen(text));
		width += wcwidth(c) > 0 ? wcwidth(c) : 0;
		text += used;
	}
	return (width);
}

static bool
is_among(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return (true);
	return (false);
}

static bool
is_coloured(void)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	return ((no_colour == NULL || no_colour[0] == '\0') && term != NULL &&
	    strcmp(term, "dumb") != 0 && isatty(STDOUT_FILENO) == 1);
}

struct text_colour
text_colour(const char *word)
{
	static const char *const good[] = { "application", "done", "success",
		"ready", "ok", "OK", NULL };
	static const char *const doubtful[] = { "filesystem", "held",
		"unfinished", "superseded", "WARNING", "warning", NULL };
	static const char *const bad[] = { "none", "aborted", "expired", "lost",
		"interrupted", "fail", "failed", "timeout", "absent",
		"disconnected", "owes_thaw", "CRITICAL", "error", NULL };
	struct text_colour colour = { "", "" };

	if (!is_coloured())
		return (colour);
	if (is_among(word, good))
		colour.on = "\033[32m";
	else if (is_among(word, doubtful))
		colour.on = "\033[33m";
	else if (is_among(word, bad))
		colour.on = "\033[31m";
	if (colour.on[0] != '\0')
		colour.off = "\033[0m";
	return (colour);
}

void
text_print_word(const char *word)
{
	struct text_colour colour = text_colour(word);

	fputs(colour.on, stdout);
	text_print(word);
	fputs(colour.off, stdout);
}

void
text_table_init(struct text_table *table, const char *const *headings)
{
	memset(table, 0, sizeof(*table));
	table->headings = headings;
	while (table->ncolumns < TEXT_COLUMNS_MAX &&
	    headings[table->ncolumns] != NULL)
		table->ncolumns++;
}

void
text_table_add(struct text_table *table, const char *const *cells)
{
	if (table->nrows == table->room) {
		size_t room = table->room == 0 ? 32 : 2 * table->room;
		char **larger = reallocarray(table->cells, room,
		    table->ncolumns * sizeof(*larger));

		if (larger == NULL)
			return;
		table->cells = larger;
		table->room = room;
	}
	for (unsigned i = 0; i < table->ncolumns; i++)
		table->cells[table->nrows * table->ncolumns + i] = text_escape(
		    cells[i]);
	table->nrows++;
}

static const char *
cell_at(const struct text_table *table, size_t row, unsigned column)
{
	const char *cell = table->cells[row * table->ncolumns + column];

	return (cell == NULL || cell[0] == '\0' ? "-" : cell);
}

/* The last column is not filled up. */
static void
print_row(const struct text_table *table, size_t row, const int *widths)
{
	for (unsigned i = 0; i < table->ncolumns; i++) {
		struct text_colour colour = { "", "" };
		const char *cell = table->headings[i];

		if (row != SIZE_MAX) {
			cell = cell_at(table, row, i);
			if ((table->words & 1u << i) != 0)
				colour = text_colour(cell);
		}
		printf("%s%s%s", colour.on, cell, colour.off);
		if (i + 1 < table->ncolumns)
			printf("%*s", widths[i] - text_width(cell) + 2, "");
	}
	putchar('\n');
}

void
text_table_print(struct text_table *table)
{
	int widths[TEXT_COLUMNS_MAX];

	for (unsigned i = 0; i < table->ncolumns; i++) {
		widths[i] = text_width(table->headings[i]);
		for (size_t row = 0; row < table->nrows; row++) {
			int width = text_width(cell_at(table, row, i));

			if (width > widths[i])
				widths[i] = width;
		}
	}
	print_row(table, SIZE_MAX, widths);
	for (size_t row = 0; row < table->nrows; row++)
		print_row(table, row, widths);
	for (size_t i = 0; i < table->nrows * table->ncolumns; i++)
		free(table->cells[i]);
	free(table->cells);
	memset(table, 0, sizeof(*table));
}
