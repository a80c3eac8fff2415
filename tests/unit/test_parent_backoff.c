/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The waits between restarts: at once, then doubling, bounded, and forgiven
 * after a good run.
 */
#include <check.h>
#include <stdlib.h>

#include "appvssd/parent_backoff.h"

START_TEST(waits_double_up_to_the_limit)
{
	static const uint32_t waits[] = { 100, 200, 400, 500, 500 };
	struct parent_backoff backoff;
	uint64_t now_ms = 1000000;
	size_t i;

	parent_backoff_init(&backoff, 100, 500, 10000);
	ck_assert_uint_le(backoff.next_at_ms, now_ms);
	for (i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		parent_backoff_started(&backoff, now_ms);
		now_ms += 9999;
		ck_assert_uint_eq(parent_backoff_ended(&backoff, now_ms),
		    waits[i]);
		ck_assert_uint_eq(backoff.next_at_ms, now_ms + waits[i]);
	}
}
END_TEST

START_TEST(a_good_run_starts_anew)
{
	struct parent_backoff backoff;

	parent_backoff_init(&backoff, 100, 5000, 10000);
	parent_backoff_started(&backoff, 0);
	ck_assert_uint_eq(parent_backoff_ended(&backoff, 1), 100);
	ck_assert_uint_eq(parent_backoff_ended(&backoff, 2), 200);
	parent_backoff_started(&backoff, 1000);
	ck_assert_uint_eq(parent_backoff_ended(&backoff, 11000), 100);
	/* Failing to start after it is no second good run. */
	ck_assert_uint_eq(parent_backoff_ended(&backoff, 30000), 200);
	ck_assert_uint_eq(parent_backoff_ended(&backoff, 60000), 400);
}
END_TEST

START_TEST(a_large_limit_does_not_overflow)
{
	struct parent_backoff backoff;
	int i;

	parent_backoff_init(&backoff, 3, UINT32_MAX, 1);
	for (i = 0; i < 64; i++)
		(void)parent_backoff_ended(&backoff, 0);
	ck_assert_uint_eq(parent_backoff_ended(&backoff, 7), UINT32_MAX);
	ck_assert_uint_eq(backoff.next_at_ms, UINT64_C(7) + UINT32_MAX);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("parent_backoff");
	TCase *tcase = tcase_create("parent_backoff");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, waits_double_up_to_the_limit);
	tcase_add_test(tcase, a_good_run_starts_anew);
	tcase_add_test(tcase, a_large_limit_does_not_overflow);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
