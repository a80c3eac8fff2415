/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a script of vss.d says of itself in comment lines at its beginning:
 *
 *	# appvss: order=20 timeout=5s required check user=postgres
 *
 * Pure: the caller reads the file.  A directive that is not understood is an
 * error, and then the script does not run: half of what somebody wanted is
 * worse than a snapshot that says so.
 */
#ifndef DIRECTIVE_H
#define DIRECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIRECTIVE_HEAD_MAX	 65536 /* bytes of a file that are looked at */
#define DIRECTIVE_USER_MAX	 32    /* bytes in the name of a user */
#define DIRECTIVE_TIMEOUT_MS_MAX 900000
#define DIRECTIVE_WORD_MAX	 40  /* bytes of a wrong word that are shown */
#define DIRECTIVE_TEXT_MAX	 160 /* of what the print functions write */

struct directive {
	int order;	     /* 0..99; -1: not said */
	uint32_t timeout_ms; /* of a freeze and of a check; 0: not said */
	bool required;
	bool check;			   /* knows the operation "check" */
	char user[DIRECTIVE_USER_MAX + 1]; /* "": not said */
};

enum directive_error {
	DIRECTIVE_OK,
	DIRECTIVE_E_WORD,  /* unknown */
	DIRECTIVE_E_ORDER, /* bad value, as the next two */
	DIRECTIVE_E_TIMEOUT,
	DIRECTIVE_E_USER,
	DIRECTIVE_E_VALUE, /* one that takes none has one */
	DIRECTIVE_E_TWICE, /* said a second time */
	DIRECTIVE_E_EMPTY, /* nothing after the colon */
	DIRECTIVE_E_LATE,  /* below the comments at the beginning */
	DIRECTIVE_E_CRLF,  /* a line's end as on DOS */
	DIRECTIVE_E_LONG,  /* the comments have no end in what was read */
};

/* Where and what, for directive_describe.  The word is printable ASCII. */
struct directive_mistake {
	enum directive_error error;
	unsigned line; /* from 1 */
	char word[DIRECTIVE_WORD_MAX + 1];
};

/* Everything unsaid. */
void directive_init(struct directive *directive);

/*
 * Reads the directives of a file that begins with text; is_whole: it has no
 * more.  *mistake is set unless DIRECTIVE_OK; then *directive is as after
 * directive_init.
 */
enum directive_error directive_parse(struct directive *directive,
    const char *text, size_t length, bool is_whole,
    struct directive_mistake *mistake) __attribute__((warn_unused_result));

/* Whether it can be the name of a user: [A-Za-z0-9._-], not "-" at first. */
bool directive_user_ok(const char *name);

/* For people: what is wrong, with line and word.  Returns text. */
const char *directive_describe(const struct directive_mistake *mistake,
    char text[DIRECTIVE_TEXT_MAX]);

/* As in a script, without "# appvss:"; "" if nothing is said.  Returns text. */
const char *directive_print(const struct directive *directive,
    char text[DIRECTIVE_TEXT_MAX]);

#endif /* DIRECTIVE_H */
