/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of hooks/scan: which files of vss.d are scripts, and in which order.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/scan.h"

#define USER 1001

static const struct {
	const char *name;
	enum scan_kind kind;
	uint32_t uid;
	unsigned mode;
	enum scan_verdict verdict;
} cases[] = {
	{ "50-mysql", SCAN_FILE, 0, 0755, SCAN_RUN },
	{ "mysql.sh", SCAN_FILE, 0, 0700, SCAN_RUN },
	{ "A.b_c-9", SCAN_FILE, USER, 0500, SCAN_RUN },
	/* Executable for somebody is meant to run. */
	{ "only-group", SCAN_FILE, 0, 0010, SCAN_RUN },
	{ "disabled", SCAN_FILE, 0, 0644, SCAN_DISABLED },
	/* A file that is switched off is not worth an alarm. */
	{ "disabled", SCAN_FILE, 77, 0666, SCAN_DISABLED },
	{ "theirs", SCAN_FILE, 77, 0755, SCAN_REFUSED_OWNER },
	{ "group", SCAN_FILE, 0, 0775, SCAN_REFUSED_WRITABLE },
	{ "world", SCAN_FILE, 0, 0757, SCAN_REFUSED_WRITABLE },
	{ "link", SCAN_SYMLINK, 0, 0777, SCAN_REFUSED_KIND },
	{ "fifo", SCAN_OTHER, 0, 0755, SCAN_REFUSED_KIND },
	{ "lib", SCAN_DIRECTORY, 0, 0755, SCAN_LEFTOVER },
	{ "two words", SCAN_FILE, 0, 0755, SCAN_REFUSED_NAME },
	{ "b\xc3\xa9", SCAN_FILE, 0, 0755, SCAN_REFUSED_NAME },
	{ ".", SCAN_DIRECTORY, 0, 0755, SCAN_LEFTOVER },
	{ ".hidden", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "#50-x#", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "50-x~", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "50-x.bak", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "50-x.rpmsave", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "50-x.rpmnew", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "50-x.dpkg-old", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "50-x.dpkg-new", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "50-x.ucf-dist", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "50-x.swp", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "50-x.sample", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "README", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	{ "README.md", SCAN_FILE, 0, 0755, SCAN_LEFTOVER },
	/* Not suffixes, only like one. */
	{ "bak", SCAN_FILE, 0, 0755, SCAN_RUN },
	{ "bakery", SCAN_FILE, 0, 0755, SCAN_RUN },
	{ "x.bak.sh", SCAN_FILE, 0, 0755, SCAN_RUN },
};

START_TEST(test_judges_files)
{
	struct scan_entry entry;

	entry.name = cases[_i].name;
	entry.kind = cases[_i].kind;
	entry.uid = cases[_i].uid;
	entry.mode = cases[_i].mode;
	ck_assert_msg(scan_judge(&entry, USER) == cases[_i].verdict,
	    "%s (mode %o, uid %u): %s", entry.name, entry.mode, entry.uid,
	    scan_verdict_text(scan_judge(&entry, USER)));
}
END_TEST

START_TEST(test_root_trusts_only_root)
{
	struct scan_entry entry = { "mine", SCAN_FILE, USER, 0755 };

	ck_assert_int_eq(scan_judge(&entry, 0), SCAN_REFUSED_OWNER);
	entry.uid = 0;
	ck_assert_int_eq(scan_judge(&entry, 0), SCAN_RUN);
}
END_TEST

START_TEST(test_judges_the_directory)
{
	struct scan_entry entry = { "vss.d", SCAN_DIRECTORY, 0, 0755 };

	ck_assert_int_eq(scan_judge_directory(&entry, 0), SCAN_RUN);
	/* The sticky bit does not keep others from adding files. */
	entry.mode = 01777;
	ck_assert_int_eq(scan_judge_directory(&entry, 0),
	    SCAN_REFUSED_WRITABLE);
	entry.mode = 0775;
	ck_assert_int_eq(scan_judge_directory(&entry, 0),
	    SCAN_REFUSED_WRITABLE);
	entry.mode = 0755;
	entry.uid = USER;
	ck_assert_int_eq(scan_judge_directory(&entry, 0), SCAN_REFUSED_OWNER);
	ck_assert_int_eq(scan_judge_directory(&entry, USER), SCAN_RUN);
	entry.kind = SCAN_FILE;
	ck_assert_int_eq(scan_judge_directory(&entry, USER), SCAN_REFUSED_KIND);
}
END_TEST

START_TEST(test_order_of_a_name)
{
	ck_assert_int_eq(scan_order("00-first"), 0);
	ck_assert_int_eq(scan_order("07-x"), 7);
	ck_assert_int_eq(scan_order("99-last"), 99);
	ck_assert_int_eq(scan_order("mysql"), 50);
	ck_assert_int_eq(scan_order("5-mysql"), 50);
	ck_assert_int_eq(scan_order("100-mysql"), 50);
	ck_assert_int_eq(scan_order("a0-mysql"), 50);
	ck_assert_int_eq(scan_order("0a-mysql"), 50);
	ck_assert_int_eq(scan_order("10mysql"), 50);
	ck_assert_int_eq(scan_order("10"), 50);
	ck_assert_int_eq(scan_order("1"), 50);
	ck_assert_int_eq(scan_order(""), 50);
}
END_TEST

START_TEST(test_compares_order_then_name)
{
	static const char *const sorted[] = { "00-a", "10-b", "49-z", "50-a",
		"a", "b", "51-a", "99-a" };
	int i, j, difference;

	for (i = 0; i < 8; i++) {
		for (j = 0; j < 8; j++) {
			difference = scan_compare(scan_order(sorted[i]),
			    sorted[i], scan_order(sorted[j]), sorted[j]);
			ck_assert_int_eq((difference > 0) - (difference < 0),
			    (i > j) - (i < j));
		}
	}
	/* What a directive says counts, not the name. */
	ck_assert_int_lt(scan_compare(5, "99-a", 10, "10-b"), 0);
}
END_TEST

/* Who is not a script is left out; who is refused is told of. */
START_TEST(test_refused_or_left_out)
{
	int verdict;

	for (verdict = SCAN_RUN; verdict <= SCAN_REFUSED_CONTENT; verdict++)
		ck_assert_int_eq(scan_is_refused((enum scan_verdict)verdict),
		    verdict >= SCAN_REFUSED_NAME);
}
END_TEST

START_TEST(test_name_limits)
{
	char name[SCAN_NAME_MAX + 2];

	memset(name, 'a', sizeof(name));
	name[SCAN_NAME_MAX] = '\0';
	ck_assert(scan_name_ok(name));
	name[SCAN_NAME_MAX] = 'a';
	name[SCAN_NAME_MAX + 1] = '\0';
	ck_assert(!scan_name_ok(name));
	ck_assert(!scan_name_ok(""));
	ck_assert(scan_name_ok("a"));
	ck_assert(!scan_name_ok("../x"));
}
END_TEST

int
main(void)
{
	SRunner *runner;
	Suite *suite = suite_create("scan");
	TCase *tcase = tcase_create("all");
	int failed;

	tcase_add_loop_test(tcase, test_judges_files, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, test_root_trusts_only_root);
	tcase_add_test(tcase, test_judges_the_directory);
	tcase_add_test(tcase, test_order_of_a_name);
	tcase_add_test(tcase, test_compares_order_then_name);
	tcase_add_test(tcase, test_refused_or_left_out);
	tcase_add_test(tcase, test_name_limits);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
