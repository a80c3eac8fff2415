/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heldlog: nothing is written while held, order and the count of dropped lines
 * after, lines that stay lines whatever is in them, a full pipe that does not
 * block.
 */
#include <sys/types.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/vssdev/heldlog.h"

static char output[1024 * 1024];

/* A file without a name takes what is logged. */
static int
open_sink(void)
{
	char path[] = "/tmp/test_heldlog.XXXXXX";
	int fd;

	fd = mkstemp(path);
	ck_assert_int_ne(fd, -1);
	(void)unlink(path);
	return (fd);
}

static const char *
read_sink(int fd)
{
	ssize_t length;

	length = pread(fd, output, sizeof(output) - 1, 0);
	ck_assert_int_ge(length, 0);
	output[length] = '\0';
	return (output);
}

static unsigned
count_lines(const char *text)
{
	unsigned count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return (count);
}

START_TEST(writes_key_value_lines)
{
	int fd = open_sink();
	const char *text;

	heldlog_open(fd, "tester", HELDLOG_INFO);
	heldlog(HELDLOG_ERROR, "freeze_failed", "mount=%s errno=%d", "/a", 5);
	heldlog(HELDLOG_INFO, "bare", "%s", "");
	text = read_sink(fd);
	ck_assert_uint_eq(count_lines(text), 2);
	ck_assert_int_eq(strncmp(text, "time=", 5), 0);
	ck_assert_ptr_nonnull(strstr(text,
	    " level=error event=freeze_failed mount=/a errno=5\n"));
	ck_assert_ptr_nonnull(strstr(text, " program=tester pid="));
}
END_TEST

START_TEST(leaves_out_levels_above_the_maximum)
{
	int fd = open_sink();

	heldlog_open(fd, "tester", HELDLOG_WARN);
	heldlog(HELDLOG_INFO, "chat", "n=%d", 1);
	heldlog(HELDLOG_DEBUG, "chat", "n=%d", 2);
	ck_assert_str_eq(read_sink(fd), "");
	heldlog(HELDLOG_WARN, "warned", "n=%d", 3);
	ck_assert_uint_eq(count_lines(read_sink(fd)), 1);
}
END_TEST

START_TEST(writes_nothing_while_held_and_all_in_order_after)
{
	int fd = open_sink();
	const char *first, *second, *third;

	heldlog_open(fd, "tester", HELDLOG_DEBUG);
	heldlog_hold(true);
	heldlog(HELDLOG_INFO, "one", "n=%d", 1);
	heldlog(HELDLOG_ERROR, "two", "n=%d", 2);
	ck_assert_str_eq(read_sink(fd), "");
	heldlog_hold(false);
	heldlog(HELDLOG_INFO, "three", "n=%d", 3);
	first = strstr(read_sink(fd), "event=one");
	second = strstr(output, "event=two");
	third = strstr(output, "event=three");
	ck_assert(first != NULL && second > first && third > second);
	ck_assert_ptr_null(strstr(output, "log_dropped"));
}
END_TEST

START_TEST(drops_the_oldest_and_counts_them)
{
	const unsigned lines = 3 * HELDLOG_RING_BYTES / 100;
	int fd = open_sink();
	char last[64];
	unsigned i, written;
	uint64_t dropped, told;

	heldlog_open(fd, "tester", HELDLOG_INFO);
	heldlog_hold(true);
	for (i = 0; i < lines; i++)
		heldlog(HELDLOG_INFO, "line", "number=%u", i);
	heldlog_hold(false);
	dropped = heldlog_dropped();
	ck_assert_uint_gt(dropped, 0);
	written = count_lines(read_sink(fd));
	ck_assert_uint_eq(written + dropped, lines + 1);
	ck_assert_ptr_null(strstr(output, "number=0\n"));
	(void)snprintf(last, sizeof(last), "number=%u\n", lines - 1);
	ck_assert_ptr_nonnull(strstr(output, last));
	ck_assert_ptr_nonnull(strstr(output, "event=log_dropped lines="));
	told = strtoull(strstr(output, "lines=") + strlen("lines="), NULL, 10);
	ck_assert_uint_eq(told, dropped);
	/* Told once. */
	heldlog(HELDLOG_INFO, "after", "%s", "");
	ck_assert_uint_eq(count_lines(read_sink(fd)), written + 1);
}
END_TEST

/* One of the lines lies across the end of the ring, most of it its number. */
START_TEST(keeps_lines_whole_wherever_they_lie)
{
	const unsigned lines = 2 * HELDLOG_RING_BYTES / 900;
	int fd = open_sink();
	char number[900] = "";
	const char *at;
	unsigned i, j;

	heldlog_open(fd, "tester", HELDLOG_INFO);
	heldlog_hold(true);
	for (i = 0; i < lines; i++) {
		for (j = 0; j < 100; j++)
			(void)snprintf(number + 8 * j, 9, "%08u", i);
		heldlog(HELDLOG_INFO, "line", "number=%s", number);
	}
	heldlog_hold(false);
	at = read_sink(fd);
	for (i = (unsigned)heldlog_dropped(); i < lines; i++) {
		at = strstr(at, " event=line number=");
		ck_assert_ptr_nonnull(at);
		at += strlen(" event=line number=");
		(void)snprintf(number, sizeof(number), "%08u", i);
		for (j = 0; j < 100; j++, at += 8)
			ck_assert_int_eq(memcmp(at, number, 8), 0);
		ck_assert_int_eq(*at, '\n');
	}
}
END_TEST

START_TEST(counts_what_nobody_can_take)
{
	int fds[2];

	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe(fds), 0);
	(void)close(fds[0]);
	heldlog_open(fds[1], "tester", HELDLOG_INFO);
	heldlog(HELDLOG_INFO, "line", "%s", "");
	ck_assert_uint_ge(heldlog_dropped(), 1);
}
END_TEST

START_TEST(cuts_long_lines_and_keeps_them_lines)
{
	static char text[3 * HELDLOG_LINE_MAX];
	int fd = open_sink();
	size_t length;

	memset(text, 'x', sizeof(text) - 1);
	heldlog_open(fd, "tester", HELDLOG_INFO);
	heldlog(HELDLOG_INFO, "long", "text=%s", text);
	length = strlen(read_sink(fd));
	ck_assert_uint_eq(length, HELDLOG_LINE_MAX + 1);
	ck_assert_str_eq(output + length - 4, "...\n");
	heldlog(HELDLOG_INFO, "split", "text=%s", "a\nb\033c");
	ck_assert_uint_eq(count_lines(read_sink(fd)), 2);
	ck_assert_ptr_nonnull(strstr(output, "text=a?b?c\n"));
}
END_TEST

START_TEST(keeps_errno)
{
	heldlog_open(-1, "tester", HELDLOG_INFO);
	errno = EDOM;
	heldlog(HELDLOG_INFO, "dropped", "%s", "");
	ck_assert_int_eq(errno, EDOM);
	heldlog_open(open_sink(), "tester", HELDLOG_INFO);
	heldlog(HELDLOG_INFO, "written", "%s", "");
	heldlog_hold(false);
	ck_assert_int_eq(errno, EDOM);
}
END_TEST

START_TEST(does_not_block_on_a_full_pipe)
{
	char bytes[65536];
	struct pollfd pfd;
	unsigned i, seen = 0;
	ssize_t got;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	heldlog_open(fds[1], "tester", HELDLOG_INFO);
	/* Far more than a pipe takes: a blocking write would end here. */
	for (i = 0; i < 1500; i++)
		heldlog(HELDLOG_INFO, "line", "number=%u", i);
	pfd = (struct pollfd) { .fd = fds[0], .events = POLLIN };
	/* The reader comes back: the next calls bring the rest. */
	while (poll(&pfd, 1, 0) == 1) {
		got = read(fds[0], bytes, sizeof(bytes) - 1);
		ck_assert_int_gt(got, 0);
		bytes[got] = '\0';
		seen += count_lines(bytes);
		heldlog_hold(false);
	}
	ck_assert_uint_eq(seen, 1500);
	ck_assert_uint_eq(heldlog_dropped(), 0);
}
END_TEST

static void
count_waits(void *arg, int fd)
{
	(void)fd;
	++*(unsigned *)arg;
}

START_TEST(says_that_lines_wait_and_writes_them_when_told)
{
	static char bytes[1024 * 1024];
	unsigned i, waits = 0;
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
	heldlog_open(fds[1], "tester", HELDLOG_INFO);
	heldlog_on_wait(count_waits, &waits);
	heldlog(HELDLOG_INFO, "fits", "%s", "");
	ck_assert_uint_eq(waits, 0);
	for (i = 0; i < 1500; i++)
		heldlog(HELDLOG_INFO, "line", "number=%u", i);
	ck_assert_uint_gt(waits, 0);
	ck_assert_int_gt(read(fds[0], bytes, sizeof(bytes)), 0);
	/* Nothing while held, by whatever way. */
	heldlog_hold(true);
	heldlog_flush();
	heldlog_drain(60000);
	ck_assert_int_eq(read(fds[0], bytes, sizeof(bytes)), -1);
	heldlog_hold(false);
	ck_assert_int_gt(read(fds[0], bytes, sizeof(bytes)), 0);
	heldlog_flush();
	ck_assert_int_gt(read(fds[0], bytes, sizeof(bytes)), 0);
	/* Nobody reads: an end with lines that are left over is still an end.
	 */
	heldlog_drain(10);
}
END_TEST

START_TEST(goes_on_in_another_file)
{
	int first = open_sink(), second = open_sink();

	heldlog_open(first, "tester", HELDLOG_INFO);
	heldlog(HELDLOG_INFO, "one", "%s", "");
	heldlog_hold(true);
	heldlog(HELDLOG_INFO, "two", "%s", "");
	heldlog_reopen(second);
	ck_assert_str_eq(read_sink(second), "");
	heldlog_hold(false);
	ck_assert_uint_eq(count_lines(read_sink(first)), 1);
	ck_assert_uint_eq(count_lines(read_sink(second)), 1);
	ck_assert_ptr_nonnull(strstr(output, "event=two"));
}
END_TEST

START_TEST(passes_lines_of_others_on_as_lines)
{
	static char text[3 * HELDLOG_LINE_MAX];
	int fd = open_sink();

	heldlog_open(fd, "tester", HELDLOG_ERROR);
	heldlog_pass(HELDLOG_INFO, "time=1 program=other text=a\033b\nc\xc3");
	ck_assert_str_eq(read_sink(fd), "time=1 program=other text=a?b?c?\n");
	memset(text, 'x', sizeof(text) - 1);
	heldlog_pass(HELDLOG_INFO, text);
	ck_assert_uint_eq(count_lines(read_sink(fd)), 2);
}
END_TEST

START_TEST(quotes_what_is_not_a_plain_word)
{
	char out[64], small[8];

	ck_assert_str_eq(heldlog_quote("/mnt/a", out, sizeof(out)), "/mnt/a");
	ck_assert_str_eq(heldlog_quote("", out, sizeof(out)), "\"\"");
	ck_assert_str_eq(heldlog_quote("a b", out, sizeof(out)), "\"a b\"");
	ck_assert_str_eq(heldlog_quote("a\"\n\\", out, sizeof(out)),
	    "\"a\\x22\\x0a\\x5c\"");
	ck_assert_str_eq(heldlog_quote("\xc3\xa4", out, sizeof(out)),
	    "\"\\xc3\\xa4\"");
	/* Cut, but still closed, and never beyond the end. */
	ck_assert_str_eq(heldlog_quote("ab cdefgh", small, sizeof(small)),
	    "\"ab\"");
	ck_assert_str_eq(heldlog_quote("abcdefghij", small, sizeof(small)),
	    "abcdefg");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("heldlog");
	TCase *tcase = tcase_create("heldlog");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, writes_key_value_lines);
	tcase_add_test(tcase, leaves_out_levels_above_the_maximum);
	tcase_add_test(tcase, writes_nothing_while_held_and_all_in_order_after);
	tcase_add_test(tcase, drops_the_oldest_and_counts_them);
	tcase_add_test(tcase, keeps_lines_whole_wherever_they_lie);
	tcase_add_test(tcase, counts_what_nobody_can_take);
	tcase_add_test(tcase, cuts_long_lines_and_keeps_them_lines);
	tcase_add_test(tcase, keeps_errno);
	tcase_add_test(tcase, does_not_block_on_a_full_pipe);
	tcase_add_test(tcase, says_that_lines_wait_and_writes_them_when_told);
	tcase_add_test(tcase, goes_on_in_another_file);
	tcase_add_test(tcase, passes_lines_of_others_on_as_lines);
	tcase_add_test(tcase, quotes_what_is_not_a_plain_word);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? 0 : 1);
}
