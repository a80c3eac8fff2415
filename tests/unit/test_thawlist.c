/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of what may be frozen: what is thawed by it, and whose list is
 * removed.  The system is a fake one with two file systems.
 */
#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/hv_vss_daemon/thawlist.h"

static char dir[64];
static char one[] = "/one", two[] = "/two";
static struct mount_entry entries[] = {
	{ .point = one, .fs = (UINT64_C(8) << 32) + 1 },
	{ .point = two, .fs = (UINT64_C(8) << 32) + 2 },
};
static char thawed[64]; /* in this order */
static void (*while_thawing)(void);
static struct why why;
static struct thaw_report report;

int
system_table_read(struct system_table *table, struct why *unused)
{
	(void)unused;
	memset(table, 0, sizeof(*table));
	table->entries = entries;
	table->count = 2;
	return (0);
}

void
system_table_free(struct system_table *table)
{
	memset(table, 0, sizeof(*table));
}

int
system_target_open(const struct system_table *table, unsigned entry,
    struct freeze_target *target, struct why *unused)
{
	(void)unused;
	*target = (struct freeze_target) { .fd = -1 };
	target->point = entry == 0 ? one : two;
	target->fs = table->entries[entry].fs;
	return (0);
}

void
system_target_close(struct freeze_target *target)
{
	target->point = NULL;
}

int
system_thaw(struct freeze_target *target)
{
	strcat(thawed, target->point);
	if (while_thawing != NULL)
		while_thawing();
	while_thawing = NULL;
	return (0);
}

static const char *
list_path(void)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/hv_vss_daemon.frozen", dir);
	return (path);
}

/* As a daemon does before its first freeze.  The descriptor has the lock. */
static int
write_list(void)
{
	const struct freeze_target targets[] = {
		{ .point = one, .fs = entries[0].fs },
		{ .point = two, .fs = entries[1].fs },
	};
	int fd;

	ck_assert_int_eq(thawlist_write(dir, targets, 2, &fd), 0);
	return (fd);
}

static void
setup(void)
{
	strcpy(dir, "/tmp/appvss-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	thawed[0] = '\0';
	while_thawing = NULL;
}

static void
teardown(void)
{
	(void)unlink(list_path());
	ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(thaws_what_a_dead_daemon_left)
{
	ck_assert_int_eq(thawlist_left_any(dir), 0);
	ck_assert_int_eq(thawlist_thaw(dir, &report, &why), 0);
	(void)close(write_list());
	ck_assert_int_eq(thawlist_left_any(dir), 1);
	ck_assert_int_eq(thawlist_thaw(dir, &report, &why), 1);
	ck_assert_str_eq(thawed, "/two/one");
	ck_assert_uint_eq(report.listed, 2);
	ck_assert_uint_eq(report.thawed, 2);
	ck_assert_int_eq(report.owner, 0);
	ck_assert_int_ne(access(list_path(), F_OK), 0);
}
END_TEST

START_TEST(leaves_the_list_to_a_living_daemon)
{
	int fd = write_list();

	ck_assert_int_eq(thawlist_left_any(dir), 0);
	ck_assert_int_eq(thawlist_thaw(dir, &report, &why), 1);
	ck_assert_int_eq(report.owner, getpid());
	ck_assert_int_eq(access(list_path(), F_OK), 0);
	(void)close(fd);
}
END_TEST

static int next_daemon_fd;

/* The guardian was quicker, and the service manager has begun anew. */
static void
begin_anew(void)
{
	ck_assert_int_eq(thawlist_remove(dir), 0);
	next_daemon_fd = write_list();
}

START_TEST(leaves_the_list_of_the_next_daemon)
{
	(void)close(write_list());
	while_thawing = begin_anew;
	ck_assert_int_eq(thawlist_thaw(dir, &report, &why), 1);
	ck_assert_int_eq(access(list_path(), F_OK), 0);
	ck_assert_int_eq(thawlist_remove_of(dir, getpid() + 1), 0);
	ck_assert_int_eq(access(list_path(), F_OK), 0);
	ck_assert_int_eq(thawlist_remove_of(dir, getpid()), 0);
	ck_assert_int_ne(access(list_path(), F_OK), 0);
	(void)close(next_daemon_fd);
}
END_TEST

START_TEST(is_not_written_over_another)
{
	int fd, first = write_list();

	ck_assert_int_eq(thawlist_write(dir, NULL, 0, &fd), -1);
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_int_eq(access(list_path(), F_OK), 0);
	(void)close(first);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("thawlist");
	TCase *tcase = tcase_create("thawlist");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, thaws_what_a_dead_daemon_left);
	tcase_add_test(tcase, leaves_the_list_to_a_living_daemon);
	tcase_add_test(tcase, leaves_the_list_of_the_next_daemon);
	tcase_add_test(tcase, is_not_written_over_another);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
