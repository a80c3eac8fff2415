/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times and durations as an operator writes them.  Pure but for the time zone.
 */
#ifndef WHEN_H
#define WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* "90" (seconds), "2h", "1d2h30m": seconds, from 1 on.  -1: it is none. */
int64_t when_duration_s(const char *text);

/*
 * A time in milliseconds since 1970: "2h" before now_ms; or "2026-01-31",
 * "2026-01-31 08:00", "2026-01-31T08:00:00.250", with "Z", "+02:00" or "+0200"
 * behind it if it is not local.  False: it is none.
 */
bool when_time_ms(const char *text, int64_t now_ms, int64_t *at_ms);

/* Monotonic, for deadlines. */
long long when_now_ms(void);

#endif /* WHEN_H */
