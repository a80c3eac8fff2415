/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mount table and order: see mounts.h.  Pure: it must not look at the system.
 */
#include <stddef.h>
#include <string.h>

#include "mounts.h"

#define MOUNTS_DEPTH_MAX 8 /* of devices in files on devices in files ... */

const char *
mounts_result_text(enum mounts_result result)
{
	switch (result) {
	case MOUNTS_OK:
		return ("ok");
	case MOUNTS_SYNTAX:
		return ("the mount table cannot be read");
	case MOUNTS_TOO_MANY:
		return ("too many file systems");
	case MOUNTS_NOT_MOUNTED:
		return ("not a mount point");
	case MOUNTS_VETO:
		return ("vetoes");
	case MOUNTS_BACKING:
		return ("on a device that lies in a file nobody knows of");
	case MOUNTS_CYCLE:
		return ("on a device that lies in a file of its own");
	}
	return ("unknown");
}

/*
 * Cuts the word at *text off, which ends in a space or at the end of the line,
 * and steps behind it.  A word may be empty, as that of a mount without source
 * is.  NULL at the end of the line.
 */
static char *
next_word(char **text)
{
	char *word = *text, *end;

	if (word == NULL || *word == '\0')
		return (NULL);
	end = strchr(word, ' ');
	if (end == NULL) {
		*text = NULL;
	} else {
		*end = '\0';
		*text = end + 1;
	}
	return (word);
}

static bool
is_octal(const char *digits)
{
	int i;

	for (i = 0; i < 3; i++) {
		if (digits[i] < '0' || digits[i] > '7')
			return (false);
	}
	return (digits[0] <= '3');
}

/* The kernel writes space, tab, newline, '#' and '\' as \ooo. */
static void
unescape(char *text)
{
	char *out = text;

	while (*text != '\0') {
		if (text[0] == '\\' && is_octal(text + 1)) {
			*out++ = (char)((text[1] - '0') * 64 +
			    (text[2] - '0') * 8 + (text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* A decimal number up to the character end; steps behind it. */
static bool
parse_number(const char **text, char end, uint64_t *value)
{
	const char *digit = *text;

	*value = 0;
	for (; *digit >= '0' && *digit <= '9'; digit++) {
		if (*value > UINT32_MAX)
			return (false);
		*value = *value * 10 + (uint64_t)(*digit - '0');
	}
	if (digit == *text || *digit != end || *value > UINT32_MAX)
		return (false);
	*text = end == '\0' ? digit : digit + 1;
	return (true);
}

static bool
parse_device(const char *text, uint64_t *fs)
{
	uint64_t major, minor;

	if (!parse_number(&text, ':', &major) ||
	    !parse_number(&text, '\0', &minor))
		return (false);
	*fs = major << 32 | minor;
	return (true);
}

static bool
has_option(const char *options, const char *wanted)
{
	size_t length = strlen(wanted);

	while (options != NULL) {
		if (strncmp(options, wanted, length) == 0 &&
		    (options[length] == ',' || options[length] == '\0'))
			return (true);
		options = strchr(options, ',');
		if (options != NULL)
			options++;
	}
	return (false);
}

static bool
parse_line(char *line, struct mount_entry *entry)
{
	const char *device, *id, *options;
	char *point, *source, *type, *word;

	id = next_word(&line);
	if (next_word(&line) == NULL) /* parent */
		return (false);
	device = next_word(&line);
	if (next_word(&line) == NULL) /* root inside of the file system */
		return (false);
	point = next_word(&line);
	if (next_word(&line) == NULL) /* options of this mount */
		return (false);
	/* Any number of optional fields, then a dash. */
	do {
		word = next_word(&line);
		if (word == NULL)
			return (false);
	} while (strcmp(word, "-") != 0);
	type = next_word(&line);
	source = next_word(&line);
	options = next_word(&line);
	if (options == NULL || !parse_number(&id, '\0', &entry->id) ||
	    !parse_device(device, &entry->fs))
		return (false);
	unescape(point);
	unescape(source);
	entry->point = point;
	entry->type = type;
	entry->source = source;
	entry->read_only = has_option(options, "ro");
	return (true);
}

enum mounts_result
mounts_parse_linux(char *text, struct mount_entry *entries, unsigned max,
    unsigned *count)
{
	char *line, *next;

	*count = 0;
	for (line = text; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		if (next == NULL)
			return (MOUNTS_SYNTAX);
		*next++ = '\0';
		if (*count == max)
			return (MOUNTS_TOO_MANY);
		if (!parse_line(line, &entries[*count]))
			return (MOUNTS_SYNTAX);
		(*count)++;
	}
	return (MOUNTS_OK);
}

bool
mounts_is_sync(const struct mount_plan *plan, unsigned entry)
{
	unsigned i;

	for (i = 0; i < plan->nsyncs; i++) {
		if (plan->syncs[i] == entry)
			return (true);
	}
	return (false);
}

/*
 * Does the device of inner lie, at any depth, in a file of holder?  depth
 * limits the search where backings go in a circle.
 */
static bool
lies_on(const struct mount_backing *backings, unsigned nbackings,
    uint64_t inner, uint64_t holder, unsigned depth)
{
	unsigned i;

	for (i = 0; i < nbackings; i++) {
		if (backings[i].inner != inner || !backings[i].known)
			continue;
		if (backings[i].holder == holder)
			return (true);
		if (depth > 0 && backings[i].holder != inner &&
		    lies_on(backings, nbackings, backings[i].holder, holder,
			depth - 1))
			return (true);
	}
	return (false);
}

/* Is anything on the way down from inner unknown? */
static bool
has_unknown(const struct mount_backing *backings, unsigned nbackings,
    uint64_t inner)
{
	unsigned i;

	for (i = 0; i < nbackings; i++) {
		if (!backings[i].known &&
		    (backings[i].inner == inner ||
			lies_on(backings, nbackings, inner, backings[i].inner,
			    MOUNTS_DEPTH_MAX)))
			return (true);
	}
	return (false);
}

/* Does anything of the plan's first part lie on the candidate? */
static bool
holds_any(const struct mount_entry *entries,
    const struct mount_backing *backings, unsigned nbackings,
    const unsigned *among, unsigned count, unsigned candidate)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		if (lies_on(backings, nbackings, entries[among[i]].fs,
			entries[candidate].fs, MOUNTS_DEPTH_MAX))
			return (true);
	}
	return (false);
}

/* What is synced, but holds what is frozen, has its place in the order too. */
static void
add_holders(const struct mount_entry *entries,
    const struct mount_backing *backings, unsigned nbackings,
    struct mount_plan *plan)
{
	unsigned freezing = plan->count, i;

	for (i = 0; i < plan->nsyncs; i++) {
		if (holds_any(entries, backings, nbackings, plan->order,
			freezing, plan->syncs[i]))
			plan->order[plan->count++] = plan->syncs[i];
	}
}

enum mounts_result
mounts_order(const struct mount_entry *entries,
    const struct mount_backing *backings, unsigned nbackings,
    struct mount_plan *plan, unsigned *culprit)
{
	unsigned left[MOUNTS_FREEZE_MAX + MOUNTS_SYNC_MAX];
	unsigned count, i;

	add_holders(entries, backings, nbackings, plan);
	/* A single one has nothing to be ordered against. */
	for (i = 0; plan->count > 1 && i < plan->count; i++) {
		*culprit = plan->order[i];
		if (has_unknown(backings, nbackings, entries[*culprit].fs))
			return (MOUNTS_BACKING);
	}
	count = plan->count;
	memcpy(left, plan->order, count * sizeof(left[0]));
	plan->count = 0;
	while (count > 0) {
		*culprit = left[0];
		/* Nothing that is still to be frozen may lie on it. */
		for (i = 0; i < count; i++) {
			if (!holds_any(entries, backings, nbackings, left,
				count, left[i]))
				break;
		}
		if (i == count)
			return (MOUNTS_CYCLE);
		plan->order[plan->count++] = left[i];
		count--;
		memmove(&left[i], &left[i + 1], (count - i) * sizeof(left[0]));
	}
	return (MOUNTS_OK);
}
