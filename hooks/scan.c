/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of vss.d(7) on names, owners and modes.  Must do no I/O.
 */
#include <string.h>

#include "scan.h"

#define MODE_WRITABLE_BY_OTHERS 0022
#define MODE_EXECUTABLE		0111

static const char *const leftover_suffixes[] = { "~", ".bak", ".new", ".old",
	".orig", ".pkgnew", ".pkgsave", ".rej", ".rpmnew", ".rpmorig",
	".rpmsave", ".sample", ".save", ".swo", ".swp", ".tmp" };

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

static bool
ends_with(const char *name, const char *suffix)
{
	size_t name_length = strlen(name), suffix_length = strlen(suffix);

	return (name_length >= suffix_length &&
	    strcmp(name + name_length - suffix_length, suffix) == 0);
}

static bool
is_leftover(const char *name)
{
	size_t i;

	if (name[0] == '.' || name[0] == '#')
		return (true);
	if (strncmp(name, "README", 6) == 0)
		return (true);
	if (strstr(name, ".dpkg-") != NULL || strstr(name, ".ucf-") != NULL)
		return (true);
	for (i = 0; i < sizeof(leftover_suffixes) / sizeof(char *); i++)
		if (ends_with(name, leftover_suffixes[i]))
			return (true);
	return (false);
}

bool
scan_name_ok(const char *name)
{
	size_t length = strlen(name);

	return (length >= 1 && length <= SCAN_NAME_MAX &&
	    strspn(name,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789._-") == length);
}

int
scan_order(const char *name)
{
	if (!is_digit(name[0]) || !is_digit(name[1]) || name[2] != '-')
		return (SCAN_ORDER_DEFAULT);
	return ((name[0] - '0') * 10 + (name[1] - '0'));
}

/* Who may have written it. */
static enum scan_verdict
judge_trust(const struct scan_entry *entry, uint32_t trusted_uid)
{
	if (entry->uid != 0 && entry->uid != trusted_uid)
		return (SCAN_REFUSED_OWNER);
	if ((entry->mode & MODE_WRITABLE_BY_OTHERS) != 0)
		return (SCAN_REFUSED_WRITABLE);
	return (SCAN_RUN);
}

enum scan_verdict
scan_judge(const struct scan_entry *entry, uint32_t trusted_uid)
{
	if (is_leftover(entry->name) || entry->kind == SCAN_DIRECTORY)
		return (SCAN_LEFTOVER);
	/*
	 * A link is refused, not followed: the rules on owner and directory
	 * would say nothing of whoever can replace its target.
	 */
	if (entry->kind != SCAN_FILE)
		return (SCAN_REFUSED_KIND);
	if ((entry->mode & MODE_EXECUTABLE) == 0)
		return (SCAN_DISABLED);
	if (!scan_name_ok(entry->name))
		return (SCAN_REFUSED_NAME);
	return (judge_trust(entry, trusted_uid));
}

enum scan_verdict
scan_judge_directory(const struct scan_entry *directory, uint32_t trusted_uid)
{
	if (directory->kind != SCAN_DIRECTORY)
		return (SCAN_REFUSED_KIND);
	return (judge_trust(directory, trusted_uid));
}

bool
scan_is_refused(enum scan_verdict verdict)
{
	switch (verdict) {
	case SCAN_RUN:
	case SCAN_LEFTOVER:
	case SCAN_DISABLED:
		return (false);
	case SCAN_REFUSED_NAME:
	case SCAN_REFUSED_KIND:
	case SCAN_REFUSED_OWNER:
	case SCAN_REFUSED_WRITABLE:
	case SCAN_REFUSED_CONTENT:
		return (true);
	}
	return (true);
}

const char *
scan_verdict_text(enum scan_verdict verdict)
{
	switch (verdict) {
	case SCAN_RUN:
		return ("ready");
	case SCAN_LEFTOVER:
		return ("not a script");
	case SCAN_DISABLED:
		return ("not executable");
	case SCAN_REFUSED_NAME:
		return ("name is not of A-Za-z0-9._- or too long");
	case SCAN_REFUSED_KIND:
		return ("not of the right kind (symbolic link, device, ...)");
	case SCAN_REFUSED_OWNER:
		return ("owner is not root");
	case SCAN_REFUSED_WRITABLE:
		return ("writable by group or others");
	case SCAN_REFUSED_CONTENT:
		return ("what it says of itself is not understood");
	}
	return ("unknown");
}

int
scan_compare(int left_order, const char *left, int right_order,
    const char *right)
{
	if (left_order != right_order)
		return (left_order - right_order);
	return (strcmp(left, right));
}
