/* SPDX-License-Identifier: BSD-2-Clause */
/* The one clock of all deadlines.  Nothing else belongs here. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t
clock_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* What poll(2) may wait until at_ms; -1 for never (at_ms 0). */
static inline int
clock_timeout_ms(int64_t at_ms)
{
	int64_t left_ms;

	if (at_ms == 0)
		return (-1);
	left_ms = at_ms - clock_now_ms();
	if (left_ms < 0)
		return (0);
	return (left_ms > 3600000 ? 3600000 : (int)left_ms);
}

#endif /* DAEMON_CLOCK_H */
