/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines of the daemon: 0 is never.  Nothing else belongs here. */
#ifndef DAEMON_CLOCK_H
#define DAEMON_CLOCK_H

#include "kernel/vssdev/clock.h"

/* What poll(2) may wait until at_ms; -1 for never. */
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
