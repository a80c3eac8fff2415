/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See directive.h.  Must do no I/O, and read nothing beyond length.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "directive.h"

#define MARK	  "appvss:"
#define ORDER_MAX 99

/* A part of the file: not terminated, may hold anything. */
struct span {
	const char *at;
	size_t length;
};

void
directive_init(struct directive *directive)
{
	memset(directive, 0, sizeof(*directive));
	directive->order = -1;
}

static bool
is_blank(char c)
{
	return (c == ' ' || c == '\t');
}

static struct span
skip_blanks(struct span span)
{
	while (span.length > 0 && is_blank(*span.at)) {
		span.at++;
		span.length--;
	}
	return (span);
}

static bool
begins_with(struct span span, const char *word)
{
	return (span.length >= strlen(word) &&
	    memcmp(span.at, word, strlen(word)) == 0);
}

static bool
is_word(struct span span, const char *word)
{
	return (span.length == strlen(word) && begins_with(span, word));
}

static struct span
behind(struct span span, size_t count)
{
	span.at += count;
	span.length -= count;
	return (span);
}

/* Takes the next line, without its end, off *rest. */
static struct span
take_line(struct span *rest)
{
	const char *end = memchr(rest->at, '\n', rest->length);
	struct span line = { rest->at,
		end != NULL ? (size_t)(end - rest->at) : rest->length };

	*rest = behind(*rest, line.length + (end != NULL));
	return (line);
}

static struct span
take_word(struct span *rest)
{
	struct span word = *rest = skip_blanks(*rest);

	word.length = 0;
	while (word.length < rest->length && !is_blank(rest->at[word.length]))
		word.length++;
	*rest = behind(*rest, word.length);
	return (word);
}

/* Whether the line is a directive; then *rest is what follows the colon. */
static bool
is_directive(struct span line, struct span *rest)
{
	if (line.length == 0 || *line.at != '#')
		return (false);
	line = skip_blanks(behind(line, 1));
	if (!begins_with(line, MARK))
		return (false);
	*rest = behind(line, strlen(MARK));
	return (true);
}

/* Decimal digits alone; false also if it is above maximum. */
static bool
parse_number(struct span span, uint32_t maximum, uint32_t *number)
{
	size_t i;

	if (span.length == 0)
		return (false);
	*number = 0;
	for (i = 0; i < span.length; i++) {
		if (span.at[i] < '0' || span.at[i] > '9')
			return (false);
		*number = *number * 10 + (uint32_t)(span.at[i] - '0');
		if (*number > maximum)
			return (false);
	}
	return (true);
}

static enum directive_error
take_order(struct directive *directive, struct span value)
{
	uint32_t number;

	if (directive->order != -1)
		return (DIRECTIVE_E_TWICE);
	if (!parse_number(value, ORDER_MAX, &number))
		return (DIRECTIVE_E_ORDER);
	directive->order = (int)number;
	return (DIRECTIVE_OK);
}

static enum directive_error
take_timeout(struct directive *directive, struct span value)
{
	uint32_t number, unit_ms = 1000;
	size_t unit_length = 1;

	if (directive->timeout_ms != 0)
		return (DIRECTIVE_E_TWICE);
	if (value.length > 2 && value.at[value.length - 2] == 'm') {
		unit_ms = 1;
		unit_length = 2;
	}
	if (value.length <= unit_length || value.at[value.length - 1] != 's')
		return (DIRECTIVE_E_TIMEOUT);
	value.length -= unit_length;
	if (!parse_number(value, DIRECTIVE_TIMEOUT_MS_MAX / unit_ms, &number) ||
	    number == 0)
		return (DIRECTIVE_E_TIMEOUT);
	directive->timeout_ms = number * unit_ms;
	return (DIRECTIVE_OK);
}

static enum directive_error
take_user(struct directive *directive, struct span value)
{
	if (directive->user[0] != '\0')
		return (DIRECTIVE_E_TWICE);
	if (value.length > DIRECTIVE_USER_MAX)
		return (DIRECTIVE_E_USER);
	memcpy(directive->user, value.at, value.length);
	directive->user[value.length] = '\0';
	/* A NUL in it makes it shorter than it is. */
	if (!directive_user_ok(directive->user) ||
	    strlen(directive->user) != value.length)
		return (DIRECTIVE_E_USER);
	return (DIRECTIVE_OK);
}

static enum directive_error
take_flag(bool *flag)
{
	if (*flag)
		return (DIRECTIVE_E_TWICE);
	*flag = true;
	return (DIRECTIVE_OK);
}

static enum directive_error
take(struct directive *directive, struct span word)
{
	const char *equals = memchr(word.at, '=', word.length);
	struct span value = { word.at + word.length, 0 };

	if (equals != NULL) {
		value = behind(word, (size_t)(equals - word.at) + 1);
		word.length = (size_t)(equals - word.at);
	}
	if (is_word(word, "order"))
		return (take_order(directive, value));
	if (is_word(word, "timeout"))
		return (take_timeout(directive, value));
	if (is_word(word, "user"))
		return (take_user(directive, value));
	if (!is_word(word, "required") && !is_word(word, "check"))
		return (DIRECTIVE_E_WORD);
	if (equals != NULL)
		return (DIRECTIVE_E_VALUE);
	return (take_flag(
	    is_word(word, "check") ? &directive->check : &directive->required));
}

static enum directive_error
parse_line(struct directive *directive, struct span rest, struct span *wrong)
{
	enum directive_error error;
	bool is_empty = true;

	*wrong = behind(rest, rest.length);
	if (rest.length > 0 && rest.at[rest.length - 1] == '\r')
		return (DIRECTIVE_E_CRLF);
	for (;;) {
		*wrong = take_word(&rest);
		if (wrong->length == 0)
			return (is_empty ? DIRECTIVE_E_EMPTY : DIRECTIVE_OK);
		is_empty = false;
		error = take(directive, *wrong);
		if (error != DIRECTIVE_OK)
			return (error);
	}
}

static void
keep_word(struct directive_mistake *mistake, struct span word)
{
	size_t i;

	for (i = 0; i < word.length && i < DIRECTIVE_WORD_MAX; i++)
		mistake->word[i] = word.at[i] >= ' ' && word.at[i] <= '~' ?
		    word.at[i] :
		    '?';
	mistake->word[i] = '\0';
}

/*
 * The head is what comes before the first line that is neither empty nor a
 * comment.  A directive below it would have no effect: that is told, but not of
 * a program, whose bytes may look like anything.
 */
static enum directive_error
parse_lines(struct directive *directive, struct span rest, bool is_whole,
    unsigned *line_number, struct span *wrong)
{
	bool in_head = true, is_script = begins_with(rest, "#");
	enum directive_error error;
	struct span line, words;

	for (*line_number = 1; rest.length > 0; ++*line_number) {
		line = take_line(&rest);
		*wrong = behind(line, line.length);
		if (*line_number == 1 && begins_with(line, "#!") &&
		    line.at[line.length - 1] == '\r')
			return (DIRECTIVE_E_CRLF);
		if (skip_blanks(line).length > 0 && *line.at != '#')
			in_head = false;
		if (!in_head && !is_script)
			return (DIRECTIVE_OK);
		if (!is_directive(line, &words))
			continue;
		if (!in_head)
			return (DIRECTIVE_E_LATE);
		error = parse_line(directive, words, wrong);
		if (error != DIRECTIVE_OK)
			return (error);
	}
	if (!in_head || is_whole)
		return (DIRECTIVE_OK);
	*line_number = 1;
	return (DIRECTIVE_E_LONG);
}

enum directive_error
directive_parse(struct directive *directive, const char *text, size_t length,
    bool is_whole, struct directive_mistake *mistake)
{
	struct span whole = { text, length }, wrong = { text, 0 };

	directive_init(directive);
	memset(mistake, 0, sizeof(*mistake));
	mistake->error = parse_lines(directive, whole, is_whole, &mistake->line,
	    &wrong);
	if (mistake->error != DIRECTIVE_OK) {
		keep_word(mistake, wrong);
		directive_init(directive);
	}
	return (mistake->error);
}

bool
directive_user_ok(const char *name)
{
	size_t length = strlen(name);

	return (length >= 1 && length <= DIRECTIVE_USER_MAX && name[0] != '-' &&
	    strspn(name,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789._-") == length);
}

static const char *
explain(enum directive_error error)
{
	switch (error) {
	case DIRECTIVE_OK:
		return ("right");
	case DIRECTIVE_E_WORD:
		return ("unknown; known are order=, timeout=, required, "
			"check, user=");
	case DIRECTIVE_E_ORDER:
		return ("order is a number from 0 to 99");
	case DIRECTIVE_E_TIMEOUT:
		return ("timeout is a number with s or ms, up to 900s");
	case DIRECTIVE_E_USER:
		return ("user is a name of A-Za-z0-9._-, up to 32 of them");
	case DIRECTIVE_E_VALUE:
		return ("it takes no value");
	case DIRECTIVE_E_TWICE:
		return ("said twice");
	case DIRECTIVE_E_EMPTY:
		return ("nothing after \"appvss:\"");
	case DIRECTIVE_E_LATE:
		return ("\"# appvss:\" is below the comments at the beginning");
	case DIRECTIVE_E_CRLF:
		return ("ends with CR LF, as on DOS");
	case DIRECTIVE_E_LONG:
		return ("more than 64 KiB of comments at the beginning");
	}
	return ("wrong");
}

const char *
directive_describe(const struct directive_mistake *mistake,
    char text[DIRECTIVE_TEXT_MAX])
{
	(void)snprintf(text, DIRECTIVE_TEXT_MAX, "line %u: %s%s%s",
	    mistake->line, mistake->word, mistake->word[0] != '\0' ? ": " : "",
	    explain(mistake->error));
	return (text);
}

const char *
directive_print(const struct directive *directive,
    char text[DIRECTIVE_TEXT_MAX])
{
	char order[16] = "", timeout[24] = "", *end;

	if (directive->order != -1)
		(void)snprintf(order, sizeof(order), "order=%d ",
		    directive->order);
	if (directive->timeout_ms % 1000 != 0)
		(void)snprintf(timeout, sizeof(timeout),
		    "timeout=%" PRIu32 "ms ", directive->timeout_ms);
	else if (directive->timeout_ms != 0)
		(void)snprintf(timeout, sizeof(timeout),
		    "timeout=%" PRIu32 "s ", directive->timeout_ms / 1000);
	(void)snprintf(text, DIRECTIVE_TEXT_MAX, "%s%s%s%s%s%s ", order,
	    timeout, directive->required ? "required " : "",
	    directive->check ? "check " : "",
	    directive->user[0] != '\0' ? "user=" : "", directive->user);
	for (end = text + strlen(text); end > text && end[-1] == ' '; end--)
		end[-1] = '\0';
	return (text);
}
