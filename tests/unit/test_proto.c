/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of the socket protocol: complete, decodable, and of lines that
 * always fit.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/appvss.h"
#include "sdk/proto.h"

static const struct wire_grammar *const grammars[] = { &proto_client_grammar,
	&proto_broker_grammar };

static struct wire_msg msg;

static enum wire_error
decode(const struct wire_grammar *grammar, const char *text)
{
	return (wire_decode(grammar, text, strlen(text), &msg));
}

START_TEST(test_tables_complete)
{
	const struct wire_grammar *grammar = grammars[_i];
	unsigned i;

	ck_assert_uint_eq(grammar->nkeys, PK_COUNT);
	ck_assert_uint_le(grammar->nkeys, WIRE_KEYS_MAX);
	for (i = 0; i < grammar->nkeys; i++)
		ck_assert_ptr_nonnull(grammar->keys[i].name);
	for (i = 0; i < grammar->nverbs; i++) {
		ck_assert_ptr_nonnull(grammar->verbs[i].name);
		ck_assert_uint_eq(grammar->verbs[i].required &
			grammar->verbs[i].optional,
		    0);
	}
}
END_TEST

/* So that a text never has to be cut for want of room. */
START_TEST(test_longest_lines_fit)
{
	const struct wire_grammar *grammar = grammars[_i];
	const struct wire_verb_def *verb;
	size_t length;
	unsigned i, key;

	for (i = 0; i < grammar->nverbs; i++) {
		verb = &grammar->verbs[i];
		length = strlen(verb->name) + 1;
		for (key = 0; key < grammar->nkeys; key++) {
			if (((verb->required | verb->optional) &
				WIRE_BIT(key)) == 0)
				continue;
			length += strlen(grammar->keys[key].name) + 2;
			switch (grammar->keys[key].type) {
			case WIRE_UINT:
				length += (size_t)snprintf(NULL, 0, "%llu",
				    (unsigned long long)grammar->keys[key].max);
				break;
			case WIRE_NAME:
			case WIRE_WORD:
				length += WIRE_NAME_MAX;
				break;
			case WIRE_TEXT:
				length += 2 + 4 * grammar->keys[key].max;
				break;
			}
		}
		ck_assert_msg(length <= WIRE_LINE_MAX, "%s: %zu", verb->name,
		    length);
	}
}
END_TEST

START_TEST(test_limits_agree)
{
	ck_assert_uint_eq(APPVSS_NAME_MAX, WIRE_NAME_MAX);
	ck_assert_uint_eq(APPVSS_TEXT_MAX, PROTO_TEXT_MAX);
	ck_assert_uint_le(APPVSS_FREEZE_MS_DEFAULT, PROTO_BUDGET_MS_MAX);
	ck_assert_uint_le(APPVSS_THAW_MS_DEFAULT, PROTO_BUDGET_MS_MAX);
}
END_TEST

/* One line of each verb as the manual shows it. */
static const struct {
	const struct wire_grammar *grammar;
	const char *text;
	unsigned verb;
} lines[] = {
	{ &proto_client_grammar, "HELLO version=1 program=ledger", PC_HELLO },
	{ &proto_client_grammar,
	    "REGISTER name=db program=\"My DB 1\" order=10 required=1 check=1 "
	    "freeze_ms=5000 thaw_ms=900000",
	    PC_REGISTER },
	{ &proto_client_grammar, "UNREGISTER name=db", PC_UNREGISTER },
	{ &proto_client_grammar, "READY name=db id=7 op=freeze", PC_READY },
	{ &proto_client_grammar, "FAIL name=db id=7 op=thaw text=\"no\"",
	    PC_FAIL },
	{ &proto_client_grammar,
	    "PROGRESS name=db id=7 percent=100 remaining_ms=0 text=x",
	    PC_PROGRESS },
	{ &proto_client_grammar, "STATUS", PC_STATUS },
	{ &proto_client_grammar, "FORGET name=db", PC_FORGET },
	{ &proto_client_grammar, "SUBSCRIBE", PC_SUBSCRIBE },
	{ &proto_client_grammar, "CHECK", PC_CHECK },
	{ &proto_client_grammar, "FREEZE hold_ms=30000 detach=1", PC_FREEZE },
	{ &proto_client_grammar, "THAW id=13", PC_THAW },
	{ &proto_client_grammar, "QUIT", PC_QUIT },
	{ &proto_client_grammar,
	    "HISTORY kind=transactions before=9 limit=100 name=db",
	    PC_HISTORY },
	{ &proto_client_grammar, "HISTORY id=0 skip=100", PC_HISTORY },
	{ &proto_broker_grammar, "WELCOME version=1", PB_WELCOME },
	{ &proto_broker_grammar, "OK verb=REGISTER name=db", PB_OK },
	{ &proto_broker_grammar, "ERROR code=name_taken verb=REGISTER name=db",
	    PB_ERROR },
	{ &proto_broker_grammar, "CHECK name=db id=7 remaining_ms=1000",
	    PB_CHECK },
	{ &proto_broker_grammar,
	    "FREEZE name=db id=7 remaining_ms=1000 hold_ms=75000", PB_FREEZE },
	{ &proto_broker_grammar,
	    "THAW name=db id=7 reason=done remaining_ms=5000", PB_THAW },
	{ &proto_broker_grammar, "ITEM kind=participant name=db pid=12 uid=0",
	    PB_ITEM },
	{ &proto_broker_grammar, "END verb=STATUS", PB_END },
	{ &proto_broker_grammar,
	    "OK verb=FREEZE id=13 consistency=application hold_ms=30000",
	    PB_OK },
	{ &proto_broker_grammar,
	    "ERROR code=no_thaw verb=THAW id=13 outcome=expired "
	    "consistency=none",
	    PB_ERROR },
	{ &proto_broker_grammar,
	    "EVENT kind=begin id=13 op=freeze source=requestor", PB_EVENT },
	{ &proto_broker_grammar,
	    "EVENT kind=answer id=13 op=freeze name=db result=ready "
	    "elapsed_ms=4",
	    PB_EVENT },
	{ &proto_broker_grammar,
	    "ITEM kind=transaction id=7 at_ms=1763676000000 op=freeze "
	    "source=device msgid=18446744073709551615 outcome=done "
	    "consistency=filesystem reason=timeout name=db host=success "
	    "elapsed_ms=65 participants=2 ready=1",
	    PB_ITEM },
	{ &proto_broker_grammar, "END verb=HISTORY before=7", PB_END },
};

START_TEST(test_lines)
{
	ck_assert_int_eq(decode(lines[_i].grammar, lines[_i].text), WIRE_OK);
	ck_assert_uint_eq(msg.verb, lines[_i].verb);
}
END_TEST

static const struct {
	const char *text;
	enum wire_error error;
} bad_lines[] = {
	{ "HELLO", WIRE_E_MISSING_KEY },
	/* Another version is decoded: the broker says so itself. */
	{ "HELLO version=99", WIRE_OK },
	{ "REGISTER name=db order=100", WIRE_E_BAD_VALUE },
	{ "REGISTER name=db required=2", WIRE_E_BAD_VALUE },
	{ "REGISTER name=db freeze_ms=0", WIRE_E_BAD_VALUE },
	{ "REGISTER name=db freeze_ms=900001", WIRE_E_BAD_VALUE },
	{ "REGISTER name=db future=\"1 2\"", WIRE_OK },
	{ "READY name=db id=7", WIRE_E_MISSING_KEY },
	{ "READY name=db op=freeze", WIRE_E_MISSING_KEY },
	{ "READY name=db id=9223372036854775807 op=freeze", WIRE_OK },
	{ "READY name=db id=9223372036854775808 op=freeze", WIRE_E_BAD_VALUE },
	{ "PROGRESS name=db id=7 percent=101", WIRE_E_BAD_VALUE },
	{ "FREEZE", WIRE_OK },
	{ "FREEZE hold_ms=0", WIRE_E_BAD_VALUE },
	{ "FREEZE detach=2", WIRE_E_BAD_VALUE },
	{ "THAW id=x", WIRE_E_BAD_VALUE },
	{ "WELCOME version=1", WIRE_E_UNKNOWN_VERB },
};

START_TEST(test_bad_lines)
{
	ck_assert_int_eq(decode(&proto_client_grammar, bad_lines[_i].text),
	    bad_lines[_i].error);
}
END_TEST

/* A text of the public protocol is never cut when it arrives: it is refused. */
START_TEST(test_text_limit)
{
	char line[WIRE_LINE_MAX] = "FAIL name=db id=7 op=freeze text=";
	size_t length = strlen(line);

	memset(line + length, 'x', PROTO_TEXT_MAX);
	ck_assert_int_eq(decode(&proto_client_grammar, line), WIRE_OK);
	line[length + PROTO_TEXT_MAX] = 'x';
	ck_assert_int_eq(decode(&proto_client_grammar, line), WIRE_E_BAD_VALUE);
	ck_assert_str_eq(msg.culprit, "text");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("proto");
	TCase *tc = tcase_create("tables");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_tables_complete, 0, 2);
	tcase_add_loop_test(tc, test_longest_lines_fit, 0, 2);
	tcase_add_test(tc, test_limits_agree);
	tcase_add_loop_test(tc, test_lines, 0, COUNT(lines));
	tcase_add_loop_test(tc, test_bad_lines, 0, COUNT(bad_lines));
	tcase_add_test(tc, test_text_limit);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
