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
#define SELF	 900

static char bound_name[] = "postgres";
static char loose_name[] = "loose";

static struct config_participant entries[] = {
	{ .name = bound_name,
	    .uid = POSTGRES,
	    .required = true,
	    .expect = true,
	    .has_order = true,
	    .order = 20,
	    .freeze_ms = 3000 },
	{ .name = loose_name, .uid = POSTGRES },
};

static const struct config config = {
	.freeze_ms = 10000,
	.slice_ms = 5000,
	.participants = entries,
	.nparticipants = 2,
};

static const struct access_grant plain = { .order = 50 };

START_TEST(roles_come_from_the_uid)
{
	const unsigned all = ACCESS_OBSERVE | ACCESS_PARTICIPATE |
	    ACCESS_REQUEST | ACCESS_ADMIN;

	ck_assert_uint_eq(access_roles(&config, 0, SELF), all);
	ck_assert_uint_eq(access_roles(&config, SELF, SELF), all);
	ck_assert_uint_eq(access_roles(&config, OTHER, SELF),
	    ACCESS_OBSERVE | ACCESS_PARTICIPATE);
}
END_TEST

START_TEST(unbound_is_optional_and_cut_to_its_slice)
{
	struct access_grant grant = plain;
	const char *why = NULL;

	grant.freeze_ms = 9000;
	grant.expect = true;
	ck_assert_int_eq(access_register(&config, "mine", OTHER, &grant, &why),
	    0);
	ck_assert(!grant.required);
	ck_assert(!grant.expect);
	ck_assert_uint_eq(grant.order, 50);
	ck_assert_uint_eq(grant.freeze_ms, 5000);
	grant.freeze_ms = 700;
	ck_assert_int_eq(access_register(&config, "mine", OTHER, &grant, &why),
	    0);
	ck_assert_uint_eq(grant.freeze_ms, 700);
	grant.freeze_ms = 0;
	ck_assert_int_eq(access_register(&config, "mine", OTHER, &grant, &why),
	    0);
	ck_assert_uint_eq(grant.freeze_ms, 5000);
}
END_TEST

START_TEST(unbound_may_not_veto_or_choose_an_order)
{
	const uid_t uids[] = { OTHER, 0 };
	struct access_grant grant;
	const char *why;
	size_t i;

	for (i = 0; i < sizeof(uids) / sizeof(uids[0]); i++) {
		grant = plain;
		grant.required = true;
		why = NULL;
		ck_assert_int_eq(access_register(&config, "mine", uids[i],
				     &grant, &why),
		    -1);
		ck_assert_ptr_nonnull(why);
		grant = plain;
		grant.order = 49;
		why = NULL;
		ck_assert_int_eq(access_register(&config, "mine", uids[i],
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

	ck_assert_int_eq(access_register(&config, bound_name, POSTGRES, &grant,
			     &why),
	    0);
	ck_assert(grant.required);
	ck_assert(grant.expect);
	ck_assert_uint_eq(grant.order, 20);
	ck_assert_uint_eq(grant.freeze_ms, 3000);
}
END_TEST

START_TEST(an_entry_that_is_silent_leaves_order_and_time_to_the_asker)
{
	struct access_grant grant = { .order = 10,
		.required = true,
		.freeze_ms = 9000 };
	const char *why = NULL;

	ck_assert_int_eq(access_register(&config, loose_name, POSTGRES, &grant,
			     &why),
	    0);
	ck_assert(!grant.required);
	ck_assert_uint_eq(grant.order, 10);
	ck_assert_uint_eq(grant.freeze_ms, 9000);
	/* But never more than there is. */
	grant.freeze_ms = 20000;
	ck_assert_int_eq(access_register(&config, loose_name, POSTGRES, &grant,
			     &why),
	    0);
	ck_assert_uint_eq(grant.freeze_ms, 10000);
}
END_TEST

START_TEST(a_bound_name_is_its_users_or_roots)
{
	struct access_grant grant = plain;
	const char *why = NULL;

	ck_assert_int_eq(access_register(&config, bound_name, OTHER, &grant,
			     &why),
	    -1);
	ck_assert_ptr_nonnull(why);
	ck_assert_int_eq(access_register(&config, bound_name, 0, &grant, &why),
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

	tcase_add_test(tcase, roles_come_from_the_uid);
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
