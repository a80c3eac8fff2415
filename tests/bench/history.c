/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills a history through the history process, as the broker does, and prints
 * how fast that was, how large it is, and how long appvssctl and HISTORY take
 * to look at it: medians, and the longest, of many runs.
 *
 * usage: history [-jk] [-p PARTICIPANTS] DIRECTORY TRANSACTIONS
 *	-j	print JSON
 *	-k	keep the database; one that is there is measured as it is
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "appvssd/histq.h"
#include "appvssd/histrow.h"
#include "appvssd/histwire.h"

#define HISTORY	    "appvssd/appvssd-history"
#define APPVSSCTL   "appvssd/appvssctl/appvssctl"
#define ROUNDS	    31
#define FLUSH_BYTES 65536

struct bench {
	char path[PATH_MAX];
	pid_t child;
	int fd;
	FILE *answers;
	uint64_t seq;
	uint64_t acked;
	unsigned participants;
	bool json;
	char out[FLUSH_BYTES + 4096];
	size_t length;
};

static double
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6);
}

static void
start(struct bench *bench)
{
	int fds[2];
	char number[16];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		err(1, "socketpair");
	bench->child = fork();
	if (bench->child == -1)
		err(1, "fork");
	if (bench->child == 0) {
		(void)close(fds[0]);
		(void)snprintf(number, sizeof(number), "%d", fds[1]);
		(void)execl(HISTORY, HISTORY, "--history", bench->path, "--fd",
		    number, (char *)NULL);
		err(1, HISTORY);
	}
	(void)close(fds[1]);
	bench->fd = fds[0];
	bench->answers = fdopen(dup(fds[0]), "r");
	if (bench->answers == NULL)
		err(1, "fdopen");
}

static void
flush(struct bench *bench)
{
	size_t offset = 0;

	while (offset < bench->length) {
		ssize_t sent = send(bench->fd, bench->out + offset,
		    bench->length - offset, MSG_NOSIGNAL);

		if (sent == -1)
			err(1, "send");
		offset += (size_t)sent;
	}
	bench->length = 0;
}

static void
await(struct bench *bench, const char *prefix, char *line, size_t size)
{
	do {
		if (fgets(line, (int)size, bench->answers) == NULL)
			errx(1, "no %s", prefix);
	} while (strncmp(line, prefix, strlen(prefix)) != 0);
}

static void
await_ack(struct bench *bench, uint64_t seq)
{
	char line[WIRE_LINE_MAX + 1];

	while (bench->acked < seq) {
		await(bench, "ACK ", line, sizeof(line));
		if (sscanf(line, "ACK seq=%" SCNu64, &bench->acked) != 1)
			errx(1, "%s", line);
	}
}

static void
put(struct bench *bench, struct wire_line *line)
{
	if (wire_end(line) != WIRE_OK)
		errx(1, "a row cannot be encoded");
	memcpy(bench->out + bench->length, line->bytes, line->length);
	bench->length += line->length;
	if (bench->length >= FLUSH_BYTES)
		flush(bench);
}

static void
say(struct bench *bench, const char *text)
{
	memcpy(bench->out + bench->length, text, strlen(text));
	bench->length += strlen(text);
	flush(bench);
}

/* name is filled, and is part of the row. */
static void
fill_part(uint64_t id, unsigned i, char *name, size_t size,
    struct histq_part *part)
{
	*part = (struct histq_part) {
		.id = id,
		.phase = "final",
		.name = name,
		.program = "a database, 15.4",
		.result = "ready",
		.thaw = "ok",
		.text = "",
		.pid = 1000 + i,
		.uid = 100 + i,
		.order = 50,
		.told_at_ms = 1,
		.ready_at_ms = 20 + i,
		.thaw_told_at_ms = 500,
		.thawed_at_ms = 510 + i,
	};
	(void)snprintf(name, size, "participant-%u", i);
}

static void
put_held(struct bench *bench, struct histrow_held *held)
{
	struct wire_line line;

	histrow_encode_held(&line, ++bench->seq, held);
	put(bench, &line);
}

static void
put_all_ready(struct bench *bench, uint64_t id)
{
	struct histrow_held held = { .id = id, .proof = 1 };
	struct histq_part part;
	char name[32];

	for (unsigned i = 0; i < bench->participants; i++) {
		fill_part(id, i, name, sizeof(name), &part);
		if (histrow_held_add(&held, &part))
			continue;
		put_held(bench, &held);
		(void)histrow_held_add(&held, &part);
	}
	if (held.length > 0)
		put_held(bench, &held);
}

static void
put_parts(struct bench *bench, uint64_t id)
{
	struct histq_part part;
	struct wire_line line;
	char name[32];

	for (unsigned i = 0; i < bench->participants; i++) {
		fill_part(id, i, name, sizeof(name), &part);
		histrow_encode_part(&line, ++bench->seq, &part);
		put(bench, &line);
	}
}

static void
put_state(struct bench *bench, uint64_t id, uint64_t at_ms, const char *word)
{
	const struct histq_state state = {
		.id = id,
		.state = word,
		.consistency = "application",
		.host = "success",
		.at_ms = at_ms,
		.elapsed_ms = 600,
	};
	struct wire_line line;

	histrow_encode_state(&line, ++bench->seq, &state);
	put(bench, &line);
}

/* The rows of one snapshot, as record.c makes them. */
static void
put_transaction(struct bench *bench, uint64_t id)
{
	const uint64_t at_ms = UINT64_C(1700000000000) + id * 60000;
	const struct histq_begin begin = { id, "freeze", "device", id, at_ms };
	struct wire_line line;

	histrow_encode_begin(&line, ++bench->seq, &begin);
	put(bench, &line);
	put_all_ready(bench, id);
	put_state(bench, id, at_ms + 50, "held");
	put_parts(bench, id);
	put_state(bench, id, at_ms + 600, "done");
}

static void
say_run(struct bench *bench, uint64_t run)
{
	const struct histq_run row = { run, UINT64_C(1700000000000), "boot", "",
		"bench" };
	struct wire_line line;

	histrow_encode_run(&line, &row);
	put(bench, &line);
	flush(bench);
}

static void
stop(struct bench *bench)
{
	(void)fclose(bench->answers);
	(void)close(bench->fd);
	(void)waitpid(bench->child, NULL, 0);
}

static void
fill(struct bench *bench, uint64_t count)
{
	char line[WIRE_LINE_MAX + 1];
	struct stat st;
	double began, took;
	uint64_t id;

	start(bench);
	say_run(bench, 1);
	await(bench, "READY", line, sizeof(line));
	began = now_ms();
	for (id = 1; id <= count; id++) {
		put_transaction(bench, id);
		/* What is acknowledged must not fill our socket. */
		if (id % 1000 == 0) {
			flush(bench);
			await_ack(bench, bench->seq);
		}
	}
	flush(bench);
	await_ack(bench, bench->seq);
	took = now_ms() - began;
	say(bench, "COMMIT\n");
	stop(bench);
	if (stat(bench->path, &st) == -1)
		err(1, "%s", bench->path);
	printf(bench->json ?
		"{\"bench\": \"history\", \"transactions\": %" PRIu64
		", \"participants\": %u, \"seconds\": %.1f,"
		" \"transactions_per_s\": %.0f, \"rows_per_s\": %.0f,"
		" \"transaction_bytes\": %.0f}\n" :
		"%" PRIu64 " transactions with %u participants: %.1f s,"
		" %.0f transactions/s, %.0f rows/s, %.0f bytes each\n",
	    count, bench->participants, took / 1e3, (double)count / took * 1e3,
	    (double)bench->seq / took * 1e3,
	    (double)st.st_size / (double)count);
}

static int
compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x < y ? -1 : x > y);
}

static void
print_time(const struct bench *bench, const char *what, double median_ms,
    double longest_ms)
{
	printf(bench->json ?
		"{\"bench\": \"history\", \"what\": \"%s\", \"median_ms\": "
		"%.2f, \"longest_ms\": %.2f}\n" :
		"%-28s %8.2f ms, longest %.2f ms\n",
	    what, median_ms, longest_ms);
}

static void
print_times(const struct bench *bench, const char *what, double *times)
{
	qsort(times, ROUNDS, sizeof(*times), compare);
	print_time(bench, what, times[ROUNDS / 2], times[ROUNDS - 1]);
}

static double
cpu_ms(const struct rusage *usage)
{
	return (
	    (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
	    (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3);
}

/* From the start of the program to its end. */
static void
time_ctl(const struct bench *bench, const char *what, const char *argument)
{
	double times[ROUNDS], cpu[ROUNDS];
	char label[64];

	for (unsigned i = 0; i < ROUNDS; i++) {
		double began = now_ms();
		struct rusage usage;
		int status;
		pid_t pid = fork();

		if (pid == -1)
			err(1, "fork");
		if (pid == 0) {
			if (freopen("/dev/null", "w", stdout) == NULL)
				_exit(1);
			(void)execl(APPVSSCTL, APPVSSCTL, "--history",
			    bench->path, what, argument, (char *)NULL);
			_exit(127);
		}
		if (wait4(pid, &status, 0, &usage) == -1 ||
		    !WIFEXITED(status) || WEXITSTATUS(status) > 1)
			errx(1, "appvssctl %s failed", what);
		times[i] = now_ms() - began;
		cpu[i] = cpu_ms(&usage);
	}
	(void)snprintf(label, sizeof(label), "appvssctl %s%s%s", what,
	    argument == NULL ? "" : " ", argument == NULL ? "" : argument);
	print_times(bench, label, times);
	print_times(bench, "    of it, processor", cpu);
}

/* From QUERY to DONE, as the broker asks. */
static void
time_query(struct bench *bench, const char *label, const char *query)
{
	char line[WIRE_LINE_MAX + 1];
	double times[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		double began = now_ms();

		say(bench, query);
		await(bench, "DONE", line, sizeof(line));
		times[i] = now_ms() - began;
	}
	print_times(bench, label, times);
}

static void
measure(struct bench *bench)
{
	char line[WIRE_LINE_MAX + 1], middle[32], id[96];
	uint64_t last_id = 0;
	double began;

	began = now_ms();
	start(bench);
	say_run(bench, 2 + (uint64_t)time(NULL));
	await(bench, "READY", line, sizeof(line));
	began = now_ms() - began;
	print_time(bench, "start, to READY", began, began);
	(void)sscanf(line, "READY last_id=%" SCNu64, &last_id);
	(void)snprintf(middle, sizeof(middle), "%" PRIu64, last_id / 2 + 1);
	bench->seq = bench->acked = 0;
	began = now_ms();
	put_transaction(bench, last_id + 1);
	say(bench, "COMMIT\n");
	await_ack(bench, bench->seq);
	began = now_ms() - began;
	print_time(bench, "first transaction committed", began, began);
	time_query(bench, "HISTORY, newest page",
	    "QUERY query=1 kind=transactions\n");
	time_query(bench, "HISTORY id=0",
	    "QUERY query=1 kind=transaction limit=100\n");
	(void)snprintf(id, sizeof(id),
	    "QUERY query=1 kind=transaction id=%s limit=100\n", middle);
	time_query(bench, "HISTORY of one in the middle", id);
	time_query(bench, "HISTORY of nobody",
	    "QUERY query=1 kind=transactions name=nobody\n");
	stop(bench);
	/* What no other can be faster than. */
	time_ctl(bench, "--version", NULL);
	time_ctl(bench, "last", NULL);
	time_ctl(bench, "history", NULL);
	time_ctl(bench, "show", middle);
	time_ctl(bench, "provenance", NULL);
}

int
main(int argc, char *argv[])
{
	static struct bench bench = { .participants = 10 };
	bool keep = false;
	struct stat st;
	int option;

	/* Children must not write again what waits in a buffer. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt(argc, argv, "jkp:")) != -1) {
		if (option == 'k')
			keep = true;
		else if (option == 'j')
			bench.json = true;
		else if (option == 'p')
			bench.participants = (unsigned)strtoul(optarg, NULL,
			    10);
		else
			exit(64);
	}
	if (argc - optind != 2)
		errx(64,
		    "usage: history [-jk] [-p PARTICIPANTS] DIRECTORY"
		    " TRANSACTIONS");
	(void)snprintf(bench.path, sizeof(bench.path), "%s/bench-history.db",
	    argv[optind]);
	if (!keep)
		(void)unlink(bench.path);
	if (!keep || stat(bench.path, &st) == -1)
		fill(&bench, strtoull(argv[optind + 1], NULL, 10));
	measure(&bench);
	if (!keep)
		(void)unlink(bench.path);
	return (0);
}
