/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives of a script from any bytes.  The oracle: what is read is
 * printed, and read again from that it is the same; a mistake has a line of the
 * text, and its word and its description are printable; what follows the head
 * of a program is of no account.
 *
 * Built with libFuzzer by "make fuzz-directive"; replay.c runs the corpus
 * through the same function in "make check".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/directive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
check_text(const char *text)
{
	require(strlen(text) < DIRECTIVE_TEXT_MAX);
	for (; *text != '\0'; text++)
		require(*text >= ' ' && *text <= '~');
}

static void
check_mistake(const struct directive *directive,
    const struct directive_mistake *mistake, const uint8_t *data, size_t size)
{
	char text[DIRECTIVE_TEXT_MAX];
	struct directive nothing;
	unsigned lines = 1;
	size_t i;

	for (i = 0; i < size; i++)
		lines += data[i] == '\n';
	require(mistake->line >= 1 && mistake->line <= lines);
	check_text(mistake->word);
	check_text(directive_describe(mistake, text));
	directive_init(&nothing);
	require(memcmp(directive, &nothing, sizeof(nothing)) == 0);
}

static void
check_values(const struct directive *directive)
{
	char text[DIRECTIVE_TEXT_MAX], script[DIRECTIVE_TEXT_MAX + 32];
	struct directive_mistake mistake;
	struct directive again;

	require(directive->order >= -1 && directive->order <= 99);
	require(directive->timeout_ms <= DIRECTIVE_TIMEOUT_MS_MAX);
	require(
	    directive->user[0] == '\0' || directive_user_ok(directive->user));
	check_text(directive_print(directive, text));
	if (text[0] == '\0')
		return;
	(void)snprintf(script, sizeof(script), "#!/bin/sh\n#\tappvss: %s\nls\n",
	    text);
	require(directive_parse(&again, script, strlen(script), true,
		    &mistake) == DIRECTIVE_OK);
	require(again.order == directive->order &&
	    again.timeout_ms == directive->timeout_ms &&
	    again.required == directive->required &&
	    again.check == directive->check &&
	    strcmp(again.user, directive->user) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct directive_mistake mistake;
	struct directive directive;
	enum directive_error error;

	/* The first byte says whether that is all of the file. */
	if (size == 0)
		return (0);
	error = directive_parse(&directive, (const char *)data + 1, size - 1,
	    data[0] != 'p', &mistake);
	require(error == mistake.error);
	if (error != DIRECTIVE_OK)
		check_mistake(&directive, &mistake, data + 1, size - 1);
	else
		check_values(&directive);
	return (0);
}
