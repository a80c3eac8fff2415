/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount policy, on mount tables of both systems as they are in use: what is
 * frozen, synced or ignored, what vetoes and by which name, and what rules of a
 * configuration change.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_vss_daemon/policy.h"

#define ENTRIES_MAX 64

static char text[16384];
static struct mount_entry entries[ENTRIES_MAX];
static unsigned count;
static struct policy policy;
static struct policy_decision decisions[ENTRIES_MAX];
static struct mount_plan plan;
static unsigned culprit;

static void
load_linux(const char *mountinfo)
{
	memset(&policy, 0, sizeof(policy));
	policy.system = MOUNT_LINUX;
	ck_assert_uint_lt(strlen(mountinfo), sizeof(text));
	strcpy(text, mountinfo);
	ck_assert_int_eq(mounts_parse_linux(text, entries, ENTRIES_MAX, &count),
	    MOUNTS_OK);
}

/* As "mount -p" prints it; the file systems of one pool are one. */
static void
load_freebsd(const char *table)
{
	char *line, *next, *options;
	struct mount_entry *entry;
	size_t pool;
	unsigned i;

	memset(&policy, 0, sizeof(policy));
	policy.system = MOUNT_FREEBSD;
	strcpy(text, table);
	count = 0;
	for (line = strtok_r(text, "\n", &next); line != NULL;
	     line = strtok_r(NULL, "\n", &next)) {
		entry = &entries[count++];
		memset(entry, 0, sizeof(*entry));
		entry->source = strtok(line, " \t");
		entry->point = strtok(NULL, " \t");
		entry->type = strtok(NULL, " \t");
		options = strtok(NULL, " \t");
		entry->read_only = strncmp(options, "ro", 2) == 0;
		entry->fs = count;
		pool = strcspn(entry->source, "/");
		for (i = 0; i + 1 < count; i++) {
			if (strcmp(entry->type, "zfs") == 0 &&
			    strcmp(entries[i].type, "zfs") == 0 &&
			    strcspn(entries[i].source, "/") == pool &&
			    memcmp(entries[i].source, entry->source, pool) == 0)
				entry->fs = entries[i].fs;
		}
	}
}

static enum mounts_result
choose(void)
{
	policy_decide(&policy, entries, count, decisions);
	return (
	    policy_plan(&policy, entries, count, decisions, &plan, &culprit));
}

/* The plan as "/a: /c /b", what is synced and what is frozen. */
static const char *
planned(void)
{
	static char line[1024];
	unsigned i;

	line[0] = '\0';
	for (i = 0; i < plan.nsyncs; i++) {
		strcat(line, i > 0 ? " " : "");
		strcat(line, entries[plan.syncs[i]].point);
	}
	strcat(line, ":");
	for (i = 0; i < plan.count; i++) {
		strcat(line, " ");
		strcat(line, entries[plan.order[i]].point);
	}
	return (line);
}

static const struct policy_decision *
decision_at(const char *point)
{
	unsigned i;

	for (i = 0; i < count; i++) {
		if (strcmp(entries[i].point, point) == 0)
			return (&decisions[i]);
	}
	ck_abort_msg("%s is not in the table", point);
	return (NULL);
}

static const char *
why(const char *point)
{
	static char reason[256];

	return (policy_reason_text(&policy, entries, decision_at(point), reason,
	    sizeof(reason)));
}

static const char freebsd_ufs[] = "/dev/da0p2 / ufs rw 1 1\n"
				  "devfs /dev devfs rw 0 0\n"
				  "/dev/da0p4 /var ufs rw 2 2\n"
				  "tmpfs /tmp tmpfs rw 0 0\n"
				  "fdesc /dev/fd fdescfs rw 0 0\n"
				  "procfs /proc procfs rw 0 0\n"
				  "/dev/da1p1 /devel ufs rw 2 2\n"
				  "/dev/cd0 /cdrom cd9660 ro 0 0\n";

START_TEST(freebsd_ufs_only)
{
	load_freebsd(freebsd_ufs);
	ck_assert_int_eq(choose(), MOUNTS_OK);
	/* "/devel" is no device file system, whatever its name begins with. */
	ck_assert_str_eq(planned(), ": /devel /var /");
	ck_assert_int_eq(decision_at("/dev/fd")->policy, POLICY_IGNORE);
}
END_TEST

static const char freebsd_zfs[] = "zroot/ROOT/default / zfs rw 0 0\n"
				  "devfs /dev devfs rw 0 0\n"
				  "/dev/gpt/efiboot0 /boot/efi msdosfs rw 0 0\n"
				  "zroot/tmp /tmp zfs rw,nosuid 0 0\n"
				  "zroot/usr/home /usr/home zfs rw 0 0\n"
				  "zroot/var/log /var/log zfs rw,noexec 0 0\n"
				  "zroot /zroot zfs ro 0 0\n"
				  "tank /tank zfs rw 0 0\n"
				  "idle - zfs rw 0 0\n"
				  "/dev/da1p1 /db ufs rw 0 0\n";

START_TEST(freebsd_zfs_root_with_efi_partition)
{
	load_freebsd(freebsd_zfs);
	ck_assert_int_eq(choose(), MOUNTS_OK);
	/* Each pool once, and one that is imported without being mounted. */
	ck_assert_str_eq(planned(), "- /tank /boot/efi /: /db");
	ck_assert_str_eq(why("/boot/efi"), "cannot be frozen, but written out");
	ck_assert_str_eq(why("/zroot"), "as at /");
}
END_TEST

static const char freebsd_jails[] =
    "/dev/vtbd0p2 / ufs rw 1 1\n"
    "devfs /dev devfs rw 0 0\n"
    "/jails/base /jails/www nullfs ro 0 0\n"
    "/jails/rw/www /jails/www/s nullfs rw 0 0\n"
    "devfs /jails/www/dev devfs rw 0 0\n"
    "fdescfs /jails/www/dev/fd fdescfs rw 0 0\n"
    "procfs /jails/www/proc procfs rw 0 0\n"
    "<above>:/jails/rw/x /jails/x unionfs rw 0 0\n"
    "linprocfs /compat/linux/proc linprocfs rw 0 0\n"
    "linsysfs /compat/linux/sys linsysfs rw 0 0\n"
    "tmpfs /compat/linux/dev/shm tmpfs rw 0 0\n"
    "-hosts /net autofs rw 0 0\n";

START_TEST(freebsd_jails_with_nullfs)
{
	load_freebsd(freebsd_jails);
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), ": /");
	ck_assert_str_eq(why("/jails/www/s"),
	    "keeps its data on other file systems");
}
END_TEST

static const char freebsd_nfs[] = "/dev/da0p2 / ufs rw 1 1\n"
				  "filer:/home /home nfs rw,nfsv4 0 0\n"
				  "//u@host/share /share smbfs rw 0 0\n"
				  "/dev/da2s1 /stick ext2fs rw 0 0\n"
				  "/dev/da3s1 /old ext2fs ro 0 0\n";

START_TEST(freebsd_nfs_and_an_unknown_type)
{
	load_freebsd(freebsd_nfs);
	ck_assert_int_eq(choose(), MOUNTS_VETO);
	ck_assert_str_eq(entries[culprit].point, "/stick");
	ck_assert_str_eq(why("/stick"),
	    "writable, and of a type nothing is known of");
	entries[culprit].read_only = true;
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), ": /");
	ck_assert_int_eq(decision_at("/home")->policy, POLICY_IGNORE);
}
END_TEST

static const char linux_debian[] =
    "24 31 0:22 / /sys rw,nosuid,relatime shared:7 - sysfs sysfs rw\n"
    "25 31 0:23 / /proc rw,nosuid,relatime shared:12 - proc proc rw\n"
    "26 31 0:5 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=4k,mode=755\n"
    "27 26 0:24 / /dev/pts rw,nosuid shared:3 - devpts devpts rw,gid=5\n"
    "28 31 0:25 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=4k\n"
    "31 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "32 24 0:6 / /sys/kernel/security rw shared:8 - securityfs securityfs rw\n"
    "33 26 0:27 / /dev/shm rw,nosuid shared:4 - tmpfs tmpfs rw\n"
    "35 24 0:29 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    "36 24 0:30 / /sys/fs/pstore rw shared:10 - pstore pstore rw\n"
    "37 24 0:31 / /sys/firmware/efi/efivars rw - efivarfs efivarfs rw\n"
    "38 24 0:32 / /sys/fs/bpf rw shared:11 - bpf bpf rw,mode=700\n"
    "39 25 0:33 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw,fd=29\n"
    "40 26 0:21 / /dev/mqueue rw shared:14 - mqueue mqueue rw\n"
    "41 26 0:34 / /dev/hugepages rw shared:15 - hugetlbfs hugetlbfs rw\n"
    "42 24 0:7 / /sys/kernel/debug rw shared:16 - debugfs debugfs rw\n"
    "43 24 0:12 / /sys/kernel/tracing rw shared:17 - tracefs tracefs rw\n"
    "44 24 0:35 / /sys/fs/fuse/connections rw shared:18 - fusectl fusectl rw\n"
    "45 24 0:20 / /sys/kernel/config rw shared:19 - configfs configfs rw\n"
    "90 31 8:15 / /boot/efi rw,relatime shared:40 - vfat /dev/sda15 rw,utf8\n"
    "95 28 0:45 / /run/user/1000 rw shared:50 - tmpfs tmpfs rw,size=4k\n";

START_TEST(linux_debian_default)
{
	load_linux(linux_debian);
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), "/boot/efi: /");
}
END_TEST

static const char linux_containers[] =
    "31 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "50 31 0:50 / /var/lib/docker/overlay2/a/merged rw - overlay overlay "
    "rw,lowerdir=/l,upperdir=/u\n"
    "51 31 0:4 net:[1] /run/docker/netns/x rw - nsfs nsfs rw\n"
    "52 31 8:1 /var/lib/kubelet/pods/p/v /var/lib/kubelet/pods/p/sub rw - ext4 "
    "/dev/sda1 rw\n"
    "53 31 0:51 / /var/lib/kubelet/pods/p/secret rw - tmpfs tmpfs rw,size=4k\n"
    "54 31 0:52 / /mnt/s3 rw - fuse.s3fs s3fs rw,user_id=0\n"
    "55 31 7:3 / /snap/core22/1 ro - squashfs /dev/loop3 ro\n"
    "56 31 8:32 / /var/lib/docker/volumes/db rw - xfs /dev/sdc rw,prjquota\n";

START_TEST(linux_containers_with_overlay)
{
	load_linux(linux_containers);
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), ": /var/lib/docker/volumes/db /");
	ck_assert_str_eq(why("/snap/core22/1"), "mounted read-only");
	/* The bind mount is frozen with "/". */
	ck_assert_uint_eq(decision_at("/var/lib/kubelet/pods/p/sub")->first, 0);
}
END_TEST

static const char linux_btrfs[] =
    "31 1 0:26 /root / rw shared:1 - btrfs /dev/sda3 rw,subvol=/root\n"
    "40 31 0:26 /home /home rw shared:2 - btrfs /dev/sda3 rw,subvol=/home\n"
    "41 31 0:26 /var /var rw shared:3 - btrfs /dev/sda3 rw,subvol=/var\n"
    "42 31 0:26 /snap /snapshots ro - btrfs /dev/sda3 rw,subvol=/snap\n"
    "43 31 8:2 / /boot rw shared:4 - ext4 /dev/sda2 rw\n"
    "44 31 0:60 / /pool rw - zfs tank rw,xattr\n"
    "45 31 8:16 / /archive ro - ext4 /dev/sdb ro\n"
    "46 31 8:17 / /archive2 rw - ext4 /dev/sdb1 ro\n"
    "47 31 0:61 / /net rw - nfs4 host:/x rw,vers=4.2\n";

START_TEST(linux_btrfs_subvolumes_and_read_only_mounts)
{
	load_linux(linux_btrfs);
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), "/pool: /boot /");
	/* The file system counts, not the one mount of it. */
	ck_assert_int_eq(decision_at("/snapshots")->policy, POLICY_FREEZE);
	ck_assert_int_eq(decision_at("/archive2")->policy, POLICY_IGNORE);
}
END_TEST

START_TEST(an_unknown_writable_one_vetoes_by_name)
{
	load_linux("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"
		   "2 1 8:2 / /ntfs rw - fuseblk /dev/sda2 rw\n"
		   "3 1 8:3 / /new rw - newfs /dev/sda3 rw\n");
	ck_assert_int_eq(choose(), MOUNTS_VETO);
	ck_assert_str_eq(entries[culprit].point, "/new");
	entries[culprit].read_only = true;
	ck_assert_int_eq(choose(), MOUNTS_VETO);
	ck_assert_str_eq(entries[culprit].point, "/ntfs");
	entries[culprit].read_only = true;
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), ": /");
}
END_TEST

START_TEST(rules_come_before_defaults_and_mounts_before_types)
{
	static const struct policy_rule rules[] = {
		{ "xfs", false, POLICY_SYNC, 1 },
		{ "*", false, POLICY_VETO, 2 },
		{ "fuse.*", false, POLICY_IGNORE, 3 },
		{ "/var/*", true, POLICY_SYNC, 4 },
		{ "/var/lib/*", true, POLICY_VETO, 5 },
		{ "/var/lib/db", true, POLICY_IGNORE, 6 },
		/* However long it is. */
		{ "/var/lib/db*", true, POLICY_SYNC, 7 },
	};

	load_linux("1 0 8:1 / /x rw - xfs /dev/a rw\n"
		   "2 0 8:2 / /y rw - ext4 /dev/a rw\n"
		   "3 0 8:3 / /var/log rw - ext4 /dev/a rw\n"
		   "4 0 8:4 / /var/lib/x rw - ext4 /dev/a rw\n"
		   "5 0 8:5 / /var/lib/db rw - xfs /dev/a rw\n"
		   "6 0 0:6 / /f rw - fuse.x x rw\n"
		   "7 0 8:7 / /ro rw - ext4 /dev/a ro\n");
	policy.rules = rules;
	policy.nrules = 7;
	ck_assert_int_eq(choose(), MOUNTS_VETO);
	ck_assert_int_eq(decisions[0].policy, POLICY_SYNC);
	ck_assert_int_eq(decisions[1].policy, POLICY_VETO);
	ck_assert_str_eq(why("/y"), "type * in line 2 of the configuration");
	ck_assert_int_eq(decisions[2].policy, POLICY_SYNC);
	ck_assert_int_eq(decisions[3].policy, POLICY_VETO);
	ck_assert_int_eq(decisions[4].policy, POLICY_IGNORE);
	ck_assert_str_eq(why("/var/lib/db"),
	    "mount /var/lib/db in line 6 of the configuration");
	ck_assert_int_eq(decisions[5].policy, POLICY_IGNORE);
	/* What cannot be written to needs nothing, whatever the rules say. */
	ck_assert_int_eq(decisions[6].policy, POLICY_IGNORE);
}
END_TEST

/* The order of the rules says nothing. */
START_TEST(the_narrowest_rule_counts)
{
	static const struct policy_rule rules[] = {
		{ "/srv/data/a", true, POLICY_IGNORE, 1 },
		{ "/srv/data/*", true, POLICY_SYNC, 2 },
		{ "/srv/*", true, POLICY_VETO, 3 },
		{ "/srv/data/archive*", true, POLICY_FREEZE, 4 },
		{ "/srv/data/b", true, POLICY_FREEZE, 5 },
	};

	load_linux("1 0 8:1 / /srv/data/a rw - ext4 /dev/a rw\n"
		   "2 0 8:2 / /srv/data/b rw - ext4 /dev/b rw\n"
		   "3 0 8:3 / /srv/data/c rw - ext4 /dev/c rw\n"
		   "4 0 8:4 / /srv/data/archive1 rw - ext4 /dev/d rw\n"
		   "5 0 8:5 / /srv/x rw - ext4 /dev/e rw\n");
	policy.rules = rules;
	policy.nrules = 5;
	ck_assert_int_eq(choose(), MOUNTS_VETO);
	ck_assert_int_eq(decisions[0].policy, POLICY_IGNORE);
	ck_assert_int_eq(decisions[1].policy, POLICY_FREEZE);
	ck_assert_int_eq(decisions[2].policy, POLICY_SYNC);
	ck_assert_int_eq(decisions[3].policy, POLICY_FREEZE);
	ck_assert_int_eq(decisions[4].policy, POLICY_VETO);
}
END_TEST

START_TEST(a_file_system_has_the_strictest_of_its_mounts)
{
	static const struct policy_rule rules[] = {
		{ "/bind", true, POLICY_IGNORE, 1 },
		{ "/two/*", true, POLICY_SYNC, 2 },
	};

	load_linux("1 0 8:1 / / rw - ext4 /dev/a rw\n"
		   "2 0 8:1 /b /bind rw - ext4 /dev/a rw\n"
		   "3 0 8:2 / /two/a rw - ext4 /dev/b rw\n"
		   "4 0 8:2 / /two/b rw - ext4 /dev/b rw\n");
	policy.rules = rules;
	policy.nrules = 2;
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), "/two/a: /");
	ck_assert_str_eq(why("/bind"), "as at /");
	ck_assert_int_eq(decision_at("/bind")->policy, POLICY_FREEZE);

	/* Also if the strictest comes later. */
	load_linux("1 0 8:3 / /else rw - ext4 /dev/c rw\n"
		   "2 0 8:1 /b /bind rw - ext4 /dev/a rw\n"
		   "3 0 8:1 / / rw - ext4 /dev/a rw\n");
	policy.rules = rules;
	policy.nrules = 2;
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), ": /bind /else");
	ck_assert_str_eq(why("/bind"), "as at /");
}
END_TEST

START_TEST(freeze_for_what_cannot_freeze_is_a_veto)
{
	static const struct policy_rule rules[] = {
		{ "/*", true, POLICY_FREEZE, 9 },
	};

	load_freebsd("/dev/a /efi msdosfs rw 0 0\n");
	policy.rules = rules;
	policy.nrules = 1;
	ck_assert_int_eq(choose(), MOUNTS_VETO);
	ck_assert_str_eq(why("/efi"),
	    "mount /* in line 9 of the configuration says freeze, but this "
	    "type cannot be frozen");
	/* Linux has types that nobody here has heard of: it may be tried. */
	load_linux("1 0 8:1 / /new rw - newfs /dev/a rw\n");
	policy.rules = rules;
	policy.nrules = 1;
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), ": /new");
}
END_TEST

START_TEST(selected_points_only)
{
	const char *const some[] = { "/home", "/boot", "/" };
	const char *const absent[] = { "/boot", "/nowhere" };
	const char *const unfit[] = { "/net" };
	const char *const read_only[] = { "/archive" };

	load_linux(linux_btrfs);
	policy.selected = some;
	policy.nselected = 3;
	/* "/" and "/home" are one file system. */
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), ": /boot /");
	ck_assert_int_eq(decision_at("/pool")->reason, POLICY_NOT_SELECTED);
	policy.nselected = 2;
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(planned(), ": /boot /home");
	policy.selected = absent;
	ck_assert_int_eq(choose(), MOUNTS_NOT_MOUNTED);
	ck_assert_uint_eq(culprit, 1);
	policy.nselected = 1;
	policy.selected = unfit;
	ck_assert_int_eq(choose(), MOUNTS_VETO);
	ck_assert_str_eq(entries[culprit].point, "/net");
	policy.selected = read_only;
	ck_assert_int_eq(choose(), MOUNTS_VETO);
	ck_assert_str_eq(entries[culprit].point, "/archive");
	ck_assert_int_eq(decision_at("/archive")->reason,
	    POLICY_SELECTED_UNFIT);
}
END_TEST

START_TEST(a_selected_point_means_what_is_visible_there)
{
	const char *const mnt[] = { "/mnt" };

	load_linux("1 0 8:1 / /mnt rw - ext4 /dev/sda1 rw\n"
		   "2 1 8:2 / /mnt rw - xfs /dev/sda2 rw\n");
	policy.selected = mnt;
	policy.nselected = 1;
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_str_eq(entries[plan.order[0]].type, "xfs");
}
END_TEST

static void
fill(struct mount_entry *many, unsigned n, const char *type)
{
	unsigned i;

	for (i = 0; i < n; i++)
		many[i] = (struct mount_entry) { .point = "/x",
			.type = type,
			.source = "",
			.fs = i + 1 };
}

START_TEST(more_than_the_maximum_is_an_error)
{
	static struct mount_entry many[MOUNTS_FREEZE_MAX + 1];
	static struct policy_decision decided[MOUNTS_FREEZE_MAX + 1];
	static const char *const types[] = { "ext4", "vfat" };
	unsigned n, t;

	ck_assert_uint_eq(MOUNTS_FREEZE_MAX, MOUNTS_SYNC_MAX);
	policy = (struct policy) { .system = MOUNT_LINUX };
	for (t = 0; t < 2; t++) {
		for (n = MOUNTS_FREEZE_MAX; n <= MOUNTS_FREEZE_MAX + 1; n++) {
			fill(many, n, types[t]);
			policy_decide(&policy, many, n, decided);
			ck_assert_int_eq(policy_plan(&policy, many, n, decided,
					     &plan, &culprit),
			    n == MOUNTS_FREEZE_MAX ? MOUNTS_OK :
						     MOUNTS_TOO_MANY);
		}
	}
}
END_TEST

START_TEST(words_and_types)
{
	enum mount_policy found;

	ck_assert(policy_of_word("sync", &found));
	ck_assert_int_eq(found, POLICY_SYNC);
	ck_assert_str_eq(policy_word(POLICY_VETO), "veto");
	ck_assert(!policy_of_word("Freeze", &found));
	ck_assert(policy_can_freeze(MOUNT_LINUX, "btrfs"));
	ck_assert(!policy_can_freeze(MOUNT_LINUX, "vfat"));
	ck_assert(!policy_can_freeze(MOUNT_FREEBSD, "ext4"));
	ck_assert(policy_type_is_stacked(MOUNT_LINUX, "overlay"));
	ck_assert(policy_type_is_stacked(MOUNT_LINUX, "unheard"));
	ck_assert(policy_type_is_stacked(MOUNT_FREEBSD, "nullfs"));
	ck_assert(!policy_type_is_stacked(MOUNT_LINUX, "tmpfs"));
}
END_TEST

START_TEST(reasons_are_cut_to_their_room)
{
	char small[8];

	load_linux("1 0 8:1 / / rw - ext4 /dev/a rw\n");
	ck_assert_int_eq(choose(), MOUNTS_OK);
	ck_assert_str_eq(policy_reason_text(&policy, entries, decisions, small,
			     sizeof(small)),
	    "can be ");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("policy");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, freebsd_ufs_only);
	tcase_add_test(tcase, freebsd_zfs_root_with_efi_partition);
	tcase_add_test(tcase, freebsd_jails_with_nullfs);
	tcase_add_test(tcase, freebsd_nfs_and_an_unknown_type);
	tcase_add_test(tcase, linux_debian_default);
	tcase_add_test(tcase, linux_containers_with_overlay);
	tcase_add_test(tcase, linux_btrfs_subvolumes_and_read_only_mounts);
	tcase_add_test(tcase, an_unknown_writable_one_vetoes_by_name);
	tcase_add_test(tcase,
	    rules_come_before_defaults_and_mounts_before_types);
	tcase_add_test(tcase, the_narrowest_rule_counts);
	tcase_add_test(tcase, a_file_system_has_the_strictest_of_its_mounts);
	tcase_add_test(tcase, freeze_for_what_cannot_freeze_is_a_veto);
	tcase_add_test(tcase, selected_points_only);
	tcase_add_test(tcase, a_selected_point_means_what_is_visible_there);
	tcase_add_test(tcase, more_than_the_maximum_is_an_error);
	tcase_add_test(tcase, words_and_types);
	tcase_add_test(tcase, reasons_are_cut_to_their_room);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
