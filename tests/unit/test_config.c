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

#include "appvssd/access.h"
#include "appvssd/config.h"
#include "kernel/vssdev/heldlog.h"

static char directory[] = "/tmp/test_config.XXXXXX";
static char path[64];
static char complaints[16384];
static unsigned ncomplaints;

static void
note(void *arg, const char *text)
{
	size_t used = strlen(complaints);

	(void)arg;
	(void)snprintf(complaints + used, sizeof(complaints) - used, "%s\n",
	    text);
	ncomplaints++;
}

static const struct config_complaints noted = { note, NULL };

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
	return (config_load(config, path, &noted));
}

/* Complains exactly so, behind the name of the file; FILE: once more. */
static void
expect_mistake(const char *text, const char *complaint)
{
	struct config config;
	const char *more = strstr(complaint, "\nFILE:");
	const int length = more == NULL ? (int)strlen(complaint) :
					  (int)(more - complaint);
	char wanted[512];

	ck_assert_int_eq(load(&config, text), -1);
	(void)snprintf(wanted, sizeof(wanted), "%s:%.*s\n%s%s%s", path, length,
	    complaint, more == NULL ? "" : path,
	    more == NULL ? "" : more + strlen("\nFILE"),
	    more == NULL ? "" : "\n");
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
	ck_assert_int_eq(config_validate(&config, &noted), 0);
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
			     "driver_ms = 20001\nfs_ms = 4001\nmargin_ms = 7\n"
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
	ck_assert_uint_eq(config.margin_ms, 7);
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
			     "	freeze_ms = 3000 thaw_ms = 700\n}\n"
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
	ck_assert_uint_eq(entry->thaw_ms, 700);
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
	expect_mistake("\nfreeze_ms = 0\n",
	    "2: freeze_ms = 0 is not within 1..900000");
	expect_mistake("fs_ms = -1", "1: fs_ms = -1 is not within 0..900000");
	expect_mistake("\n\nfreze_ms = 1000\n",
	    "3: no such word: \"freze_ms\"");
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
	    "A-Z a-z 0-9 . _ -, a pattern has * and ? as well");
}
END_TEST

START_TEST(one_run_shows_all_wrong_values)
{
	struct config config;

	ck_assert_int_eq(load(&config,
			     "check_ms = 0\nhold_ms = 0\n"
			     "participant a { user = root order = 100 }\n"
			     "socket_mode = 660\n"),
	    -1);
	ck_assert_uint_eq(ncomplaints, 4);
	ck_assert_ptr_nonnull(strstr(complaints, ":1: check_ms = 0 "));
	ck_assert_ptr_nonnull(strstr(complaints, ":2: hold_ms = 0 "));
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
	ck_assert_int_eq(config_load(&config, "/no/such/file", &noted), -1);
	ck_assert_str_eq(complaints,
	    "/no/such/file: No such file or directory\n");
	complaints[0] = '\0';
	ck_assert_int_eq(config_load(&config, directory, &noted), -1);
	ck_assert_ptr_nonnull(strstr(complaints, "Is a directory"));
	/* Somebody else's words must not steer root. */
	ck_assert_int_eq(load(&config, ""), 0);
	config_fini(&config);
	ck_assert_int_eq(chmod(path, 0666), 0);
	complaints[0] = '\0';
	ck_assert_int_eq(config_load(&config, path, &noted),
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
	ck_assert_int_eq(config_validate(&config, &noted), -1);
	(void)snprintf(wanted, sizeof(wanted), "%s:%s\n", path, complaint);
	ck_assert_str_eq(complaints, wanted);
	config_fini(&config);
}

START_TEST(sums_must_fit_into_the_driver)
{
	struct config config;

	expect_unfit("\nfreeze_ms = 12000\n\n", true,
	    "2: freeze_ms 12000 + commit_ms 500 + fs_ms 4000 = 16500 does not "
	    "fit into driver_ms 15000");
	expect_unfit("check_ms = 11001\n", true,
	    "1: check_ms 11001 + fs_ms 4000 = 15001 does not fit into "
	    "driver_ms 15000");
	expect_unfit("thaw_ms = 11001\n", true,
	    "1: thaw_ms 11001 + fs_ms 4000 = 15001 does not fit into "
	    "driver_ms 15000");
	expect_unfit("participant a { user = root freeze_ms = 10001 }\n", true,
	    "1: participant \"a\": freeze_ms 10001 does not fit into "
	    "freeze_ms 10000 of all together");
	ck_assert_int_eq(load(&config,
			     "freeze_ms = 10500\n"
			     "check_ms = 11000\nthaw_ms = 11000\n"),
	    0);
	ck_assert_int_eq(config_validate(&config, &noted), 0);
	config_fini(&config);
}
END_TEST

START_TEST(sums_are_told_beside_other_mistakes)
{
	expect_mistake("freeze_ms = 12000\nnonsense = 1\n",
	    "2: no such word: \"nonsense\"\n"
	    "FILE:1: freeze_ms 12000 + commit_ms 500 + fs_ms 4000 = 16500 does "
	    "not fit into driver_ms 15000");
	/* Not of one that was meant otherwise. */
	expect_mistake("freeze_ms = 12000\ndriver_ms = 2OOOO\n",
	    "2: driver_ms = \"2OOOO\": it has to be a number");
	expect_mistake("freeze_ms = 12000\nfs_ms = 900001\n",
	    "2: fs_ms = 900001 is not within 0..900000");
}
END_TEST

START_TEST(a_daemon_needs_absolute_paths)
{
	struct config config;

	expect_unfit("history_path = h.db\n", false,
	    "1: history_path \"h.db\" must begin with / unless --foreground is "
	    "given");
	expect_unfit("log_path = stderr\n", false,
	    "1: log_path \"stderr\" needs --foreground");
	ck_assert_int_eq(load(&config, "history_path = h.db\n"), 0);
	config.foreground = true;
	ck_assert_int_eq(config_validate(&config, &noted), 0);
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
	ck_assert_int_eq(config_validate(&config, &noted), -1);
	ck_assert_uint_eq(ncomplaints, 1);
	config_fini(&config);
}
END_TEST

START_TEST(a_name_wins_over_patterns_and_the_first_pattern_over_others)
{
	struct config config;

	ck_assert_int_eq(load(&config,
			     "participant \"db-*\" { user = 1 }\n"
			     "participant \"*\" { user = 2 }\n"
			     "participant \"db-?\" { user = 3 }\n"
			     "participant db-x { user = 4 }\n"
			     "participant aa { user = 5 }\n"),
	    0);
	ck_assert_uint_eq(config_find(&config, "db-x")->uid, 4);
	ck_assert_uint_eq(config_find(&config, "db-y")->uid, 1);
	ck_assert_uint_eq(config_find(&config, "aa")->uid, 5);
	ck_assert_uint_eq(config_find(&config, "ab")->uid, 2);
	config_fini(&config);
	expect_mistake("participant \"db-*\" { user = 1 expect = true }\n",
	    "1: participant \"db-*\": expect needs a name, not a pattern");
}
END_TEST

START_TEST(patterns_fit)
{
	ck_assert(config_fits("*", "anything"));
	ck_assert(config_fits("web-*", "web-"));
	ck_assert(config_fits("web-*", "web-1"));
	ck_assert(!config_fits("web-*", "web"));
	ck_assert(!config_fits("web-*", "xweb-1"));
	ck_assert(config_fits("*-db", "a-db-db"));
	ck_assert(!config_fits("*-db", "a-db-d"));
	ck_assert(config_fits("a?c", "abc"));
	ck_assert(!config_fits("a?c", "ac"));
	ck_assert(config_fits("a*b*c", "axxbyybzc"));
	ck_assert(!config_fits("a*b*c", "axxbyyb"));
	ck_assert(!config_fits("abc", "abcd"));
	ck_assert(!config_fits("abcd", "abc"));
	/* Does not go back for ever. */
	ck_assert(!config_fits("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}
END_TEST

START_TEST(access_is_read)
{
	struct config config;

	ck_assert_int_eq(load(&config,
			     "access web {\n"
			     "	user = {root, 4711}\n	group = 12\n"
			     "	roles = {participate, observe}\n"
			     "	names = {\"web-*\", other}\n}\n"
			     "access all { user = \"*\" roles = request }\n"
			     "access op { group = {3} roles = {admin} }\n"),
	    0);
	ck_assert_uint_eq(config.naccess, 3);
	ck_assert_uint_eq(config.access[0].nuids, 2);
	ck_assert_uint_eq(config.access[0].uids[0], 0);
	ck_assert_uint_eq(config.access[0].uids[1], 4711);
	ck_assert_uint_eq(config.access[0].gids[0], 12);
	ck_assert_uint_eq(config.access[0].roles,
	    ACCESS_OBSERVE | ACCESS_PARTICIPATE);
	ck_assert_uint_eq(config.access[0].nnames, 2);
	ck_assert_str_eq(config.access[0].names[0], "web-*");
	ck_assert(!config.access[0].anyone);
	ck_assert(config.access[1].anyone);
	ck_assert_uint_eq(config.access[1].roles, ACCESS_REQUEST);
	ck_assert_uint_eq(config.access[2].roles, ACCESS_ADMIN);
	config_fini(&config);
	expect_mistake("access a { roles = admin }\n",
	    "1: access \"a\" needs a user or a group");
	expect_mistake("access a {\n user = 1\n}\n",
	    "3: access \"a\" needs roles");
	expect_mistake("access a { user = 1 roles = king }\n",
	    "1: access \"a\": roles \"king\": a role is one of observe, "
	    "participate, request, admin");
	expect_mistake("access a { group = no-such roles = admin }\n",
	    "1: access \"a\": group \"no-such\": there is no such group");
	expect_mistake("access a { user = 1 roles = admin names = \"[a]\" }\n",
	    "1: access \"a\": names \"[a]\": a pattern is 1 to 64 of A-Z a-z "
	    "0-9 . _ - * ?");
	expect_mistake("access a { user = 1 roles = admin names = {} }\n",
	    "1: names: the list is empty");
	/* Good ones behind a bad one do not make it good. */
	expect_mistake("access a { user = 1 roles = admin "
		       "names = {\"\\q\", a} }\n",
	    "1: no such escape: those are \\\" \\\\ \\$ \\n \\t \\xHH, but "
	    "not \\x00");
}
END_TEST

/* What libConfuse would take silently, or stop at. */
START_TEST(nothing_is_swallowed)
{
	expect_mistake("hold_ms = 5\n/* open\nfreeze_ms = 1\n",
	    "2: the comment that begins here has no end");
	expect_mistake("participant a {\nuser = 0\n",
	    "1: participant \"a\" has no '}'");
	expect_mistake("user = \"${HOME}\"\n",
	    "1: variables are not expanded; write \\$");
	expect_mistake("user = \"abc\nhold_ms = 5\n",
	    "1: a text that begins with \" does not end on its line");
	expect_mistake("user = a\"b\"\n", "1: no such word: \"b\"");
	expect_mistake("hold_ms = 1\n\nhold_ms = 2\n",
	    "3: hold_ms was set in line 1 already");
	expect_mistake("hold_ms =\ncheck_ms = 7\n", "1: hold_ms has no value");
	expect_mistake("hold_ms = ''\n",
	    "1: hold_ms = \"\": it has to be a number");
	expect_mistake("hold_ms = 10s\n",
	    "1: hold_ms = \"10s\": it has to be a number");
	expect_mistake("hold_ms = 99999999999999999999\n",
	    "1: hold_ms = \"99999999999999999999\": it has to be a number");
	expect_mistake("hold_ms 10\n", "1: '=' is missing behind hold_ms");
	expect_mistake("hold_ms = {10}\n",
	    "1: hold_ms takes one value, and no list");
	expect_mistake("hold_ms = 10\n}\n", "2: '}' is not expected here");
	expect_mistake("user = a*b\n", "1: '*' stands in double quotes only");
	expect_mistake("user = \"a\\qb\"\n",
	    "1: no such escape: those are \\\" \\\\ \\$ \\n \\t \\xHH, but "
	    "not \\x00");
	expect_mistake("participant a { user = 0 required = maybe }\n",
	    "1: required = \"maybe\": it has to be true or false");
	expect_mistake("participant { user = 0 }\n",
	    "1: participant needs a name: participant \"...\" {");
	expect_mistake("participant a { user = 0 hold_ms = 5 }\n",
	    "1: no such word of a section participant: \"hold_ms\"");
	expect_mistake("hold_ms += 5\n",
	    "1: hold_ms += adds nothing here: write the whole with =");
}
END_TEST

START_TEST(lines_are_right_behind_comments)
{
	expect_mistake("# one\n# two\nhold_ms = 5 // three\n/* four\nfive */\n"
		       "freeze_ms = 0\n",
	    "6: freeze_ms = 0 is not within 1..900000");
}
END_TEST

START_TEST(mistakes_of_all_kinds_in_the_order_of_lines)
{
	struct config config;
	const char *at = complaints;
	char line[80];
	int i;

	ck_assert_int_eq(load(&config,
			     "freeze_ms = 0\n"	   /* libConfuse's */
			     "freze_ms = 1\n"	   /* the scanner's */
			     "log_level = loud\n"  /* libConfuse's */
			     "hold_ms = x\n"	   /* the scanner's */
			     "participant a { }\n" /* libConfuse's */
			     "participant b { user = " /* the scanner's */),
	    -1);
	for (i = 1; i <= 6; i++) {
		(void)snprintf(line, sizeof(line), "%s:%d: ", path, i);
		at = strstr(at, line);
		ck_assert_msg(at != NULL, "no line %d: %s", i, complaints);
	}
}
END_TEST

static char *
printed(const struct config *config)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(config_print(config, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	return (text);
}

START_TEST(what_is_printed_is_read_back)
{
	struct config config, again;
	char *one, *other;

	ck_assert_int_eq(
	    load(&config,
		"user = 'a\"b\\\\c$\\'d'\n"
		"device = \"\\x01\\$\\n\\t \"\nsocket_mode = 0640\n"
		"log_level = debug\nhold_ms = 77\n"
		"participant z { user = root order = 0 }\n"
		"participant \"*\" { user = 3 thaw_ms = 4 }\n"
		"participant a { user = 2 expect = on }\n"
		"access a { user = {\"*\", 5} roles = observe }\n"
		"access \"\\xff\" { group = {5, 0} names = \"x?\"\n"
		"roles = {admin, request, participate} }\n"),
	    0);
	ck_assert_str_eq(config.user, "a\"b\\c$'d");
	ck_assert_str_eq(config.device, "\x01$\n\t ");
	one = printed(&config);
	ck_assert_int_eq(load(&again, one), 0);
	ck_assert_str_eq(again.user, config.user);
	ck_assert_str_eq(again.device, config.device);
	ck_assert_uint_eq(again.socket_mode, 0640);
	ck_assert_uint_eq(again.hold_ms, 77);
	ck_assert_uint_eq(again.nparticipants, 3);
	ck_assert(again.participants[0].expect);
	ck_assert(!again.participants[0].has_order);
	ck_assert(again.participants[1].has_order);
	ck_assert_str_eq(again.access[1].title, "\xff");
	other = printed(&again);
	ck_assert_str_eq(one, other);
	free(one);
	free(other);
	config_fini(&config);
	config_fini(&again);
}
END_TEST

START_TEST(a_reload_takes_over_what_may_change)
{
	struct config config, next;
	const char *device;

	ck_assert_int_eq(load(&config,
			     "device = none\nhold_ms = 5\n"
			     "participant a { user = 1 }\n"),
	    0);
	device = config.device;
	ck_assert_int_eq(load(&next,
			     "device = none\nhold_ms = 6\nlog_level = warn\n"
			     "participant b { user = 2 }\n"
			     "access x { user = 3 roles = admin }\n"),
	    0);
	ck_assert_int_eq(config_compare(&config, &next, &noted), 0);
	config_adopt(&config, &next);
	ck_assert_uint_eq(config.hold_ms, 6);
	ck_assert_int_eq(config.log_level, HELDLOG_WARN);
	ck_assert_ptr_null(config_find(&config, "a"));
	ck_assert_ptr_nonnull(config_find(&config, "b"));
	ck_assert_uint_eq(config.naccess, 1);
	/* Whoever borrowed it, keeps it. */
	ck_assert_ptr_eq(config.device, device);
	ck_assert_ptr_null(next.participants);
	config_fini(&config);
}
END_TEST

START_TEST(a_reload_names_every_word_that_needs_a_restart)
{
	struct config config, next;
	char wanted[512];

	ck_assert_int_eq(load(&config, "max_clients = 5\nhold_ms = 9\n"), 0);
	ck_assert_int_eq(load(&next, "\ndevice = none\nhold_ms = 8\n"), 0);
	ck_assert_int_eq(config_compare(&config, &next, &noted), -1);
	(void)snprintf(wanted, sizeof(wanted),
	    "%s:2: device cannot change while appvssd runs: restart it\n"
	    "%s: max_clients cannot change while appvssd runs: restart it\n",
	    path, path);
	ck_assert_str_eq(complaints, wanted);
	config_fini(&config);
	config_fini(&next);
}
END_TEST

/* A campaign of faults cannot wait for seconds. */
START_TEST(every_time_can_be_short)
{
	struct config config;

	ck_assert_int_eq(load(&config,
			     "driver_ms = 30\nfs_ms = 0\nmargin_ms = 1\n"
			     "check_ms = 10\nfreeze_ms = 10\ncommit_ms = 5\n"
			     "thaw_ms = 10\nhold_ms = 10\nslice_ms = 1\n"
			     "hold_max_ms = 1\npause_ms = 1\nrearm_ms = 1\n"
			     "retry_ms = 1\nretry_max_ms = 1\nhello_ms = 1\n"
			     "stall_ms = 1\nlinger_ms = 1\n"
			     "participant a { user = 0 freeze_ms = 1\n"
			     "thaw_ms = 1 }\n"),
	    0);
	ck_assert_int_eq(config_validate(&config, &noted), 0);
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
	tcase_add_test(tcase, sums_are_told_beside_other_mistakes);
	tcase_add_test(tcase, a_daemon_needs_absolute_paths);
	tcase_add_test(tcase, a_socket_path_must_fit_into_its_address);
	tcase_add_test(tcase,
	    a_name_wins_over_patterns_and_the_first_pattern_over_others);
	tcase_add_test(tcase, patterns_fit);
	tcase_add_test(tcase, access_is_read);
	tcase_add_test(tcase, nothing_is_swallowed);
	tcase_add_test(tcase, lines_are_right_behind_comments);
	tcase_add_test(tcase, mistakes_of_all_kinds_in_the_order_of_lines);
	tcase_add_test(tcase, what_is_printed_is_read_back);
	tcase_add_test(tcase, a_reload_takes_over_what_may_change);
	tcase_add_test(tcase, a_reload_names_every_word_that_needs_a_restart);
	tcase_add_test(tcase, every_time_can_be_short);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
