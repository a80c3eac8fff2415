/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: the rules of DESIGN's socket protocol that keep an unbound
 * participant from vetoing, reordering or stretching a snapshot.
 */
#include <sys/types.h>

#include <check.h>
#include <stdlib.h>

#include "appvssd/access.h"
#include "appvssd/config.h"

#define POSTGRES 70
#define OTHER	 1000

static char bound_name[] = "postgres";
static char loose_name[] = "loose";

static struct config_participant entries[] = {
	{ .name = loose_name, .uid = POSTGRES },
	{ .name = bound_name,
	    .uid = POSTGRES,
	    .required = true,
	    .expect = true,
	    .has_order = true,
	    .order = 20,
	    .freeze_ms = 3000,
	    .thaw_ms = 800 },
};

static gid_t web_gid = 33, op_gid = 5;
static uid_t agent_uid = 77;
static char web_pattern[] = "web-*";
static char *web_names[] = { web_pattern };
static char title[] = "x";

static struct config_access sections[] = {
	{ .title = title,
	    .gids = &web_gid,
	    .ngids = 1,
	    .roles = ACCESS_OBSERVE | ACCESS_PARTICIPATE,
	    .names = web_names,
	    .nnames = 1 },
	{ .title = title,
	    .uids = &agent_uid,
	    .nuids = 1,
	    .roles = ACCESS_REQUEST },
	/* Has no names, but does not let anybody take part. */
	{ .title = title,
	    .gids = &web_gid,
	    .ngids = 1,
	    .roles = ACCESS_OBSERVE },
	{ .title = title, .gids = &op_gid, .ngids = 1, .roles = ACCESS_ADMIN },
	{ .title = title,
	    .gids = &op_gid,
	    .ngids = 1,
	    .roles = ACCESS_PARTICIPATE },
};

/* Sorted, as config_find() needs it. */
static const struct config config = {
	.freeze_ms = 10000,
	.thaw_ms = 9000,
	.slice_ms = 5000,
	.participants = entries,
	.nparticipants = 2,
	.nnamed = 2,
	.access = sections,
	.naccess = 5,
};

static gid_t other_gids[] = { 100, 5 };
static gid_t www_gids[] = { 33 };
static const struct access_peer root = { .uid = 0, .trusted = true };
static const struct access_peer postgres = { .uid = POSTGRES };
/* In a group of its own, and in that of operators. */
static const struct access_peer other = { OTHER, false, other_gids, 2 };
static const struct access_peer www = { 34, false, www_gids, 1 };
static const struct access_peer stranger = { 35, false, other_gids, 1 };

static const struct access_grant plain = { .order = 50 };

START_TEST(roles_come_from_user_and_groups)
{
	const unsigned all = ACCESS_OBSERVE | ACCESS_PARTICIPATE |
	    ACCESS_REQUEST | ACCESS_ADMIN;
	const struct access_peer agent = { .uid = 77 };
	const struct access_peer both = { 77, false, www_gids, 1 };

	ck_assert_uint_eq(access_roles(&config, &root), all);
	ck_assert_uint_eq(access_roles(&config, &www),
	    ACCESS_OBSERVE | ACCESS_PARTICIPATE);
	ck_assert_uint_eq(access_roles(&config, &agent), ACCESS_REQUEST);
	ck_assert_uint_eq(access_roles(&config, &both),
	    ACCESS_OBSERVE | ACCESS_PARTICIPATE | ACCESS_REQUEST);
	/* By a group that is not its first. */
	ck_assert_uint_eq(access_roles(&config, &other),
	    ACCESS_ADMIN | ACCESS_PARTICIPATE);
	ck_assert_uint_eq(access_roles(&config, &stranger), 0);
	/* A binding is leave to take part, and no more. */
	ck_assert_uint_eq(access_roles(&config, &postgres), ACCESS_PARTICIPATE);
}
END_TEST

START_TEST(anyone_is_everyone)
{
	struct config_access anyone = { .title = title,
		.anyone = true,
		.roles = ACCESS_OBSERVE };
	const struct config open = { .access = &anyone, .naccess = 1 };
	const struct config shut = { .naccess = 0 };

	ck_assert_uint_eq(access_roles(&open, &stranger), ACCESS_OBSERVE);
	ck_assert_uint_eq(access_roles(&shut, &stranger), 0);
}
END_TEST

static int
may_register(const struct access_peer *peer, const char *name)
{
	struct access_grant grant = plain;
	const char *why = NULL;
	int result = access_register(&config, name, peer, &grant, &why);

	ck_assert((result == -1) == (why != NULL));
	return (result);
}

START_TEST(names_are_those_of_the_section_that_lets_in)
{
	ck_assert_int_eq(may_register(&www, "web-1"), 0);
	ck_assert_int_eq(may_register(&www, "db-1"), -1);
	ck_assert_int_eq(may_register(&other, "db-1"), 0);
	ck_assert_int_eq(may_register(&stranger, "web-1"), -1);
	ck_assert_int_eq(may_register(&root, "db-1"), 0);
	/* A binding is for its name only. */
	ck_assert_int_eq(may_register(&postgres, "postgres"), 0);
	ck_assert_int_eq(may_register(&postgres, "web-1"), -1);
}
END_TEST

START_TEST(unbound_is_optional_and_cut_to_its_slice)
{
	struct access_grant grant = plain;
	const char *why = NULL;

	grant.freeze_ms = 9000;
	grant.thaw_ms = 9001;
	grant.expect = true;
	ck_assert_int_eq(access_register(&config, "mine", &other, &grant, &why),
	    0);
	ck_assert(!grant.required);
	ck_assert(!grant.expect);
	ck_assert_uint_eq(grant.order, 50);
	ck_assert_uint_eq(grant.freeze_ms, 5000);
	ck_assert_uint_eq(grant.thaw_ms, 9000);
	grant.freeze_ms = 700;
	ck_assert_int_eq(access_register(&config, "mine", &other, &grant, &why),
	    0);
	ck_assert_uint_eq(grant.freeze_ms, 700);
	grant.freeze_ms = 0;
	ck_assert_int_eq(access_register(&config, "mine", &other, &grant, &why),
	    0);
	ck_assert_uint_eq(grant.freeze_ms, 5000);
}
END_TEST

START_TEST(unbound_may_not_veto_or_choose_an_order)
{
	const struct access_peer *peers[] = { &other, &root };
	struct access_grant grant;
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		grant = plain;
		grant.required = true;
		why = NULL;
		ck_assert_int_eq(access_register(&config, "mine", peers[i],
				     &grant, &why),
		    -1);
		ck_assert_ptr_nonnull(why);
		grant = plain;
		grant.order = 49;
		why = NULL;
		ck_assert_int_eq(access_register(&config, "mine", peers[i],
				     &grant, &why),
		    -1);
		ck_assert_ptr_nonnull(why);
	}
}
END_TEST

START_TEST(the_entry_wins_over_what_is_asked)
{
	struct access_grant grant = { .order = 99,
		.required = false,
		.freeze_ms = 100 };
	const char *why = NULL;

	ck_assert_int_eq(access_register(&config, bound_name, &postgres, &grant,
			     &why),
	    0);
	ck_assert(grant.required);
	ck_assert(grant.expect);
	ck_assert_uint_eq(grant.order, 20);
	ck_assert_uint_eq(grant.freeze_ms, 3000);
	ck_assert_uint_eq(grant.thaw_ms, 800);
}
END_TEST

START_TEST(an_entry_that_is_silent_leaves_order_and_time_to_the_asker)
{
	struct access_grant grant = { .order = 10,
		.required = true,
		.freeze_ms = 9000,
		.thaw_ms = 700 };
	const char *why = NULL;

	ck_assert_int_eq(access_register(&config, loose_name, &postgres, &grant,
			     &why),
	    0);
	ck_assert(!grant.required);
	ck_assert_uint_eq(grant.order, 10);
	ck_assert_uint_eq(grant.freeze_ms, 9000);
	ck_assert_uint_eq(grant.thaw_ms, 700);
	/* But never more than there is. */
	grant.freeze_ms = 20000;
	ck_assert_int_eq(access_register(&config, loose_name, &postgres, &grant,
			     &why),
	    0);
	ck_assert_uint_eq(grant.freeze_ms, 10000);
}
END_TEST

START_TEST(a_bound_name_is_its_users_or_roots)
{
	struct access_grant grant = plain;
	const char *why = NULL;

	ck_assert_int_eq(access_register(&config, bound_name, &other, &grant,
			     &why),
	    -1);
	ck_assert_ptr_nonnull(why);
	ck_assert_int_eq(access_register(&config, bound_name, &root, &grant,
			     &why),
	    0);
	ck_assert(grant.required);
	ck_assert_uint_eq(grant.order, 20);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("access");
	TCase *tcase = tcase_create("access");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, roles_come_from_user_and_groups);
	tcase_add_test(tcase, anyone_is_everyone);
	tcase_add_test(tcase, names_are_those_of_the_section_that_lets_in);
	tcase_add_test(tcase, unbound_is_optional_and_cut_to_its_slice);
	tcase_add_test(tcase, unbound_may_not_veto_or_choose_an_order);
	tcase_add_test(tcase, the_entry_wins_over_what_is_asked);
	tcase_add_test(tcase,
	    an_entry_that_is_silent_leaves_order_and_time_to_the_asker);
	tcase_add_test(tcase, a_bound_name_is_its_users_or_roots);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
