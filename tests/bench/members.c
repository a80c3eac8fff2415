/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Participants as the applications have them: each with a connection of its own
 * by libappvss, and ready at once.  All are in one process, so that what the
 * library keeps too long is seen at one place.  Says "registered" when they
 * are.
 *
 * usage: members SOCKET COUNT
 */
#include <err.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/appvss.h"

#define MEMBERS_MAX 1000

static enum appvss_answer
on_request(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	(void)participant;
	(void)request;
	(void)arg;
	return (APPVSS_READY);
}

static void
on_status(struct appvss_participant *participant, int error, const char *text,
    void *arg)
{
	unsigned *registered = arg;

	if (error != APPVSS_OK)
		errx(1, "%s: %s %s", appvss_get_name(participant),
		    appvss_strerror(error), text);
	++*registered;
}

static struct appvss *
join(const char *socket, unsigned number, unsigned *registered)
{
	static const struct appvss_callbacks callbacks = { on_request,
		on_request, on_request, on_status };
	struct appvss_participant *participant;
	struct appvss_options options;
	struct appvss *handle;
	char name[32];
	int error;

	(void)snprintf(name, sizeof(name), "member%u", number);
	appvss_options_init(&options);
	options.name = name;
	options.program = "a member of the soak";
	error = appvss_open(&handle, socket);
	if (error == APPVSS_OK)
		error = appvss_register(handle, &options, &callbacks,
		    registered, &participant);
	if (error != APPVSS_OK)
		errx(1, "%s: %s", name, appvss_strerror(error));
	return (handle);
}

static void
serve(struct appvss **handles, unsigned count)
{
	static struct pollfd fds[MEMBERS_MAX];
	int error, own_ms, timeout_ms = -1;
	unsigned i;

	for (i = 0; i < count; i++) {
		fds[i].fd = appvss_get_fd(handles[i]);
		fds[i].events = appvss_get_events(handles[i]);
		own_ms = appvss_get_timeout_ms(handles[i]);
		if (own_ms != -1 && (timeout_ms == -1 || own_ms < timeout_ms))
			timeout_ms = own_ms;
	}
	if (poll(fds, count, timeout_ms) == -1)
		err(1, "poll");
	for (i = 0; i < count; i++) {
		error = appvss_dispatch(handles[i]);
		if (error < 0)
			errx(1, "%s", appvss_strerror(error));
	}
}

int
main(int argc, char *argv[])
{
	static struct appvss *handles[MEMBERS_MAX];
	unsigned i, count, registered = 0;
	bool told = false;

	count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	if (count < 1 || count > MEMBERS_MAX)
		errx(64, "usage: members SOCKET COUNT");
	for (i = 0; i < count; i++)
		handles[i] = join(argv[1], i, &registered);
	for (;;) {
		serve(handles, count);
		if (registered >= count && !told) {
			told = true;
			(void)puts("registered");
			(void)fflush(stdout);
		}
	}
}
