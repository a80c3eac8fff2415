/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The smallest participant: a program with a poll(2) loop of its own that stops
 * working between freeze and thaw.  Copy it, and replace work(), flush() and
 * what they stand for.
 *
 *	cc minimal.c -lappvss
 */
#include <appvss.h>
#include <poll.h>
#include <stdio.h>

static int frozen;

/* Stands for the program's own work; must write nothing while frozen. */
static void
work(void)
{
	static unsigned long done;

	done++;
}

/* Stands for bringing everything that was written to disk. */
static int
flush(void)
{
	return (0);
}

static enum appvss_answer
on_freeze(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	(void)request;
	(void)arg;
	if (flush() == -1) {
		appvss_set_text(participant, "cannot flush");
		return (APPVSS_FAIL);
	}
	frozen = 1;
	return (APPVSS_READY);
}

static enum appvss_answer
on_thaw(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	(void)participant;
	(void)request;
	(void)arg;
	frozen = 0;
	return (APPVSS_READY);
}

int
main(void)
{
	struct appvss_callbacks callbacks = { .freeze = on_freeze,
		.thaw = on_thaw };
	struct appvss_options options;
	struct appvss_participant *participant;
	struct appvss *handle;
	struct pollfd fd;
	int error, timeout_ms;

	appvss_options_init(&options);
	options.name = "minimal";
	error = appvss_open(&handle, NULL);
	if (error == APPVSS_OK)
		error = appvss_register(handle, &options, &callbacks, NULL,
		    &participant);
	while (error == APPVSS_OK) {
		fd.fd = appvss_get_fd(handle);
		fd.events = appvss_get_events(handle);
		timeout_ms = appvss_get_timeout_ms(handle);
		/* Work comes once a second; frozen, only the library counts. */
		if (!frozen && (timeout_ms == -1 || timeout_ms > 1000))
			timeout_ms = 1000;
		(void)poll(&fd, 1, timeout_ms);
		error = appvss_dispatch(handle);
		if (!frozen)
			work();
	}
	(void)fprintf(stderr, "minimal: %s\n", appvss_strerror(error));
	return (1);
}
