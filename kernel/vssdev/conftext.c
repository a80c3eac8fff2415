/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration text: see conftext.h.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conftext.h"

struct scan {
	char *at;
	char *end;
	unsigned line;
	unsigned opened_line; /* of the outermost section that is open */
	unsigned depth;	      /* of sections */
};

static bool
starts(const struct scan *scan, const char *mark)
{
	size_t length = strlen(mark);

	return ((size_t)(scan->end - scan->at) >= length &&
	    strncmp(scan->at, mark, length) == 0);
}

static void
step(struct scan *scan)
{
	scan->line += *scan->at == '\n';
	scan->at++;
}

static void
blank_to_end_of_line(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\n')
		*scan->at++ = ' ';
}

/* False if it has no end. */
static bool
blank_block(struct scan *scan)
{
	bool closed = false;
	unsigned i;

	/* Its first star is not the one of its end. */
	for (i = 0; i < 2; i++)
		*scan->at++ = ' ';
	while (scan->at < scan->end && !closed) {
		closed = starts(scan, "*/");
		if (closed)
			*scan->at++ = ' ';
		if (*scan->at != '\n')
			*scan->at = ' ';
		step(scan);
	}
	return (closed);
}

/* False if it has no end. */
static bool
skip_string(struct scan *scan)
{
	char quote = *scan->at;

	for (scan->at++; scan->at < scan->end; step(scan)) {
		if (*scan->at == quote) {
			scan->at++;
			return (true);
		}
		if (*scan->at == '\\' && scan->at + 1 < scan->end)
			step(scan);
	}
	return (false);
}

/* A word goes on over slashes: they begin no comment there. */
static void
skip_word(struct scan *scan)
{
	while (scan->at < scan->end && *scan->at != '\0' &&
	    strchr(" \t\r\n#\"'={}()+,*", *scan->at) == NULL)
		scan->at++;
}

static void
count_brace(struct scan *scan)
{
	if (*scan->at == '{') {
		if (scan->depth++ == 0)
			scan->opened_line = scan->line;
	} else if (scan->depth > 0) {
		scan->depth--;
	}
	scan->at++;
}

/* One thing of whatever kind.  NULL, or what is wrong with it. */
static const char *
take_next(struct scan *scan)
{
	switch (*scan->at) {
	case '\0':
		return ("a byte 0 is no text");
	case '#':
		blank_to_end_of_line(scan);
		return (NULL);
	case '"':
	case '\'':
		return (skip_string(scan) ? NULL : "this text is never closed");
	case '{':
	case '}':
		count_brace(scan);
		return (NULL);
	}
	if (starts(scan, "//"))
		blank_to_end_of_line(scan);
	else if (starts(scan, "/*"))
		return (
		    blank_block(scan) ? NULL : "this comment is never closed");
	else if (strchr(" \t\r\n=()+,*", *scan->at) != NULL)
		step(scan);
	else
		skip_word(scan);
	return (NULL);
}

const char *
conftext_blank(char *text, size_t length, unsigned *line)
{
	struct scan scan = { .at = text, .end = text + length, .line = 1 };
	const char *problem = NULL;

	while (scan.at < scan.end && problem == NULL) {
		*line = scan.line;
		problem = take_next(&scan);
	}
	if (problem == NULL && scan.depth > 0) {
		*line = scan.opened_line;
		problem = "this section is never closed";
	}
	return (problem);
}

int
conftext_open(struct conftext *conf, FILE *file)
{
	size_t length;

	memset(conf, 0, sizeof(*conf));
	/* An empty one would be no stream. */
	conf->text = malloc(CONFTEXT_MAX_BYTES + 1);
	if (conf->text == NULL)
		return (-1);
	length = fread(conf->text, 1, CONFTEXT_MAX_BYTES, file);
	if (ferror(file))
		return (-1);
	if (!feof(file)) {
		errno = EFBIG;
		return (-1);
	}
	conf->problem = conftext_blank(conf->text, length, &conf->line);
	if (conf->problem != NULL)
		return (-1);
	conf->text[length++] = '\n';
	conf->stream = fmemopen(conf->text, length, "r");
	return (conf->stream == NULL ? -1 : 0);
}

void
conftext_close(struct conftext *conf)
{
	if (conf->stream != NULL)
		(void)fclose(conf->stream);
	free(conf->text);
	memset(conf, 0, sizeof(*conf));
}
