/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of the history against a process end that the test plays itself.
 */
#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appvssd/histq.h"
#include "appvssd/histrow.h"
#include "appvssd/histwire.h"

struct seen {
	uint64_t unsure_msgid, unsure_instance;
	unsigned lost;
	unsigned ready;
	unsigned known;
	int64_t uid;
	unsigned answers;
	unsigned verb; /* of the last answer */
	uint64_t last_id;
	uint64_t acked;
	char set_aside[HISTWIRE_ASIDE_MAX + 1];
	char name[WIRE_NAME_MAX + 1];
	char program[HISTWIRE_PROGRAM_MAX + 1];
};

static struct event_base *base;
static struct histq *queue;
static struct seen seen;
static int peer = -1;
static char received[1 << 20];
static size_t received_length;

static void
on_known(void *arg, const char *name, const char *program, int64_t uid)
{
	struct seen *s = arg;

	s->known++;
	s->uid = uid;
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->program, sizeof(s->program), "%s", program);
}

static void
on_ready(void *arg, uint64_t last_id, const char *set_aside)
{
	struct seen *s = arg;

	s->ready++;
	s->last_id = last_id;
	snprintf(s->set_aside, sizeof(s->set_aside), "%s", set_aside);
}

static void
on_acked(void *arg, uint64_t seq)
{
	struct seen *s = arg;

	s->acked = seq;
}

static void
on_answer(void *arg, const struct wire_msg *msg)
{
	struct seen *s = arg;

	s->answers++;
	s->verb = msg->verb;
}

static void
on_lost(void *arg)
{
	struct seen *s = arg;

	s->lost++;
}

static void
on_unsure(void *arg, uint64_t msgid, uint64_t instance)
{
	struct seen *s = arg;

	s->unsure_msgid = msgid;
	s->unsure_instance = instance;
}

static const struct histq_callbacks callbacks = {
	.known = on_known,
	.unsure = on_unsure,
	.ready = on_ready,
	.answer = on_answer,
	.acked = on_acked,
	.lost = on_lost,
};

static void
make_queue(size_t rows)
{
	const struct histq_run run = {
		.run = 77,
		.started_at_ms = 1000,
		.boot_id = "boot",
		.generation = "",
		.version = "0.1.0",
	};

	memset(&seen, 0, sizeof(seen));
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ck_assert_int_eq(histq_create(&queue, base, rows, &run, &callbacks,
			     &seen),
	    0);
}

static void
teardown(void)
{
	histq_destroy(queue);
	event_base_free(base);
	if (peer >= 0)
		close(peer);
}

static void
attach(void)
{
	int fds[2];

	if (peer >= 0)
		close(peer);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	peer = fds[1];
	received_length = 0;
	received[0] = '\0';
	histq_attach(queue, fds[0]);
}

/* Turns the loop and reads until neither has anything to do. */
static void
settle(void)
{
	for (int idle = 0; idle < 2;) {
		ssize_t got;

		event_base_loop(base, EVLOOP_NONBLOCK);
		got = recv(peer, received + received_length,
		    sizeof(received) - 1 - received_length, 0);
		if (got > 0) {
			received_length += (size_t)got;
			received[received_length] = '\0';
			idle = 0;
		} else {
			idle++;
		}
	}
}

static void
say(const char *text)
{
	ck_assert_int_eq(send(peer, text, strlen(text), MSG_NOSIGNAL),
	    (ssize_t)strlen(text));
	settle();
}

/* The verbs received since the last call, a letter or a number each. */
static const char *
take_verbs(void)
{
	static char verbs[8192];
	char *line, *end;
	size_t used = 0;

	verbs[0] = '\0';
	for (line = received; (end = strchr(line, '\n')) != NULL;
	     line = end + 1) {
		struct wire_msg msg;

		ck_assert_int_eq(wire_decode(&histwire_row_grammar, line,
				     (size_t)(end - line), &msg),
		    WIRE_OK);
		used += (size_t)snprintf(verbs + used, sizeof(verbs) - used,
		    "%s%s%.0llu", used > 0 ? " " : "",
		    histwire_row_grammar.verbs[msg.verb].name,
		    (unsigned long long)wire_get_uint(&msg, HK_SEQ, 0));
		ck_assert_uint_lt(used, sizeof(verbs));
	}
	ck_assert_str_eq(line, "");
	received_length = 0;
	received[0] = '\0';
	return (verbs);
}

static uint64_t
put_begin(uint64_t id)
{
	const struct histq_begin row = {
		.id = id,
		.op = "freeze",
		.source = "device",
		.msgid = UINT64_MAX,
		.at_ms = 5000,
	};

	return (histq_put_begin(queue, &row));
}

static uint64_t
put_part(uint64_t id, const char *text)
{
	const struct histq_part row = {
		.id = id,
		.phase = "final",
		.name = "db",
		.program = "Database \"one\"",
		.result = "ready",
		.thaw = "none",
		.text = text,
		.pid = 12,
		.uid = 34,
		.order = 50,
		.required = true,
		.told_at_ms = 1,
		.ready_at_ms = 20,
		.thaw_told_at_ms = HISTQ_NEVER,
		.thawed_at_ms = HISTQ_NEVER,
	};

	return (histq_put_part(queue, &row));
}

static uint64_t
put_state(uint64_t id, const char *state)
{
	const struct histq_state row = {
		.id = id,
		.state = state,
		.consistency = "application",
		.reason = "",
		.culprit = "",
		.host = "none",
		.at_ms = 6000,
		.elapsed_ms = 1000,
	};

	return (histq_put_state(queue, &row));
}

START_TEST(sends_run_then_rows_then_commit)
{
	make_queue(16);
	attach();
	ck_assert_uint_eq(put_begin(1), 1);
	ck_assert_uint_eq(put_part(1, "fine"), 2);
	ck_assert_uint_eq(put_state(1, "held"), 3);
	histq_commit(queue);
	ck_assert_uint_eq(histq_put_event(queue, 1, "note", "later"), 4);
	settle();
	/* What comes later waits until that is on disk. */
	ck_assert_str_eq(take_verbs(), "RUN BEGIN1 PART2 STATE3 COMMIT");
	ck_assert_uint_eq(histq_waiting(queue), 4);
	say("ACK seq=2\n");
	settle();
	ck_assert_str_eq(take_verbs(), "");
	say("ACK seq=3\n");
	settle();
	ck_assert_str_eq(take_verbs(), "EVENT4");
	ck_assert_uint_eq(histq_waiting(queue), 1);
}
END_TEST

START_TEST(row_carries_every_field)
{
	struct wire_msg msg;
	char *line;

	make_queue(16);
	attach();
	put_part(9, "says \"hi\"\n\x1b[31m");
	settle();
	line = strchr(received, '\n') + 1;
	ck_assert_int_eq(wire_decode(&histwire_row_grammar, line, strlen(line),
			     &msg),
	    WIRE_OK);
	ck_assert_str_eq(wire_get_text(&msg, HK_TEXT, ""),
	    "says \"hi\"\n\x1b[31m");
	ck_assert_str_eq(wire_get_text(&msg, HK_PROGRAM, ""),
	    "Database \"one\"");
	ck_assert_str_eq(wire_get_text(&msg, HK_PHASE, ""), "final");
	ck_assert_uint_eq(wire_get_uint(&msg, HK_READY_AT_MS, 0), 20);
	ck_assert(!wire_has(&msg, HK_THAWED_AT_MS));
	ck_assert_uint_eq(wire_get_uint(&msg, HK_REQUIRED, 0), 1);
	ck_assert_uint_eq(wire_get_uint(&msg, HK_ID, 0), 9);
}
END_TEST

START_TEST(hostile_text_is_cut_to_fit)
{
	char text[4000];
	struct wire_msg msg;
	char *line;

	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	make_queue(16);
	attach();
	ck_assert_uint_ne(put_part(9, text), 0);
	ck_assert_uint_ne(histq_put_event(queue, 9, "note", text), 0);
	ck_assert_uint_ne(histq_put_known(queue, "db", text, 0), 0);
	settle();
	line = strchr(received, '\n') + 1;
	ck_assert_int_eq(wire_decode(&histwire_row_grammar, line,
			     strcspn(line, "\n"), &msg),
	    WIRE_OK);
	ck_assert_uint_ge(strlen(wire_get_text(&msg, HK_TEXT, "")), 64);
	ck_assert_str_eq(take_verbs(), "RUN PART1 EVENT2 KNOWN3");
}
END_TEST

START_TEST(ack_frees_and_attach_sends_the_rest_again)
{
	make_queue(16);
	attach();
	put_begin(1);
	put_part(1, "");
	put_state(1, "held");
	settle();
	say("KNOWN name=db program=\"a b\" uid=0\n"
	    "READY last_id=41 set_aside=/x.corrupt\nACK seq=2\n");
	ck_assert_uint_eq(seen.known, 1);
	ck_assert_int_eq(seen.uid, 0);
	ck_assert_str_eq(seen.set_aside, "/x.corrupt");
	ck_assert_str_eq(seen.name, "db");
	ck_assert_str_eq(seen.program, "a b");
	ck_assert_uint_eq(seen.ready, 1);
	ck_assert_uint_eq(seen.last_id, 41);
	ck_assert_uint_eq(seen.acked, 2);
	ck_assert_uint_eq(histq_waiting(queue), 1);
	close(peer);
	peer = -1;
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(seen.lost, 1);
	ck_assert(!histq_connected(queue));
	put_begin(2);
	attach();
	settle();
	ck_assert(histq_connected(queue));
	ck_assert_str_eq(take_verbs(), "RUN STATE3 BEGIN4");
}
END_TEST

static bool
ask(uint64_t number)
{
	struct wire_line line;

	wire_begin(&line, &histwire_row_grammar, HR_QUERY);
	wire_put_uint(&line, HK_QUERY, number);
	wire_put_text(&line, HK_KIND, "events");
	return (histq_ask(queue, &line));
}

/* Rows, and a release that waits for them, are never behind a question. */
START_TEST(query_goes_when_nothing_else_waits)
{
	make_queue(16);
	ck_assert(!ask(1));
	attach();
	settle();
	(void)take_verbs();
	ck_assert(ask(1));
	ck_assert(!ask(2));
	put_begin(1);
	settle();
	ck_assert_str_eq(take_verbs(), "BEGIN1 QUERY");
	ck_assert(!histq_ask_no_more(queue));
	put_state(1, "held");
	histq_commit(queue);
	ck_assert(ask(2));
	settle();
	ck_assert_str_eq(take_verbs(), "STATE2 COMMIT");
	say("ACK seq=2\n");
	ck_assert_str_eq(take_verbs(), "QUERY");
	say("ITEM query=2 kind=event\nDONE query=2\n");
	ck_assert_uint_eq(seen.answers, 2);
	ck_assert_uint_eq(seen.verb, HA_DONE);
	histq_hold(queue, true);
	ck_assert(!ask(3));
	histq_hold(queue, false);
	ck_assert(ask(3));
	ck_assert(histq_ask_no_more(queue));
	ck_assert(ask(4));
	attach();
	settle();
	/* It was lost with the connection: whoever asked is told so. */
	ck_assert_str_eq(take_verbs(), "RUN");
}
END_TEST

START_TEST(unanswered_commit_is_asked_again)
{
	make_queue(16);
	attach();
	put_state(1, "held");
	histq_commit(queue);
	put_begin(2);
	settle();
	ck_assert_str_eq(take_verbs(), "RUN STATE1 COMMIT");
	attach();
	settle();
	ck_assert_str_eq(take_verbs(), "RUN STATE1 COMMIT");
	say("ACK seq=1\n");
	settle();
	ck_assert_str_eq(take_verbs(), "BEGIN2");
}
END_TEST

START_TEST(ack_beyond_what_this_process_was_sent)
{
	make_queue(16);
	put_begin(1);
	put_state(1, "done");
	put_begin(2);
	attach();
	/* It had these from its predecessor's connection. */
	say("ACK seq=2\n");
	settle();
	ck_assert_uint_eq(histq_waiting(queue), 1);
	say("ACK seq=3\n");
	ck_assert_uint_eq(histq_waiting(queue), 0);
	ck_assert_uint_eq(seen.lost, 0);
}
END_TEST

START_TEST(nothing_is_written_while_held)
{
	make_queue(16);
	attach();
	put_begin(1);
	settle();
	ck_assert_str_eq(take_verbs(), "RUN BEGIN1");
	histq_hold(queue, true);
	put_part(1, "");
	put_state(1, "done");
	histq_commit(queue);
	settle();
	ck_assert_str_eq(take_verbs(), "");
	/* What the other end says is still heard. */
	say("ACK seq=1\n");
	ck_assert_uint_eq(seen.acked, 1);
	/* A process that is started meanwhile waits as well. */
	attach();
	settle();
	ck_assert_str_eq(take_verbs(), "");
	histq_hold(queue, false);
	settle();
	ck_assert_str_eq(take_verbs(), "RUN PART2 STATE3 COMMIT");
}
END_TEST

START_TEST(rows_put_and_held_at_once_are_not_sent)
{
	make_queue(16);
	attach();
	settle();
	take_verbs();
	put_begin(1);
	histq_hold(queue, true);
	settle();
	ck_assert_str_eq(take_verbs(), "");
}
END_TEST

/* As many rows as there are by default. */
START_TEST(queue_holds_the_proof_of_ten_thousand)
{
	const struct histq_part nobody = { .told_at_ms = HISTQ_NEVER,
		.ready_at_ms = UINT32_MAX - 1,
		.pid = 4000000,
		.uid = 4000000000,
		.order = 99 };
	struct histrow_held held = { .id = 1, .proof = 1 };
	struct histq_part part = nobody;
	char name[WIRE_NAME_MAX + 1];

	make_queue(4096);
	put_begin(1);
	part.name = name;
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(name, sizeof(name), "%064d", i);
		if (histrow_held_add(&held, &part))
			continue;
		ck_assert_uint_ne(histq_put_held(queue, &held), 0);
		ck_assert(histrow_held_add(&held, &part));
	}
	ck_assert_uint_ne(histq_put_held(queue, &held), 0);
	ck_assert_uint_ne(put_state(1, "held"), 0);
	ck_assert_uint_eq(histq_dropped(queue), 0);
}
END_TEST

START_TEST(full_queue_drops_detail_first)
{
	make_queue(4);
	put_begin(1);
	put_part(1, "");
	histq_put_event(queue, 1, "note", "x");
	put_state(1, "held");
	ck_assert_uint_eq(histq_dropped(queue), 0);
	ck_assert_uint_eq(put_state(1, "done"), 5);
	ck_assert_uint_eq(put_begin(2), 6);
	ck_assert_uint_eq(histq_dropped(queue), 2);
	/* Only transaction rows are left: detail is refused, then they are. */
	ck_assert_uint_eq(put_part(2, ""), 0);
	ck_assert_uint_eq(put_state(2, "done"), 0);
	ck_assert_uint_eq(histq_dropped(queue), 4);
	ck_assert_uint_eq(histq_waiting(queue), 4);
	attach();
	settle();
	ck_assert_str_eq(take_verbs(), "RUN BEGIN1 STATE4 STATE5 BEGIN6");
	/* When there is room again the loss itself becomes a row. */
	say("ACK seq=5\n");
	ck_assert_ptr_nonnull(strstr(received, "EVENT seq=7"));
	ck_assert_ptr_nonnull(strstr(received, "kind=dropped"));
	ck_assert_ptr_nonnull(strstr(received, "at most 4 rows"));
	say("ACK seq=7\n");
	ck_assert_uint_eq(histq_waiting(queue), 0);
}
END_TEST

START_TEST(drop_of_the_row_that_is_next_to_be_sent)
{
	make_queue(3);
	attach();
	settle();
	histq_hold(queue, true);
	put_part(1, "");
	put_state(1, "held");
	put_part(2, "");
	put_state(2, "held");
	ck_assert_uint_eq(histq_dropped(queue), 1);
	histq_hold(queue, false);
	settle();
	ck_assert_str_eq(take_verbs(), "RUN STATE2 PART3 STATE4");
}
END_TEST

/* Every line is whole, and those of participants of id have this text. */
static void
check_lines(uint64_t id, const char *text)
{
	for (char *line = received; *line != '\0';
	     line = strchr(line, '\n') + 1) {
		struct wire_msg msg;

		ck_assert_int_eq(wire_decode(&histwire_row_grammar, line,
				     strcspn(line, "\n"), &msg),
		    WIRE_OK);
		if (text != NULL && msg.verb == HR_PART &&
		    wire_get_uint(&msg, HK_ID, 0) == id)
			ck_assert_str_eq(wire_get_text(&msg, HK_TEXT, ""),
			    text);
	}
}

START_TEST(drop_of_a_row_that_is_half_sent)
{
	char text[400];
	uint64_t last = 0;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	make_queue(1000);
	attach();
	/* More than the socket takes while nobody reads. */
	for (int i = 0; i < 1000; i++) {
		put_part(1, text);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	for (int i = 0; i < 1000; i++)
		last = put_part(2, text);
	settle();
	/* Every line is whole, and the last one is there. */
	ck_assert_uint_gt(received_length, 100000);
	snprintf(text, sizeof(text), "PART seq=%llu ",
	    (unsigned long long)last);
	ck_assert_ptr_nonnull(strstr(received, text));
	check_lines(1, NULL);
	/* None is confirmed: each waits, or was dropped. */
	ck_assert_uint_eq(histq_waiting(queue) + histq_dropped(queue), 2000);
}
END_TEST

/* Rows of the greatest length take the room of others, and come out whole. */
START_TEST(long_rows)
{
	char text[HISTWIRE_TEXT_MAX + 1];
	uint64_t dropped;

	memset(text, '\n', sizeof(text) - 1); /* each is two bytes of a line */
	text[sizeof(text) - 1] = '\0';
	make_queue(64);
	for (int i = 0; i < 64; i++)
		put_part(1, "");
	ck_assert_uint_eq(histq_dropped(queue), 0);
	for (int i = 0; i < 64; i++)
		ck_assert_uint_ne(put_part(2, text), 0);
	dropped = histq_dropped(queue);
	ck_assert_uint_eq(histq_waiting(queue) + dropped, 128);
	ck_assert_uint_ge(histq_waiting(queue), 64 / 4);
	ck_assert_uint_ne(put_state(2, "held"), 0);
	attach();
	settle();
	check_lines(2, text);
}
END_TEST

START_TEST(nonsense_ends_the_connection)
{
	static const char *const nonsense[] = { "HELLO\n", "ACK\n", "\n",
		"ACK seq=99\n", "ACK seq=1 seq=1\n" };

	make_queue(16);
	put_begin(1);
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		attach();
		settle();
		send(peer, nonsense[i], strlen(nonsense[i]), MSG_NOSIGNAL);
		settle();
		ck_assert_msg(!histq_connected(queue), "took %s", nonsense[i]);
		ck_assert_uint_eq(seen.lost, i + 1);
	}
	ck_assert_uint_eq(histq_waiting(queue), 1);
}
END_TEST

START_TEST(endless_line_ends_the_connection)
{
	char chunk[1000];

	make_queue(16);
	attach();
	memset(chunk, 'A', sizeof(chunk));
	for (int i = 0; i < 5; i++) {
		send(peer, chunk, sizeof(chunk), MSG_NOSIGNAL);
		settle();
	}
	ck_assert_uint_eq(seen.lost, 1);
}
END_TEST

START_TEST(loss_is_told_from_the_loop_only)
{
	make_queue(16);
	attach();
	settle();
	close(peer);
	peer = -1;
	put_begin(1);
	histq_commit(queue);
	ck_assert_uint_eq(seen.lost, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(seen.lost, 1);
	ck_assert_uint_eq(histq_waiting(queue), 1);
}
END_TEST

START_TEST(bad_word_is_refused)
{
	make_queue(16);
	ck_assert_uint_eq(put_state(1, "Not a word"), 0);
	ck_assert_uint_eq(histq_waiting(queue), 0);
	ck_assert_uint_eq(put_state(1, "held"), 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("histq");
	TCase *tcase = tcase_create("histq");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_test(tcase, sends_run_then_rows_then_commit);
	tcase_add_test(tcase, row_carries_every_field);
	tcase_add_test(tcase, hostile_text_is_cut_to_fit);
	tcase_add_test(tcase, ack_frees_and_attach_sends_the_rest_again);
	tcase_add_test(tcase, query_goes_when_nothing_else_waits);
	tcase_add_test(tcase, unanswered_commit_is_asked_again);
	tcase_add_test(tcase, ack_beyond_what_this_process_was_sent);
	tcase_add_test(tcase, nothing_is_written_while_held);
	tcase_add_test(tcase, rows_put_and_held_at_once_are_not_sent);
	tcase_add_test(tcase, queue_holds_the_proof_of_ten_thousand);
	tcase_add_test(tcase, full_queue_drops_detail_first);
	tcase_add_test(tcase, drop_of_the_row_that_is_next_to_be_sent);
	tcase_add_test(tcase, drop_of_a_row_that_is_half_sent);
	tcase_add_test(tcase, long_rows);
	tcase_add_test(tcase, nonsense_ends_the_connection);
	tcase_add_test(tcase, endless_line_ends_the_connection);
	tcase_add_test(tcase, loss_is_told_from_the_loop_only);
	tcase_add_test(tcase, bad_word_is_refused);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
