/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mistakes of a configuration: see config_mistakes.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"
#include "config_mistakes.h"

struct config_mistake {
	unsigned line;
	size_t number; /* in the order of finding */
	char text[400];
};

void
config_mistake(struct config_mistakes *mistakes, unsigned line,
    const char *format, ...)
{
	struct config_mistake *mistake;
	va_list args;

	mistakes->count++;
	if (mistakes->items == NULL)
		mistakes->items = malloc(
		    CONFIG_MISTAKES_MAX * sizeof(*mistakes->items));
	if (mistakes->items == NULL || mistakes->kept == CONFIG_MISTAKES_MAX)
		return;
	mistake = &mistakes->items[mistakes->kept];
	mistake->line = line;
	mistake->number = mistakes->kept++;
	va_start(args, format);
	(void)vsnprintf(mistake->text, sizeof(mistake->text), format, args);
	va_end(args);
}

bool
config_mistakes_has(const struct config_mistakes *mistakes, unsigned line)
{
	size_t i;

	for (i = 0; i < mistakes->kept; i++) {
		if (mistakes->items[i].line == line)
			return (true);
	}
	return (mistakes->kept < mistakes->count);
}

static int
compare(const void *a, const void *b)
{
	const struct config_mistake *one = a, *other = b;

	if (one->line != other->line)
		return (one->line < other->line ? -1 : 1);
	return (one->number < other->number ? -1 : 1);
}

void
config_mistakes_tell(struct config_mistakes *mistakes, const char *path,
    const struct config_complaints *complaints)
{
	const char *colon = path == NULL ? "" : ":";
	char text[1024];
	size_t i;

	if (path == NULL)
		path = "";
	if (mistakes->kept > 0)
		qsort(mistakes->items, mistakes->kept, sizeof(*mistakes->items),
		    compare);
	for (i = 0; i < mistakes->kept; i++) {
		if (mistakes->items[i].line == 0)
			(void)snprintf(text, sizeof(text), "%s%s%s", path,
			    path[0] == '\0' ? "" : ": ",
			    mistakes->items[i].text);
		else
			(void)snprintf(text, sizeof(text), "%s%s%u: %s", path,
			    colon, mistakes->items[i].line,
			    mistakes->items[i].text);
		complaints->complain(complaints->arg, text);
	}
	if (mistakes->count > mistakes->kept) {
		(void)snprintf(text, sizeof(text), "%s%s %zu more mistakes",
		    path, colon, mistakes->count - mistakes->kept);
		complaints->complain(complaints->arg, text);
	}
	free(mistakes->items);
	*mistakes = (struct config_mistakes) { .count = 0 };
}
