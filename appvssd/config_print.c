/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A configuration as the file that says it: every word, with accounts as
 * numbers.  The same configuration makes the same bytes.
 */
#include <sys/types.h>

#include <inttypes.h>

#include "config.h"
#include "config_words.h"

static void
print_text(FILE *file, const char *text)
{
	const char *at;

	(void)fputc('"', file);
	for (at = text; *at != '\0'; at++) {
		if (*at == '"' || *at == '\\' || *at == '$')
			(void)fprintf(file, "\\%c", *at);
		else if (*at < ' ' || *at > '~')
			(void)fprintf(file, "\\x%02x", (unsigned char)*at);
		else
			(void)fputc(*at, file);
	}
	(void)fputc('"', file);
}

static void
print_word(FILE *file, const struct config *config,
    const struct config_word *word)
{
	(void)fprintf(file, "%s = ", word->name);
	switch (word->type) {
	case CONFIG_NUMBER:
		(void)fprintf(file, "%" PRIu32,
		    config_get_number(word, config));
		break;
	case CONFIG_MODE:
		(void)fprintf(file, "0%" PRIo32,
		    config_get_number(word, config));
		break;
	case CONFIG_LEVEL:
		print_text(file,
		    config_level_word(config_get_number(word, config)));
		break;
	case CONFIG_TEXT:
		print_text(file, config_get_text(word, config));
		break;
	case CONFIG_BOOL:
	case CONFIG_TEXTS: /* in sections only */
		break;
	}
	(void)fputc('\n', file);
}

static void
print_participant(FILE *file, const struct config_participant *participant)
{
	(void)fputs("participant ", file);
	print_text(file, participant->name);
	(void)fprintf(file,
	    " {\n\tuser = %lu\n\trequired = %s\n\texpect = %s\n",
	    (unsigned long)participant->uid,
	    participant->required ? "true" : "false",
	    participant->expect ? "true" : "false");
	if (participant->has_order)
		(void)fprintf(file, "\torder = %u\n", participant->order);
	if (participant->freeze_ms != 0)
		(void)fprintf(file, "\tfreeze_ms = %" PRIu32 "\n",
		    participant->freeze_ms);
	if (participant->thaw_ms != 0)
		(void)fprintf(file, "\tthaw_ms = %" PRIu32 "\n",
		    participant->thaw_ms);
	(void)fputs("}\n", file);
}

/* The beginning of a list, or what separates its items. */
static void
print_next(FILE *file, const char *word, size_t number)
{
	if (number == 0)
		(void)fprintf(file, "\t%s = {", word);
	else
		(void)fputs(", ", file);
}

static void
print_end(FILE *file, size_t count)
{
	if (count > 0)
		(void)fputs("}\n", file);
}

static void
print_access(FILE *file, const struct config_access *access)
{
	size_t count = 0, i;

	(void)fputs("access ", file);
	print_text(file, access->title);
	(void)fputs(" {\n", file);
	if (access->anyone) {
		print_next(file, "user", count++);
		print_text(file, CONFIG_ANYONE);
	}
	for (i = 0; i < access->nuids; i++) {
		print_next(file, "user", count++);
		(void)fprintf(file, "%lu", (unsigned long)access->uids[i]);
	}
	print_end(file, count);
	for (i = 0; i < access->ngids; i++) {
		print_next(file, "group", i);
		(void)fprintf(file, "%lu", (unsigned long)access->gids[i]);
	}
	print_end(file, access->ngids);
	for (i = 0, count = 0; config_role_word(i) != NULL; i++) {
		if ((access->roles & (1u << i)) == 0)
			continue;
		print_next(file, "roles", count++);
		(void)fputs(config_role_word(i), file);
	}
	print_end(file, count);
	for (i = 0; i < access->nnames; i++) {
		print_next(file, "names", i);
		print_text(file, access->names[i]);
	}
	print_end(file, access->nnames);
	(void)fputs("}\n", file);
}

int
config_print(const struct config *config, FILE *file)
{
	size_t i;

	for (i = 0; i < config_top.nwords; i++)
		print_word(file, config, &config_top.words[i]);
	for (i = 0; i < config->nparticipants; i++)
		print_participant(file, &config->participants[i]);
	for (i = 0; i < config->naccess; i++)
		print_access(file, &config->access[i]);
	return (fflush(file) == 0 && ferror(file) == 0 ? 0 : -1);
}
