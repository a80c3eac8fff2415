/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of a configuration that came from no file, and of the values that
 * depend on each other: what is complained of, and of what not.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/config.h"

static char said[4096];
static struct config config;

static void
note(void *arg, const char *text)
{
	const size_t used = strlen(said);

	(void)arg;
	(void)snprintf(said + used, sizeof(said) - used, "%s\n", text);
}

static const struct config_complaints complaints = { note, NULL };

static void
parse(const char *text, const char *path)
{
	said[0] = '\0';
	ck_assert_msg(config_parse(&config, text, strlen(text), path,
			  &complaints) == 0,
	    "%s", said);
}

static void
finish(void)
{
	config_fini(&config);
}

START_TEST(without_a_file_there_is_no_place)
{
	const char *const words[] = { "freeze_ms", "no_such_word", NULL };
	char place[64];

	parse("freeze_ms = 9000\n", NULL);
	ck_assert_str_eq(config_where(&config, words, place, sizeof(place)),
	    "");
	finish();
	parse("\nfreeze_ms = 9000\n", "f");
	ck_assert_str_eq(config_where(&config, words, place, sizeof(place)),
	    "f:2: ");
	finish();
	parse("", "f");
	ck_assert_str_eq(config_where(&config, words, place, sizeof(place)),
	    "f: ");
	finish();
}
END_TEST

START_TEST(a_participant_is_no_slower_than_all)
{
	static const char text[] = "freeze_ms = 3000\nparticipant \"db\" "
				   "{ user = \"0\" freeze_ms = 3001 }\n";

	parse(text, NULL);
	ck_assert_int_eq(config_validate(&config, &complaints), -1);
	ck_assert_str_eq(said,
	    "participant \"db\": freeze_ms 3001 does not fit into freeze_ms "
	    "3000 of all together\n");
	finish();
	parse(text, "f");
	ck_assert_int_eq(config_validate(&config, &complaints), -1);
	ck_assert_ptr_nonnull(strstr(said, "f:2: participant \"db\""));
	finish();
}
END_TEST

START_TEST(names_have_room)
{
	parse("max_names = 1\nparticipant \"a\" { user = \"0\" }\n"
	      "participant \"b\" { user = \"0\" }\n",
	    NULL);
	ck_assert_int_eq(config_validate(&config, &complaints), -1);
	ck_assert_str_eq(said, "2 participants are more than max_names 1\n");
	finish();
}
END_TEST

static const struct {
	const char *text;
	bool foreground;
	const char *complaint; /* NULL: none */
} logs[] = {
	{ "log_path = \"\"", false, NULL },
	{ "log_path = \"syslog\"", false, NULL },
	{ "log_path = \"/var/log/x\"", false, NULL },
	{ "log_path = \"here\"", true, NULL },
	{ "log_path = \"here\"", false, "must begin with /" },
	{ "log_path = \"stderr\"", false, "needs --foreground" },
	{ "log_path = \"stderr\"", true, NULL },
	{ "device = \"none\"", false, NULL },
	{ "device = \"dev\"", false, "must begin with /" },
	{ "device = \"dev\"", true, NULL },
};

START_TEST(paths_of_a_daemon)
{
	parse(logs[_i].text, NULL);
	config.foreground = logs[_i].foreground;
	ck_assert_int_eq(config_validate(&config, &complaints),
	    logs[_i].complaint == NULL ? 0 : -1);
	if (logs[_i].complaint == NULL)
		ck_assert_str_eq(said, "");
	else
		ck_assert_ptr_nonnull(strstr(said, logs[_i].complaint));
	finish();
}
END_TEST

/* libconfuse believes what an earlier call has left. */
START_TEST(an_old_errno_is_nobodys_mistake)
{
	static const char text[] =
	    "access \"a\" { group = 5555555555555555555555 roles = admin }\n"
	    "check_ms = 100\n";

	errno = ERANGE;
	parse("check_ms = 100\n", NULL);
	finish();
	ck_assert_int_eq(config_parse(&config, text, strlen(text), "f",
			     &complaints),
	    -1);
	ck_assert_str_eq(said,
	    "f:1: access \"a\": group \"5555555555555555555555\": there is no "
	    "such group\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config_check");
	TCase *tcase = tcase_create("config_check");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, without_a_file_there_is_no_place);
	tcase_add_test(tcase, a_participant_is_no_slower_than_all);
	tcase_add_test(tcase, names_have_room);
	tcase_add_loop_test(tcase, paths_of_a_daemon, 0,
	    sizeof(logs) / sizeof(logs[0]));
	tcase_add_test(tcase, an_old_errno_is_nobodys_mistake);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
