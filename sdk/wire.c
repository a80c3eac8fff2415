/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec of wire.h.  The only place where bytes of the socket protocol
 * become values.  Pure: it must not do I/O, allocate or look at a clock, and it
 * must not know what a verb means.
 */
#include <string.h>

#include "wire.h"

/* Where the decoder is, and what it has found so far. */
struct decoder {
	const struct wire_grammar *grammar;
	struct wire_msg *msg;
	const char *at;
	const char *end;
	size_t used;	       /* bytes of msg->text */
	enum wire_error error; /* the first that is not of the grammar */
	unsigned npairs;
	struct {
		const char *name;
		size_t length;
	} pairs[WIRE_PAIRS_MAX];
};

static bool
is_bare(unsigned char c)
{
	return (c > ' ' && c != '"' && c != '\\' && c != 0x7f);
}

static bool
is_name(unsigned char c)
{
	return ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-');
}

static bool
is_word(unsigned char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
}

static bool
has_only(const char *value, size_t length, enum wire_type type)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < length; i++) {
		c = (unsigned char)value[i];
		if (type == WIRE_NAME ? !is_name(c) : !is_word(c))
			return (false);
	}
	return (true);
}

/* Copies what fits: it goes into an ERROR line, for people. */
static void
set_culprit(struct wire_msg *msg, const char *name, size_t length)
{
	if (length > WIRE_NAME_MAX)
		length = WIRE_NAME_MAX;
	memcpy(msg->culprit, name, length);
	msg->culprit[length] = '\0';
}

/* The first error counts: the later ones may be its consequences. */
static void
note_error(struct decoder *decoder, enum wire_error error, const char *name,
    size_t length)
{
	if (decoder->error != WIRE_OK)
		return;
	decoder->error = error;
	set_culprit(decoder->msg, name, length);
}

/* Mostly the first byte decides.  length is not 0. */
static bool
name_equals(const char *name, const char *bytes, size_t length)
{
	return (name[0] == bytes[0] && strlen(name) == length &&
	    memcmp(name, bytes, length) == 0);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

/* After a backslash; -1 if it is no escape of the grammar. */
static int
decode_escape(struct decoder *decoder)
{
	int high, low;

	if (decoder->at == decoder->end)
		return (-1);
	switch (*decoder->at++) {
	case '"':
		return ('"');
	case '\\':
		return ('\\');
	case 'n':
		return ('\n');
	case 't':
		return ('\t');
	case 'x':
		if (decoder->end - decoder->at < 2)
			return (-1);
		high = hex_digit(decoder->at[0]);
		low = hex_digit(decoder->at[1]);
		decoder->at += 2;
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return (-1);
		return (high * 16 + low);
	default:
		return (-1);
	}
}

/*
 * Decodes a value to msg->text behind the values that are kept, with a NUL.
 * It always fits: every value is preceded by at least a space, one letter and
 * an equals sign, and no escape is shorter than what it stands for.
 */
static bool
decode_value(struct decoder *decoder, char *value, size_t *lengthp)
{
	size_t length = 0;
	int c;

	if (decoder->at < decoder->end && *decoder->at == '"') {
		decoder->at++;
		for (;;) {
			if (decoder->at == decoder->end)
				return (false);
			c = (unsigned char)*decoder->at++;
			if (c == '"')
				break;
			if (c == '\\')
				c = decode_escape(decoder);
			else if (c < ' ' || c == 0x7f)
				return (false);
			if (c < 0)
				return (false);
			value[length++] = (char)c;
		}
	} else {
		while (decoder->at < decoder->end &&
		    is_bare((unsigned char)*decoder->at))
			value[length++] = *decoder->at++;
		if (length == 0)
			return (false);
	}
	value[length] = '\0';
	*lengthp = length;
	return (decoder->at == decoder->end || *decoder->at == ' ');
}

static bool
parse_uint(const char *value, size_t length, uint64_t *numberp)
{
	uint64_t digit, number = 0;
	size_t i;

	if (length == 0 || (length > 1 && value[0] == '0'))
		return (false);
	for (i = 0; i < length; i++) {
		if (value[i] < '0' || value[i] > '9')
			return (false);
		digit = (uint64_t)(value[i] - '0');
		if (number > (UINT64_MAX - digit) / 10)
			return (false);
		number = number * 10 + digit;
	}
	*numberp = number;
	return (true);
}

bool
wire_suits_type(const struct wire_key_def *def, const char *value,
    size_t length)
{
	uint64_t number;

	switch (def->type) {
	case WIRE_UINT:
		return (parse_uint(value, length, &number) &&
		    number >= def->min && number <= def->max);
	case WIRE_NAME:
	case WIRE_WORD:
		return (length >= 1 && length <= WIRE_NAME_MAX &&
		    has_only(value, length, def->type));
	case WIRE_TEXT:
		return (length >= def->min && length <= def->max);
	}
	return (false);
}

/* Keeps the value at msg->text[used] if this verb has the key. */
static void
store_value(struct decoder *decoder, const char *name, size_t name_length,
    size_t length)
{
	const struct wire_grammar *grammar = decoder->grammar;
	const struct wire_verb_def *verb;
	struct wire_msg *msg = decoder->msg;
	const char *value = msg->text + decoder->used;
	unsigned key;

	if (msg->verb == grammar->nverbs)
		return;
	verb = &grammar->verbs[msg->verb];
	for (key = 0; key < grammar->nkeys; key++)
		if (name_equals(grammar->keys[key].name, name, name_length))
			break;
	if (key == grammar->nkeys ||
	    ((verb->required | verb->optional) & WIRE_BIT(key)) == 0)
		return;
	if (!wire_suits_type(&grammar->keys[key], value, length)) {
		note_error(decoder, WIRE_E_BAD_VALUE, name, name_length);
		return;
	}
	msg->present |= WIRE_BIT(key);
	if (grammar->keys[key].type == WIRE_UINT) {
		(void)parse_uint(value, length, &msg->numbers[key]);
		return;
	}
	msg->offsets[key] = (uint16_t)decoder->used;
	decoder->used += length + 1;
}

/* key=value, without the space before it. */
static bool
decode_pair(struct decoder *decoder)
{
	const char *name = decoder->at;
	size_t name_length, length;
	unsigned i;

	while (decoder->at < decoder->end &&
	    ((*decoder->at >= 'a' && *decoder->at <= 'z') ||
		*decoder->at == '_'))
		decoder->at++;
	name_length = (size_t)(decoder->at - name);
	if (name_length == 0 || decoder->at == decoder->end ||
	    *decoder->at++ != '=' || decoder->npairs == WIRE_PAIRS_MAX ||
	    !decode_value(decoder, decoder->msg->text + decoder->used,
		&length)) {
		set_culprit(decoder->msg, name, name_length);
		return (false);
	}
	for (i = 0; i < decoder->npairs; i++)
		if (decoder->pairs[i].length == name_length &&
		    memcmp(decoder->pairs[i].name, name, name_length) == 0) {
			note_error(decoder, WIRE_E_DUPLICATE_KEY, name,
			    name_length);
			return (true);
		}
	decoder->pairs[decoder->npairs].name = name;
	decoder->pairs[decoder->npairs++].length = name_length;
	store_value(decoder, name, name_length, length);
	return (true);
}

static bool
decode_verb(struct decoder *decoder)
{
	const struct wire_grammar *grammar = decoder->grammar;
	const char *name = decoder->at;
	size_t length;
	unsigned verb;

	while (decoder->at < decoder->end && *decoder->at >= 'A' &&
	    *decoder->at <= 'Z')
		decoder->at++;
	length = (size_t)(decoder->at - name);
	if (length == 0 || (decoder->at != decoder->end && *decoder->at != ' '))
		return (false);
	for (verb = 0; verb < grammar->nverbs; verb++)
		if (grammar->verbs[verb].name != NULL &&
		    name_equals(grammar->verbs[verb].name, name, length))
			break;
	decoder->msg->verb = verb;
	if (verb == grammar->nverbs)
		note_error(decoder, WIRE_E_UNKNOWN_VERB, name, length);
	return (true);
}

static void
check_required(struct decoder *decoder)
{
	const struct wire_grammar *grammar = decoder->grammar;
	uint64_t missing;
	unsigned key;

	if (decoder->msg->verb == grammar->nverbs)
		return;
	missing = grammar->verbs[decoder->msg->verb].required &
	    ~decoder->msg->present;
	for (key = 0; key < grammar->nkeys; key++)
		if ((missing & WIRE_BIT(key)) != 0) {
			note_error(decoder, WIRE_E_MISSING_KEY,
			    grammar->keys[key].name,
			    strlen(grammar->keys[key].name));
			return;
		}
}

enum wire_error
wire_decode(const struct wire_grammar *grammar, const char *line, size_t length,
    struct wire_msg *msg)
{
	struct decoder decoder;

	msg->verb = grammar->nverbs;
	msg->present = 0;
	msg->culprit[0] = '\0';
	if (length > 0 && line[length - 1] == '\n')
		length--;
	if (length > WIRE_LINE_MAX - 1)
		return (WIRE_E_TOO_LONG);

	decoder.grammar = grammar;
	decoder.msg = msg;
	decoder.at = line;
	decoder.end = line + length;
	decoder.used = 0;
	decoder.error = WIRE_OK;
	decoder.npairs = 0;
	if (!decode_verb(&decoder))
		return (WIRE_E_GRAMMAR);
	/*
	 * A line that breaks the grammar further on is that above all, because
	 * it costs the connection: so read on after other errors.
	 */
	while (decoder.at < decoder.end) {
		decoder.at++; /* the space that ended the word before */
		if (!decode_pair(&decoder)) {
			decoder.error = WIRE_E_GRAMMAR;
			break;
		}
	}
	if (decoder.error == WIRE_OK)
		check_required(&decoder);
	if (decoder.error != WIRE_OK)
		msg->present = 0;
	return (decoder.error);
}

const char *
wire_error_word(enum wire_error error)
{
	switch (error) {
	case WIRE_OK:
		return ("ok");
	case WIRE_E_GRAMMAR:
		return ("grammar");
	case WIRE_E_TOO_LONG:
		return ("too_long");
	case WIRE_E_UNKNOWN_VERB:
		return ("unknown_verb");
	case WIRE_E_DUPLICATE_KEY:
		return ("duplicate_key");
	case WIRE_E_MISSING_KEY:
		return ("missing_key");
	case WIRE_E_BAD_VALUE:
		return ("bad_value");
	}
	return ("grammar");
}

bool
wire_has(const struct wire_msg *msg, unsigned key)
{
	return (key < WIRE_KEYS_MAX && (msg->present & WIRE_BIT(key)) != 0);
}

uint64_t
wire_get_uint(const struct wire_msg *msg, unsigned key, uint64_t otherwise)
{
	return (wire_has(msg, key) ? msg->numbers[key] : otherwise);
}

const char *
wire_get_text(const struct wire_msg *msg, unsigned key, const char *otherwise)
{
	return (wire_has(msg, key) ? msg->text + msg->offsets[key] : otherwise);
}
