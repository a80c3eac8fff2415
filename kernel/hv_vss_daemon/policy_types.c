/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Known file-system types, and why their default is what it is; and all reasons
 * in words.  Pure, see policy_types.h.
 */
#include <stddef.h>
#include <string.h>

#include "policy_types.h"

#define FREEZES	 "can be frozen"
#define KERNEL	 "made by the kernel, holds no data"
#define MEMORY	 "in memory, not on a disk"
#define READONLY "never written"
#define NETWORK	 "on another machine"
#define LAYER	 "keeps its data on other file systems"
#define NOFREEZE "cannot be frozen, but written out"
#define NOTHING	 "can neither be frozen nor be relied on when written out"

/* What kernels implement freezing for, and what they do not. */
static const struct policy_type linux_types[] = {
	{ "ext2", POLICY_FREEZE, false, FREEZES },
	{ "ext3", POLICY_FREEZE, false, FREEZES },
	{ "ext4", POLICY_FREEZE, false, FREEZES },
	{ "xfs", POLICY_FREEZE, false, FREEZES },
	{ "btrfs", POLICY_FREEZE, false, FREEZES },
	{ "f2fs", POLICY_FREEZE, false, FREEZES },
	{ "bcachefs", POLICY_FREEZE, false, FREEZES },
	{ "gfs2", POLICY_FREEZE, false, FREEZES },
	{ "jfs", POLICY_FREEZE, false, FREEZES },
	{ "nilfs2", POLICY_FREEZE, false, FREEZES },
	{ "reiserfs", POLICY_FREEZE, false, FREEZES },
	{ "vfat", POLICY_SYNC, false, NOFREEZE },
	{ "msdos", POLICY_SYNC, false, NOFREEZE },
	{ "exfat", POLICY_SYNC, false, NOFREEZE },
	{ "zfs", POLICY_SYNC, false, "always consistent on its disks" },
	{ "autofs", POLICY_IGNORE, false, KERNEL },
	{ "bdev", POLICY_IGNORE, false, KERNEL },
	{ "binfmt_misc", POLICY_IGNORE, false, KERNEL },
	{ "bpf", POLICY_IGNORE, false, KERNEL },
	{ "cgroup", POLICY_IGNORE, false, KERNEL },
	{ "cgroup2", POLICY_IGNORE, false, KERNEL },
	{ "configfs", POLICY_IGNORE, false, KERNEL },
	{ "cpuset", POLICY_IGNORE, false, KERNEL },
	{ "debugfs", POLICY_IGNORE, false, KERNEL },
	{ "devpts", POLICY_IGNORE, false, KERNEL },
	{ "efivarfs", POLICY_IGNORE, false, KERNEL },
	{ "fusectl", POLICY_IGNORE, false, KERNEL },
	{ "mqueue", POLICY_IGNORE, false, KERNEL },
	{ "nfsd", POLICY_IGNORE, false, KERNEL },
	{ "nsfs", POLICY_IGNORE, false, KERNEL },
	{ "pipefs", POLICY_IGNORE, false, KERNEL },
	{ "proc", POLICY_IGNORE, false, KERNEL },
	{ "pstore", POLICY_IGNORE, false, KERNEL },
	{ "resctrl", POLICY_IGNORE, false, KERNEL },
	{ "rpc_pipefs", POLICY_IGNORE, false, KERNEL },
	{ "securityfs", POLICY_IGNORE, false, KERNEL },
	{ "selinuxfs", POLICY_IGNORE, false, KERNEL },
	{ "smackfs", POLICY_IGNORE, false, KERNEL },
	{ "sysfs", POLICY_IGNORE, false, KERNEL },
	{ "tracefs", POLICY_IGNORE, false, KERNEL },
	{ "devtmpfs", POLICY_IGNORE, false, MEMORY },
	{ "hugetlbfs", POLICY_IGNORE, false, MEMORY },
	{ "ramfs", POLICY_IGNORE, false, MEMORY },
	{ "rootfs", POLICY_IGNORE, false, MEMORY },
	{ "tmpfs", POLICY_IGNORE, false, MEMORY },
	{ "cramfs", POLICY_IGNORE, false, READONLY },
	{ "erofs", POLICY_IGNORE, false, READONLY },
	{ "iso9660", POLICY_IGNORE, false, READONLY },
	{ "squashfs", POLICY_IGNORE, false, READONLY },
	{ "9p", POLICY_IGNORE, false, NETWORK },
	{ "afs", POLICY_IGNORE, false, NETWORK },
	{ "ceph", POLICY_IGNORE, false, NETWORK },
	{ "cifs", POLICY_IGNORE, false, NETWORK },
	{ "nfs", POLICY_IGNORE, false, NETWORK },
	{ "nfs4", POLICY_IGNORE, false, NETWORK },
	{ "smb3", POLICY_IGNORE, false, NETWORK },
	{ "virtiofs", POLICY_IGNORE, false, NETWORK },
	{ "ecryptfs", POLICY_IGNORE, true, LAYER },
	{ "fuse", POLICY_IGNORE, true, LAYER },
	{ "fuse.*", POLICY_IGNORE, true, LAYER },
	{ "overlay", POLICY_IGNORE, true, LAYER },
	{ "fuseblk", POLICY_VETO, true, NOTHING },
	{ "ntfs3", POLICY_VETO, true, NOTHING },
	{ NULL, POLICY_VETO, true, NULL },
};

/* UFSSUSPEND knows FFS only. */
static const struct policy_type freebsd_types[] = {
	{ "ufs", POLICY_FREEZE, false, FREEZES },
	{ "zfs", POLICY_SYNC, false, "always consistent on its disks" },
	{ "msdosfs", POLICY_SYNC, false, NOFREEZE },
	{ "autofs", POLICY_IGNORE, false, KERNEL },
	{ "devfs", POLICY_IGNORE, false, KERNEL },
	{ "fdescfs", POLICY_IGNORE, false, KERNEL },
	{ "linprocfs", POLICY_IGNORE, false, KERNEL },
	{ "linsysfs", POLICY_IGNORE, false, KERNEL },
	{ "mqueuefs", POLICY_IGNORE, false, KERNEL },
	{ "procfs", POLICY_IGNORE, false, KERNEL },
	{ "tmpfs", POLICY_IGNORE, false, MEMORY },
	{ "cd9660", POLICY_IGNORE, false, READONLY },
	{ "udf", POLICY_IGNORE, false, READONLY },
	{ "nfs", POLICY_IGNORE, false, NETWORK },
	{ "p9fs", POLICY_IGNORE, false, NETWORK },
	{ "smbfs", POLICY_IGNORE, false, NETWORK },
	{ "nullfs", POLICY_IGNORE, true, LAYER },
	{ "unionfs", POLICY_IGNORE, true, LAYER },
	{ NULL, POLICY_VETO, true, NULL },
};

const struct policy_type *
policy_find_type(enum mount_system system, const char *type)
{
	const struct policy_type *known;

	known = system == MOUNT_LINUX ? linux_types : freebsd_types;
	for (; known->type != NULL; known++) {
		if (policy_matches(known->type, type))
			return (known);
	}
	return (NULL);
}

/* Appends, as far as there is room. */
static void
put(char *text, size_t size, const char *more)
{
	size_t used = strlen(text), length = strlen(more);

	if (length > size - used - 1)
		length = size - used - 1;
	memcpy(text + used, more, length);
	text[used + length] = '\0';
}

static void
put_number(char *text, size_t size, unsigned number)
{
	char digits[16], *first = digits + sizeof(digits) - 1;

	*first = '\0';
	do {
		*--first = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(text, size, first);
}

static void
put_rule(char *text, size_t size, const struct policy_rule *rule)
{
	put(text, size, rule->is_mount ? "mount " : "type ");
	put(text, size, rule->pattern);
	put(text, size, " in line ");
	put_number(text, size, rule->line);
	put(text, size, " of the configuration");
}

const char *
policy_reason_text(const struct policy *policy,
    const struct mount_entry *entries, const struct policy_decision *decision,
    char *text, size_t size)
{
	const struct policy_type *known;
	const struct mount_entry *entry = &entries[decision->first];

	text[0] = '\0';
	switch (decision->reason) {
	case POLICY_BY_DEFAULT:
		known = policy_find_type(policy->system, entry->type);
		put(text, size, known == NULL ? "?" : known->why);
		break;
	case POLICY_UNKNOWN_TYPE:
		put(text, size, "writable, and of a type nothing is known of");
		break;
	case POLICY_BY_TYPE_RULE:
	case POLICY_BY_MOUNT_RULE:
		put_rule(text, size, &policy->rules[decision->rule]);
		break;
	case POLICY_IS_READ_ONLY:
		put(text, size, "mounted read-only");
		break;
	case POLICY_NOT_SELECTED:
		put(text, size, "not named with --mount");
		break;
	case POLICY_SELECTED_UNFIT:
		put(text, size,
		    "named with --mount, but read-only or to be ignored");
		break;
	case POLICY_CANNOT_FREEZE:
		put_rule(text, size, &policy->rules[decision->rule]);
		put(text, size, " says freeze, but this type cannot be frozen");
		break;
	case POLICY_BY_OTHER_MOUNT:
		put(text, size, "as at ");
		put(text, size, entries[decision->stricter].point);
		break;
	}
	return (text);
}
