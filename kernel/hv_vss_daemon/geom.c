/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the text of kern.geom.conftxt: see geom.h.  Pure.  A line is
 * "DEPTH CLASS NAME SIZE SECTORSIZE ...", and that of an md(4) provider goes on
 * with " t TYPE", for a file " file PATH", then " label LABEL" (geom_dump.c and
 * md.c of FreeBSD; PATH is written as it is, spaces included).  A volume's line
 * is "0 ZFS::ZVOL zvol/POOL/NAME ..." (zvol_os.c of OpenZFS).
 */
#include <stdbool.h>
#include <string.h>

#include "geom.h"

struct line {
	const char *start;
	size_t length;
};

static const char *
next_line(const char *text, struct line *line)
{
	const char *end;

	end = strchr(text, '\n');
	line->start = text;
	line->length = end == NULL ? strlen(text) : (size_t)(end - text);
	return (text + line->length + (end == NULL ? 0 : 1));
}

/* Word number n of a line, counted from 0; its length is 0 if there is none. */
static struct line
word(const struct line *line, unsigned n)
{
	struct line found = { line->start, 0 };
	const char *end = line->start + line->length;

	for (;; n--) {
		found.length = 0;
		while (found.start + found.length < end &&
		    found.start[found.length] != ' ')
			found.length++;
		if (n == 0 || found.start + found.length == end)
			break;
		found.start += found.length + 1;
	}
	if (n > 0)
		found.length = 0;
	return (found);
}

static bool
word_is(const struct line *line, unsigned n, const char *text)
{
	struct line found = word(line, n);

	return (found.length == strlen(text) &&
	    strncmp(found.start, text, found.length) == 0);
}

/* The first, or with last the last, place of text in a line; NULL if none. */
static const char *
find_in(const struct line *line, const char *text, bool last)
{
	size_t i, length = strlen(text);
	const char *found = NULL;

	for (i = 0; i + length <= line->length; i++) {
		if (strncmp(line->start + i, text, length) != 0)
			continue;
		found = line->start + i;
		if (!last)
			break;
	}
	return (found);
}

static bool
is_md_file(const struct line *root)
{
	return (
	    word_is(root, 1, "MD") && find_in(root, " t vnode", false) != NULL);
}

static bool
is_volume(const struct line *root)
{
	return (word_is(root, 1, "ZFS::ZVOL"));
}

static enum geom_found
copy_name(const char *start, const char *end, char *name, size_t size,
    enum geom_found found)
{
	if (end <= start || (size_t)(end - start) >= size)
		return (GEOM_UNKNOWN);
	memcpy(name, start, (size_t)(end - start));
	name[end - start] = '\0';
	return (found);
}

static enum geom_found
copy_volume(const struct line *root, char *name, size_t size)
{
	static const char prefix[] = "zvol/";
	const size_t skip = sizeof(prefix) - 1;
	struct line provider = word(root, 2);

	if (provider.length <= skip ||
	    strncmp(provider.start, prefix, skip) != 0)
		return (GEOM_UNKNOWN);
	return (copy_name(provider.start + skip,
	    provider.start + provider.length, name, size, GEOM_VOLUME));
}

static enum geom_found
copy_file(const struct line *root, char *file, size_t size)
{
	const char *end, *start;

	if (is_volume(root))
		return (copy_volume(root, file, size));
	if (!is_md_file(root))
		return (GEOM_DISK);
	start = find_in(root, " file ", false);
	/* A label may not hold " label ", a path may. */
	end = find_in(root, " label ", true);
	if (end == NULL)
		end = find_in(root, " label", true);
	if (start == NULL)
		return (GEOM_UNKNOWN);
	start += strlen(" file ");
	if (end == NULL)
		end = root->start + root->length;
	return (copy_name(start, end, file, size, GEOM_FILE));
}

enum geom_found
geom_find(const char *conftxt, const char *provider, unsigned occurrence,
    char *file, size_t size)
{
	struct line line, root = { conftxt, 0 };

	while (*conftxt != '\0') {
		conftxt = next_line(conftxt, &line);
		if (word_is(&line, 0, "0"))
			root = line;
		if (!word_is(&line, 2, provider))
			continue;
		if (occurrence-- == 0)
			return (copy_file(&root, file, size));
	}
	return (GEOM_NOTHING);
}

int
geom_has_holders(const char *conftxt)
{
	struct line line;

	while (*conftxt != '\0') {
		conftxt = next_line(conftxt, &line);
		if (word_is(&line, 0, "0") &&
		    (is_md_file(&line) || is_volume(&line)))
			return (1);
	}
	return (0);
}
