/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words for the values of enumerations, as the protocol, the history and logs
 * show them: each value has one of its own, and a number that is no value, from
 * a newer program or damaged memory, is shown and stops nobody.  And the list
 * of sources, whose backends need not know everything.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/config_words.h"
#include "appvssd/source.h"
#include "appvssd/txn.h"
#include "hooks/scan.h"
#include "kernel/hv_vss_daemon/policy.h"
#include "sdk/wire.h"

#define NO_VALUE 99

/* Values 0..last have words that differ, NO_VALUE has otherwise. */
#define WORDS_DIFFER(function, type, last, otherwise)                      \
	do {                                                               \
		int one, other;                                            \
                                                                           \
		for (one = 0; one <= (int)(last); one++) {                 \
			for (other = 0; other < one; other++)              \
				ck_assert_str_ne(function((type)one),      \
				    function((type)other));                \
		}                                                          \
		ck_assert_str_eq(function((type)(NO_VALUE)), (otherwise)); \
	} while (0)

START_TEST(every_value_has_its_word)
{
	WORDS_DIFFER(txn_state_word, enum txn_state, TXN_THAWING, "unknown");
	WORDS_DIFFER(txn_op_word, enum txn_op, TXN_OP_THAW, "unknown");
	WORDS_DIFFER(txn_outcome_word, enum txn_outcome, TXN_OUTCOME_LOST,
	    "unknown");
	WORDS_DIFFER(txn_consistency_word, enum txn_consistency,
	    TXN_CONSISTENCY_APPLICATION, "unknown");
	WORDS_DIFFER(txn_reason_word, enum txn_reason, TXN_REASON_NOT_FROZEN,
	    "unknown");
	WORDS_DIFFER(txn_result_word, enum txn_result, TXN_RESULT_CUT,
	    "unknown");
	WORDS_DIFFER(txn_thaw_word, enum txn_thaw, TXN_THAW_GONE, "unknown");
	WORDS_DIFFER(wire_error_word, enum wire_error, WIRE_E_BAD_VALUE,
	    "grammar");
	WORDS_DIFFER(scan_verdict_text, enum scan_verdict,
	    SCAN_REFUSED_WRITABLE, "unknown");
	WORDS_DIFFER(mounts_result_text, enum mounts_result, MOUNTS_CYCLE,
	    "unknown");
	ck_assert_ptr_null(config_level_word(NO_VALUE));
	ck_assert_ptr_nonnull(config_level_word(0));
}
END_TEST

START_TEST(a_verdict_that_is_none_is_a_refusal)
{
	ck_assert(!scan_is_refused(SCAN_RUN));
	ck_assert(!scan_is_refused(SCAN_LEFTOVER));
	ck_assert(!scan_is_refused(SCAN_DISABLED));
	ck_assert(scan_is_refused(SCAN_REFUSED_NAME));
	ck_assert(scan_is_refused(SCAN_REFUSED_KIND));
	ck_assert(scan_is_refused(SCAN_REFUSED_OWNER));
	ck_assert(scan_is_refused(SCAN_REFUSED_WRITABLE));
	ck_assert(scan_is_refused((enum scan_verdict)NO_VALUE));
}
END_TEST

START_TEST(a_policy_that_is_none_vetoes)
{
	const struct mount_entry entry = { "/", "ext4", "/dev/a", 1, 1, false };
	const struct policy policy = { .system = MOUNT_LINUX };
	struct policy_decision decision = {
		.policy = (enum mount_policy)NO_VALUE
	};
	struct mount_plan plan;
	char text[32] = "?";
	unsigned culprit;

	ck_assert_int_eq(policy_plan(&policy, &entry, 1, &decision, &plan,
			     &culprit),
	    MOUNTS_VETO);
	decision.reason = (enum policy_reason)NO_VALUE;
	ck_assert_str_eq(policy_reason_text(&policy, &entry, &decision, text,
			     sizeof(text)),
	    "");
}
END_TEST

static unsigned ended;

static int
take_answer(void *self, const struct source_answer *answer)
{
	(void)answer;
	return (*(int *)self);
}

static enum hv_vss_told
tell(void *self, uint64_t msgid)
{
	(void)self;
	return (msgid == 7 ? VSS_TOLD_SUCCESS : VSS_TOLD_FORGOTTEN);
}

static bool
count(void *self, struct source_counters *counters)
{
	(void)counters;
	return (*(int *)self == 0);
}

static void
note_end(void *self, const struct source_end *end)
{
	(void)self;
	(void)end;
	ended++;
}

START_TEST(a_source_need_not_know_everything)
{
	static const struct source_ops knows_all = { "all", take_answer, tell,
		count, note_end };
	static const struct source_ops knows_nothing = { "nothing", take_answer,
		NULL, NULL, NULL };
	struct source_counters counters;
	struct source_answer answer = { .source = 0 };
	struct source_end end = { .source = 0 };
	struct sources sources;
	int result = 0;
	size_t i;

	for (i = 0; i < SOURCE_KINDS; i++)
		sources.items[i] = (struct source) { &knows_all, &result };
	ck_assert_int_eq(source_answer(&sources, &answer), 0);
	ck_assert_int_eq(source_told(&sources, 0, 7), VSS_TOLD_SUCCESS);
	ck_assert(source_counted(&sources, 0, &counters));
	result = -1;
	ck_assert_int_eq(source_answer(&sources, &answer), -1);
	ck_assert(!source_counted(&sources, 0, &counters));
	source_ended(&sources, &end);
	ck_assert_uint_eq(ended, 1);
	for (i = 0; i < SOURCE_KINDS; i++)
		sources.items[i].ops = &knows_nothing;
	ck_assert_int_eq(source_told(&sources, 0, 7), VSS_TOLD_NOTHING);
	ck_assert(!source_counted(&sources, 0, &counters));
	source_ended(&sources, &end);
	ck_assert_uint_eq(ended, 1);
	ck_assert_ptr_eq(source_ops(&sources, 0), &knows_nothing);
}
END_TEST

/* Only a plain success is one; what nobody knows is not a failure. */
START_TEST(what_a_host_was_told)
{
	ck_assert_int_eq(source_txn_told(VSS_TOLD_SUCCESS), TXN_TOLD_SUCCESS);
	ck_assert_int_eq(source_txn_told(VSS_TOLD_PENDING), TXN_TOLD_FAIL);
	ck_assert_int_eq(source_txn_told(VSS_TOLD_FAIL), TXN_TOLD_FAIL);
	ck_assert_int_eq(source_txn_told(VSS_TOLD_TIMEOUT), TXN_TOLD_FAIL);
	ck_assert_int_eq(source_txn_told(VSS_TOLD_NOTHING), TXN_TOLD_UNKNOWN);
	ck_assert_int_eq(source_txn_told(VSS_TOLD_FORGOTTEN), TXN_TOLD_UNKNOWN);
	ck_assert_int_eq(source_txn_told((enum hv_vss_told)NO_VALUE),
	    TXN_TOLD_UNKNOWN);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("words");
	TCase *tcase = tcase_create("words");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, every_value_has_its_word);
	tcase_add_test(tcase, a_verdict_that_is_none_is_a_refusal);
	tcase_add_test(tcase, a_policy_that_is_none_vetoes);
	tcase_add_test(tcase, a_source_need_not_know_everything);
	tcase_add_test(tcase, what_a_host_was_told);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
