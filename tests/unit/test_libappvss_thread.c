/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libappvss in a thread of its own, and appvss_run() with appvss_stop(): who
 * may call what from where, and that nobody waits for ever.  "make check-tsan"
 * runs this under the thread sanitizer.
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sdk_rig.h"

const char *const rig_hello = "HELLO version=1 program=test_libappvss_thread";

static struct rig rig;

/* What callbacks did, in order, and a gate that they may be held up at. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char journal[4096];
static bool is_shut; /* the gate */
static int at_gate;

struct member {
	struct appvss_participant *participant;
	const char *name;
	enum appvss_answer freeze_answer;
	bool closes; /* its freeze closes the handle */
	bool leaves; /* its freeze unregisters it */
	pthread_t thread;
};

static void
lock(void)
{
	ck_assert_int_eq(pthread_mutex_lock(&mutex), 0);
}

static void
unlock(void)
{
	ck_assert_int_eq(pthread_mutex_unlock(&mutex), 0);
}

static void
wait_changed(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += RIG_LIMIT_MS / 1000;
	ck_assert_msg(pthread_cond_timedwait(&changed, &mutex, &until) == 0,
	    "nothing happens any more after: %s", journal);
}

static void
note(const char *name, const char *what)
{
	size_t length;

	lock();
	length = strlen(journal);
	snprintf(journal + length, sizeof(journal) - length, "%s%s %s",
	    length > 0 ? "; " : "", name, what);
	pthread_cond_broadcast(&changed);
	unlock();
}

static void
await(const char *what)
{
	lock();
	while (strstr(journal, what) == NULL)
		wait_changed();
	unlock();
}

static void
expect_journal(const char *what)
{
	lock();
	ck_assert_str_eq(journal, what);
	unlock();
}

static void
pass_gate(void)
{
	lock();
	at_gate++;
	pthread_cond_broadcast(&changed);
	while (is_shut)
		wait_changed();
	unlock();
}

static void
shut_gate(void)
{
	lock();
	is_shut = true;
	at_gate = 0;
	unlock();
}

static void
await_gate(void)
{
	lock();
	while (at_gate == 0)
		wait_changed();
	unlock();
}

static void
open_gate(void)
{
	lock();
	is_shut = false;
	pthread_cond_broadcast(&changed);
	unlock();
}

static enum appvss_answer
on_freeze(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct member *member = arg;
	sigset_t blocked;

	(void)request;
	member->thread = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	ck_assert_int_eq(sigismember(&blocked, SIGTERM), 1);
	ck_assert_int_eq(sigismember(&blocked, SIGSEGV), 0);
	pass_gate();
	if (member->leaves)
		appvss_unregister(participant);
	if (member->closes)
		appvss_close(rig.handle);
	note(member->name, "freeze");
	return (member->freeze_answer);
}

static enum appvss_answer
on_thaw(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	static const char *const words[] = { "", "done", "aborted", "expired",
		"lost" };
	struct member *member = arg;

	(void)participant;
	note(member->name, words[request->reason]);
	return (APPVSS_READY);
}

static void
on_status(struct appvss_participant *participant, int error, const char *text,
    void *arg)
{
	struct member *member = arg;

	(void)participant;
	(void)text;
	note(member->name, error == 0 ? "ok" : "away");
}

static const struct appvss_callbacks callbacks = { .freeze = on_freeze,
	.thaw = on_thaw,
	.status = on_status };

static void
join_handle(struct appvss *handle, struct member *member, const char *name)
{
	struct appvss_options options;

	member->name = name;
	appvss_options_init(&options);
	options.name = name;
	ck_assert_int_eq(appvss_register(handle, &options, &callbacks, member,
			     &member->participant),
	    0);
}

static void
say_registered(struct rig *broker, const char *name)
{
	char line[160], wanted[80];

	snprintf(line, sizeof(line),
	    "REGISTER name=%s order=50 required=0 check=0 freeze_ms=5000 "
	    "thaw_ms=5000",
	    name);
	rig_expect(broker, line);
	snprintf(line, sizeof(line), "OK verb=REGISTER name=%s", name);
	rig_say(broker, line);
	snprintf(wanted, sizeof(wanted), "%s ok", name);
	await(wanted);
}

static void
begin_rig(struct rig *broker, struct member *member, const char *name)
{
	rig_start(broker);
	rig_listen(broker);
	rig_open(broker);
	ck_assert_int_eq(appvss_start(broker->handle), 0);
	broker->is_threaded = true;
	join_handle(broker->handle, member, name);
	rig_greet(broker);
	say_registered(broker, name);
}

static void
forget_journal(void)
{
	lock();
	journal[0] = '\0';
	unlock();
}

static void
begin(struct member *member)
{
	begin_rig(&rig, member, "a");
	forget_journal();
}

static void
say_freeze(const char *name)
{
	char line[160];

	snprintf(line, sizeof(line),
	    "FREEZE name=%s id=7 remaining_ms=60000 hold_ms=70000", name);
	rig_say(&rig, line);
}

static void
teardown(void)
{
	open_gate();
	rig_stop(&rig);
}

START_TEST(test_whole_transaction)
{
	static struct member a = { 0 };

	begin(&a);
	ck_assert_int_eq(appvss_dispatch(rig.handle), APPVSS_E_INVAL);
	ck_assert_int_eq(appvss_wait(rig.handle, 0), APPVSS_E_INVAL);
	ck_assert_int_eq(appvss_run(rig.handle), APPVSS_E_INVAL);
	ck_assert_int_eq(appvss_start(rig.handle), APPVSS_E_INVAL);
	ck_assert_int_eq(appvss_get_fd(rig.handle), -1);
	ck_assert_int_eq(appvss_get_timeout_ms(rig.handle), -1);
	say_freeze("a");
	rig_expect(&rig, "READY name=a id=7 op=freeze");
	ck_assert_int_eq(appvss_is_frozen(a.participant), 1);
	rig_say(&rig, "THAW name=a id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=a id=7 op=thaw");
	ck_assert_int_eq(appvss_is_frozen(a.participant), 0);
	expect_journal("a freeze; a done");
	ck_assert_int_eq(pthread_equal(a.thread, pthread_self()), 0);
}
END_TEST

/* The answer comes from another thread than the callback was called in. */
START_TEST(test_answers_from_elsewhere)
{
	static struct member a = { .freeze_answer = APPVSS_PENDING };

	begin(&a);
	say_freeze("a");
	await("freeze");
	ck_assert_int_eq(appvss_progress(a.participant, 50, 100, NULL), 0);
	rig_expect(&rig, "PROGRESS name=a id=7 percent=50 remaining_ms=100");
	ck_assert_int_eq(appvss_ready(a.participant, "elsewhere"), 0);
	rig_expect(&rig, "READY name=a id=7 op=freeze text=elsewhere");
}
END_TEST

/* No lock of the library's is held while a callback runs. */
START_TEST(test_callback_blocks)
{
	static struct member a = { 0 }, b = { 0 };

	begin(&a);
	shut_gate();
	say_freeze("a");
	await_gate();
	ck_assert_int_eq(appvss_is_frozen(a.participant), 1);
	appvss_set_text(a.participant, "set elsewhere");
	ck_assert_int_eq(appvss_progress(a.participant, 1, 1, NULL), 0);
	rig_expect(&rig, "PROGRESS name=a id=7 percent=1 remaining_ms=1");
	join_handle(rig.handle, &b, "b");
	ck_assert_int_eq(appvss_ready(a.participant, "early"), 0);
	rig_skip(&rig); /* REGISTER */
	rig_expect(&rig, "READY name=a id=7 op=freeze text=early");
	open_gate();
	rig_say(&rig, "THAW name=a id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=a id=7 op=thaw");
}
END_TEST

/* The broker dies: nobody has to dispatch for the thaw to run. */
START_TEST(test_thaw_at_once)
{
	static struct member a = { 0 };

	begin(&a);
	say_freeze("a");
	rig_expect(&rig, "READY name=a id=7 op=freeze");
	rig_drop(&rig);
	await("a lost");
	await("a away");
	expect_journal("a freeze; a lost; a away");
	rig_greet(&rig);
	say_registered(&rig, "a");
}
END_TEST

START_TEST(test_hold_limit_at_once)
{
	static struct member a = { 0 };

	begin(&a);
	rig_say(&rig, "FREEZE name=a id=7 remaining_ms=60000 hold_ms=200");
	await("a lost");
	expect_journal("a freeze; a lost");
}
END_TEST

/*
 * Callbacks of a handle never overlap: what the broker's death thaws waits for
 * a callback that blocks.  It is another handle's thread that does not.
 */
START_TEST(test_thaw_while_callback_blocks)
{
	static struct member a = { 0 }, b = { 0 }, c = { 0 };
	static struct rig other;

	begin_rig(&other, &c, "c");
	begin(&a);
	rig_say(&other, "FREEZE name=c id=1 remaining_ms=60000 hold_ms=70000");
	rig_expect(&other, "READY name=c id=1 op=freeze");
	join_handle(rig.handle, &b, "b");
	say_registered(&rig, "b");
	say_freeze("b");
	rig_expect(&rig, "READY name=b id=7 op=freeze");
	forget_journal();
	shut_gate();
	say_freeze("a");
	await_gate();
	rig_drop(&rig);
	rig_drop(&other);
	await("c lost");
	await("c away"); /* the last of its thread's: nothing more in between */
	lock();
	ck_assert_ptr_null(strstr(journal, "b lost"));
	unlock();
	open_gate();
	await("a lost");
	await("b lost");
	lock();
	ck_assert_ptr_nonnull(strstr(journal, "a freeze; a lost; b lost"));
	unlock();
	rig_stop(&other);
}
END_TEST

static atomic_bool has_left;

static void *
leave(void *arg)
{
	struct member *member = arg;

	appvss_unregister(member->participant);
	note(member->name, "gone");
	atomic_store(&has_left, true);
	return (NULL);
}

/* When appvss_unregister() returns, no callback runs or ever will. */
START_TEST(test_unregister_elsewhere)
{
	static struct member a = { 0 };
	pthread_t thread;

	begin(&a);
	shut_gate();
	say_freeze("a");
	await_gate();
	ck_assert_int_eq(pthread_create(&thread, NULL, leave, &a), 0);
	/* From when on it is refused. */
	while (appvss_progress(a.participant, 1, 1, NULL) != APPVSS_E_INVAL)
		ck_assert_int_eq(atomic_load(&has_left), 0);
	ck_assert_int_eq(atomic_load(&has_left), 0);
	open_gate();
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	expect_journal("a freeze; a lost; a gone");
}
END_TEST

START_TEST(test_unregister_inside)
{
	static struct member a = { .leaves = true };

	begin(&a);
	say_freeze("a");
	rig_expect(&rig,
	    "FAIL name=a id=7 op=freeze text=\"unregistered while frozen\"");
	rig_expect(&rig, "UNREGISTER name=a");
	expect_journal("a freeze; a lost");
}
END_TEST

START_TEST(test_close_frozen)
{
	static struct member a = { 0 };

	begin(&a);
	say_freeze("a");
	rig_expect(&rig, "READY name=a id=7 op=freeze");
	appvss_close(rig.handle);
	rig.handle = NULL;
	expect_journal("a freeze; a lost");
	rig_expect(&rig,
	    "FAIL name=a id=7 op=freeze text=\"unregistered while frozen\"");
	rig_expect(&rig, "UNREGISTER name=a");
}
END_TEST

/* The thread frees what it ran on, once the callback has returned. */
START_TEST(test_close_inside)
{
	static struct member a = { .closes = true };
	char end;

	begin(&a);
	say_freeze("a");
	await("a lost");
	RIG_UNTIL(&rig, recv(rig.conn, &end, 1, 0) == 0);
	rig.handle = NULL;
	expect_journal("a freeze; a lost");
}
END_TEST

/* The child has no such thread, and the lock may be held: it must not wait. */
START_TEST(test_fork_frozen)
{
	static struct member a = { 0 };
	int status, i;
	pid_t pid;

	begin(&a);
	say_freeze("a");
	rig_expect(&rig, "READY name=a id=7 op=freeze");
	for (i = 0; i < 20; i++) {
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			if (appvss_ready(a.participant, NULL) !=
				APPVSS_E_FORKED ||
			    appvss_progress(a.participant, 1, 1, NULL) !=
				APPVSS_E_FORKED ||
			    appvss_is_frozen(a.participant) != 1)
				_exit(1);
			appvss_stop(rig.handle);
			appvss_unregister(a.participant);
			appvss_close(rig.handle);
			_exit(0);
		}
		ck_assert_int_eq(appvss_progress(a.participant, 1, 1, NULL),
		    APPVSS_E_STALE);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
	}
	rig_say(&rig, "THAW name=a id=7 reason=done remaining_ms=5000");
	rig_expect(&rig, "READY name=a id=7 op=thaw");
	expect_journal("a freeze; a done");
}
END_TEST

static void
on_end(struct appvss *handle, const struct appvss_end *end, void *arg)
{
	(void)handle;
	ck_assert_int_ne(end->error, APPVSS_OK);
	atomic_fetch_add((atomic_int *)arg, 1);
}

#define HAMMER_ROUNDS 40

/* Everything at once, while the broker comes and goes. */
static void *
hammer(void *arg)
{
	static const struct appvss_query_callbacks ends = { .end = on_end };
	char name[16];
	struct member member = { 0 };
	struct appvss_query query;
	atomic_int nends;
	int i, asked = 0;

	snprintf(name, sizeof(name), "h%d", *(int *)arg);
	appvss_query_init(&query, APPVSS_ASK_STATUS);
	atomic_init(&nends, 0);
	for (i = 0; i < HAMMER_ROUNDS; i++) {
		join_handle(rig.handle, &member, name);
		if (appvss_ask(rig.handle, &query, &ends, &nends) == 0)
			asked++;
		(void)appvss_ready(member.participant, "x");
		(void)appvss_progress(member.participant, 1, 1, "y");
		(void)appvss_is_frozen(member.participant);
		appvss_set_text(member.participant, "z");
		appvss_unregister(member.participant);
	}
	while (atomic_load(&nends) < asked)
		usleep(1000);
	return (NULL);
}

START_TEST(test_many_threads)
{
	static struct member a = { 0 };
	int numbers[4] = { 0, 1, 2, 3 }, i;
	pthread_t threads[4];
	char ignored[4096];

	begin(&a);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer,
				     &numbers[i]),
		    0);
	for (i = 0; i < 10; i++) {
		rig_say(&rig,
		    "FREEZE name=a id=7 remaining_ms=60000 hold_ms=70000");
		RIG_UNTIL(&rig, appvss_is_frozen(a.participant) == 1);
		while (recv(rig.conn, ignored, sizeof(ignored), 0) > 0)
			continue;
		rig_drop(&rig);
		RIG_UNTIL(&rig, appvss_is_frozen(a.participant) == 0);
		rig_greet(&rig);
	}
	rig_drop(&rig);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

/* Once the library has said something, it waits, or will soon. */
static void *
stop_it(void *arg)
{
	rig_skip(&rig); /* HELLO */
	rig_say(&rig, "WELCOME version=1");
	rig_skip(&rig); /* REGISTER */
	usleep(50000);
	appvss_stop(arg);
	return (NULL);
}

static void
on_alarm(int number)
{
	(void)number;
	appvss_stop(rig.handle);
}

/* From another thread, from a signal handler, and before it runs. */
START_TEST(test_run_and_stop)
{
	struct itimerval once = { .it_value = { 0, 20000 } };
	struct sigaction action = { .sa_handler = on_alarm };
	static struct member a;
	pthread_t thread;

	rig_start(&rig);
	rig_listen(&rig);
	rig_open(&rig);
	join_handle(rig.handle, &a, "a");
	appvss_stop(rig.handle);
	ck_assert_int_eq(appvss_run(rig.handle), 0);
	rig_accept(&rig);
	rig.is_threaded = true;
	ck_assert_int_eq(pthread_create(&thread, NULL, stop_it, rig.handle), 0);
	ck_assert_int_eq(appvss_run(rig.handle), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &once, NULL), 0);
	ck_assert_int_eq(appvss_run(rig.handle), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("libappvss_thread");
	TCase *tc = tcase_create("threads");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_add_test(tc, test_whole_transaction);
	tcase_add_test(tc, test_answers_from_elsewhere);
	tcase_add_test(tc, test_callback_blocks);
	tcase_add_test(tc, test_thaw_at_once);
	tcase_add_test(tc, test_hold_limit_at_once);
	tcase_add_test(tc, test_thaw_while_callback_blocks);
	tcase_add_test(tc, test_unregister_elsewhere);
	tcase_add_test(tc, test_unregister_inside);
	tcase_add_test(tc, test_close_frozen);
	tcase_add_test(tc, test_close_inside);
	tcase_add_test(tc, test_fork_frozen);
	tcase_add_test(tc, test_many_threads);
	tcase_add_test(tc, test_run_and_stop);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
