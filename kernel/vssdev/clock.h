/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one clock of all deadlines: monotonic milliseconds.  Wall-clock time has
 * no business in a deadline.
 */
#ifndef VSSDEV_CLOCK_H
#define VSSDEV_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t
clock_now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

#endif /* VSSDEV_CLOCK_H */
