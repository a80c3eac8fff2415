/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comments of configuration files, and what is never closed in them.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/vssdev/conftext.h"

static const struct {
	const char *text;
	const char *left;
} blanked[] = {
	{ "a = 1\n", "a = 1\n" },
	{ "# b\na = 1 # b\nc", "   \na = 1    \nc" },
	{ "// b\na//b // b", "    \na//b     " },
	{ "/* b */a/* b", "       a/* b" },
	{ "/*/ b\n*/ a /***/", "     \n   a      " },
	{ "\"# no\" '// no' \"/* no\"", "\"# no\" '// no' \"/* no\"" },
	{ "\"\\\"#\" # b", "\"\\\"#\"    " },
	{ "'\\'#' # b", "'\\'#'    " },
	{ "\"a\n# no\"", "\"a\n# no\"" },
	{ "# \" { /* '\na", "          \na" },
	{ "s \"t\" { a = b } # }", "s \"t\" { a = b }    " },
	{ "a#b", "a  " },
	{ "}", "}" },
	{ "", "" },
};

START_TEST(takes_comments_out_and_leaves_the_rest_in_its_place)
{
	char text[64];
	unsigned line;

	strcpy(text, blanked[_i].text);
	ck_assert_ptr_null(conftext_blank(text, strlen(text), &line));
	ck_assert_str_eq(text, blanked[_i].left);
}
END_TEST

static const struct {
	const char *text;
	unsigned line;
	const char *problem;
} wrong[] = {
	{ "a\n/* b\nc = 1\n", 2, "this comment is never closed" },
	{ "a\n/*", 2, "this comment is never closed" },
	{ "/*/", 1, "this comment is never closed" },
	{ "/* *", 1, "this comment is never closed" },
	{ "/**/\na = \"b\n\n", 2, "this text is never closed" },
	{ "a = '\\'", 1, "this text is never closed" },
	{ "a = \"\\", 1, "this text is never closed" },
	{ "a { }\nb {\nc { }\n", 2, "this section is never closed" },
	{ "a {\nb { # }\n}\n", 1, "this section is never closed" },
};

START_TEST(tells_what_is_never_closed_and_where_it_begins)
{
	char text[64];
	unsigned line = 0;

	strcpy(text, wrong[_i].text);
	ck_assert_str_eq(conftext_blank(text, strlen(text), &line),
	    wrong[_i].problem);
	ck_assert_uint_eq(line, wrong[_i].line);
}
END_TEST

START_TEST(refuses_what_is_no_text)
{
	char text[] = "a\nb\0c";
	unsigned line;

	ck_assert_str_eq(conftext_blank(text, sizeof(text) - 1, &line),
	    "a byte 0 is no text");
	ck_assert_uint_eq(line, 2);
}
END_TEST

START_TEST(opens_what_is_left_as_a_stream)
{
	struct conftext conf;
	FILE *file = tmpfile();
	char left[64];
	size_t length;

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs("/* b\n */ a\n", file), 0);
	rewind(file);
	ck_assert_int_eq(conftext_open(&conf, file), 0);
	length = fread(left, 1, sizeof(left), conf.stream);
	ck_assert_mem_eq(left, "    \n    a\n", 11);
	ck_assert_uint_ge(length, 11);
	conftext_close(&conf);
	(void)fclose(file);
}
END_TEST

START_TEST(tells_why_it_opens_none)
{
	struct conftext conf;
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs("a = 1\nb {\n", file), 0);
	rewind(file);
	ck_assert_int_eq(conftext_open(&conf, file), -1);
	ck_assert_str_eq(conf.problem, "this section is never closed");
	ck_assert_uint_eq(conf.line, 2);
	conftext_close(&conf);
	(void)fclose(file);
	file = fopen("/", "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(conftext_open(&conf, file), -1);
	ck_assert_ptr_null(conf.problem);
	ck_assert_int_eq(errno, EISDIR);
	conftext_close(&conf);
	(void)fclose(file);
}
END_TEST

START_TEST(refuses_a_file_that_is_too_long)
{
	struct conftext conf;
	FILE *file = tmpfile();

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(ftruncate(fileno(file), CONFTEXT_MAX_BYTES + 1), 0);
	ck_assert_int_eq(conftext_open(&conf, file), -1);
	ck_assert_ptr_null(conf.problem);
	ck_assert_int_eq(errno, EFBIG);
	conftext_close(&conf);
	(void)fclose(file);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conftext");
	TCase *tcase = tcase_create("conftext");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase,
	    takes_comments_out_and_leaves_the_rest_in_its_place, 0,
	    (int)(sizeof(blanked) / sizeof(blanked[0])));
	tcase_add_loop_test(tcase,
	    tells_what_is_never_closed_and_where_it_begins, 0,
	    (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(tcase, refuses_what_is_no_text);
	tcase_add_test(tcase, opens_what_is_left_as_a_stream);
	tcase_add_test(tcase, tells_why_it_opens_none);
	tcase_add_test(tcase, refuses_a_file_that_is_too_long);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
