/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Encoders at their limits: a mistake is kept to the end of the line, nothing
 * of which is sent then; rows of the history are as long as the process behind
 * the queue takes them, whatever a participant has said.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "appvssd/histq.h"
#include "appvssd/histrow.h"
#include "appvssd/histwire.h"
#include "sdk/proto.h"

static struct wire_line line, other;

static void
begin(void)
{
	wire_begin(&line, &proto_client_grammar, PC_HELLO);
}

static void
fails(enum wire_error error)
{
	/* What follows does not mend it. */
	wire_put_uint(&line, PK_VERSION, 1);
	ck_assert_int_eq(wire_end(&line), error);
	ck_assert_str_eq(line.bytes, "");
}

START_TEST(a_mistake_is_kept)
{
	begin();
	wire_put_text(&line, PK_PROGRAM, NULL);
	fails(WIRE_E_BAD_VALUE);
	begin();
	wire_put_text(&line, PK_VERSION, "1");
	fails(WIRE_E_BAD_VALUE);
	begin();
	wire_put_uint(&line, PK_PROGRAM, 1);
	fails(WIRE_E_BAD_VALUE);
	wire_begin(&line, &proto_client_grammar, PC_REGISTER);
	wire_put_uint(&line, PK_ORDER, 100);
	fails(WIRE_E_BAD_VALUE);
}
END_TEST

START_TEST(keys_of_another_line)
{
	wire_begin(&other, &proto_client_grammar, PC_HELLO);
	wire_put_text(&other, PK_PROGRAM, "a b");
	begin();
	wire_put_keys_of(&line, &other);
	wire_put_uint(&line, PK_VERSION, 1);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_str_eq(line.bytes, "HELLO program=\"a b\" version=1\n");
	/* Twice is once too often. */
	begin();
	wire_put_text(&line, PK_PROGRAM, "x");
	wire_put_keys_of(&line, &other);
	fails(WIRE_E_DUPLICATE_KEY);
	wire_begin(&line, &proto_client_grammar, PC_REGISTER);
	wire_put_keys_of(&line, &other);
	fails(WIRE_E_UNKNOWN_VERB);
	wire_begin(&line, &histwire_row_grammar, HR_RUN);
	wire_put_keys_of(&line, &other);
	ck_assert_int_eq(wire_end(&line), WIRE_E_UNKNOWN_VERB);
	/* A mistake of either. */
	begin();
	wire_put_text(&line, PK_PROGRAM, NULL);
	wire_put_keys_of(&line, &other);
	fails(WIRE_E_BAD_VALUE);
	wire_put_uint(&other, PK_PROGRAM, 1);
	begin();
	wire_put_keys_of(&line, &other);
	ck_assert_int_eq(wire_end(&line), other.error);
}
END_TEST

static struct histq_part
make_part(const char *text)
{
	return ((struct histq_part) { .id = 7,
	    .phase = "final",
	    .name = "db",
	    .result = "ready",
	    .text = text,
	    .told_at_ms = HISTQ_NEVER,
	    .ready_at_ms = 3,
	    .thaw_told_at_ms = HISTQ_NEVER,
	    .thawed_at_ms = HISTQ_NEVER });
}

/* Each byte takes four: half of it, and a half of that, until it fits. */
START_TEST(a_row_is_never_too_long)
{
	static char text[4 * HISTWIRE_TEXT_MAX];
	struct histq_part part = make_part(text);
	static char program[HISTWIRE_PROGRAM_MAX + 9];

	memset(text, '\1', sizeof(text) - 1);
	memset(program, '\2', sizeof(program) - 1);
	part.program = program;
	histrow_encode_part(&line, 1, &part);
	ck_assert_uint_lt(line.length, HISTROW_BYTES_MAX);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_ptr_nonnull(strstr(line.bytes, " text=\"\\x01\\x01"));
}
END_TEST

/* Only a whole UTF-8 character that the limit cuts through goes as a whole. */
START_TEST(a_text_is_cut_at_its_limit)
{
	char program[HISTWIRE_PROGRAM_MAX + 9] = { 0 };
	const char *at;

	memset(program, '\x80', sizeof(program) - 1);
	wire_begin(&line, &histwire_row_grammar, HR_KNOWN);
	wire_put_text(&line, HK_PROGRAM, program);
	at = strstr(line.bytes, "program=\"");
	ck_assert_ptr_nonnull(at);
	ck_assert_uint_eq(line.length,
	    (size_t)(at - line.bytes) + strlen("program=\"\"") +
		4 * HISTWIRE_PROGRAM_MAX);
	memset(program, 'a', HISTWIRE_PROGRAM_MAX - 3);
	memcpy(program + HISTWIRE_PROGRAM_MAX - 3, "\xf0\x9f\x98\x80", 5);
	wire_begin(&line, &histwire_row_grammar, HR_KNOWN);
	wire_put_text(&line, HK_PROGRAM, program);
	ck_assert_uint_eq(line.length,
	    (size_t)(at - line.bytes) + strlen("program=") +
		HISTWIRE_PROGRAM_MAX - 3);
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
	struct histq_part part = make_part(NULL);

	histrow_encode_part(&line, 1, &part);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_ptr_null(strstr(line.bytes, "text="));
	ck_assert_ptr_null(strstr(line.bytes, "program="));
	ck_assert_ptr_null(strstr(line.bytes, " told_at_ms="));
	ck_assert_ptr_nonnull(strstr(line.bytes, " ready_at_ms=3"));
	part.text = "";
	histrow_encode_part(&line, 1, &part);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_ptr_null(strstr(line.bytes, "text="));
	histrow_encode_known(&line, 2, 5, "db", NULL, -1);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_ptr_null(strstr(line.bytes, "uid="));
	histrow_encode_known(&line, 2, 5, "db", "postgres", 70);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_ptr_nonnull(strstr(line.bytes, "uid=70"));
}
END_TEST

static struct histrow_held held = { .id = 7, .proof = UINT32_MAX };

/* Ends it; the message is borrowed until the next. */
static const char *
take_held(void)
{
	static struct wire_msg msg;

	histrow_encode_held(&line, UINT64_MAX, &held);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_uint_le(line.length, HISTROW_BYTES_MAX);
	ck_assert_int_eq(wire_decode(&histwire_row_grammar, line.bytes,
			     line.length, &msg),
	    WIRE_OK);
	ck_assert_uint_eq(wire_get_uint(&msg, HK_ID, 0), 7);
	ck_assert_uint_eq(held.length, 0);
	return (wire_get_text(&msg, HK_PARTS, ""));
}

START_TEST(proof_is_a_list)
{
	struct histq_part part = make_part("a\"\\\n\xff");

	part.order = 50;
	part.required = true;
	part.pid = 12;
	part.uid = UINT64_MAX;
	part.program = "";
	ck_assert(histrow_held_add(&held, &part));
	part.name = "web";
	part.program = part.text = NULL;
	part.told_at_ms = 0;
	ck_assert(histrow_held_add(&held, &part));
	part.program = "\x7f";
	part.text = "";
	ck_assert(histrow_held_add(&held, &part));
	ck_assert_str_eq(take_held(),
	    "[[\"db\",50,1,null,3,12,18446744073709551615,\"\","
	    "\"a\\\"\\\\\\u000a\xff\"],"
	    "[\"web\",50,1,0,3,12,18446744073709551615],"
	    "[\"web\",50,1,0,3,12,18446744073709551615,\"\\u007f\"]]");
	ck_assert_str_eq(take_held(), "[]");
}
END_TEST

/*
 * Rows as full as SQLite takes without a page of their own for what is above
 * 1002 bytes, with nobody cut, left out or told twice.
 */
START_TEST(nobody_is_left_out_of_a_proof)
{
	struct histq_part part = make_part("");
	size_t rows = 0, count = 0;
	char name[WIRE_NAME_MAX + 1];
	const char *at;

	part.name = name;
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "%060d", i);
		if (histrow_held_add(&held, &part) && i != 999)
			continue;
		rows++;
		at = take_held();
		ck_assert_uint_le(strlen(at), 960);
		for (; (at = strstr(at, "[\"")) != NULL; at++)
			ck_assert_int_eq(strtol(at + 2, NULL, 10),
			    (long)count++);
		if (i != 999)
			ck_assert(histrow_held_add(&held, &part));
	}
	ck_assert_uint_eq(count, 1000);
	ck_assert_uint_le(rows, 100);
}
END_TEST

/* The text is cut, and with it what else is too long; the name never. */
START_TEST(one_who_says_too_much_fits_alone)
{
	static char text[4 * HISTWIRE_TEXT_MAX], program[300];
	struct histq_part part = make_part(text);
	const char *parts;

	memset(text, '\1', sizeof(text) - 1);
	memset(program, '\xff', sizeof(program) - 1);
	part.program = program;
	ck_assert(histrow_held_add(&held, &part));
	ck_assert(!histrow_held_add(&held, &part));
	parts = take_held();
	ck_assert_int_eq(strncmp(parts, "[[\"db\",", 7), 0);
	ck_assert_ptr_nonnull(strstr(parts, "\\u0001\\u0001"));
	ck_assert_str_eq(parts + strlen(parts) - 3, "\"]]");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("encode");
	TCase *tcase = tcase_create("encode");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, a_mistake_is_kept);
	tcase_add_test(tcase, keys_of_another_line);
	tcase_add_test(tcase, a_row_is_never_too_long);
	tcase_add_test(tcase, a_text_is_cut_at_its_limit);
	tcase_add_test(tcase, what_is_not_known_is_left_out);
	tcase_add_test(tcase, proof_is_a_list);
	tcase_add_test(tcase, nobody_is_left_out_of_a_proof);
	tcase_add_test(tcase, one_who_says_too_much_fits_alone);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
