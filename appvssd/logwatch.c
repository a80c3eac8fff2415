/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log's descriptor in the event loop, while it is full: see logwatch.h.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "kernel/vssdev/heldlog.h"
#include "logwatch.h"

struct logwatch {
	struct event_base *base;
	struct event *event; /* NULL until a line has had to wait */
};

static void
logwatch_on_writable(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	heldlog_flush();
}

/* Called for each line that waits: one event serves them all. */
static void
logwatch_on_wait(void *arg, int fd)
{
	struct logwatch *watch = arg;

	if (watch->event == NULL)
		watch->event = event_new(watch->base, fd, EV_WRITE,
		    logwatch_on_writable, NULL);
	if (watch->event != NULL)
		(void)event_add(watch->event, NULL);
}

struct logwatch *
logwatch_create(struct event_base *base)
{
	struct logwatch *watch;

	watch = calloc(1, sizeof(*watch));
	if (watch == NULL)
		return (NULL);
	watch->base = base;
	heldlog_on_wait(logwatch_on_wait, watch);
	return (watch);
}

void
logwatch_destroy(struct logwatch *watch)
{
	heldlog_on_wait(NULL, NULL);
	if (watch->event != NULL)
		event_free(watch->event);
	free(watch);
}
