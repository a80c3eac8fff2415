/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's look at itself before a freeze, on a system that tells it what
 * each test wants: what is not proved is refused.
 */
#include <sys/types.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/hv_vss_daemon/fdgaps.h"
#include "kernel/hv_vss_daemon/self.h"

#define FROZEN_FS 7

static int threads;
static int fd_there; /* on the file system that is to be frozen */

int
system_thread_count(void)
{
	return (threads);
}

bool
system_fd_fs(const struct system_table *table, int fd, uint64_t *fs)
{
	(void)table;
	*fs = FROZEN_FS;
	return (fd == fd_there);
}

void
system_fd_name(int fd, char *name, size_t size)
{
	(void)snprintf(name, size, "file-%d", fd);
}

static struct why why;

static int
look(void)
{
	static char point[] = "/data";
	const struct freeze_target target = { .point = point,
		.fs = FROZEN_FS,
		.fd = -1 };
	struct system_table table;

	memset(&table, 0, sizeof(table));
	why.text[0] = '\0';
	return (self_check(&table, &target, 1, &why));
}

static void
setup(void)
{
	threads = 1;
	fd_there = -1;
}

START_TEST(one_thread_and_nothing_open_there_is_fit)
{
	ck_assert_int_eq(look(), 0);
}
END_TEST

START_TEST(more_than_one_thread_is_not)
{
	threads = 2;
	ck_assert_int_eq(look(), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "more than one thread"));
}
END_TEST

START_TEST(an_unknown_number_of_threads_is_not_one)
{
	threads = -1;
	ck_assert_int_eq(look(), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "not known"));
	threads = 0;
	ck_assert_int_eq(look(), -1);
}
END_TEST

START_TEST(only_a_descriptor_open_for_writing_there_is_in_the_way)
{
	char name[32];

	fd_there = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(fd_there, 0);
	ck_assert_int_eq(look(), 0);
	(void)close(fd_there);
	fd_there = open("/dev/null", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd_there, 0);
	ck_assert_int_eq(look(), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "mount=/data "));
	(void)snprintf(name, sizeof(name), "file-%d", fd_there);
	ck_assert_ptr_nonnull(strstr(why.text, name));
	(void)close(fd_there);
	ck_assert_int_eq(look(), 0);
}
END_TEST

static bool
is_open(int fd)
{
	return (fcntl(fd, F_GETFD) != -1);
}

START_TEST(gaps_are_filled_for_a_moment)
{
	static struct fdgaps gaps;
	static bool before[FDGAPS_MAX];
	int fd, last = 0, source;

	source = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(source, 0);
	for (fd = source + 3; fd <= source + 9; fd += 2)
		ck_assert_int_eq(dup2(source, fd), fd);
	for (fd = 0; fd < FDGAPS_MAX; fd++) {
		before[fd] = is_open(fd);
		last = before[fd] ? fd : last;
	}
	ck_assert(!before[source + 1] && !before[source + 8]);
	ck_assert_int_eq(fdgaps_fill(&gaps, source), 0);
	for (fd = 0; fd < FDGAPS_MAX; fd++)
		ck_assert_msg(is_open(fd) == (fd <= last), "descriptor %d", fd);
	fdgaps_empty(&gaps);
	for (fd = 0; fd < FDGAPS_MAX; fd++)
		ck_assert_int_eq(is_open(fd), before[fd]);
	ck_assert_int_eq(fdgaps_fill(&gaps, -1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_uint_eq(gaps.count, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("self");
	TCase *tcase = tcase_create("self");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, one_thread_and_nothing_open_there_is_fit);
	tcase_add_test(tcase, more_than_one_thread_is_not);
	tcase_add_test(tcase, an_unknown_number_of_threads_is_not_one);
	tcase_add_test(tcase,
	    only_a_descriptor_open_for_writing_there_is_in_the_way);
	tcase_add_test(tcase, gaps_are_filled_for_a_moment);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
