/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mount table and policy: see mounts.h.  Pure: it must not look at the system.
 */
#include <stddef.h>
#include <string.h>

#include "mounts.h"

#define MOUNTS_DEPTH_MAX 8 /* of devices in files on devices in files ... */

struct rule {
	const char *type; /* ending in ".": every type that begins so */
	enum mount_policy policy;
	bool stacked;
};

/*
 * Freeze: kernels know freezing for these.  Ignore: no disk of this machine
 * behind it, or (overlay and the like) only file systems that have an entry of
 * their own.  What is missing here vetoes if it is writable.
 */
static const struct rule linux_rules[] = {
	{ "ext2", MOUNT_FREEZE, false },
	{ "ext3", MOUNT_FREEZE, false },
	{ "ext4", MOUNT_FREEZE, false },
	{ "xfs", MOUNT_FREEZE, false },
	{ "btrfs", MOUNT_FREEZE, false },
	{ "f2fs", MOUNT_FREEZE, false },
	{ "autofs", MOUNT_IGNORE, false },
	{ "bdev", MOUNT_IGNORE, false },
	{ "binfmt_misc", MOUNT_IGNORE, false },
	{ "bpf", MOUNT_IGNORE, false },
	{ "cgroup", MOUNT_IGNORE, false },
	{ "cgroup2", MOUNT_IGNORE, false },
	{ "configfs", MOUNT_IGNORE, false },
	{ "cpuset", MOUNT_IGNORE, false },
	{ "debugfs", MOUNT_IGNORE, false },
	{ "devpts", MOUNT_IGNORE, false },
	{ "devtmpfs", MOUNT_IGNORE, false },
	{ "efivarfs", MOUNT_IGNORE, false },
	{ "fusectl", MOUNT_IGNORE, false },
	{ "hugetlbfs", MOUNT_IGNORE, false },
	{ "mqueue", MOUNT_IGNORE, false },
	{ "nfsd", MOUNT_IGNORE, false },
	{ "nsfs", MOUNT_IGNORE, false },
	{ "pipefs", MOUNT_IGNORE, false },
	{ "proc", MOUNT_IGNORE, false },
	{ "pstore", MOUNT_IGNORE, false },
	{ "ramfs", MOUNT_IGNORE, false },
	{ "resctrl", MOUNT_IGNORE, false },
	{ "rootfs", MOUNT_IGNORE, false },
	{ "rpc_pipefs", MOUNT_IGNORE, false },
	{ "securityfs", MOUNT_IGNORE, false },
	{ "selinuxfs", MOUNT_IGNORE, false },
	{ "smackfs", MOUNT_IGNORE, false },
	{ "sysfs", MOUNT_IGNORE, false },
	{ "tmpfs", MOUNT_IGNORE, false },
	{ "tracefs", MOUNT_IGNORE, false },
	{ "cramfs", MOUNT_IGNORE, false },
	{ "erofs", MOUNT_IGNORE, false },
	{ "iso9660", MOUNT_IGNORE, false },
	{ "squashfs", MOUNT_IGNORE, false },
	{ "9p", MOUNT_IGNORE, false },
	{ "afs", MOUNT_IGNORE, false },
	{ "ceph", MOUNT_IGNORE, false },
	{ "cifs", MOUNT_IGNORE, false },
	{ "nfs", MOUNT_IGNORE, false },
	{ "nfs4", MOUNT_IGNORE, false },
	{ "smb3", MOUNT_IGNORE, false },
	{ "virtiofs", MOUNT_IGNORE, false },
	{ "ecryptfs", MOUNT_IGNORE, true },
	{ "fuse", MOUNT_IGNORE, true },
	{ "fuse.", MOUNT_IGNORE, true },
	{ "overlay", MOUNT_IGNORE, true },
	{ NULL, MOUNT_VETO, true },
};

static const struct rule freebsd_rules[] = {
	{ "ufs", MOUNT_FREEZE, false },
	{ "autofs", MOUNT_IGNORE, false },
	{ "devfs", MOUNT_IGNORE, false },
	{ "fdescfs", MOUNT_IGNORE, false },
	{ "linprocfs", MOUNT_IGNORE, false },
	{ "linsysfs", MOUNT_IGNORE, false },
	{ "mqueuefs", MOUNT_IGNORE, false },
	{ "procfs", MOUNT_IGNORE, false },
	{ "tmpfs", MOUNT_IGNORE, false },
	{ "cd9660", MOUNT_IGNORE, false },
	{ "udf", MOUNT_IGNORE, false },
	{ "nfs", MOUNT_IGNORE, false },
	{ "p9fs", MOUNT_IGNORE, false },
	{ "smbfs", MOUNT_IGNORE, false },
	{ "nullfs", MOUNT_IGNORE, true },
	{ "unionfs", MOUNT_IGNORE, true },
	{ NULL, MOUNT_VETO, true },
};

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
	case MOUNTS_REFUSED:
		return ("read-only, or of a type that is not frozen");
	case MOUNTS_UNKNOWN:
		return ("writable, and of a type that cannot be frozen");
	case MOUNTS_BACKING:
		return ("on a device that lies in a file nobody knows of");
	case MOUNTS_CYCLE:
		return ("on a device that lies in a file of its own");
	}
	return ("unknown");
}

static const struct rule *
find_rule(enum mount_system system, const char *type)
{
	const struct rule *rule;
	size_t length;

	rule = system == MOUNT_LINUX ? linux_rules : freebsd_rules;
	for (; rule->type != NULL; rule++) {
		length = strlen(rule->type);
		if (rule->type[length - 1] == '.' ?
			strncmp(type, rule->type, length) == 0 :
			strcmp(type, rule->type) == 0)
			break;
	}
	return (rule);
}

enum mount_policy
mounts_policy(enum mount_system system, const char *type)
{
	return (find_rule(system, type)->policy);
}

bool
mounts_type_is_stacked(enum mount_system system, const char *type)
{
	return (find_rule(system, type)->stacked);
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

static bool
plan_has(const struct mount_plan *plan, const struct mount_entry *entries,
    uint64_t fs)
{
	unsigned i;

	for (i = 0; i < plan->count; i++) {
		if (entries[plan->order[i]].fs == fs)
			return (true);
	}
	return (false);
}

static enum mounts_result
plan_add(struct mount_plan *plan, unsigned index)
{
	if (plan->count == MOUNTS_FREEZE_MAX)
		return (MOUNTS_TOO_MANY);
	plan->order[plan->count++] = index;
	return (MOUNTS_OK);
}

/* Of several mounts at one point the last hides the others. */
static bool
find_point(const struct mount_entry *entries, unsigned count, const char *point,
    unsigned *index)
{
	unsigned i;

	for (i = count; i-- > 0;) {
		if (strcmp(entries[i].point, point) == 0) {
			*index = i;
			return (true);
		}
	}
	return (false);
}

static enum mounts_result
choose_selected(enum mount_system system, const struct mount_entry *entries,
    unsigned count, const char *const *selected, unsigned nselected,
    struct mount_plan *plan, unsigned *culprit)
{
	enum mounts_result result;
	unsigned i, index, place;

	for (i = 0; i < nselected; i++) {
		*culprit = i;
		if (!find_point(entries, count, selected[i], &index))
			return (MOUNTS_NOT_MOUNTED);
		*culprit = index;
		if (entries[index].read_only ||
		    mounts_policy(system, entries[index].type) != MOUNT_FREEZE)
			return (MOUNTS_REFUSED);
		if (plan_has(plan, entries, entries[index].fs))
			continue;
		result = plan_add(plan, index);
		if (result != MOUNTS_OK)
			return (result);
		/* Last mounted first. */
		for (place = plan->count - 1;
		     place > 0 && plan->order[place - 1] < index; place--) {
			plan->order[place] = plan->order[place - 1];
		}
		plan->order[place] = index;
	}
	return (MOUNTS_OK);
}

static bool
is_first_mount(const struct mount_entry *entries, unsigned index)
{
	unsigned i;

	for (i = 0; i < index; i++) {
		if (entries[i].fs == entries[index].fs)
			return (false);
	}
	return (true);
}

static enum mounts_result
choose_all(enum mount_system system, const struct mount_entry *entries,
    unsigned count, struct mount_plan *plan, unsigned *culprit)
{
	enum mounts_result result;
	unsigned i;

	for (i = count; i-- > 0;) {
		*culprit = i;
		if (entries[i].read_only)
			continue;
		switch (mounts_policy(system, entries[i].type)) {
		case MOUNT_VETO:
			return (MOUNTS_UNKNOWN);
		case MOUNT_IGNORE:
			break;
		case MOUNT_FREEZE:
			if (!is_first_mount(entries, i))
				break;
			result = plan_add(plan, i);
			if (result != MOUNTS_OK)
				return (result);
			break;
		}
	}
	return (MOUNTS_OK);
}

enum mounts_result
mounts_choose(enum mount_system system, const struct mount_entry *entries,
    unsigned count, const char *const *selected, unsigned nselected,
    struct mount_plan *plan, unsigned *culprit)
{
	plan->count = 0;
	*culprit = 0;
	if (nselected > 0)
		return (choose_selected(system, entries, count, selected,
		    nselected, plan, culprit));
	return (choose_all(system, entries, count, plan, culprit));
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

/* May it freeze now: does nothing that is still to be frozen lie on it? */
static bool
is_free(const struct mount_entry *entries, const struct mount_backing *backings,
    unsigned nbackings, const struct mount_plan *left, unsigned candidate)
{
	unsigned i;

	for (i = 0; i < left->count; i++) {
		if (lies_on(backings, nbackings, entries[left->order[i]].fs,
			entries[candidate].fs, MOUNTS_DEPTH_MAX))
			return (false);
	}
	return (true);
}

enum mounts_result
mounts_order(const struct mount_entry *entries,
    const struct mount_backing *backings, unsigned nbackings,
    struct mount_plan *plan, unsigned *culprit)
{
	struct mount_plan left = *plan;
	unsigned i;

	/* A single one has nothing to be ordered against. */
	for (i = 0; plan->count > 1 && i < plan->count; i++) {
		*culprit = plan->order[i];
		if (has_unknown(backings, nbackings, entries[*culprit].fs))
			return (MOUNTS_BACKING);
	}
	plan->count = 0;
	while (left.count > 0) {
		*culprit = left.order[0];
		for (i = 0; i < left.count; i++) {
			if (is_free(entries, backings, nbackings, &left,
				left.order[i]))
				break;
		}
		if (i == left.count)
			return (MOUNTS_CYCLE);
		plan->order[plan->count++] = left.order[i];
		left.count--;
		for (; i < left.count; i++)
			left.order[i] = left.order[i + 1];
	}
	return (MOUNTS_OK);
}
