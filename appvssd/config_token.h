/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tokens of appvssd.conf(5), a subset of what libConfuse's lexer takes.
 * For config_scan.c and config_token.c only.
 */
#ifndef CONFIG_TOKEN_H
#define CONFIG_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "config_mistakes.h"
#include "config_scan.h"

enum token_type {
	TOKEN_END,
	TOKEN_TEXT, /* bare or in quotes */
	TOKEN_SIGN, /* one of { } ( ) = , and + for += */
};

struct token {
	enum token_type type;
	char sign;
	bool bad; /* a text with a mistake that has been told */
	bool bare;
	size_t begin, end; /* bytes */
	unsigned line;
	char text[CONFIG_TEXT_MAX + 1];
};

struct reader {
	const char *in;
	char *out; /* a copy of in, where comments become blank */
	size_t length;
	size_t at;
	unsigned line;
	struct config_mistakes *mistakes;
};

/* Blanks bytes of out, but keeps the lines. */
void token_blank(struct reader *reader, size_t begin, size_t end);
void token_read(struct reader *reader, struct token *token);

#endif /* CONFIG_TOKEN_H */
