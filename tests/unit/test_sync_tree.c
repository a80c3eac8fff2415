/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing out a tree file by file: what can be in a tree, and what is too much.
 */
#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/hv_vss_daemon/sync_tree.h"

static char root[64];
static struct why why;

/* Entries until there is no memory for more; -1: there is always some. */
static int entries_left;

FTSENT *__real_fts_read(FTS *tree);
FTSENT *__wrap_fts_read(FTS *tree);

FTSENT *
__wrap_fts_read(FTS *tree)
{
	if (entries_left == 0) {
		errno = ENOMEM;
		return (NULL);
	}
	if (entries_left > 0)
		entries_left--;
	return (__real_fts_read(tree));
}

static void
make_root(void)
{
	entries_left = -1;
	strcpy(root, "/tmp/appvss-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	memset(&why, 0, sizeof(why));
}

static void
remove_root(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

static const char *
in_root(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	return (path);
}

static void
make_file(const char *name)
{
	int fd;

	fd = open(in_root(name), O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(close(fd), 0);
}

START_TEST(a_tree_with_all_that_can_be_in_it)
{
	make_file("file");
	ck_assert_int_eq(mkdir(in_root("empty"), 0700), 0);
	ck_assert_int_eq(mkdir(in_root("full"), 0700), 0);
	make_file("full/file");
	ck_assert_int_eq(symlink("/nowhere", in_root("dangling")), 0);
	/* Opening it to read would wait for a writer. */
	ck_assert_int_eq(mkfifo(in_root("fifo"), 0600), 0);
	ck_assert_int_eq(sync_tree(root, &why), 0);
}
END_TEST

START_TEST(what_is_not_there_is_a_failure_with_its_name)
{
	/* Only below the root may things go away meanwhile. */
	ck_assert_int_ne(sync_tree(in_root("absent"), &why), 0);
	ck_assert_ptr_nonnull(strstr(why.text, "absent"));
}
END_TEST

START_TEST(a_tree_that_cannot_be_read_to_its_end_is_a_failure)
{
	int i;

	make_file("file");
	/*
	 * The root, the file, the root once more.  At once would do as well,
	 * but fts_close(3) of glibc then forgets to free something.
	 */
	for (i = 1; i < 4; i++) {
		entries_left = i;
		errno = EEXIST;
		ck_assert_int_ne(sync_tree(root, &why), 0);
		ck_assert_ptr_nonnull(strstr(why.text, strerror(ENOMEM)));
	}
	entries_left = -1;
	errno = EEXIST;
	ck_assert_int_eq(sync_tree(root, &why), 0);
}
END_TEST

START_TEST(too_many_files_are_a_failure)
{
	char name[32];
	unsigned i;

	for (i = 0; i < SYNC_TREE_FILES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%u", i);
		ck_assert_int_eq(mknod(in_root(name), S_IFIFO | 0600, 0), 0);
	}
	ck_assert_int_ne(sync_tree(root, &why), 0);
	ck_assert_ptr_nonnull(strstr(why.text, "too many files"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sync_tree");
	TCase *tcase = tcase_create("sync_tree");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, make_root, remove_root);
	tcase_add_test(tcase, a_tree_with_all_that_can_be_in_it);
	tcase_add_test(tcase, what_is_not_there_is_a_failure_with_its_name);
	tcase_add_test(tcase,
	    a_tree_that_cannot_be_read_to_its_end_is_a_failure);
	tcase_add_test(tcase, too_many_files_are_a_failure);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
