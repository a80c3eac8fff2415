/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One text line to a message and back: the grammar of appvss-protocol(7).
 * Pure: no I/O, no allocation, no clock.  Which verbs and keys exist is said by
 * a grammar that the caller passes (proto.h has the public one).
 *
 *	line  = verb *( SP key "=" value ) LF	at most WIRE_LINE_MAX bytes
 *	verb  = 1*( "A".."Z" )	key = 1*( "a".."z" / "_" )
 *	value = bare word / double-quoted with \" \\ \n \t \xHH (never \x00)
 *
 * A bare word has at least one byte and none of space, quote, backslash and
 * control (below 0x20, and 0x7f).  Bytes from 0x80 on are accepted bare and
 * quoted; what is made here is printable ASCII only: the rest is escaped.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_LINE_MAX  4096 /* bytes, LF included */
#define WIRE_KEYS_MAX  64   /* keys in a grammar: they are bits of a mask */
#define WIRE_NAME_MAX  64   /* bytes in a value of type WIRE_NAME */
#define WIRE_PAIRS_MAX 64   /* keys in a line, unknown ones too; else grammar */

enum wire_error {
	WIRE_OK = 0,
	WIRE_E_GRAMMAR,	 /* not a line of the grammar: close the connection */
	WIRE_E_TOO_LONG, /* longer than WIRE_LINE_MAX: close the connection */
	WIRE_E_UNKNOWN_VERB, /* answer ERROR and go on, as for all below */
	WIRE_E_DUPLICATE_KEY,
	WIRE_E_MISSING_KEY, /* a required key */
	WIRE_E_BAD_VALUE, /* not of the key's type, or outside of its limits */
};

enum wire_type {
	WIRE_UINT, /* decimal, min..max, no sign, no leading zeros but "0" */
	WIRE_NAME, /* [A-Za-z0-9._-]{1,WIRE_NAME_MAX} */
	WIRE_WORD, /* [a-z0-9_]{1,WIRE_NAME_MAX}: enumerated values, error codes
		    */
	WIRE_TEXT, /* any bytes but NUL, min..max bytes when decoded */
};

struct wire_key_def {
	const char *name;
	enum wire_type type;
	uint64_t min; /* WIRE_UINT: value; WIRE_TEXT: bytes */
	uint64_t max;
};

struct wire_verb_def {
	const char *name;  /* NULL: this number is not a verb of this side */
	uint64_t required; /* WIRE_BIT()s of keys */
	uint64_t optional;
};

#define WIRE_BIT(key) (UINT64_C(1) << (key))

/* A verb's number is its index in verbs, a key's number its index in keys. */
struct wire_grammar {
	const struct wire_key_def *keys;
	unsigned nkeys; /* at most WIRE_KEYS_MAX */
	const struct wire_verb_def *verbs;
	unsigned nverbs;
};

/* A decoded line.  Strings lie in text, NUL-terminated. */
struct wire_msg {
	unsigned verb;
	uint64_t present; /* WIRE_BIT()s of the keys that were there */
	uint64_t numbers[WIRE_KEYS_MAX];
	uint16_t offsets[WIRE_KEYS_MAX];
	char text[WIRE_LINE_MAX];
	/* Of an error: the verb or key concerned, for the ERROR line; may be
	 * "". */
	char culprit[WIRE_NAME_MAX + 1];
};

/*
 * Decodes one line of length bytes, with or without its LF (nothing may follow
 * it).  Keys that the grammar, or this verb, does not know are ignored once
 * their syntax holds; a duplicate of any key is an error.  On error msg holds
 * verb (when known, else nverbs) and culprit only.
 */
enum wire_error wire_decode(const struct wire_grammar *grammar,
    const char *line, size_t length, struct wire_msg *msg)
    __attribute__((warn_unused_result));

/* Whether a decoded value may be the value of a key. */
bool wire_suits_type(const struct wire_key_def *def, const char *value,
    size_t length);

/* A lower-case word for an error ("grammar", "unknown_verb", ...). */
const char *wire_error_word(enum wire_error error);

bool wire_has(const struct wire_msg *msg, unsigned key);
/* The value, or the given one when the key was not there. */
uint64_t wire_get_uint(const struct wire_msg *msg, unsigned key,
    uint64_t otherwise);
const char *wire_get_text(const struct wire_msg *msg, unsigned key,
    const char *otherwise);

/*
 * A line being made.  Errors are sticky: a put that does not fit or does not
 * suit its key's type spoils the line, and wire_end says so.  A WIRE_TEXT value
 * that is longer than its limit, or than the room left, is cut instead (never
 * inside of an escape), because it is for people.
 */
struct wire_line {
	const struct wire_grammar *grammar;
	unsigned verb;
	uint64_t present;
	enum wire_error error;
	size_t length;
	char bytes[WIRE_LINE_MAX + 1]; /* NUL-terminated as well */
};

void wire_begin(struct wire_line *line, const struct wire_grammar *grammar,
    unsigned verb);
void wire_put_uint(struct wire_line *line, unsigned key, uint64_t value);
void wire_put_text(struct wire_line *line, unsigned key, const char *value);
/*
 * Puts the keys of another line of the same verb, which has not been ended:
 * what many lines have in common is made once.
 */
void wire_put_keys_of(struct wire_line *line, const struct wire_line *other);
/* Appends the LF.  WIRE_E_MISSING_KEY when a required key was not put. */
enum wire_error wire_end(struct wire_line *line)
    __attribute__((warn_unused_result));

#endif /* WIRE_H */
