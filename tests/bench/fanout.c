/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long from FREEZE on the device to the release, with participants that
 * answer at once; beside it the floor (floor.h) with the same clients, which
 * get and send the same bytes.  Two brokers are measured: one whose history
 * process confirms rows without keeping them, and one with the real history on
 * a file in --dir, tmpfs by default.  And what the proof of so many takes
 * SQLite alone (proof.h).  The runs are interleaved, each begins when the one
 * before has come to rest, and the medians are compared.  Also: the broker's
 * memory, and how often it wakes when nothing happens.  Linux only.
 *
 * usage: fanout [--json] [-r ROUNDS] [-d DIR] [-i IDLE_SECONDS]
 *	[-p APPVSSD] [-h APPVSSD-HISTORY] PARTICIPANTS...
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include <err.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "floor.h"
#include "proof.h"
#include "rig.h"

#define TMPFS_MAGIC_NUMBER 0x01021994
/* Fewer share too few pages to say what each costs. */
#define EACH_MIN 1000
/* After so long an idle broker has nothing left to do. */
#define SETTLE_S 6

struct bench {
	const char *appvssd;
	const char *history;
	const char *no_history;
	const char *dir;
	unsigned rounds;
	unsigned idle_s;
	bool json;
};

struct result {
	size_t count;
	double floor_us;
	double release_us; /* rows are confirmed and not kept */
	double stored_us;  /* ... and are kept */
	double proof_us;   /* what SQLite takes for the proof of these alone */
	long rss_none_kib;
	long rss_kib;
	long heap_each; /* bytes; -1: too few to say */
	long idle_wakeups;
};

static int
compare(const void *a, const void *b)
{
	double x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return ((x > y) - (x < y));
}

static double
median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return (values[count / 2]);
}

/* How often the broker ran in idle_s seconds. */
static long
count_wakeups(const struct bench *bench, pid_t broker)
{
	long before;

	/* What is left of the last snapshot, and the time for HELLO. */
	(void)sleep(SETTLE_S);
	before = rig_status(broker, "voluntary_ctxt_switches");
	(void)sleep(bench->idle_s);
	return (rig_status(broker, "voluntary_ctxt_switches") - before);
}

/* --- runners: each a process with clients of its own ---------------------- */

/* For one byte that it is sent, a runner does one round and says the time. */
struct runner {
	pid_t pid;
	int fd;
	struct runner_hello {
		pid_t broker;
		long rss_none_kib;
		long anon_none_kib;
	} hello;
};

static void
runner_write(int fd, const void *bytes, size_t length)
{
	if (write(fd, bytes, length) != (ssize_t)length)
		err(1, "a runner");
}

static void
run_floor(int fd, size_t count)
{
	struct runner_hello hello = { .broker = -1 };
	struct floor floor_;
	double took_us;
	char order;

	floor_start(&floor_, count);
	runner_write(fd, &hello, sizeof(hello));
	while (read(fd, &order, 1) == 1) {
		took_us = floor_us(&floor_);
		runner_write(fd, &took_us, sizeof(took_us));
	}
	floor_stop(&floor_);
}

static void
run_broker(const struct bench *bench, const char *history, int fd, size_t count)
{
	struct runner_hello hello;
	struct rig rig;
	double took_us;
	char order;

	rig_start(&rig, bench->appvssd, history, bench->dir, count);
	hello = (struct runner_hello) { rig.broker, rig.rss_none_kib,
		rig.anon_none_kib };
	runner_write(fd, &hello, sizeof(hello));
	while (read(fd, &order, 1) == 1) {
		took_us = rig_release_us(&rig);
		runner_write(fd, &took_us, sizeof(took_us));
	}
	rig_stop(&rig);
}

static void
run_proof(const struct bench *bench, int fd, size_t count)
{
	struct runner_hello hello = { .broker = -1 };
	struct proof proof;
	double took_us;
	char order;

	proof_start(&proof, bench->dir, count);
	runner_write(fd, &hello, sizeof(hello));
	while (read(fd, &order, 1) == 1) {
		took_us = proof_us(&proof);
		runner_write(fd, &took_us, sizeof(took_us));
	}
	proof_stop(&proof);
}

enum { BARE, STORED, FLOOR, PROOF, RUNNERS };

static void
run(const struct bench *bench, int kind, int fd, size_t count)
{
	if (kind == FLOOR)
		run_floor(fd, count);
	else if (kind == PROOF)
		run_proof(bench, fd, count);
	else
		run_broker(bench,
		    kind == BARE ? bench->no_history : bench->history, fd,
		    count);
}

static struct runner
runner_start(const struct bench *bench, int kind, size_t count)
{
	struct runner runner;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
		err(1, "socketpair");
	runner.pid = fork();
	if (runner.pid == -1)
		err(1, "fork");
	if (runner.pid == 0) {
		(void)close(fds[0]);
		run(bench, kind, fds[1], count);
		exit(0);
	}
	(void)close(fds[1]);
	runner.fd = fds[0];
	if (read(runner.fd, &runner.hello, sizeof(runner.hello)) !=
	    sizeof(runner.hello))
		errx(1, "a runner could not start");
	return (runner);
}

static double
runner_round_us(const struct runner *runner)
{
	double took_us;

	runner_write(runner->fd, "!", 1);
	if (read(runner->fd, &took_us, sizeof(took_us)) != sizeof(took_us))
		errx(1, "a runner has ended");
	return (took_us);
}

static void
runner_stop(const struct runner *runner)
{
	/* Later runners have a copy of the descriptor. */
	(void)shutdown(runner->fd, SHUT_WR);
	(void)close(runner->fd);
	(void)waitpid(runner->pid, NULL, 0);
}

/* --- the comparison ------------------------------------------------------- */

static void
time_rounds(const struct bench *bench, const struct runner *runners,
    struct result *result)
{
	double *times[RUNNERS];
	unsigned round;
	int i;

	for (i = 0; i < RUNNERS; i++) {
		times[i] = calloc(bench->rounds, sizeof(*times[i]));
		if (times[i] == NULL)
			err(1, "calloc");
		(void)runner_round_us(&runners[i]);
	}
	for (round = 0; round < bench->rounds; round++) {
		for (i = 0; i < RUNNERS; i++)
			times[i][round] = runner_round_us(&runners[i]);
	}
	result->floor_us = median(times[FLOOR], bench->rounds);
	result->release_us = median(times[BARE], bench->rounds);
	result->stored_us = median(times[STORED], bench->rounds);
	result->proof_us = median(times[PROOF], bench->rounds);
	for (i = 0; i < RUNNERS; i++)
		free(times[i]);
}

static void
measure(const struct bench *bench, struct result *result)
{
	struct runner runners[RUNNERS];
	/* analyze: it is set before it is read. */
	const struct runner_hello *hello = &runners[STORED].hello;
	long anon_kib;
	int i;

	for (i = 0; i < RUNNERS; i++)
		runners[i] = runner_start(bench, i, result->count);
	time_rounds(bench, runners, result);
	result->rss_none_kib = hello->rss_none_kib;
	result->rss_kib = rig_status(hello->broker, "VmRSS");
	anon_kib = rig_status(hello->broker, "RssAnon") - hello->anon_none_kib;
	result->heap_each = result->count < EACH_MIN ?
	    -1 :
	    anon_kib * 1024 / (long)result->count;
	result->idle_wakeups = count_wakeups(bench, hello->broker);
	for (i = 0; i < RUNNERS; i++)
		runner_stop(&runners[i]);
}

static void
print_result(const struct bench *bench, const struct result *result)
{
	const char *format = bench->json ?
	    "{\"bench\": \"fanout\", \"participants\": %zu, "
	    "\"floor_us\": %.0f, \"release_us\": %.0f, "
	    "\"ratio\": %.2f, \"stored_us\": %.0f, \"stored_ratio\": %.2f, "
	    "\"proof_us\": %.0f, "
	    "\"rss_none_kib\": %ld, \"rss_kib\": %ld, \"heap_each_bytes\": %ld,"
	    " \"idle_wakeups\": %ld, \"idle_seconds\": %u, \"rounds\": %u}\n" :
	    "participants=%zu floor_us=%.0f release_us=%.0f ratio=%.2f "
	    "stored_us=%.0f stored_ratio=%.2f proof_us=%.0f "
	    "rss_none_kib=%ld rss_kib=%ld "
	    "heap_each_bytes=%ld idle_wakeups=%ld idle_seconds=%u rounds=%u\n";

	/* NOLINT: both formats are literals with the same arguments. */
	printf(format, result->count, result->floor_us, result->release_us,
	    result->release_us / result->floor_us, result->stored_us,
	    result->stored_us / result->floor_us, result->proof_us,
	    result->rss_none_kib, result->rss_kib, result->heap_each,
	    result->idle_wakeups, bench->idle_s, bench->rounds);
	(void)fflush(stdout);
}

static bool
is_tmpfs(const char *dir)
{
	struct statfs fs;

	return (statfs(dir, &fs) == 0 && fs.f_type == TMPFS_MAGIC_NUMBER);
}

static void __attribute__((noreturn)) usage(void)
{
	fprintf(stderr,
	    "usage: fanout [--json] [-r ROUNDS] [-d DIR] [-i IDLE_SECONDS]\n"
	    "\t[-p APPVSSD] [-h APPVSSD-HISTORY] PARTICIPANTS...\n");
	exit(64);
}

static void
parse(struct bench *bench, int argc, char *argv[])
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int choice;

	while ((choice = getopt_long(argc, argv, "d:h:i:jp:r:", options,
		    NULL)) != -1) {
		switch (choice) {
		case 'd':
			bench->dir = optarg;
			break;
		case 'h':
			bench->history = realpath(optarg, NULL);
			break;
		case 'i':
			bench->idle_s = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'j':
			bench->json = true;
			break;
		case 'p':
			bench->appvssd = realpath(optarg, NULL);
			break;
		case 'r':
			bench->rounds = (unsigned)strtoul(optarg, NULL, 10);
			break;
		default:
			usage();
		}
	}
	if (optind == argc || bench->rounds == 0)
		usage();
	if (bench->appvssd == NULL || bench->history == NULL ||
	    bench->no_history == NULL)
		errx(1,
		    "appvssd, appvssd-history or tests/bench/nohistory is "
		    "not there: make bench-build");
}

/* A runner has a descriptor for each client. */
static bool
has_descriptors(size_t count)
{
	struct rlimit files;
	rlim_t wanted = count + 100;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		err(1, "getrlimit");
	if (files.rlim_cur >= wanted)
		return (true);
	files.rlim_cur = wanted;
	if (files.rlim_max < wanted)
		files.rlim_max = wanted;
	return (setrlimit(RLIMIT_NOFILE, &files) == 0);
}

int
main(int argc, char *argv[])
{
	struct bench bench = { .rounds = 21, .idle_s = 5 };
	struct result result;

	bench.appvssd = realpath("appvssd/appvssd", NULL);
	bench.history = realpath("appvssd/appvssd-history", NULL);
	bench.no_history = realpath("tests/bench/nohistory", NULL);
	bench.dir = is_tmpfs("/dev/shm") ? "/dev/shm" : "/tmp";
	parse(&bench, argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	fprintf(stderr, "# processors=%ld history_on=%s\n",
	    sysconf(_SC_NPROCESSORS_ONLN),
	    is_tmpfs(bench.dir) ? "tmpfs" : bench.dir);
	for (; optind < argc; optind++) {
		result = (struct result) {
			.count = strtoul(argv[optind], NULL, 10),
		};
		if (!has_descriptors(result.count)) {
			warn("%zu participants are skipped", result.count);
			continue;
		}
		measure(&bench, &result);
		print_result(&bench, &result);
	}
	return (0);
}
