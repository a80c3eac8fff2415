/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire codec by tables, on a small grammar of its own: what is accepted,
 * what is refused and with which error, and that lines survive a round trip.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/wire.h"

enum { K_N, K_NAME, K_WORD, K_TEXT, K_SMALL, K_BIG, K_COUNT };
enum { V_GO, V_NONE, V_HOLE, V_ALL, V_COUNT };

static const struct wire_key_def keys[K_COUNT] = {
	[K_N] = { "n", WIRE_UINT, 3, 200 },
	[K_NAME] = { "name", WIRE_NAME, 0, 0 },
	[K_WORD] = { "word", WIRE_WORD, 0, 0 },
	[K_TEXT] = { "text", WIRE_TEXT, 0, 4000 },
	[K_SMALL] = { "sm_all", WIRE_TEXT, 2, 5 },
	[K_BIG] = { "big", WIRE_UINT, 0, UINT64_MAX },
};

static const struct wire_verb_def verbs[V_COUNT] = {
	[V_GO] = { "GO", WIRE_BIT(K_N), WIRE_BIT(K_TEXT) },
	[V_NONE] = { "NONE", 0, 0 },
	[V_ALL] = { "ALL", 0,
	    WIRE_BIT(K_N) | WIRE_BIT(K_NAME) | WIRE_BIT(K_WORD) |
		WIRE_BIT(K_TEXT) | WIRE_BIT(K_SMALL) | WIRE_BIT(K_BIG) },
};

static const struct wire_grammar grammar = { keys, K_COUNT, verbs, V_COUNT };

static struct wire_msg msg;
static struct wire_line line;

static enum wire_error
decode(const char *text)
{
	return (wire_decode(&grammar, text, strlen(text), &msg));
}

static const struct {
	const char *text;
	enum wire_error error;
	const char *culprit;
} results[] = {
	{ "NONE", WIRE_OK, "" },
	{ "NONE\n", WIRE_OK, "" },
	{ "GO n=3", WIRE_OK, "" },
	{ "GO n=\"3\" text=\"\"", WIRE_OK, "" },
	/* A key of another verb, or of none, is ignored; its syntax is not. */
	{ "NONE n=9999 zz=\"a b\"", WIRE_OK, "" },
	{ "NONE zz=\"a", WIRE_E_GRAMMAR, "zz" },
	{ "ALL word=az_09 name=AZaz._-09", WIRE_OK, "" },
	{ "", WIRE_E_GRAMMAR, "" },
	{ "\n", WIRE_E_GRAMMAR, "" },
	{ " NONE", WIRE_E_GRAMMAR, "" },
	{ "none", WIRE_E_GRAMMAR, "" },
	{ "NONEx", WIRE_E_GRAMMAR, "" },
	{ "NONE\r\n", WIRE_E_GRAMMAR, "" },
	{ "NONE\n\n", WIRE_E_GRAMMAR, "" },
	{ "NONE\nNONE\n", WIRE_E_GRAMMAR, "" },
	{ "NONE ", WIRE_E_GRAMMAR, "" },
	{ "NONE\t", WIRE_E_GRAMMAR, "" },
	{ "GO  n=3", WIRE_E_GRAMMAR, "" },
	{ "GO n=3 ", WIRE_E_GRAMMAR, "" },
	{ "GO n", WIRE_E_GRAMMAR, "n" },
	{ "GO n=", WIRE_E_GRAMMAR, "n" },
	{ "GO n =3", WIRE_E_GRAMMAR, "n" },
	{ "GO =3", WIRE_E_GRAMMAR, "" },
	{ "GO N=3", WIRE_E_GRAMMAR, "" },
	{ "GO n=3 text=a\"b", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=a\\b", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"a\"b", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"a", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"a\\", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"a\\\"", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"a\\q\"", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"\\x00\"", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"\\x1\"", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"\\x", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"\\xg1\"", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"a\tb\"", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\"a\x7f\"", WIRE_E_GRAMMAR, "text" },
	{ "GO n=3 text=\x01", WIRE_E_GRAMMAR, "text" },
	{ "WHAT", WIRE_E_UNKNOWN_VERB, "WHAT" },
	{ "WHAT n=3 n=3", WIRE_E_UNKNOWN_VERB, "WHAT" },
	{ "WHAT n=3 n", WIRE_E_GRAMMAR, "n" },
	{ "WHAT ", WIRE_E_GRAMMAR, "" },
	{ "GO n=3 n=3", WIRE_E_DUPLICATE_KEY, "n" },
	{ "GO n=3 zz=1 zz=1", WIRE_E_DUPLICATE_KEY, "zz" },
	{ "GO", WIRE_E_MISSING_KEY, "n" },
	{ "GO text=a", WIRE_E_MISSING_KEY, "n" },
	{ "GO n=2", WIRE_E_BAD_VALUE, "n" },
	{ "GO n=201", WIRE_E_BAD_VALUE, "n" },
	{ "GO n=03", WIRE_E_BAD_VALUE, "n" },
	{ "GO n=+3", WIRE_E_BAD_VALUE, "n" },
	{ "GO n=-3", WIRE_E_BAD_VALUE, "n" },
	{ "GO n=0x3", WIRE_E_BAD_VALUE, "n" },
	{ "GO n=\"\"", WIRE_E_BAD_VALUE, "n" },
	/* The first error counts, but for one of the grammar. */
	{ "GO n=2 n=3", WIRE_E_BAD_VALUE, "n" },
	{ "GO n=2 text=\"", WIRE_E_GRAMMAR, "text" },
	{ "ALL big=0", WIRE_OK, "" },
	{ "ALL big=18446744073709551615", WIRE_OK, "" },
	{ "ALL big=18446744073709551616", WIRE_E_BAD_VALUE, "big" },
	{ "ALL big=99999999999999999999", WIRE_E_BAD_VALUE, "big" },
	{ "ALL name=aZ09._-", WIRE_OK, "" },
	{ "ALL name=a/b", WIRE_E_BAD_VALUE, "name" },
	{ "ALL name=\"\"", WIRE_E_BAD_VALUE, "name" },
	{ "ALL name=\xc3\xa4", WIRE_E_BAD_VALUE, "name" },
	{ "ALL word=name_taken2", WIRE_OK, "" },
	{ "ALL word=Name", WIRE_E_BAD_VALUE, "word" },
	{ "ALL sm_all=12345", WIRE_OK, "" },
	{ "ALL sm_all=1", WIRE_E_BAD_VALUE, "sm_all" },
	{ "ALL sm_all=123456", WIRE_E_BAD_VALUE, "sm_all" },
};

START_TEST(test_decode_results)
{
	enum wire_error error = decode(results[_i].text);

	ck_assert_msg(error == results[_i].error, "%s: %s", results[_i].text,
	    wire_error_word(error));
	ck_assert_str_eq(msg.culprit, results[_i].culprit);
	if (error != WIRE_OK)
		ck_assert_uint_eq(msg.present, 0);
}
END_TEST

static const struct {
	const char *raw;
	const char *text;
} texts[] = {
	{ "a", "a" },
	{ "a=b", "a=b" },
	{ "\"\"", "" },
	{ "\"a b\"", "a b" },
	{ "\"\\\"\\\\\\n\\t\"", "\"\\\n\t" },
	{ "\"\\x41\\x7f\\xFf\\x0a\"", "A\x7f\xff\n" },
	{ "\xc3\xa4", "\xc3\xa4" },
	{ "\"\xc3\xa4 \x9b\"", "\xc3\xa4 \x9b" },
};

START_TEST(test_decode_text)
{
	char raw[128];

	snprintf(raw, sizeof(raw), "GO text=%s n=7\n", texts[_i].raw);
	ck_assert_int_eq(decode(raw), WIRE_OK);
	ck_assert_uint_eq(msg.verb, V_GO);
	ck_assert_str_eq(wire_get_text(&msg, K_TEXT, NULL), texts[_i].text);
	ck_assert_uint_eq(wire_get_uint(&msg, K_N, 0), 7);
}
END_TEST

START_TEST(test_decode_absent)
{
	ck_assert_int_eq(decode("NONE n=3 text=x"), WIRE_OK);
	ck_assert(!wire_has(&msg, K_N));
	ck_assert(!wire_has(&msg, 64));
	ck_assert_uint_eq(wire_get_uint(&msg, K_N, 42), 42);
	ck_assert_ptr_null(wire_get_text(&msg, K_TEXT, NULL));
	ck_assert_int_eq(decode("NOPE"), WIRE_E_UNKNOWN_VERB);
	ck_assert_uint_eq(msg.verb, V_COUNT);
	ck_assert_int_eq(decode("GO n=1"), WIRE_E_BAD_VALUE);
	ck_assert_uint_eq(msg.verb, V_GO);
}
END_TEST

/* Exactly WIRE_LINE_MAX bytes with the LF are a line; one more is none. */
START_TEST(test_decode_longest)
{
	char raw[WIRE_LINE_MAX + 2];

	memset(raw, 'x', sizeof(raw));
	memcpy(raw, "NONE zz=", 8);
	raw[WIRE_LINE_MAX - 1] = '\n';
	ck_assert_int_eq(wire_decode(&grammar, raw, WIRE_LINE_MAX, &msg),
	    WIRE_OK);
	ck_assert_int_eq(wire_decode(&grammar, raw, WIRE_LINE_MAX - 1, &msg),
	    WIRE_OK);
	raw[WIRE_LINE_MAX - 1] = 'x';
	ck_assert_int_eq(wire_decode(&grammar, raw, WIRE_LINE_MAX, &msg),
	    WIRE_E_TOO_LONG);
	raw[WIRE_LINE_MAX] = '\n';
	ck_assert_int_eq(wire_decode(&grammar, raw, WIRE_LINE_MAX + 1, &msg),
	    WIRE_E_TOO_LONG);
	ck_assert_uint_eq(msg.verb, V_COUNT);
}
END_TEST

START_TEST(test_decode_nul)
{
	/* Nothing outside of the line is looked at. */
	ck_assert_int_eq(wire_decode(&grammar, &"\nNONE"[1], 0, &msg),
	    WIRE_E_GRAMMAR);
	ck_assert_int_eq(wire_decode(&grammar, "ALL text=\"a\"", 9, &msg),
	    WIRE_E_GRAMMAR);
	ck_assert_int_eq(wire_decode(&grammar, "NONE\0", 5, &msg),
	    WIRE_E_GRAMMAR);
	ck_assert_int_eq(wire_decode(&grammar, "GO n=3 text=a\0b", 15, &msg),
	    WIRE_E_GRAMMAR);
}
END_TEST

START_TEST(test_decode_too_many_keys)
{
	char raw[WIRE_LINE_MAX];
	size_t length = 4;
	int i;

	memcpy(raw, "NONE", 5);
	for (i = 0; i < WIRE_PAIRS_MAX; i++)
		length += (size_t)snprintf(raw + length, sizeof(raw) - length,
		    " z%c%c=1", 'a' + i / 26, 'a' + i % 26);
	ck_assert_int_eq(decode(raw), WIRE_OK);
	snprintf(raw + length, sizeof(raw) - length, " more=1");
	ck_assert_int_eq(decode(raw), WIRE_E_GRAMMAR);
	ck_assert_str_eq(msg.culprit, "more");
}
END_TEST

START_TEST(test_decode_long_culprit)
{
	char raw[WIRE_LINE_MAX];

	memset(raw, 'Q', 200);
	raw[200] = '\0';
	ck_assert_int_eq(decode(raw), WIRE_E_UNKNOWN_VERB);
	ck_assert_uint_eq(strlen(msg.culprit), WIRE_NAME_MAX);
}
END_TEST

START_TEST(test_encode)
{
	wire_begin(&line, &grammar, V_ALL);
	wire_put_uint(&line, K_N, 200);
	wire_put_uint(&line, K_BIG, UINT64_MAX);
	wire_put_text(&line, K_NAME, "a.b");
	wire_put_text(&line, K_WORD, "on");
	wire_put_text(&line, K_SMALL, "bare");
	wire_put_text(&line, K_TEXT, "a \"\\\n\t\x1b\x7f\xc3\xa4");
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_str_eq(line.bytes,
	    "ALL n=200 big=18446744073709551615 name=a.b word=on sm_all=bare "
	    "text=\"a \\\"\\\\\\n\\t\\x1b\\x7f\\xc3\\xa4\"\n");
	ck_assert_uint_eq(line.length, strlen(line.bytes));

	wire_begin(&line, &grammar, V_GO);
	wire_put_uint(&line, K_N, 3);
	wire_put_text(&line, K_TEXT, "");
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_str_eq(line.bytes, "GO n=3 text=\"\"\n");
}
END_TEST

static void
spoil_key(void)
{
	wire_put_uint(&line, K_BIG, 1);
}

static void
spoil_no_key(void)
{
	wire_put_uint(&line, K_COUNT, 1);
}

static void
spoil_twice(void)
{
	wire_put_text(&line, K_TEXT, "a");
	wire_put_text(&line, K_TEXT, "a");
}

static void
spoil_type(void)
{
	wire_put_uint(&line, K_TEXT, 1);
}

static void
spoil_null(void)
{
	wire_put_text(&line, K_TEXT, NULL);
}

static const struct {
	void (*spoil)(void);
	enum wire_error error;
} spoilers[] = {
	{ spoil_key, WIRE_E_BAD_VALUE },
	{ spoil_no_key, WIRE_E_BAD_VALUE },
	{ spoil_twice, WIRE_E_DUPLICATE_KEY },
	{ spoil_type, WIRE_E_BAD_VALUE },
	{ spoil_null, WIRE_E_BAD_VALUE },
};

/* Errors are sticky, and nothing of a spoilt line can be sent. */
START_TEST(test_encode_spoilt)
{
	wire_begin(&line, &grammar, V_GO);
	spoilers[_i].spoil();
	wire_put_uint(&line, K_N, 3);
	ck_assert_int_eq(wire_end(&line), spoilers[_i].error);
	ck_assert_uint_eq(line.length, 0);
	ck_assert_str_eq(line.bytes, "");
}
END_TEST

/* What many lines have in common is put into each as it was made. */
START_TEST(test_encode_keys_of)
{
	struct wire_line common;

	wire_begin(&common, &grammar, V_ALL);
	wire_put_uint(&common, K_N, 200);
	wire_put_text(&common, K_TEXT, "a b");
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_NAME, "one");
	wire_put_keys_of(&line, &common);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_str_eq(line.bytes, "ALL name=one n=200 text=\"a b\"\n");

	wire_begin(&line, &grammar, V_ALL);
	wire_put_uint(&line, K_N, 200);
	wire_put_keys_of(&line, &common);
	ck_assert_int_eq(wire_end(&line), WIRE_E_DUPLICATE_KEY);
	wire_begin(&line, &grammar, V_GO);
	wire_put_keys_of(&line, &common);
	ck_assert_int_eq(wire_end(&line), WIRE_E_UNKNOWN_VERB);
	wire_put_uint(&common, K_N, 200);
	wire_begin(&line, &grammar, V_ALL);
	wire_put_keys_of(&line, &common);
	ck_assert_int_eq(wire_end(&line), WIRE_E_DUPLICATE_KEY);
}
END_TEST

START_TEST(test_encode_errors)
{
	wire_begin(&line, &grammar, V_HOLE);
	ck_assert_int_eq(wire_end(&line), WIRE_E_UNKNOWN_VERB);
	wire_begin(&line, &grammar, V_COUNT);
	wire_put_uint(&line, K_N, 3);
	ck_assert_int_eq(wire_end(&line), WIRE_E_UNKNOWN_VERB);
	wire_begin(&line, &grammar, V_GO);
	ck_assert_int_eq(wire_end(&line), WIRE_E_MISSING_KEY);
	wire_begin(&line, &grammar, V_GO);
	wire_put_uint(&line, K_N, 2);
	ck_assert_int_eq(wire_end(&line), WIRE_E_BAD_VALUE);
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_NAME, "a b");
	ck_assert_int_eq(wire_end(&line), WIRE_E_BAD_VALUE);
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_WORD, "");
	ck_assert_int_eq(wire_end(&line), WIRE_E_BAD_VALUE);
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_SMALL, "1");
	ck_assert_int_eq(wire_end(&line), WIRE_E_BAD_VALUE);
}
END_TEST

/* A text is cut at its limit, but not inside of a UTF-8 character. */
START_TEST(test_encode_cut_limit)
{
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_SMALL, "1234567");
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_str_eq(line.bytes, "ALL sm_all=12345\n");
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_SMALL, "123\xe2\x82\xac");
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_str_eq(line.bytes, "ALL sm_all=123\n");
}
END_TEST

/* A text is cut to the room left, whatever its bytes need; LF still fits. */
START_TEST(test_encode_cut_room)
{
	static const char fills[] = { 'a', ' ', '"', '\n', '\x01', '\xff' };
	char text[WIRE_LINE_MAX];
	const char *decoded;

	memset(text, fills[_i], 3999);
	text[3999] = '\0';
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_TEXT, text);
	/* More of it in the same line, to come to the very end. */
	wire_put_text(&line, K_SMALL, "12");
	if (line.error == WIRE_OK) {
		ck_assert_int_eq(wire_end(&line), WIRE_OK);
		ck_assert_uint_le(line.length, WIRE_LINE_MAX);
	}
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_NAME,
	    "a123456789012345678901234567890123456789012345678901234567890123");
	wire_put_text(&line, K_WORD,
	    "a123456789012345678901234567890123456789012345678901234567890123");
	wire_put_text(&line, K_TEXT, text);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	ck_assert_uint_le(line.length, WIRE_LINE_MAX);
	ck_assert_uint_ge(line.length, WIRE_LINE_MAX - 4);
	/* One byte each, in quotes: to the very last. */
	if (fills[_i] == ' ')
		ck_assert_uint_eq(line.length, WIRE_LINE_MAX);
	ck_assert_int_eq(wire_decode(&grammar, line.bytes, line.length, &msg),
	    WIRE_OK);
	decoded = wire_get_text(&msg, K_TEXT, "");
	ck_assert_uint_eq(strspn(decoded, (char[]) { fills[_i], '\0' }),
	    strlen(decoded));
}
END_TEST

START_TEST(test_encode_no_room)
{
	char text[WIRE_LINE_MAX];

	memset(text, '"', 3999);
	text[3999] = '\0';
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_TEXT, text);
	wire_put_uint(&line, K_N, 3);
	ck_assert_int_eq(wire_end(&line), WIRE_E_TOO_LONG);
	/* A key that is a byte too long to be put before its value. */
	memset(text, 'x', 4000);
	text[4000] = '\0';
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_TEXT, text);
	text[64] = '\0';
	wire_put_text(&line, K_WORD, text);
	wire_put_text(&line, K_NAME, "123456");
	ck_assert_int_eq(line.error, WIRE_OK);
	ck_assert_uint_eq(line.length, WIRE_LINE_MAX - 1 - 4);
	wire_put_uint(&line, K_BIG, 1);
	ck_assert_int_eq(wire_end(&line), WIRE_E_TOO_LONG);
}
END_TEST

/* A line may have exactly WIRE_LINE_MAX bytes with its LF. */
START_TEST(test_encode_longest)
{
	char text[4001], name[57];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1 - _i] = '\0';
	wire_begin(&line, &grammar, V_ALL);
	wire_put_text(&line, K_TEXT, text);
	wire_put_uint(&line, K_BIG, UINT64_MAX);
	wire_put_text(&line, K_NAME, name);
	if (_i == 0) {
		ck_assert_int_eq(wire_end(&line), WIRE_E_TOO_LONG);
	} else {
		ck_assert_int_eq(wire_end(&line), WIRE_OK);
		ck_assert_uint_eq(line.length, WIRE_LINE_MAX);
	}
}
END_TEST

/* Every byte but NUL survives. */
START_TEST(test_round_trip_bytes)
{
	char text[256];
	int i;

	for (i = 1; i < 256; i++)
		text[i - 1] = (char)i;
	text[255] = '\0';
	wire_begin(&line, &grammar, V_GO);
	wire_put_uint(&line, K_N, 9);
	wire_put_text(&line, K_TEXT, text);
	ck_assert_int_eq(wire_end(&line), WIRE_OK);
	for (i = 0; i < (int)line.length - 1; i++)
		ck_assert(line.bytes[i] >= ' ' && line.bytes[i] < 0x7f);
	ck_assert_int_eq(wire_decode(&grammar, line.bytes, line.length, &msg),
	    WIRE_OK);
	ck_assert_str_eq(wire_get_text(&msg, K_TEXT, ""), text);
}
END_TEST

START_TEST(test_error_words)
{
	ck_assert_str_eq(wire_error_word(WIRE_E_GRAMMAR), "grammar");
	ck_assert_str_eq(wire_error_word(WIRE_E_TOO_LONG), "too_long");
	ck_assert_str_eq(wire_error_word(WIRE_E_UNKNOWN_VERB), "unknown_verb");
	ck_assert_str_eq(wire_error_word(WIRE_E_DUPLICATE_KEY),
	    "duplicate_key");
	ck_assert_str_eq(wire_error_word(WIRE_E_MISSING_KEY), "missing_key");
	ck_assert_str_eq(wire_error_word(WIRE_E_BAD_VALUE), "bad_value");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int
main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tc = tcase_create("codec");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_decode_results, 0, COUNT(results));
	tcase_add_loop_test(tc, test_decode_text, 0, COUNT(texts));
	tcase_add_test(tc, test_decode_absent);
	tcase_add_test(tc, test_decode_longest);
	tcase_add_test(tc, test_decode_nul);
	tcase_add_test(tc, test_decode_too_many_keys);
	tcase_add_test(tc, test_decode_long_culprit);
	tcase_add_test(tc, test_encode);
	tcase_add_loop_test(tc, test_encode_spoilt, 0, COUNT(spoilers));
	tcase_add_test(tc, test_encode_keys_of);
	tcase_add_test(tc, test_encode_errors);
	tcase_add_test(tc, test_encode_cut_limit);
	tcase_add_loop_test(tc, test_encode_cut_room, 0, 6);
	tcase_add_test(tc, test_encode_no_room);
	tcase_add_loop_test(tc, test_encode_longest, 0, 2);
	tcase_add_test(tc, test_round_trip_bytes);
	tcase_add_test(tc, test_error_words);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
