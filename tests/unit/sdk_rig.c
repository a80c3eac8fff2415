/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See sdk_rig.h.  It must not decode lines with the codec: the tests
 * compare the very bytes.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sdk_rig.h"

int64_t
rig_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void
note(struct app *app, const char *what)
{
	size_t length = strlen(app->log);

	snprintf(app->log + length, sizeof(app->log) - length, "%s%s",
	    length > 0 ? "; " : "", what);
}

static enum appvss_answer
answer(struct app *app, struct appvss_participant *participant,
    const struct appvss_request *request, enum appvss_answer what)
{
	ck_assert_ptr_eq(app->participant, participant);
	if (app->text != NULL)
		appvss_set_text(participant, app->text);
	if (app->hook != NULL)
		app->hook(app, request);
	return (what);
}

static enum appvss_answer
on_check(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct app *app = arg;
	char what[64];

	ck_assert_int_eq(request->operation, APPVSS_CHECK);
	snprintf(what, sizeof(what), "check %ju",
	    (uintmax_t)request->transaction);
	note(app, what);
	return (answer(app, participant, request, app->check_answer));
}

static enum appvss_answer
on_freeze(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	struct app *app = arg;
	char what[64];

	ck_assert_int_eq(request->operation, APPVSS_FREEZE);
	ck_assert_int_eq(request->reason, APPVSS_REASON_NONE);
	ck_assert_int_eq(appvss_is_frozen(participant), 1);
	snprintf(what, sizeof(what), "freeze %ju",
	    (uintmax_t)request->transaction);
	note(app, what);
	return (answer(app, participant, request, app->freeze_answer));
}

static enum appvss_answer
on_thaw(struct appvss_participant *participant,
    const struct appvss_request *request, void *arg)
{
	static const char *const words[] = { "none", "done", "aborted",
		"expired", "lost" };
	struct app *app = arg;
	char what[64];

	ck_assert_int_eq(request->operation, APPVSS_THAW);
	snprintf(what, sizeof(what), "thaw %ju %s",
	    (uintmax_t)request->transaction, words[request->reason]);
	note(app, what);
	return (answer(app, participant, request, app->thaw_answer));
}

static void
on_status(struct appvss_participant *participant, int error, const char *text,
    void *arg)
{
	static const char *const words[] = { "ok", "inval", "nomem",
		"name_taken", "denied", "limit", "protocol", "unavailable" };
	struct app *app = arg;
	char what[64];

	ck_assert_ptr_eq(app->participant, participant);
	ck_assert_ptr_nonnull(text);
	snprintf(what, sizeof(what), "status %s", words[-error]);
	note(app, what);
}

const struct appvss_callbacks app_callbacks = {
	.check = on_check,
	.freeze = on_freeze,
	.thaw = on_thaw,
	.status = on_status,
};

void
rig_listen(struct rig *rig)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	rig->listener = socket(AF_UNIX,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(rig->listener, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig->path);
	ck_assert_int_eq(bind(rig->listener, (struct sockaddr *)&address,
			     (socklen_t)sizeof(address)),
	    0);
	ck_assert_int_eq(listen(rig->listener, 5), 0);
}

void
rig_hide(struct rig *rig)
{
	close(rig->listener);
	rig->listener = -1;
	unlink(rig->path);
}

void
rig_start(struct rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig->listener = -1;
	rig->conn = -1;
	snprintf(rig->dir, sizeof(rig->dir), "/tmp/test_appvss.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rig->dir));
	snprintf(rig->path, sizeof(rig->path), "%s/sock", rig->dir);
}

void
rig_open(struct rig *rig)
{
	ck_assert_int_eq(appvss_open(&rig->handle, rig->path), 0);
}

void
rig_stop(struct rig *rig)
{
	appvss_close(rig->handle);
	rig->handle = NULL;
	if (rig->conn >= 0)
		close(rig->conn);
	if (rig->listener >= 0)
		close(rig->listener);
	unlink(rig->path);
	rmdir(rig->dir);
}

void
rig_add(struct rig *rig, struct app *app, const char *name)
{
	struct appvss_options options;

	appvss_options_init(&options);
	options.name = name;
	app->handle = rig->handle;
	ck_assert_int_eq(appvss_register(rig->handle, &options, &app_callbacks,
			     app, &app->participant),
	    0);
}

void
rig_step(struct rig *rig)
{
	struct pollfd pollfd = { .events = POLLIN };

	if (!rig->is_threaded) {
		ck_assert_int_eq(appvss_wait(rig->handle, 20), 0);
		return;
	}
	pollfd.fd = rig->conn >= 0 ? rig->conn : rig->listener;
	(void)poll(&pollfd, 1, 20);
}

static bool
try_accept(struct rig *rig)
{
	rig->conn = accept4(rig->listener, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK);
	rig->in_length = 0;
	return (rig->conn >= 0);
}

void
rig_accept(struct rig *rig)
{
	RIG_UNTIL(rig, try_accept(rig));
}

bool
rig_has_line(struct rig *rig)
{
	ssize_t length;

	if (memchr(rig->in, '\n', rig->in_length) != NULL)
		return (true);
	length = recv(rig->conn, rig->in + rig->in_length,
	    sizeof(rig->in) - rig->in_length, 0);
	ck_assert_msg(length != 0, "the client closed the connection");
	if (length < 0)
		return (false);
	rig->in_length += (size_t)length;
	return (memchr(rig->in, '\n', rig->in_length) != NULL);
}

void
rig_skip(struct rig *rig)
{
	size_t length;

	RIG_UNTIL(rig, rig_has_line(rig));
	length = (size_t)((char *)memchr(rig->in, '\n', rig->in_length) -
	    rig->in);
	rig->in_length -= length + 1;
	memmove(rig->in, rig->in + length + 1, rig->in_length);
}

void
rig_expect(struct rig *rig, const char *line)
{
	char got[4097];
	size_t length;

	RIG_UNTIL(rig, rig_has_line(rig));
	length = (size_t)((char *)memchr(rig->in, '\n', rig->in_length) -
	    rig->in);
	ck_assert_uint_lt(length, sizeof(got));
	memcpy(got, rig->in, length);
	got[length] = '\0';
	rig_skip(rig);
	ck_assert_str_eq(got, line);
}

void
rig_say(struct rig *rig, const char *line)
{
	char bytes[8192];
	size_t length, sent = 0;
	ssize_t result;

	length = (size_t)snprintf(bytes, sizeof(bytes), "%s\n", line);
	ck_assert_uint_lt(length, sizeof(bytes));
	while (sent < length) {
		result = send(rig->conn, bytes + sent, length - sent,
		    MSG_NOSIGNAL);
		ck_assert(result >= 0 || errno == EAGAIN || errno == EINTR);
		if (result >= 0)
			sent += (size_t)result;
		else
			rig_step(rig); /* it has to read first */
	}
}

/*
 * All that was said has been read after one dispatch, as both ends are in this
 * process.
 */
void
rig_settle(struct rig *rig)
{
	ck_assert_int_eq(appvss_dispatch(rig->handle), 0);
	ck_assert_msg(!rig_has_line(rig), "said: %.*s", (int)rig->in_length,
	    rig->in);
}

void
rig_drop(struct rig *rig)
{
	close(rig->conn);
	rig->conn = -1;
}

void
rig_greet(struct rig *rig)
{
	rig_accept(rig);
	rig_expect(rig, rig_hello);
	rig_say(rig, "WELCOME version=1");
}

void
rig_begin(struct rig *rig, struct app *app)
{
	rig_start(rig);
	rig_listen(rig);
	rig_open(rig);
	rig_add(rig, app, "db");
	rig_greet(rig);
	rig_expect(rig,
	    "REGISTER name=db order=50 required=0 check=1 freeze_ms=5000 "
	    "thaw_ms=5000");
	rig_say(rig, "OK verb=REGISTER name=db");
	RIG_UNTIL(rig, strcmp(app->log, "status ok") == 0);
	app->log[0] = '\0';
}
