/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of hooks/directive: what a script says of itself, and what is told to
 * whoever wrote it wrong.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hooks/directive.h"

#define SH "#!/bin/sh\n"

/* The text is that of directive_print, or of directive_describe. */
static const struct {
	const char *script;
	enum directive_error error;
	const char *text;
} cases[] = {
	{ "", DIRECTIVE_OK, "" },
	{ SH "exit 0\n", DIRECTIVE_OK, "" },
	{ SH "# appvss: order=20 timeout=5s required check user=postgres\n",
	    DIRECTIVE_OK, "order=20 timeout=5s required check user=postgres" },
	{ SH "#appvss:order=0", DIRECTIVE_OK, "order=0" },
	{ SH "#\t appvss:\torder=07 \t timeout=1500ms \n", DIRECTIVE_OK,
	    "order=7 timeout=1500ms" },
	{ SH "# A comment.\n\n# appvss: check\n# appvss: order=99\n",
	    DIRECTIVE_OK, "order=99 check" },
	{ SH "# appvss: timeout=900s\n", DIRECTIVE_OK, "timeout=900s" },
	{ SH "# appvss: user=_www.x-y\n", DIRECTIVE_OK, "user=_www.x-y" },
	/* Prose is none. */
	{ SH "# appvss runs this\n# see appvss: it\n#! appvss: x\n",
	    DIRECTIVE_OK, "" },
	/* Of a program, anything may look like one. */
	{ "\177ELF\n# appvss: nonsense\n", DIRECTIVE_OK, "" },

	{ SH "# appvss: odrer=20\n", DIRECTIVE_E_WORD,
	    "line 2: odrer=20: unknown; known are order=, timeout=, required, "
	    "check, user=" },
	{ SH "# appvss: Order=20\n", DIRECTIVE_E_WORD, "line 2: Order=20: " },
	{ SH "# appvss: x\n", DIRECTIVE_E_WORD, "line 2: x: unknown" },
	{ SH "# appvss: ~!\n", DIRECTIVE_E_WORD, "line 2: ~!: unknown" },
	{ SH "# appvss: order=20,check\n", DIRECTIVE_E_ORDER,
	    "line 2: order=20,check: order is a number from 0 to 99" },
	{ SH "# appvss: order=100\n", DIRECTIVE_E_ORDER,
	    "line 2: order=100: " },
	{ SH "# appvss: order=-1\n", DIRECTIVE_E_ORDER, "line 2: order=-1: " },
	{ SH "# appvss: order=\n", DIRECTIVE_E_ORDER, "line 2: order=: " },
	{ SH "# appvss: order\n", DIRECTIVE_E_ORDER, "line 2: order: " },
	{ SH "# appvss: order=4294967297\n", DIRECTIVE_E_ORDER, "line 2: " },
	{ SH "# appvss: timeout=5\n", DIRECTIVE_E_TIMEOUT,
	    "line 2: timeout=5: timeout is a number with s or ms, up to 900s" },
	{ SH "# appvss: timeout=0s\n", DIRECTIVE_E_TIMEOUT, "line 2: " },
	{ SH "# appvss: timeout=901s\n", DIRECTIVE_E_TIMEOUT, "line 2: " },
	{ SH "# appvss: timeout=900001ms\n", DIRECTIVE_E_TIMEOUT, "line 2: " },
	{ SH "# appvss: timeout=ms\n", DIRECTIVE_E_TIMEOUT, "line 2: " },
	{ SH "# appvss: timeout=s\n", DIRECTIVE_E_TIMEOUT, "line 2: " },
	{ SH "# appvss: timeout=1.5s\n", DIRECTIVE_E_TIMEOUT, "line 2: " },
	{ SH "# appvss: user=-x\n", DIRECTIVE_E_USER, "line 2: user=-x: user" },
	{ SH "# appvss: user=a/b\n", DIRECTIVE_E_USER, "line 2: " },
	{ SH "# appvss: user=\n", DIRECTIVE_E_USER, "line 2: " },
	{ SH "# appvss: user=abcdefghijklmnopqrstuvwxyzabcdefg\n",
	    DIRECTIVE_E_USER, "line 2: " },
	{ SH "# appvss: required=yes\n", DIRECTIVE_E_VALUE,
	    "line 2: required=yes: it takes no value" },
	{ SH "# appvss: check check\n", DIRECTIVE_E_TWICE,
	    "line 2: check: said twice" },
	{ SH "# appvss: order=1\n\n# appvss: order=1\n", DIRECTIVE_E_TWICE,
	    "line 4: order=1: said twice" },
	{ SH "# appvss: timeout=1s timeout=2s\n", DIRECTIVE_E_TWICE,
	    "line 2: timeout=2s: said twice" },
	{ SH "# appvss: user=a user=a\n", DIRECTIVE_E_TWICE,
	    "line 2: user=a: said twice" },
	{ SH "# appvss:  \n", DIRECTIVE_E_EMPTY,
	    "line 2: nothing after \"appvss:\"" },
	{ SH "set -e\n# appvss: check\n", DIRECTIVE_E_LATE,
	    "line 3: \"# appvss:\" is below the comments at the beginning" },
	{ SH ":\n# appvss: check\n", DIRECTIVE_E_LATE, "line 3: " },
	{ "#!/bin/sh\r\nexit 0\r\n", DIRECTIVE_E_CRLF,
	    "line 1: ends with CR LF, as on DOS" },
	{ SH "# appvss: check\r\n", DIRECTIVE_E_CRLF, "line 2: " },
	{ SH "# appvss:\r\n", DIRECTIVE_E_CRLF, "line 2: " },
	/* Nothing of a file reaches a terminal. */
	{ SH "# appvss: \033[31m\303\251\n", DIRECTIVE_E_WORD,
	    "line 2: ?[31m??: unknown" },
};

static void
check_case(const char *script, enum directive_error error, const char *text)
{
	char got[DIRECTIVE_TEXT_MAX];
	struct directive_mistake mistake;
	struct directive directive;

	ck_assert_int_eq(directive_parse(&directive, script, strlen(script),
			     true, &mistake),
	    error);
	if (error == DIRECTIVE_OK) {
		ck_assert_str_eq(directive_print(&directive, got), text);
		return;
	}
	directive_describe(&mistake, got);
	ck_assert_msg(strncmp(got, text, strlen(text)) == 0,
	    "\"%s\" does not begin with \"%s\"", got, text);
	/* Nothing of it counts, not even what was right. */
	ck_assert_str_eq(directive_print(&directive, got), "");
}

START_TEST(test_cases)
{
	check_case(cases[_i].script, cases[_i].error, cases[_i].text);
}
END_TEST

START_TEST(test_values)
{
	static const char script[] = SH
	    "# appvss: required order=3 timeout=2s check user=me\n";
	struct directive_mistake mistake;
	struct directive directive;

	ck_assert_int_eq(directive_parse(&directive, script, strlen(script),
			     true, &mistake),
	    DIRECTIVE_OK);
	ck_assert_int_eq(directive.order, 3);
	ck_assert_uint_eq(directive.timeout_ms, 2000);
	ck_assert(directive.required);
	ck_assert(directive.check);
	ck_assert_str_eq(directive.user, "me");
}
END_TEST

/* Half a head says nothing of the other half. */
START_TEST(test_head_without_an_end)
{
	static const char script[] = SH "# only comments\n";
	struct directive_mistake mistake;
	struct directive directive;

	ck_assert_int_eq(directive_parse(&directive, script, strlen(script),
			     false, &mistake),
	    DIRECTIVE_E_LONG);
	ck_assert_int_eq(directive_parse(&directive, SH "ls\n",
			     strlen(SH "ls\n"), false, &mistake),
	    DIRECTIVE_OK);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("directive");
	TCase *tcase = tcase_create("directive");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tcase, test_cases, 0,
	    (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tcase, test_values);
	tcase_add_test(tcase, test_head_without_an_end);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
