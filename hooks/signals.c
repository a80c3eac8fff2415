/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See signals.h.
 */
#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "clock.h"
#include "signals.h"

static volatile sig_atomic_t stop_flag;
static volatile sig_atomic_t hangup_flag;

static void
on_signal(int number)
{
	if (number == SIGHUP)
		hangup_flag = 1;
	else if (number != SIGCHLD)
		stop_flag = 1;
}

void
signals_init(void)
{
	static const int caught[] = { SIGTERM, SIGINT, SIGHUP, SIGCHLD };
	struct sigaction action;
	sigset_t blocked;
	size_t i;

	stop_flag = hangup_flag = 0;
	memset(&action, 0, sizeof(action));
	action.sa_handler = on_signal;
	(void)sigemptyset(&action.sa_mask);
	(void)sigemptyset(&blocked);
	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		(void)sigaddset(&blocked, caught[i]);
		(void)sigaction(caught[i], &action, NULL);
	}
	(void)sigprocmask(SIG_BLOCK, &blocked, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

void
signals_wait(struct pollfd *fds, unsigned count, int64_t until_at_ms)
{
	struct timespec timeout = { 0, 0 };
	sigset_t none;
	int64_t left_ms;

	(void)sigemptyset(&none);
	if (until_at_ms == CLOCK_NEVER_MS) {
		(void)ppoll(fds, count, NULL, &none);
		return;
	}
	left_ms = until_at_ms - clock_now_ms();
	if (left_ms > 0) {
		timeout.tv_sec = (time_t)(left_ms / 1000);
		timeout.tv_nsec = (long)(left_ms % 1000) * 1000000;
	}
	(void)ppoll(fds, count, &timeout, &none);
}

bool
signals_stop_asked(void)
{
	return (stop_flag != 0);
}

bool
signals_take_hangup(void)
{
	bool was = hangup_flag != 0;

	hangup_flag = 0;
	return (was);
}
