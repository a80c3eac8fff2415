/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A participant in a program that has no loop, only work that blocks: it
 * appends a line to a file every 10 ms.  The library's thread calls on_freeze()
 * and on_thaw(); a lock sees to it that a freeze comes between two pieces of
 * work and that the next piece waits for the thaw.
 *
 *	cc with_thread.c -lappvss -lpthread
 *	with_thread FILE [NAME]
 */
#include <appvss.h>
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct program {
	pthread_mutex_t mutex; /* guards all below */
	pthread_cond_t thawed;
	bool frozen;
	FILE *file;
	unsigned long lines;
};

static volatile sig_atomic_t stop_asked;

static void
on_signal(int number)
{
	(void)number;
	stop_asked = 1;
}

static enum appvss_answer
on_freeze(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct program *program = arg;
	bool good;

	(void)request;
	(void)pthread_mutex_lock(&program->mutex);
	good = fflush(program->file) == 0 && fsync(fileno(program->file)) == 0;
	program->frozen = good;
	(void)pthread_mutex_unlock(&program->mutex);
	if (good)
		return (APPVSS_READY);
	appvss_set_text(participant, "cannot write the file");
	return (APPVSS_FAIL);
}

static enum appvss_answer
on_thaw(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct program *program = arg;

	(void)participant;
	(void)request;
	(void)pthread_mutex_lock(&program->mutex);
	program->frozen = false;
	(void)pthread_cond_broadcast(&program->thawed);
	(void)pthread_mutex_unlock(&program->mutex);
	return (APPVSS_READY);
}

/* One piece of work, which a freeze never cuts in two. */
static void
work(struct program *program)
{
	(void)pthread_mutex_lock(&program->mutex);
	while (program->frozen)
		(void)pthread_cond_wait(&program->thawed, &program->mutex);
	(void)fprintf(program->file, "%lu\n", ++program->lines);
	(void)pthread_mutex_unlock(&program->mutex);
}

static struct appvss *
join(struct program *program, const char *name)
{
	static const struct appvss_callbacks callbacks = { .freeze = on_freeze,
		.thaw = on_thaw };
	struct appvss_participant *participant;
	struct appvss_options options;
	struct appvss *handle;
	int error;

	appvss_options_init(&options);
	options.name = name;
	error = appvss_open(&handle, NULL);
	if (error == APPVSS_OK)
		error = appvss_register(handle, &options, &callbacks, program,
		    &participant);
	if (error == APPVSS_OK)
		error = appvss_start(handle);
	if (error != APPVSS_OK)
		errx(1, "appvss: %s", appvss_strerror(error));
	return (handle);
}

int
main(int argc, char **argv)
{
	const struct timespec period = { 0, 10000000 };
	struct sigaction action = { .sa_handler = on_signal };
	struct program program = { .mutex = PTHREAD_MUTEX_INITIALIZER,
		.thawed = PTHREAD_COND_INITIALIZER };
	struct appvss *handle;

	if (argc < 2 || argc > 3)
		errx(2, "usage: with_thread FILE [NAME]");
	program.file = fopen(argv[1], "ae");
	if (program.file == NULL)
		err(1, "%s", argv[1]);
	(void)sigaction(SIGTERM, &action, NULL);
	handle = join(&program, argc == 3 ? argv[2] : "with_thread");
	while (!stop_asked) {
		work(&program);
		(void)nanosleep(&period, NULL);
	}
	/* It waits for callbacks: the lock must not be held here. */
	appvss_close(handle);
	return (fclose(program.file) == 0 ? 0 : 1);
}
