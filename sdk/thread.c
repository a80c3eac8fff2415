/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handles without a loop of the program's: wait, run and stop, and the thread
 * of the library's own with what other threads need to get its attention.
 *
 * A pipe wakes whoever polls.  It is made when appvss_run() or appvss_start()
 * first needs it; appvss_stop() uses nothing but it and two atomic variables,
 * so that a signal handler can call it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "client.h"

/* poll(2) cannot fail for long; until then the loop must not spin. */
#define POLL_FAILED_MS 50

void
client_lock(struct appvss *handle)
{
	(void)pthread_mutex_lock(&handle->mutex);
}

void
client_unlock(struct appvss *handle)
{
	(void)pthread_mutex_unlock(&handle->mutex);
}

bool
client_is_elsewhere(const struct appvss *handle)
{
	return (handle->has_thread &&
	    !pthread_equal(handle->thread, pthread_self()));
}

void
client_wake(struct appvss *handle)
{
	int fd = atomic_load(&handle->wake_fd), error = errno;

	/* A full pipe wakes as well. */
	if (fd >= 0 && write(fd, "", 1) < 0)
		errno = error;
}

void
client_unlock_changed(struct appvss *handle)
{
	bool is_elsewhere = client_is_elsewhere(handle);

	/* Before, as the thread may free the handle afterwards. */
	if (is_elsewhere)
		client_wake(handle);
	client_unlock(handle);
}

static int
make_pipe(struct appvss *handle)
{
	if (handle->wake_fds[0] >= 0)
		return (APPVSS_OK);
	if (pipe2(handle->wake_fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		handle->wake_fds[0] = handle->wake_fds[1] = -1;
		return (APPVSS_E_SYSTEM);
	}
	atomic_store(&handle->wake_fd, handle->wake_fds[1]);
	return (APPVSS_OK);
}

/* Waits for the handle, and for the pipe if there is one; -1 with errno. */
static int
wait_unlocked(struct appvss *handle, int timeout_ms)
{
	struct pollfd fds[2];
	char drained[64];
	int own_ms, result;

	own_ms = client_get_timeout_ms(handle);
	if (own_ms >= 0 && (timeout_ms < 0 || own_ms < timeout_ms))
		timeout_ms = own_ms;
	fds[0].fd = handle->fd;
	fds[0].events = client_get_events(handle);
	fds[1].fd = handle->wake_fds[0];
	fds[1].events = POLLIN;
	client_unlock(handle);
	result = poll(fds, 2, timeout_ms);
	if (result < 0 && errno == EINTR)
		result = 0;
	if (result > 0 && fds[1].revents != 0)
		while (read(fds[1].fd, drained, sizeof(drained)) > 0)
			continue;
	client_lock(handle);
	return (result);
}

/* Whether the caller may run it; taken with the lock. */
static int
check_runner(struct appvss *handle)
{
	return (handle->is_dispatching || handle->has_thread ? APPVSS_E_INVAL :
							       APPVSS_OK);
}

int
appvss_wait(struct appvss *handle, int timeout_ms)
{
	int error;

	error = client_check(handle);
	if (error != APPVSS_OK)
		return (error);
	client_lock(handle);
	error = check_runner(handle);
	if (error == APPVSS_OK && wait_unlocked(handle, timeout_ms) < 0)
		error = APPVSS_E_SYSTEM;
	client_unlock(handle);
	return (error == APPVSS_OK ? appvss_dispatch(handle) : error);
}

int
appvss_run(struct appvss *handle)
{
	int error;

	error = client_check(handle);
	if (error != APPVSS_OK)
		return (error);
	client_lock(handle);
	error = check_runner(handle);
	if (error == APPVSS_OK)
		error = make_pipe(handle);
	client_unlock(handle);
	while (error == APPVSS_OK && !atomic_exchange(&handle->is_asked, false))
		error = appvss_wait(handle, -1);
	return (error);
}

void
appvss_stop(struct appvss *handle)
{
	if (client_check(handle) != APPVSS_OK)
		return;
	atomic_store(&handle->is_asked, true);
	client_wake(handle);
}

static void *
run_thread(void *arg)
{
	struct appvss *handle = arg;
	bool is_abandoned;

	client_lock(handle);
	while (!handle->is_closing) {
		if (wait_unlocked(handle, -1) < 0) {
			client_unlock(handle);
			(void)poll(NULL, 0, POLL_FAILED_MS);
			client_lock(handle);
		}
		(void)client_dispatch(handle);
	}
	client_shut(handle);
	is_abandoned = handle->is_abandoned;
	client_unlock(handle);
	if (is_abandoned) {
		(void)pthread_detach(pthread_self());
		client_free(handle);
	}
	return (NULL);
}

/* Signals are the program's: its own threads shall get them. */
static int
start_locked(struct appvss *handle)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
		SIGABRT, SIGSYS };
	sigset_t blocked, before;
	size_t i;
	int error;

	(void)sigfillset(&blocked);
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		(void)sigdelset(&blocked, faults[i]);
	(void)pthread_sigmask(SIG_SETMASK, &blocked, &before);
	error = pthread_create(&handle->thread, NULL, run_thread, handle);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error != 0) {
		errno = error;
		return (APPVSS_E_SYSTEM);
	}
	handle->has_thread = true;
	return (APPVSS_OK);
}

int
appvss_start(struct appvss *handle)
{
	int error;

	error = client_check(handle);
	if (error != APPVSS_OK)
		return (error);
	client_lock(handle);
	error = check_runner(handle);
	if (error == APPVSS_OK)
		error = make_pipe(handle);
	if (error == APPVSS_OK)
		error = start_locked(handle);
	client_unlock(handle);
	return (error);
}

void
client_join(struct appvss *handle)
{
	if (handle->has_thread)
		(void)pthread_join(handle->thread, NULL);
}
