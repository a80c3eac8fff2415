/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A participant in a libevent loop: it appends a line to a file every 10 ms,
 * and stops doing so while a snapshot is taken.  The library's part is arm()
 * and on_library(): before each wait its descriptor, events and time-out are
 * asked for anew, as all three change.
 *
 *	cc with_libevent.c -lappvss -levent
 *	with_libevent FILE [NAME]
 */
#include <appvss.h>
#include <err.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

struct program {
	struct event_base *base;
	struct event *wakeup; /* made anew for every wait */
	struct event *work;
	struct appvss *handle;
	FILE *file;
	unsigned long lines;
	bool frozen;
};

static void on_library(evutil_socket_t fd, short what, void *arg);

static void
arm(struct program *program)
{
	int fd = appvss_get_fd(program->handle);
	int timeout_ms = appvss_get_timeout_ms(program->handle);
	short events = appvss_get_events(program->handle);
	struct timeval timeout = { timeout_ms / 1000,
		timeout_ms % 1000 * 1000 };
	short what = 0;

	if ((events & POLLIN) != 0)
		what |= EV_READ;
	if ((events & POLLOUT) != 0)
		what |= EV_WRITE;
	if (program->wakeup != NULL)
		event_free(program->wakeup);
	/* The descriptor is -1 while there is no broker: then time counts. */
	program->wakeup = event_new(program->base, fd, what, on_library,
	    program);
	if (program->wakeup == NULL ||
	    event_add(program->wakeup, timeout_ms < 0 ? NULL : &timeout) != 0)
		errx(1, "libevent");
}

static void
on_library(evutil_socket_t fd, short what, void *arg)
{
	struct program *program = arg;
	int error;

	(void)fd;
	(void)what;
	error = appvss_dispatch(program->handle);
	if (error != APPVSS_OK)
		errx(1, "appvss: %s", appvss_strerror(error));
	arm(program);
}

static void
on_work(evutil_socket_t fd, short what, void *arg)
{
	struct program *program = arg;

	(void)fd;
	(void)what;
	if (!program->frozen)
		(void)fprintf(program->file, "%lu\n", ++program->lines);
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct program *program = arg;

	(void)fd;
	(void)what;
	(void)event_base_loopbreak(program->base);
}

static enum appvss_answer
on_freeze(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct program *program = arg;

	(void)request;
	if (fflush(program->file) != 0 || fsync(fileno(program->file)) != 0) {
		appvss_set_text(participant, "cannot write the file");
		return (APPVSS_FAIL);
	}
	program->frozen = true;
	return (APPVSS_READY);
}

static enum appvss_answer
on_thaw(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct program *program = arg;

	(void)participant;
	(void)request;
	program->frozen = false;
	return (APPVSS_READY);
}

static void
join(struct program *program, const char *name)
{
	static const struct appvss_callbacks callbacks = { .freeze = on_freeze,
		.thaw = on_thaw };
	struct appvss_participant *participant;
	struct appvss_options options;
	int error;

	appvss_options_init(&options);
	options.name = name;
	error = appvss_open(&program->handle, NULL);
	if (error == APPVSS_OK)
		error = appvss_register(program->handle, &options, &callbacks,
		    program, &participant);
	if (error != APPVSS_OK)
		errx(1, "appvss: %s", appvss_strerror(error));
	arm(program);
}

int
main(int argc, char **argv)
{
	const struct timeval period = { 0, 10000 };
	struct program program = { .handle = NULL };
	struct event *stop;

	if (argc < 2 || argc > 3)
		errx(2, "usage: with_libevent FILE [NAME]");
	program.file = fopen(argv[1], "ae");
	if (program.file == NULL)
		err(1, "%s", argv[1]);
	program.base = event_base_new();
	if (program.base == NULL)
		errx(1, "libevent");
	stop = evsignal_new(program.base, SIGTERM, on_signal, &program);
	program.work = event_new(program.base, -1, EV_PERSIST, on_work,
	    &program);
	if (stop == NULL || event_add(stop, NULL) != 0 ||
	    program.work == NULL || event_add(program.work, &period) != 0)
		errx(1, "libevent");
	join(&program, argc == 3 ? argv[2] : "with_libevent");
	(void)event_base_dispatch(program.base);
	appvss_close(program.handle);
	event_free(program.wakeup);
	event_free(program.work);
	event_free(stop);
	event_base_free(program.base);
	return (fclose(program.file) == 0 ? 0 : 1);
}
