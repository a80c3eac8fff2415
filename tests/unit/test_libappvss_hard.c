/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libappvss in hard times: no memory, signals at every moment, a broker that
 * sends noise or a flood or restarts all the time, a thousand participants, and
 * a process that is stopped while its limits pass.  Whatever happens, each
 * freeze is followed by one thaw.
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sdk_rig.h"

#define REGISTER_DB                                                    \
	"REGISTER name=db order=50 required=0 check=1 freeze_ms=5000 " \
	"thaw_ms=5000"

const char *const rig_hello = "HELLO version=1 program=test_libappvss_hard";

static struct rig rig;
static struct app db;

/* The linker gives us the library's calls (and our own). */
void *__real_calloc(size_t number, size_t size);
void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_calloc(size_t number, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *old, size_t size);

static int allocations_left = -1; /* then they fail; -1: never */

static bool
may_allocate(void)
{
	if (allocations_left < 0)
		return (true);
	if (allocations_left == 0)
		return (false);
	allocations_left--;
	return (true);
}

void *
__wrap_calloc(size_t number, size_t size)
{
	return (may_allocate() ? __real_calloc(number, size) : NULL);
}

void *
__wrap_malloc(size_t size)
{
	return (may_allocate() ? __real_malloc(size) : NULL);
}

void *
__wrap_realloc(void *old, size_t size)
{
	return (may_allocate() ? __real_realloc(old, size) : NULL);
}

static void
teardown(void)
{
	allocations_left = -1;
	rig_stop(&rig);
}

/* What a participant was told, counted. */
struct count {
	struct appvss_participant *participant;
	int freezes;
	int thaws;
	enum appvss_answer freeze_answer;
};

static enum appvss_answer
count_freeze(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct count *count = arg;

	(void)participant;
	(void)request;
	count->freezes++;
	return (count->freeze_answer);
}

static enum appvss_answer
count_thaw(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct count *count = arg;

	(void)participant;
	(void)request;
	if (++count->thaws != count->freezes)
		abort();
	return (APPVSS_READY);
}

static const struct appvss_callbacks counting = { .freeze = count_freeze,
	.thaw = count_thaw };

static void
add_counting(struct count *count, const char *name)
{
	struct appvss_options options;

	appvss_options_init(&options);
	options.name = name;
	ck_assert_int_eq(appvss_register(rig.handle, &options, &counting, count,
			     &count->participant),
	    0);
}

static void
on_end(struct appvss *handle, const struct appvss_end *end, void *arg)
{
	(void)handle;
	(void)end;
	(void)arg;
}

static void
dispatch_without_memory(void)
{
	struct pollfd pollfd = { appvss_get_fd(rig.handle),
		appvss_get_events(rig.handle), 0 };
	int error;

	(void)poll(&pollfd, 1, appvss_get_timeout_ms(rig.handle));
	allocations_left = 0;
	error = appvss_dispatch(rig.handle);
	allocations_left = -1;
	ck_assert_int_eq(error, 0);
}

START_TEST(test_no_memory)
{
	static struct count count;
	static const struct appvss_query_callbacks ends = { .end = on_end };
	struct appvss_participant *other;
	struct appvss_options options;
	struct appvss_query query;
	int registered, asked, opened, i;

	for (i = 0; i < 2; i++) {
		allocations_left = i;
		opened = appvss_open(&rig.handle, "/nonexistent");
		allocations_left = -1;
		ck_assert_int_eq(opened, APPVSS_E_NOMEM);
		ck_assert_ptr_null(rig.handle);
	}
	allocations_left = -1;
	rig_begin(&rig, &db);
	add_counting(&count, "poor");
	rig_skip(&rig); /* REGISTER */
	appvss_options_init(&options);
	options.name = "other";
	appvss_query_init(&query, APPVSS_ASK_STATUS);
	allocations_left = 0;
	registered = appvss_register(rig.handle, &options, &counting, NULL,
	    &other);
	asked = appvss_ask(rig.handle, &query, &ends, NULL);
	allocations_left = -1;
	ck_assert_int_eq(registered, APPVSS_E_NOMEM);
	ck_assert_int_eq(asked, APPVSS_E_NOMEM);
	ck_assert_ptr_null(other);
	/* A transaction needs none, nor does a reconnection. */
	rig_say(&rig, "FREEZE name=poor id=7 remaining_ms=4000 hold_ms=70000");
	while (count.freezes == 0)
		dispatch_without_memory();
	rig_expect(&rig, "READY name=poor id=7 op=freeze");
	rig_say(&rig, "THAW name=poor id=7 reason=done remaining_ms=5000");
	while (count.thaws == 0)
		dispatch_without_memory();
	rig_expect(&rig, "READY name=poor id=7 op=thaw");
	rig_say(&rig, "FREEZE name=poor id=8 remaining_ms=4000 hold_ms=70000");
	while (count.freezes == 1)
		dispatch_without_memory();
	appvss_unregister(db.participant); /* its callbacks need some */
	rig_drop(&rig);
	while (count.thaws == 1)
		dispatch_without_memory();
	while (appvss_get_fd(rig.handle) < 0)
		dispatch_without_memory();
	rig_greet(&rig);
	rig_expect(&rig,
	    "REGISTER name=poor order=50 required=0 check=0 freeze_ms=5000 "
	    "thaw_ms=5000");
}
END_TEST

static void
on_alarm(int number)
{
	(void)number;
}

/* Every system call that can be interrupted is, sooner or later. */
START_TEST(test_interrupted)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { 0 };
	char line[128];
	int i;

	rig_begin(&rig, &db);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	for (i = 1; i <= 200; i++) {
		db.log[0] = '\0';
		snprintf(line, sizeof(line),
		    "FREEZE name=db id=%d remaining_ms=90000 hold_ms=900000",
		    i);
		rig_say(&rig, line);
		snprintf(line, sizeof(line), "READY name=db id=%d op=freeze",
		    i);
		rig_expect(&rig, line);
		snprintf(line, sizeof(line),
		    "THAW name=db id=%d reason=done remaining_ms=5000", i);
		rig_say(&rig, line);
		snprintf(line, sizeof(line), "READY name=db id=%d op=thaw", i);
		rig_expect(&rig, line);
		snprintf(line, sizeof(line), "freeze %d; thaw %d done", i, i);
		ck_assert_str_eq(db.log, line);
	}
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
}
END_TEST

#define RESTARTS 100

START_TEST(test_restarts)
{
	static struct count count;
	int i;

	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	add_counting(&count, "db");
	for (i = 1; i <= RESTARTS; i++) {
		rig_greet(&rig);
		rig_skip(&rig); /* REGISTER */
		rig_say(&rig, "OK verb=REGISTER name=db");
		rig_say(&rig,
		    "FREEZE name=db id=7 remaining_ms=90000 hold_ms=900000");
		rig_expect(&rig, "READY name=db id=7 op=freeze");
		rig_drop(&rig);
		RIG_UNTIL(&rig, count.thaws == i);
		ck_assert_int_eq(count.freezes, i);
	}
}
END_TEST

/* Lines, cut and changed at random: a fixed seed, so that it can be repeated.
 */
static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8);
}

static size_t
make_noise(uint32_t *state, char *bytes, size_t size)
{
	static const char *const pieces[] = {
		"FREEZE name=db id=7 remaining_ms=4000 hold_ms=70000\n",
		"THAW name=db id=7 reason=done remaining_ms=5000\n",
		"CHECK name=db id=6 remaining_ms=4000\n",
		"OK verb=REGISTER name=db\n", "END verb=STATUS\n",
		"ITEM kind=broker\n", "EVENT \n", "NEWS\n",
		"ERROR code=denied verb=READY\n", "FREEZE name=db id=7 ", "\n",
		"\"", "\\x00", "="
	};
	size_t length = 0, piece, i;

	for (i = 0; i < 20; i++) {
		/* Seldom one of the last five, which end the connection. */
		piece = next_random(state) % 9 +
		    (next_random(state) % 16 == 0 ? 5 : 0);
		length += (size_t)snprintf(bytes + length, size - length, "%s",
		    pieces[piece]);
		if (next_random(state) % 32 == 0)
			bytes[length++] = (char)next_random(state);
	}
	return (length);
}

START_TEST(test_noise)
{
	static struct count count;
	char bytes[2048], ignored[4096];
	uint32_t state = 1;
	size_t length;
	int i;

	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	add_counting(&count, "db");
	for (i = 0; i < 60; i++) {
		rig_accept(&rig);
		if (i % 8 != 0)
			rig_say(&rig, "WELCOME version=1");
		length = make_noise(&state, bytes, sizeof(bytes));
		(void)send(rig.conn, bytes, length, MSG_NOSIGNAL);
		rig_step(&rig);
		while (recv(rig.conn, ignored, sizeof(ignored), 0) > 0)
			rig_step(&rig);
		rig_drop(&rig);
		RIG_UNTIL(&rig, appvss_get_fd(rig.handle) == -1);
		ck_assert_int_eq(count.freezes, count.thaws);
	}
	ck_assert_int_gt(count.freezes, 15);
}
END_TEST

/* More requests than answers fit: it reads no further, and loses none. */
START_TEST(test_flood)
{
	char line[160], expected[700], text[513];
	int sent = 0, answered = 0;

	rig_begin(&rig, &db);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	db.text = text;
	for (;;) {
		snprintf(line, sizeof(line),
		    "CHECK name=db id=%d remaining_ms=90000\n", sent);
		if (send(rig.conn, line, strlen(line), MSG_NOSIGNAL) !=
		    (ssize_t)strlen(line))
			break;
		sent++;
		db.log[0] = '\0';
		if (sent % 64 == 0)
			rig_step(&rig);
		/* It would read them all if it did not stop. */
		ck_assert_int_lt(sent, 1000000);
	}
	ck_assert_int_gt(sent, 500);
	ck_assert_int_eq(appvss_get_events(rig.handle), POLLOUT);
	for (; answered < sent - 1; answered++) {
		db.log[0] = '\0';
		snprintf(expected, sizeof(expected),
		    "READY name=db id=%d op=check text=%s", answered, text);
		rig_expect(&rig, expected);
	}
}
END_TEST

#define CROWD 1000

static struct count crowd[CROWD];

/* Registers them all, and the broker agrees. */
static void
gather_crowd(enum appvss_answer freeze_answer)
{
	char line[160];
	int i;

	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	for (i = 0; i < CROWD; i++) {
		snprintf(line, sizeof(line), "m%d", i);
		crowd[i].freeze_answer = freeze_answer;
		add_counting(&crowd[i], line);
	}
	rig_greet(&rig);
	for (i = 0; i < CROWD; i++) {
		snprintf(line, sizeof(line),
		    "REGISTER name=m%d order=50 required=0 check=0 "
		    "freeze_ms=5000 thaw_ms=5000",
		    i);
		rig_expect(&rig, line);
		snprintf(line, sizeof(line), "OK verb=REGISTER name=m%d", i);
		rig_say(&rig, line);
	}
}

static void
say_all(const char *format)
{
	char line[160];
	int i;

	for (i = 0; i < CROWD; i++) {
		snprintf(line, sizeof(line), format, i);
		rig_say(&rig, line);
		/* What it says is not read yet. */
		if (i % 50 == 0)
			rig_step(&rig);
	}
}

START_TEST(test_crowd)
{
	char expected[128], text[513];
	int i, length;

	gather_crowd(APPVSS_PENDING);
	say_all("FREEZE name=m%d id=7 remaining_ms=90000 hold_ms=900000");
	RIG_UNTIL(&rig, crowd[CROWD - 1].freezes == 1);
	/* All answer at once, with all that a text can have. */
	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(appvss_ready(crowd[i].participant, text), 0);
	for (i = 0; i < CROWD; i++) {
		length = snprintf(expected, sizeof(expected),
		    "READY name=m%d id=7 op=freeze text=\"\\x01\\x01", i);
		RIG_UNTIL(&rig, rig_has_line(&rig));
		ck_assert_int_eq(strncmp(rig.in, expected, (size_t)length), 0);
		rig_skip(&rig);
	}
	say_all("THAW name=m%d id=7 reason=done remaining_ms=90000");
	for (i = 0; i < CROWD; i++) {
		snprintf(expected, sizeof(expected),
		    "READY name=m%d id=7 op=thaw", i);
		rig_expect(&rig, expected);
		ck_assert_int_eq(crowd[i].thaws, 1);
	}
	/* The broker dies under all of them. */
	say_all("FREEZE name=m%d id=8 remaining_ms=90000 hold_ms=900000");
	RIG_UNTIL(&rig, crowd[CROWD - 1].freezes == 2);
	rig_drop(&rig);
	RIG_UNTIL(&rig, crowd[CROWD - 1].thaws == 2);
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(crowd[i].thaws, 2);
}
END_TEST

/* A participant in a process of its own, which says what it is told. */
static pid_t
start_child(struct app *app, int *told)
{
	const struct timespec moment = { 0, 1000000 };
	int fds[2];
	size_t said = 0, length;
	pid_t pid;

	rig_start(&rig);
	rig_listen(&rig);
	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0) {
		close(fds[1]);
		*told = fds[0];
		return (pid);
	}
	rig_open(&rig);
	rig_add(&rig, app, "db");
	while (appvss_wait(rig.handle, -1) == 0) {
		length = strlen(app->log);
		if (write(fds[1], app->log + said, length - said) < 0)
			_exit(1);
		said = length;
		(void)nanosleep(&moment, NULL);
	}
	_exit(2);
}

static void
await_told(int told, const char *what)
{
	static char log[1024];
	struct pollfd pollfd = { told, POLLIN, 0 };
	ssize_t length;
	size_t have = strlen(log);

	while (strstr(log, what) == NULL) {
		ck_assert_int_eq(poll(&pollfd, 1, RIG_LIMIT_MS), 1);
		length = read(told, log + have, sizeof(log) - 1 - have);
		ck_assert_int_gt(length, 0);
		have += (size_t)length;
	}
	ck_assert_str_eq(log, what);
}

static void
stop_child(pid_t pid)
{
	int status;

	ck_assert_int_eq(kill(pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
}

/*
 * Stopped for longer than it may stay frozen: what the broker said meanwhile
 * counts, and not that the limit passed.
 */
START_TEST(test_stopped)
{
	static const struct {
		const char *before;
		const char *meanwhile;
		const char *after;
		const char *log;
	} cases[] = {
		{ "freeze 7", "THAW name=db id=7 reason=done remaining_ms=1",
		    NULL, "status ok; freeze 7; thaw 7 done" },
		{ "freeze 7", NULL,
		    "THAW name=db id=7 reason=expired remaining_ms=1",
		    "status ok; freeze 7; thaw 7 expired" },
		{ "freeze 7", "", NULL,
		    "status ok; freeze 7; thaw 7 lost; status unavailable" },
		{ NULL,
		    "FREEZE name=db id=7 remaining_ms=900 hold_ms=3000\n"
		    "THAW name=db id=7 reason=aborted remaining_ms=1",
		    NULL, "status ok; freeze 7; thaw 7 aborted" },
	};
	struct timespec past_limit = { 5, 0 };
	int told, status, i;
	pid_t pid;

	pid = start_child(&db, &told);
	rig.is_threaded = true;
	rig_greet(&rig);
	rig_skip(&rig); /* REGISTER */
	rig_say(&rig, "OK verb=REGISTER name=db");
	await_told(told, "status ok");
	if (cases[_i].before != NULL) {
		rig_say(&rig,
		    "FREEZE name=db id=7 remaining_ms=900 hold_ms=3000");
		rig_skip(&rig);
	}
	stop_child(pid);
	if (cases[_i].meanwhile != NULL && cases[_i].meanwhile[0] != '\0')
		rig_say(&rig, cases[_i].meanwhile);
	(void)nanosleep(&past_limit, NULL);
	if (cases[_i].meanwhile != NULL && cases[_i].meanwhile[0] == '\0')
		rig_drop(&rig);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	if (cases[_i].after != NULL) {
		/* When it answers twice it has been through its timers. */
		for (i = 0; i < 2; i++) {
			rig_say(&rig, "CHECK name=db id=8 remaining_ms=90000");
			rig_expect(&rig,
			    "FAIL name=db id=8 op=check text=\"still frozen by "
			    "an earlier transaction\"");
		}
		rig_say(&rig, cases[_i].after);
	}
	await_told(told, cases[_i].log);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	close(told);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("libappvss_hard");
	TCase *tc = tcase_create("hard");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 240);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_no_memory);
	tcase_add_test(tc, test_interrupted);
	tcase_add_test(tc, test_restarts);
	tcase_add_test(tc, test_noise);
	tcase_add_test(tc, test_flood);
	tcase_add_test(tc, test_crowd);
	tcase_add_loop_test(tc, test_stopped, 0, 4);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
