/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes to tokens: see config_token.h.  Stricter than libConfuse's lexer, so
 * that what is read has one meaning: a text ends on its line, escapes are those
 * of the manual, nothing is taken from the environment, and no byte is skipped.
 */
#include <ctype.h>
#include <string.h>

#include "config_token.h"

static const char bare_bytes[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";
static const char end_bytes[] = " \t\r\n#\"'{}()=,";

void
token_blank(struct reader *reader, size_t begin, size_t end)
{
	for (; begin < end; begin++) {
		if (reader->out[begin] != '\n')
			reader->out[begin] = ' ';
	}
}

/* The byte at the offset; NUL beyond the end, and for NUL. */
static char
peek(const struct reader *reader, size_t offset)
{
	return (reader->at + offset < reader->length ?
		reader->in[reader->at + offset] :
		'\0');
}

static bool
is_end(const struct reader *reader)
{
	return (reader->at >= reader->length);
}

static void
skip_line(struct reader *reader)
{
	while (!is_end(reader) && peek(reader, 0) != '\n')
		reader->at++;
}

static void
skip_block(struct reader *reader)
{
	const unsigned line = reader->line;

	reader->at += 2;
	while (!is_end(reader)) {
		if (peek(reader, 0) == '*' && peek(reader, 1) == '/') {
			reader->at += 2;
			return;
		}
		if (peek(reader, 0) == '\n')
			reader->line++;
		reader->at++;
	}
	config_mistake(reader->mistakes, line,
	    "the comment that begins here has no end");
}

/* Blanks and comments; false: neither. */
static bool
skip_space(struct reader *reader)
{
	const size_t begin = reader->at;
	const char byte = peek(reader, 0);

	if (byte == '#' || (byte == '/' && peek(reader, 1) == '/'))
		skip_line(reader);
	else if (byte == '/' && peek(reader, 1) == '*')
		skip_block(reader);
	else if (byte == ' ' || byte == '\t' || byte == '\r')
		reader->at++;
	else if (byte == '\n') {
		reader->line++;
		reader->at++;
	} else
		return (false);
	token_blank(reader, begin, reader->at);
	return (true);
}

static void
complain_of_byte(struct reader *reader, char byte)
{
	if (isprint((unsigned char)byte))
		config_mistake(reader->mistakes, reader->line,
		    "'%c' stands in double quotes only", byte);
	else
		config_mistake(reader->mistakes, reader->line,
		    "a byte of value 0x%02x stands nowhere, or in double "
		    "quotes as \\x%02x",
		    (unsigned char)byte, (unsigned char)byte);
}

static void
put(struct reader *reader, struct token *token, size_t *used, char byte)
{
	if (*used < CONFIG_TEXT_MAX) {
		token->text[(*used)++] = byte;
	} else if (!token->bad) {
		config_mistake(reader->mistakes, token->line,
		    "a text of more than %d bytes", CONFIG_TEXT_MAX);
		token->bad = true;
	}
}

/* One mistake for a word, however many of its bytes are wrong. */
static void
read_bare(struct reader *reader, struct token *token)
{
	size_t used = 0;
	char byte;

	token->bare = true;
	for (; !is_end(reader); reader->at++) {
		byte = peek(reader, 0);
		if (byte == '\0' || strchr(end_bytes, byte) == NULL) {
			if ((byte == '\0' ||
				strchr(bare_bytes, byte) == NULL) &&
			    !token->bad) {
				complain_of_byte(reader, byte);
				token->bad = true;
			}
			if (byte == '+' && peek(reader, 1) == '=')
				break;
			put(reader, token, &used, byte);
			continue;
		}
		break;
	}
	token->text[used] = '\0';
}

static int
hex_digit(char byte)
{
	static const char digits[] = "0123456789abcdef";
	const char *found;

	if (byte == '\0')
		return (-1);
	found = strchr(digits, tolower((unsigned char)byte));
	return (found == NULL ? -1 : (int)(found - digits));
}

/* Behind a backslash; false: no such escape. */
static bool
read_escape(struct reader *reader, char quote, char *byte)
{
	static const char known[] = "\"\\$nt", meant[] = "\"\\$\n\t";
	const char *found;
	int high, low;

	*byte = peek(reader, 1);
	if (*byte == '\0') {
		reader->at++;
		return (false);
	}
	if (quote == '\'') {
		reader->at += 2;
		return (*byte == '\'' || *byte == '\\');
	}
	if (*byte == 'x') {
		high = hex_digit(peek(reader, 2));
		low = high == -1 ? -1 : hex_digit(peek(reader, 3));
		*byte = (char)(high * 16 + low);
		reader->at += low == -1 ? 2 : 4;
		return (low != -1 && *byte != '\0');
	}
	found = strchr(known, *byte);
	reader->at += 2;
	if (found == NULL)
		return (false);
	*byte = meant[found - known];
	return (true);
}

/* What is wrong with what stands there, or NULL. */
static const char *
read_quoted_byte(struct reader *reader, char quote, char *byte)
{
	*byte = peek(reader, 0);
	if (*byte == '\\') {
		if (peek(reader, 1) == '\n' || reader->at + 1 >= reader->length)
			reader->at++;
		else if (read_escape(reader, quote, byte))
			return (NULL);
		return (quote == '"' ? "no such escape: those are \\\" \\\\ "
				       "\\$ \\n \\t \\xHH, but not \\x00" :
				       "no such escape: those are \\\\ \\'");
	}
	if (*byte == '$' && peek(reader, 1) == '{' && quote == '"') {
		reader->at++;
		return ("variables are not expanded; write \\$");
	}
	reader->at++;
	if ((unsigned char)*byte < ' ' || *byte == 0x7f)
		return ("a control character in a text; write \\xHH");
	return (NULL);
}

static void
read_quoted(struct reader *reader, struct token *token)
{
	const char quote = peek(reader, 0);
	const char *wrong;
	size_t used = 0;
	char byte;

	reader->at++;
	while (!is_end(reader) && peek(reader, 0) != '\n') {
		if (peek(reader, 0) == quote) {
			reader->at++;
			token->text[used] = '\0';
			return;
		}
		wrong = read_quoted_byte(reader, quote, &byte);
		if (wrong != NULL && !token->bad)
			config_mistake(reader->mistakes, token->line, "%s",
			    wrong);
		token->bad = token->bad || wrong != NULL;
		put(reader, token, &used, byte);
	}
	token->text[used] = '\0';
	if (!token->bad)
		config_mistake(reader->mistakes, token->line,
		    "a text that begins with %c does not end on its line",
		    quote);
	token->bad = true;
}

void
token_read(struct reader *reader, struct token *token)
{
	char byte;

	while (!is_end(reader) && skip_space(reader))
		continue;
	token->type = TOKEN_END;
	token->bad = token->bare = false;
	token->sign = '\0';
	token->text[0] = '\0';
	token->begin = reader->at;
	token->line = reader->line;
	if (!is_end(reader)) {
		byte = peek(reader, 0);
		if ((byte == '+' && peek(reader, 1) == '=') ||
		    (byte != '\0' && strchr("{}()=,", byte) != NULL)) {
			token->type = TOKEN_SIGN;
			token->sign = byte;
			reader->at += byte == '+' ? 2 : 1;
		} else {
			token->type = TOKEN_TEXT;
			if (byte == '"' || byte == '\'')
				read_quoted(reader, token);
			else
				read_bare(reader, token);
		}
	}
	token->end = reader->at;
}
