/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * appvssd.conf(5): what is read, and how each mistake is reported.  Files are
 * made in a directory of the test's own.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appvssd/config.h"
#include "kernel/vssdev/heldlog.h"

static char directory[] = "/tmp/test_config.XXXXXX";
static char path[64];
static char complaints[4096];
static unsigned ncomplaints;

static void
note(const char *text)
{
	size_t used = strlen(complaints);

	(void)snprintf(complaints + used, sizeof(complaints) - used, "%s\n",
	    text);
	ncomplaints++;
}

static void
setup(void)
{
	(void)umask(022);
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/appvssd.conf", directory);
}

static void
teardown(void)
{
	(void)unlink(path);
	ck_assert_int_eq(rmdir(directory), 0);
}

static int
load(struct config *config, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	complaints[0] = '\0';
	ncomplaints = 0;
	return (config_load(config, path, note));
}

/* Complains exactly so, behind the name of the file. */
static void
expect_mistake(const char *text, const char *complaint)
{
	struct config config;
	char wanted[512];

	ck_assert_int_eq(load(&config, text), -1);
	(void)snprintf(wanted, sizeof(wanted), "%s:%s\n", path, complaint);
	ck_assert_str_eq(complaints, wanted);
}

START_TEST(an_empty_file_gives_defaults_that_fit)
{
	struct config config;

	ck_assert_int_eq(load(&config, ""), 0);
	ck_assert_str_eq(config.user, "appvss");
	ck_assert_str_eq(config.device, "/dev/hv_appvss_dev");
	ck_assert_str_eq(config.socket_path,
	    APPVSS_RUNDIR "/appvss/appvssd.sock");
	ck_assert_str_eq(config.history_path,
	    APPVSS_DBDIR "/appvss/history.db");
	ck_assert_uint_eq(config.socket_mode, 0660);
	ck_assert_int_eq(config.log_level, HELDLOG_INFO);
	ck_assert_uint_eq(config.driver_ms, 15000);
	ck_assert_uint_eq(config.freeze_ms, 10000);
	ck_assert_uint_eq(config.hold_ms, 60000);
	ck_assert_uint_eq(config.nparticipants, 0);
	ck_assert_int_eq(config_validate(&config, note), 0);
	ck_assert_uint_eq(ncomplaints, 0);
	config_fini(&config);
}
END_TEST

START_TEST(every_word_goes_to_its_member)
{
	struct config config;

	ck_assert_int_eq(load(&config,
			     "user = root\n"
			     "device = none # no driver here\n"
			     "socket_path = \"/run/x.sock\"\n"
			     "socket_group = wheel\n"
			     "socket_mode = 0666\n"
			     "history_path = /var/h.db\n"
			     "history_program = /opt/history\n"
			     "log_path = syslog\n"
			     "log_level = debug\n"
			     "driver_ms = 20001\nfs_ms = 4001\n"
			     "check_ms = 8001\nfreeze_ms = 10001\n"
			     "commit_ms = 501\nhold_ms = 60001\n"
			     "thaw_ms = 10002\nslice_ms = 5001\n"
			     "max_clients = 11\nmax_clients_per_uid = 12\n"
			     "max_names = 13\nmax_names_per_uid = 14\n"
			     "history_queue_rows = 65\n"
			     "history_keep_days = 66\n"
			     "history_keep_count = 67\n"),
	    0);
	ck_assert_str_eq(config.user, "root");
	ck_assert_str_eq(config.device, CONFIG_NO_DEVICE);
	ck_assert_str_eq(config.socket_path, "/run/x.sock");
	ck_assert_str_eq(config.socket_group, "wheel");
	ck_assert_uint_eq(config.socket_mode, 0666);
	ck_assert_str_eq(config.history_path, "/var/h.db");
	ck_assert_str_eq(config.history_program, "/opt/history");
	ck_assert_str_eq(config.log_path, CONFIG_LOG_SYSLOG);
	ck_assert_int_eq(config.log_level, HELDLOG_DEBUG);
	ck_assert_uint_eq(config.driver_ms, 20001);
	ck_assert_uint_eq(config.fs_ms, 4001);
	ck_assert_uint_eq(config.check_ms, 8001);
	ck_assert_uint_eq(config.freeze_ms, 10001);
	ck_assert_uint_eq(config.commit_ms, 501);
	ck_assert_uint_eq(config.hold_ms, 60001);
	ck_assert_uint_eq(config.thaw_ms, 10002);
	ck_assert_uint_eq(config.slice_ms, 5001);
	ck_assert_uint_eq(config.max_clients, 11);
	ck_assert_uint_eq(config.max_clients_per_uid, 12);
	ck_assert_uint_eq(config.max_names, 13);
	ck_assert_uint_eq(config.max_names_per_uid, 14);
	ck_assert_uint_eq(config.history_queue_rows, 65);
	ck_assert_uint_eq(config.history_keep_days, 66);
	ck_assert_uint_eq(config.history_keep_count, 67);
	config_fini(&config);
}
END_TEST

START_TEST(participants_are_read_and_found)
{
	const struct config_participant *entry;
	struct config config;

	ck_assert_int_eq(load(&config,
			     "participant \"pg.main\" {\n"
			     "	user = \"root\"\n	required = true\n"
			     "	expect = yes\n	order = 20\n"
			     "	freeze_ms = 3000\n}\n"
			     "participant web { user = 4711 }\n"
			     "participant zero { user = root order = 0 }\n"),
	    0);
	ck_assert_uint_eq(config.nparticipants, 3);
	entry = config_find(&config, "pg.main");
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(entry->uid, 0);
	ck_assert(entry->required);
	ck_assert(entry->expect);
	ck_assert(entry->has_order);
	ck_assert_uint_eq(entry->order, 20);
	ck_assert_uint_eq(entry->freeze_ms, 3000);
	entry = config_find(&config, "web");
	ck_assert_ptr_nonnull(entry);
	ck_assert_uint_eq(entry->uid, 4711);
	ck_assert(!entry->required);
	ck_assert(!entry->expect);
	ck_assert(!entry->has_order);
	ck_assert_uint_eq(entry->freeze_ms, 0);
	entry = config_find(&config, "zero");
	ck_assert(entry->has_order);
	ck_assert_uint_eq(entry->order, 0);
	ck_assert_ptr_null(config_find(&config, "pg"));
	config_fini(&config);
}
END_TEST

START_TEST(mistakes_name_file_line_and_limits)
{
	expect_mistake("\nfreeze_ms = 99\n",
	    "2: freeze_ms = 99 is not within 100..900000");
	expect_mistake("fs_ms = -1", "1: fs_ms = -1 is not within 0..900000");
	expect_mistake("\n\nfreze_ms = 1000\n", "3: no such option 'freze_ms'");
	expect_mistake("log_level = loud\n",
	    "1: log_level = \"loud\" is none of error, warn, info, debug");
	expect_mistake("user = \"\"\n", "1: user must not be empty");
	expect_mistake("participant a {\n\tuser = no-such-user\n}\n",
	    "2: user = \"no-such-user\": there is no such user");
	expect_mistake("participant a {\n\tuser = 4294967295\n}\n",
	    "2: user = \"4294967295\": there is no such user");
	expect_mistake("participant a {\n\tuser = root\n\torder = 100\n}\n",
	    "3: order = 100 is not within 0..99");
	expect_mistake("participant a {\n\torder = 7\n}\n",
	    "3: participant \"a\" needs a user");
	expect_mistake("participant \"a b\" { user = root }\n",
	    "1: participant \"a b\": a name is 1 to 64 of "
	    "A-Z a-z 0-9 . _ -");
}
END_TEST

START_TEST(one_run_shows_all_wrong_values)
{
	struct config config;

	ck_assert_int_eq(load(&config,
			     "check_ms = 1\nhold_ms = 1\n"
			     "participant a { user = root order = 100 }\n"
			     "socket_mode = 660\n"),
	    -1);
	ck_assert_uint_eq(ncomplaints, 4);
	ck_assert_ptr_nonnull(strstr(complaints, ":1: check_ms = 1 "));
	ck_assert_ptr_nonnull(strstr(complaints, ":2: hold_ms = 1 "));
	ck_assert_ptr_nonnull(strstr(complaints, ":3: order = 100 "));
	ck_assert_ptr_nonnull(strstr(complaints, ":4: socket_mode = 01224 "));
}
END_TEST

START_TEST(a_name_is_bound_once)
{
	struct config config;

	ck_assert_int_eq(load(&config,
			     "participant a { user = root }\n"
			     "participant a { user = 5 }\n"),
	    -1);
	ck_assert_uint_eq(ncomplaints, 1);
	ck_assert_ptr_nonnull(strstr(complaints, ":2: "));
}
END_TEST

START_TEST(files_that_cannot_be_read)
{
	struct config config;

	complaints[0] = '\0';
	ck_assert_int_eq(config_load(&config, "/no/such/file", note), -1);
	ck_assert_str_eq(complaints,
	    "/no/such/file: No such file or directory\n");
	complaints[0] = '\0';
	ck_assert_int_eq(config_load(&config, directory, note), -1);
	ck_assert_ptr_nonnull(strstr(complaints, "Is a directory"));
	/* Somebody else's words must not steer root. */
	ck_assert_int_eq(load(&config, ""), 0);
	config_fini(&config);
	ck_assert_int_eq(chmod(path, 0666), 0);
	complaints[0] = '\0';
	ck_assert_int_eq(config_load(&config, path, note),
	    geteuid() == 0 ? -1 : 0);
	if (geteuid() != 0)
		config_fini(&config);
}
END_TEST

static void
expect_unfit(const char *text, bool foreground, const char *complaint)
{
	struct config config;
	char wanted[512];

	ck_assert_int_eq(load(&config, text), 0);
	config.foreground = foreground;
	ck_assert_int_eq(config_validate(&config, note), -1);
	(void)snprintf(wanted, sizeof(wanted), "%s\n", complaint);
	ck_assert_str_eq(complaints, wanted);
	config_fini(&config);
}

START_TEST(sums_must_fit_into_the_driver)
{
	struct config config;

	expect_unfit("freeze_ms = 12000\n", true,
	    "freeze_ms 12000 + commit_ms 500 + fs_ms 4000 = 16500 does not "
	    "fit into driver_ms 15000");
	expect_unfit("check_ms = 11001\n", true,
	    "check_ms 11001 + fs_ms 4000 = 15001 does not fit into "
	    "driver_ms 15000");
	expect_unfit("thaw_ms = 11001\n", true,
	    "thaw_ms 11001 + fs_ms 4000 = 15001 does not fit into "
	    "driver_ms 15000");
	expect_unfit("participant a { user = root freeze_ms = 10001 }\n", true,
	    "participant \"a\": freeze_ms 10001 does not fit into "
	    "freeze_ms 10000 of all together");
	ck_assert_int_eq(load(&config,
			     "freeze_ms = 10500\n"
			     "check_ms = 11000\nthaw_ms = 11000\n"),
	    0);
	ck_assert_int_eq(config_validate(&config, note), 0);
	config_fini(&config);
}
END_TEST

START_TEST(a_daemon_needs_absolute_paths)
{
	struct config config;

	expect_unfit("history_path = h.db\n", false,
	    "history_path \"h.db\" must begin with / unless --foreground is "
	    "given");
	expect_unfit("log_path = stderr\n", false,
	    "log_path \"stderr\" needs --foreground");
	ck_assert_int_eq(load(&config, "history_path = h.db\n"), 0);
	config.foreground = true;
	ck_assert_int_eq(config_validate(&config, note), 0);
	config_fini(&config);
}
END_TEST

START_TEST(a_socket_path_must_fit_into_its_address)
{
	struct config config;
	char longest[256];

	ck_assert_int_eq(load(&config, ""), 0);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(config_override(&config.socket_path, longest), 0);
	ck_assert_int_eq(config_validate(&config, note), -1);
	ck_assert_uint_eq(ncomplaints, 1);
	config_fini(&config);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config");
	TCase *tcase = tcase_create("config");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, an_empty_file_gives_defaults_that_fit);
	tcase_add_test(tcase, every_word_goes_to_its_member);
	tcase_add_test(tcase, participants_are_read_and_found);
	tcase_add_test(tcase, mistakes_name_file_line_and_limits);
	tcase_add_test(tcase, one_run_shows_all_wrong_values);
	tcase_add_test(tcase, a_name_is_bound_once);
	tcase_add_test(tcase, files_that_cannot_be_read);
	tcase_add_test(tcase, sums_must_fit_into_the_driver);
	tcase_add_test(tcase, a_daemon_needs_absolute_paths);
	tcase_add_test(tcase, a_socket_path_must_fit_into_its_address);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
