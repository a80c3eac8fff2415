/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statements and sections, with every mistake: see config_scan.h.
 */
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "config_scan.h"
#include "config_token.h"
#include "config_words.h"

struct scan {
	struct reader reader;
	struct token ahead; /* one token, if peeked */
	bool peeked;
	bool unclosed; /* a section: '}' is to be added */
	void *titles;  /* tsearch(3), of struct title */
};

struct title {
	unsigned line;
	char text[]; /* section and title */
};

static void scan_level(struct scan *scan, const struct config_scope *scope,
    const struct token *opening, const char *title, unsigned *lines);

static const struct token *
scan_peek(struct scan *scan)
{
	if (!scan->peeked)
		token_read(&scan->reader, &scan->ahead);
	scan->peeked = true;
	return (&scan->ahead);
}

static void
scan_take(struct scan *scan, struct token *token)
{
	*token = *scan_peek(scan);
	scan->peeked = false;
}

static bool
scan_is(struct scan *scan, char sign)
{
	const struct token *next = scan_peek(scan);

	return (next->type == TOKEN_SIGN && next->sign == sign);
}

/* The end of what has been taken. */
static size_t
scan_end(const struct scan *scan)
{
	return (scan->peeked ? scan->ahead.begin : scan->reader.at);
}

/* Up to and with the '}' that belongs to a '{' that has been taken. */
static void
scan_skip_block(struct scan *scan)
{
	struct token token;
	unsigned depth = 1;

	do {
		scan_take(scan, &token);
		if (token.type == TOKEN_SIGN && token.sign == '{')
			depth++;
		if (token.type == TOKEN_SIGN && token.sign == '}')
			depth--;
	} while (depth > 0 && token.type != TOKEN_END);
}

/* What follows a word that means nothing: its value, or its section. */
static void
scan_skip_statement(struct scan *scan)
{
	struct token token;

	if (scan_is(scan, '=') || scan_is(scan, '+')) {
		scan_take(scan, &token);
		if (scan_peek(scan)->type == TOKEN_TEXT)
			scan_take(scan, &token);
	} else if (scan_peek(scan)->type == TOKEN_TEXT) {
		struct scan before = *scan;

		scan_take(scan, &token);
		if (!scan_is(scan, '{')) { /* it was no title */
			*scan = before;
			return;
		}
	}
	if (scan_is(scan, '{')) {
		scan_take(scan, &token);
		scan_skip_block(scan);
	}
}

/* --- values -------------------------------------------------------------- */

static bool
is_number(const char *text)
{
	char *end;

	errno = 0;
	(void)strtol(text, &end, 0);
	return (end != text && *end == '\0' && errno == 0);
}

static bool
is_bool(const char *text)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on",
		"off" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i], text) == 0)
			return (true);
	}
	return (false);
}

/* Whether the value suits the word's type; complains if not. */
static bool
scan_suits(struct scan *scan, const struct config_word *word,
    const struct token *value)
{
	const char *wanted = NULL;

	if (value->bad)
		return (false);
	switch (word->type) {
	case CONFIG_NUMBER:
	case CONFIG_MODE:
		if (!is_number(value->text))
			wanted = "a number";
		break;
	case CONFIG_BOOL:
		if (!is_bool(value->text))
			wanted = "true or false";
		break;
	case CONFIG_TEXT:
	case CONFIG_LEVEL:
	case CONFIG_TEXTS:
		break;
	}
	if (wanted == NULL)
		return (true);
	config_mistake(scan->reader.mistakes, value->line,
	    "%s = \"%s\": it has to be %s", word->name, value->text, wanted);
	return (false);
}

/* Behind the '{' of a list. */
static bool
scan_list(struct scan *scan, const struct config_word *word)
{
	const unsigned line = scan->ahead.line;
	struct token token;
	bool good = true;

	if (scan_is(scan, '}')) {
		config_mistake(scan->reader.mistakes, line,
		    "%s: the list is empty", word->name);
		good = false;
	}
	for (;;) {
		scan_take(scan, &token);
		if (token.type == TOKEN_SIGN && token.sign == '}')
			return (good);
		if (token.type != TOKEN_TEXT)
			break;
		good = scan_suits(scan, word, &token) && good;
		if (scan_is(scan, ','))
			scan_take(scan, &token);
		else if (!scan_is(scan, '}'))
			break;
	}
	config_mistake(scan->reader.mistakes, line,
	    "%s: the list that begins here is not of the form {a, b}",
	    word->name);
	if (token.type != TOKEN_END)
		scan_skip_block(scan);
	return (false);
}

/* Behind the '='. */
static bool
scan_value(struct scan *scan, const struct config_word *word, unsigned line)
{
	const struct token *next = scan_peek(scan);
	const bool later = next->line != line;
	struct scan before = *scan;
	struct token value;

	if (next->type == TOKEN_TEXT) {
		scan_take(scan, &value);
		if (!later || !(scan_is(scan, '=') || scan_is(scan, '+')))
			return (scan_suits(scan, word, &value));
		*scan = before; /* it begins the next statement */
	} else if (scan_is(scan, '{')) {
		scan_take(scan, &value);
		if (word->type == CONFIG_TEXTS)
			return (scan_list(scan, word));
		config_mistake(scan->reader.mistakes, value.line,
		    "%s takes one value, and no list", word->name);
		scan_skip_block(scan);
		return (false);
	}
	config_mistake(scan->reader.mistakes, line, "%s has no value",
	    word->name);
	return (false);
}

static bool
scan_assignment(struct scan *scan, const struct config_word *word,
    const struct token *name)
{
	struct token sign;

	if (scan_is(scan, '=')) {
		scan_take(scan, &sign);
		return (scan_value(scan, word, sign.line));
	}
	if (scan_is(scan, '+')) {
		config_mistake(scan->reader.mistakes, name->line,
		    "%s += adds nothing here: write the whole with =",
		    word->name);
		scan_skip_statement(scan);
		return (false);
	}
	config_mistake(scan->reader.mistakes, name->line,
	    "'=' is missing behind %s", word->name);
	if (scan_peek(scan)->type == TOKEN_TEXT &&
	    scan_peek(scan)->line == name->line)
		scan_take(scan, &sign);
	return (false);
}

static void
scan_word(struct scan *scan, const struct config_scope *scope,
    const struct config_word *word, const struct token *name, unsigned *lines)
{
	unsigned *set = &lines[word - scope->words];
	bool good;

	good = scan_assignment(scan, word, name);
	if (*set != 0)
		config_mistake(scan->reader.mistakes, name->line,
		    "%s was set in line %u already", word->name, *set);
	else
		*set = name->line;
	if (!good)
		token_blank(&scan->reader, name->begin, scan_end(scan));
}

/* --- sections ------------------------------------------------------------ */

static int
compare_titles(const void *a, const void *b)
{
	const struct title *one = a, *other = b;

	return (strcmp(one->text, other->text));
}

static void
scan_note_title(struct scan *scan, const struct config_scope *scope,
    const struct token *title, unsigned line)
{
	const size_t length = strlen(scope->title) + strlen(title->text) + 2;
	struct title *new = calloc(1, sizeof(*new) + length);
	void *const *node;
	const struct title *old;

	if (new == NULL)
		return;
	new->line = line;
	(void)strcpy(new->text, scope->title);
	(void)strcat(new->text, " ");
	(void)strcat(new->text, title->text);
	node = tsearch(new, &scan->titles, compare_titles);
	if (node != NULL && *node == new)
		return;
	if (node != NULL) {
		old = *node;
		config_mistake(scan->reader.mistakes, line,
		    "%s \"%s\" is in line %u already", scope->title,
		    title->text, old->line);
	}
	free(new);
}

static void
scan_section(struct scan *scan, const struct config_scope *scope,
    const struct token *name)
{
	unsigned lines[CONFIG_WORDS_MAX] = { 0 };
	struct token title = { .text = "" }, brace;
	bool good = true;

	if (scan_peek(scan)->type == TOKEN_TEXT) {
		scan_take(scan, &title);
		good = !title.bad;
	} else {
		config_mistake(scan->reader.mistakes, name->line,
		    "%s needs a name: %s \"...\" {", scope->title,
		    scope->title);
		good = false;
	}
	if (scan_is(scan, '{')) {
		scan_take(scan, &brace);
		if (good)
			scan_note_title(scan, scope, &title, name->line);
		scan_level(scan, scope, name, title.text, lines);
	} else {
		if (good)
			config_mistake(scan->reader.mistakes, name->line,
			    "'{' is missing behind %s \"%s\"", scope->title,
			    title.text);
		good = false;
	}
	if (good)
		return;
	token_blank(&scan->reader, name->begin, scan_end(scan));
	scan->unclosed = false;
}

static void
scan_statement(struct scan *scan, const struct config_scope *scope,
    const struct token *name, unsigned *lines)
{
	const struct config_scope *section = NULL;
	const struct config_word *word;

	word = name->bad ? NULL : config_find_word(scope, name->text);
	if (word == NULL && scope == &config_top && !name->bad)
		section = config_find_section(name->text);
	if (word != NULL) {
		scan_word(scan, scope, word, name, lines);
	} else if (section != NULL) {
		scan_section(scan, section, name);
	} else {
		if (!name->bad)
			config_mistake(scan->reader.mistakes, name->line,
			    "no such word%s%s: \"%s\"",
			    scope->title == NULL ? "" : " of a section ",
			    scope->title == NULL ? "" : scope->title,
			    name->text);
		scan_skip_statement(scan);
		token_blank(&scan->reader, name->begin, scan_end(scan));
	}
}

/* The statements of the file (opening is NULL), or of a section. */
static void
scan_level(struct scan *scan, const struct config_scope *scope,
    const struct token *opening, const char *title, unsigned *lines)
{
	struct token token;

	for (;;) {
		scan_take(scan, &token);
		if (token.type == TOKEN_TEXT) {
			scan_statement(scan, scope, &token, lines);
			continue;
		}
		if (token.type == TOKEN_END)
			break;
		if (token.sign == '}' && opening != NULL)
			return;
		config_mistake(scan->reader.mistakes, token.line,
		    "'%s' is not expected here",
		    token.sign == '+' ? "+=" : (char[]) { token.sign, '\0' });
		token_blank(&scan->reader, token.begin, token.end);
	}
	if (opening == NULL)
		return;
	config_mistake(scan->reader.mistakes, opening->line,
	    "%s \"%s\" has no '}'", scope->title, title);
	scan->unclosed = true;
}

char *
config_scan(const char *text, size_t length, unsigned *lines,
    struct config_mistakes *mistakes)
{
	struct scan *scan = calloc(1, sizeof(*scan));
	struct title *title;
	char *out = malloc(length + 2);

	if (scan == NULL || out == NULL) {
		free(scan);
		free(out);
		return (NULL);
	}
	memcpy(out, text, length);
	scan->reader = (struct reader) { .in = text,
		.out = out,
		.length = length,
		.line = 1,
		.mistakes = mistakes };
	memset(lines, 0, CONFIG_WORDS_MAX * sizeof(*lines));
	scan_level(scan, &config_top, NULL, "", lines);
	if (scan->unclosed)
		out[length++] = '}';
	out[length] = '\0';
	while (scan->titles != NULL) {
		title = *(struct title **)scan->titles;
		(void)tdelete(title, &scan->titles, compare_titles);
		free(title);
	}
	free(scan);
	return (out);
}
