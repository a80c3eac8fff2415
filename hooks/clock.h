/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one clock of appvss-hooks: monotonic milliseconds.  Wall-clock time has
 * no business in a deadline.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NEVER_MS INT64_MAX

static inline int64_t
clock_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

#endif /* CLOCK_H */
