/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount table, and the order in which file systems are frozen.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/hv_vss_daemon/geom.h"
#include "kernel/hv_vss_daemon/mounts.h"

#define ENTRIES_MAX 32

static char text[8192];
static struct mount_entry entries[ENTRIES_MAX];
static unsigned count;
static struct mount_plan plan;
static unsigned culprit;

static enum mounts_result
parse(const char *mountinfo)
{
	ck_assert_uint_lt(strlen(mountinfo), sizeof(text));
	strcpy(text, mountinfo);
	return (mounts_parse_linux(text, entries, ENTRIES_MAX, &count));
}

/* The plan as "/b /a". */
static const char *
planned(void)
{
	static char line[1024];
	unsigned i;

	line[0] = '\0';
	for (i = 0; i < plan.count; i++) {
		if (i > 0)
			strcat(line, " ");
		strcat(line, entries[plan.order[i]].point);
	}
	return (line);
}

static const char debian[] =
    "22 27 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
    "23 27 0:21 / /proc rw,nosuid shared:13 - proc proc rw\n"
    "24 27 0:5 / /dev rw shared:2 - devtmpfs udev rw,size=8k\n"
    "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "28 27 0:23 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,size=8k\n"
    "30 27 8:2 / /srv rw,relatime shared:9 - xfs /dev/sda2 rw,attr2\n"
    "31 27 7:0 / /snap/core/1 ro shared:11 - squashfs /dev/loop0 ro\n"
    "32 27 8:1 /var/x /bind rw shared:1 - ext4 /dev/sda1 rw\n"
    "33 27 0:40 / /home rw - btrfs /dev/sda3 rw,subvol=/home\n"
    "34 27 0:40 / /opt rw - btrfs /dev/sda3 rw,subvol=/opt\n"
    "35 27 8:4 / /backup rw - ext4 /dev/sda4 ro,relatime\n"
    "36 27 0:44 / /net rw - nfs4 host:/x rw,vers=4.2\n";

START_TEST(parses_what_the_kernel_writes)
{
	ck_assert_int_eq(parse(debian), MOUNTS_OK);
	ck_assert_uint_eq(count, 12);
	ck_assert_str_eq(entries[3].point, "/");
	ck_assert_str_eq(entries[3].type, "ext4");
	ck_assert_str_eq(entries[3].source, "/dev/sda1");
	ck_assert_uint_eq(entries[3].fs, (uint64_t)8 << 32 | 1);
	ck_assert_uint_eq(entries[3].id, 27);
	ck_assert(!entries[3].read_only);
	ck_assert(entries[6].read_only);
	/* The file system counts, not the one mount of it. */
	ck_assert(entries[10].read_only);
}
END_TEST

START_TEST(parses_odd_names_and_fields)
{
	ck_assert_int_eq(
	    parse("1 1 8:1 / /a\\040b\\134c\\012 rw - ext4 /dev/x\\011y rw\n"
		  "2 1 8:2 / /no-source rw shared:1 master:2 - tmpfs  rw\n"
		  "3 1 8:3 / /dash rw - - - rw,norobust\n"
		  "4 1 8:4 / /\\400\\99 ro - ext4 none rw,errors=ro\n"),
	    MOUNTS_OK);
	ck_assert_str_eq(entries[0].point, "/a b\\c\n");
	ck_assert_str_eq(entries[0].source, "/dev/x\ty");
	ck_assert_str_eq(entries[1].source, "");
	ck_assert_str_eq(entries[1].type, "tmpfs");
	ck_assert_str_eq(entries[2].type, "-");
	/* Not an octal escape of one byte: left alone. */
	ck_assert_str_eq(entries[3].point, "/\\400\\99");
	ck_assert(!entries[3].read_only);
}
END_TEST

static const char *const damaged[] = {
	"no newline",
	"\n",
	"1 1 8:1 / /a rw - ext4 /dev/x\n",
	"1 1 8:1 / /a rw ext4 /dev/x rw\n",
	"1 1 8 / /a rw - ext4 /dev/x rw\n",
	"1 1 8: / /a rw - ext4 /dev/x rw\n",
	"1 1 8:1:1 / /a rw - ext4 /dev/x rw\n",
	"1 1 8:99999999999 / /a rw - ext4 /dev/x rw\n",
	"x 1 8:1 / /a rw - ext4 /dev/x rw\n",
	"1 1 8:1\n",
	"1 1 8:1 / /a rw - ext4 /dev/x rw",
};

START_TEST(refuses_damaged_tables)
{
	ck_assert_int_eq(parse(damaged[_i]), MOUNTS_SYNTAX);
}
END_TEST

START_TEST(refuses_more_entries_than_there_is_room_for)
{
	strcpy(text, debian);
	ck_assert_int_eq(mounts_parse_linux(text, entries, 11, &count),
	    MOUNTS_TOO_MANY);
}
END_TEST

/* Entries "/0" ... with fs 100, 101, ..., all to be frozen: /n-1 first. */
static void
make_plan(unsigned n)
{
	static const char *const points[] = { "/0", "/1", "/2", "/3", "/4" };
	unsigned i;

	for (i = 0; i < n; i++)
		entries[i] = (struct mount_entry) { .point = points[i],
			.type = "ext4",
			.source = "",
			.fs = 100 + i };
	count = n;
	plan.nsyncs = 0;
	plan.count = n;
	for (i = 0; i < n; i++)
		plan.order[i] = n - 1 - i;
}

START_TEST(keeps_the_order_where_nothing_lies_on_anything)
{
	make_plan(3);
	ck_assert_int_eq(mounts_order(entries, NULL, 0, &plan, &culprit),
	    MOUNTS_OK);
	ck_assert_str_eq(planned(), "/2 /1 /0");
}
END_TEST

START_TEST(freezes_what_lies_on_a_file_before_its_holder)
{
	/* 0 was mounted first but lies on 2, which lies on 1. */
	const struct mount_backing backings[] = { { 100, 102, true },
		{ 102, 101, true } };

	make_plan(4);
	ck_assert_int_eq(mounts_order(entries, backings, 2, &plan, &culprit),
	    MOUNTS_OK);
	ck_assert_str_eq(planned(), "/3 /0 /2 /1");
}
END_TEST

START_TEST(sees_through_what_is_not_frozen_itself)
{
	/* 0 lies on 900, which is not in the plan and lies on 1. */
	const struct mount_backing backings[] = { { 900, 101, true },
		{ 100, 900, true } };

	make_plan(2);
	ck_assert_int_eq(mounts_order(entries, backings, 2, &plan, &culprit),
	    MOUNTS_OK);
	ck_assert_str_eq(planned(), "/0 /1");
}
END_TEST

START_TEST(an_unknown_backing_vetoes_unless_alone)
{
	const struct mount_backing backings[] = { { 100, 900, true },
		{ 900, 0, false } };

	make_plan(2);
	ck_assert_int_eq(mounts_order(entries, backings, 2, &plan, &culprit),
	    MOUNTS_BACKING);
	ck_assert_str_eq(entries[culprit].point, "/0");
	make_plan(1);
	ck_assert_int_eq(mounts_order(entries, backings, 2, &plan, &culprit),
	    MOUNTS_OK);
}
END_TEST

START_TEST(a_circle_is_an_error_and_ends)
{
	const struct mount_backing circle[] = { { 100, 101, true },
		{ 101, 102, true }, { 102, 100, true } };
	const struct mount_backing itself[] = { { 101, 101, true } };

	make_plan(4);
	ck_assert_int_eq(mounts_order(entries, circle, 3, &plan, &culprit),
	    MOUNTS_CYCLE);
	make_plan(2);
	ck_assert_int_eq(mounts_order(entries, itself, 1, &plan, &culprit),
	    MOUNTS_CYCLE);
}
END_TEST

START_TEST(syncs_again_what_holds_a_frozen_one)
{
	/* 2 lies on 1, which is only synced, and lies on 0. */
	const struct mount_backing backings[] = { { 102, 101, true },
		{ 101, 100, true } };

	make_plan(4);
	plan.count = 3;
	plan.order[0] = 3;
	plan.order[1] = 0;
	plan.order[2] = 2;
	plan.nsyncs = 1;
	plan.syncs[0] = 1;
	ck_assert_int_eq(mounts_order(entries, backings, 2, &plan, &culprit),
	    MOUNTS_OK);
	ck_assert_str_eq(planned(), "/3 /2 /1 /0");
	ck_assert_uint_eq(plan.nsyncs, 1);
	ck_assert(mounts_is_sync(&plan, 1));
	ck_assert(!mounts_is_sync(&plan, 2));
}
END_TEST

START_TEST(what_is_only_synced_and_holds_nothing_is_not_ordered)
{
	const struct mount_backing backings[] = { { 101, 100, true },
		{ 100, 0, false } };

	make_plan(2);
	plan.count = 1;
	plan.order[0] = 0;
	plan.nsyncs = 1;
	plan.syncs[0] = 1;
	ck_assert_int_eq(mounts_order(entries, backings, 2, &plan, &culprit),
	    MOUNTS_OK);
	ck_assert_str_eq(planned(), "/0");
}
END_TEST

static const char conftxt[] =
    "0 DISK da0 34359738368 512 hd 255 sc 63\n"
    "1 PART da0p2 34358689792 512 i 2 o 1048576 ty freebsd-ufs xs GPT\n"
    "2 LABEL ufs/root 34358689792 512 i 0 o 0\n"
    "2 MIRROR mirror/gm0 34358689792 512\n"
    "0 MD md0 33554432 512 u 0 s 512 f 0 fs 0 l 33554432 t swap label \n"
    "0 MD md1 33554432 512 u 1 s 512 f 0 fs 0 l 33554432 t vnode file "
    "/var/img label  one.img label \n"
    "1 PART md1p1 33550336 512 i 1 o 4096 ty freebsd-ufs xs GPT\n"
    "2 MIRROR mirror/gm0 34358689792 512\n"
    "0 MD md2 33554432 512 u 2 s 512 f 0 fs 0 l 33554432 t vnode label x\n";

START_TEST(geom_finds_the_file_below_a_provider)
{
	char file[64];

	ck_assert_int_eq(geom_find(conftxt, "ufs/root", 0, file, sizeof(file)),
	    GEOM_DISK);
	ck_assert_int_eq(geom_find(conftxt, "md0", 0, file, sizeof(file)),
	    GEOM_DISK);
	ck_assert_int_eq(geom_find(conftxt, "md1p1", 0, file, sizeof(file)),
	    GEOM_FILE);
	ck_assert_str_eq(file, "/var/img label  one.img");
	ck_assert_int_eq(geom_find(conftxt, "md1p1", 1, file, sizeof(file)),
	    GEOM_NOTHING);
	ck_assert_int_eq(geom_find(conftxt, "md2", 0, file, sizeof(file)),
	    GEOM_UNKNOWN);
	ck_assert_int_eq(geom_find(conftxt, "md1", 0, file, 8), GEOM_UNKNOWN);
	ck_assert_int_eq(geom_find(conftxt, "md", 0, file, sizeof(file)),
	    GEOM_NOTHING);
}
END_TEST

START_TEST(geom_finds_the_volume_below_a_provider)
{
	static const char volumes[] =
	    "0 DISK da0 34359738368 512 hd 255 sc 63\n"
	    "0 ZFS::ZVOL zvol/tank/vm/db 1073741824 512\n"
	    "1 PART zvol/tank/vm/dbp1 1073737728 512 i 1 ty freebsd-ufs\n"
	    "0 ZFS::ZVOL odd 1073741824 512\n";
	char name[64];

	ck_assert_int_eq(geom_find(volumes, "zvol/tank/vm/db", 0, name,
			     sizeof(name)),
	    GEOM_VOLUME);
	ck_assert_str_eq(name, "tank/vm/db");
	ck_assert_int_eq(geom_find(volumes, "zvol/tank/vm/dbp1", 0, name,
			     sizeof(name)),
	    GEOM_VOLUME);
	ck_assert_str_eq(name, "tank/vm/db");
	ck_assert_int_eq(geom_find(volumes, "zvol/tank/vm/db", 0, name, 10),
	    GEOM_UNKNOWN);
	ck_assert_int_eq(geom_find(volumes, "odd", 0, name, sizeof(name)),
	    GEOM_UNKNOWN);
	ck_assert_int_eq(geom_find(volumes, "da0", 0, name, sizeof(name)),
	    GEOM_DISK);
	ck_assert(geom_has_holders(volumes));
}
END_TEST

START_TEST(geom_finds_every_part_of_a_mirror)
{
	char file[64];

	ck_assert_int_eq(geom_find(conftxt, "mirror/gm0", 0, file,
			     sizeof(file)),
	    GEOM_DISK);
	ck_assert_int_eq(geom_find(conftxt, "mirror/gm0", 1, file,
			     sizeof(file)),
	    GEOM_FILE);
	ck_assert_int_eq(geom_find(conftxt, "mirror/gm0", 2, file,
			     sizeof(file)),
	    GEOM_NOTHING);
	ck_assert(geom_has_holders(conftxt));
	ck_assert(!geom_has_holders("0 DISK da0 1 512\n1 PART da0p1 1 512\n"));
	ck_assert(!geom_has_holders(""));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mounts");
	TCase *tcase = tcase_create("mounts");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, parses_what_the_kernel_writes);
	tcase_add_test(tcase, parses_odd_names_and_fields);
	tcase_add_loop_test(tcase, refuses_damaged_tables, 0,
	    (int)(sizeof(damaged) / sizeof(damaged[0])));
	tcase_add_test(tcase, refuses_more_entries_than_there_is_room_for);
	tcase_add_test(tcase, keeps_the_order_where_nothing_lies_on_anything);
	tcase_add_test(tcase, freezes_what_lies_on_a_file_before_its_holder);
	tcase_add_test(tcase, sees_through_what_is_not_frozen_itself);
	tcase_add_test(tcase, an_unknown_backing_vetoes_unless_alone);
	tcase_add_test(tcase, a_circle_is_an_error_and_ends);
	tcase_add_test(tcase, syncs_again_what_holds_a_frozen_one);
	tcase_add_test(tcase,
	    what_is_only_synced_and_holds_nothing_is_not_ordered);
	tcase_add_test(tcase, geom_finds_the_file_below_a_provider);
	tcase_add_test(tcase, geom_finds_the_volume_below_a_provider);
	tcase_add_test(tcase, geom_finds_every_part_of_a_mirror);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
