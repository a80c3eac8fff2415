/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The encoder of wire.h: makes lines that the decoder accepts and any terminal
 * can show.  Pure: it must not do I/O, allocate or look at a clock, and it must
 * not know what a verb means.
 */
#include <string.h>

#include "wire.h"

/* Room for the LF is kept back. */
static size_t
room_left(const struct wire_line *line)
{
	return (WIRE_LINE_MAX - 1 - line->length);
}

static void
append(struct wire_line *line, const char *bytes, size_t length)
{
	if (line->error != WIRE_OK)
		return;
	if (length > room_left(line)) {
		line->error = WIRE_E_TOO_LONG;
		return;
	}
	memcpy(line->bytes + line->length, bytes, length);
	line->length += length;
}

void
wire_begin(struct wire_line *line, const struct wire_grammar *grammar,
    unsigned verb)
{
	line->grammar = grammar;
	line->verb = verb;
	line->present = 0;
	line->error = WIRE_OK;
	line->length = 0;
	if (verb >= grammar->nverbs || grammar->verbs[verb].name == NULL)
		line->error = WIRE_E_UNKNOWN_VERB;
	else
		append(line, grammar->verbs[verb].name,
		    strlen(grammar->verbs[verb].name));
}

/* The space, the key and the equals sign; NULL when the line is spoilt. */
static const struct wire_key_def *
put_key(struct wire_line *line, unsigned key)
{
	const struct wire_verb_def *verb;
	const struct wire_key_def *def;
	size_t length;
	char *at;

	if (line->error != WIRE_OK)
		return (NULL);
	verb = &line->grammar->verbs[line->verb];
	if (key >= line->grammar->nkeys ||
	    ((verb->required | verb->optional) & WIRE_BIT(key)) == 0) {
		line->error = WIRE_E_BAD_VALUE;
		return (NULL);
	}
	if ((line->present & WIRE_BIT(key)) != 0) {
		line->error = WIRE_E_DUPLICATE_KEY;
		return (NULL);
	}
	def = &line->grammar->keys[key];
	length = strlen(def->name);
	if (length + 2 > room_left(line)) {
		line->error = WIRE_E_TOO_LONG;
		return (NULL);
	}
	at = line->bytes + line->length;
	*at = ' ';
	memcpy(at + 1, def->name, length);
	at[1 + length] = '=';
	line->length += length + 2;
	line->present |= WIRE_BIT(key);
	return (def);
}

void
wire_put_uint(struct wire_line *line, unsigned key, uint64_t value)
{
	const struct wire_key_def *def = put_key(line, key);
	char digits[20];
	size_t at = sizeof(digits);

	if (def == NULL)
		return;
	if (def->type != WIRE_UINT || value < def->min || value > def->max) {
		line->error = WIRE_E_BAD_VALUE;
		return;
	}
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	append(line, digits + at, sizeof(digits) - at);
}

/*
 * What stands for one byte inside quotes; its length.  Whatever is not
 * printable ASCII is escaped, so that a terminal can show any line as it is.
 */
static size_t
escape_byte(unsigned char c, char out[4])
{
	static const char hex[] = "0123456789abcdef";

	out[0] = '\\';
	if (c == '"' || c == '\\') {
		out[1] = (char)c;
		return (2);
	}
	if (c == '\n' || c == '\t') {
		out[1] = c == '\n' ? 'n' : 't';
		return (2);
	}
	if (c < ' ' || c >= 0x7f) {
		out[1] = 'x';
		out[2] = hex[c >> 4];
		out[3] = hex[c & 0xf];
		return (4);
	}
	out[0] = (char)c;
	return (1);
}

/* How many of the first bytes stand for themselves inside quotes. */
static size_t
plain_length(const char *value, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (value[i] < ' ' || value[i] >= 0x7f || value[i] == '"' ||
		    value[i] == '\\')
			break;
	return (i);
}

/* A cut never leaves a part of a UTF-8 character: at most 3 bytes go back. */
static size_t
cut_length(const char *value, size_t length)
{
	size_t back;

	for (back = 0; back < 4 && back < length; back++)
		if (((unsigned char)value[length - back] & 0xc0) != 0x80)
			return (length - back);
	return (length);
}

/* How much of value (of length bytes) fits between quotes. */
static size_t
fitting_length(const struct wire_line *line, const char *value, size_t length)
{
	char escape[4];
	size_t i, plain, need, room = room_left(line);

	if (room < 2)
		return (0);
	room -= 2;
	for (i = 0; i < length; i++) {
		plain = plain_length(value + i, length - i);
		if (plain > room)
			return (cut_length(value, i + room));
		i += plain;
		room -= plain;
		if (i == length)
			break;
		need = escape_byte((unsigned char)value[i], escape);
		if (need > room)
			return (cut_length(value, i));
		room -= need;
	}
	return (length);
}

static bool
is_bare(const char *value, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (value[i] <= ' ' || value[i] >= 0x7f || value[i] == '"' ||
		    value[i] == '\\')
			return (false);
	return (length > 0);
}

static void
put_quoted(struct wire_line *line, const struct wire_key_def *def,
    const char *value)
{
	size_t i, plain, length = strlen(value);
	char escape[4];

	if (length > def->max)
		length = cut_length(value, (size_t)def->max);
	length = fitting_length(line, value, length);
	if (length < def->min) {
		line->error = WIRE_E_BAD_VALUE;
		return;
	}
	if (is_bare(value, length)) {
		append(line, value, length);
		return;
	}
	append(line, "\"", 1);
	for (i = 0; i < length; i++) {
		plain = plain_length(value + i, length - i);
		append(line, value + i, plain);
		i += plain;
		if (i < length)
			append(line, escape,
			    escape_byte((unsigned char)value[i], escape));
	}
	append(line, "\"", 1);
}

void
wire_put_text(struct wire_line *line, unsigned key, const char *value)
{
	const struct wire_key_def *def = put_key(line, key);

	if (def == NULL)
		return;
	if (value == NULL || def->type == WIRE_UINT)
		line->error = WIRE_E_BAD_VALUE;
	else if (def->type == WIRE_TEXT)
		put_quoted(line, def, value);
	else if (wire_suits_type(def, value, strlen(value)))
		append(line, value, strlen(value));
	else
		line->error = WIRE_E_BAD_VALUE;
}

void
wire_put_keys_of(struct wire_line *line, const struct wire_line *other)
{
	size_t verb_length;

	if (line->error == WIRE_OK)
		line->error = other->error;
	if (line->error != WIRE_OK)
		return;
	if (line->grammar != other->grammar || line->verb != other->verb)
		line->error = WIRE_E_UNKNOWN_VERB;
	else if ((line->present & other->present) != 0)
		line->error = WIRE_E_DUPLICATE_KEY;
	if (line->error != WIRE_OK)
		return;
	verb_length = strlen(line->grammar->verbs[line->verb].name);
	append(line, other->bytes + verb_length, other->length - verb_length);
	line->present |= other->present;
}

enum wire_error
wire_end(struct wire_line *line)
{
	if (line->error == WIRE_OK &&
	    (line->grammar->verbs[line->verb].required & ~line->present) != 0)
		line->error = WIRE_E_MISSING_KEY;
	if (line->error == WIRE_OK)
		line->bytes[line->length++] = '\n';
	else
		line->length = 0; /* nothing of it can be sent by mistake */
	line->bytes[line->length] = '\0';
	return (line->error);
}
