/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signals of appvss-hooks' two processes.  They are blocked but while
 * signals_wait sleeps, so that none is missed between a look and a sleep.  Owns
 * the flags that the handlers set.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* Blocks and catches TERM, INT, HUP and CHLD; ignores PIPE.  Clears the flags.
 */
void signals_init(void);

/*
 * poll(2) until a descriptor is ready, a signal comes, or the clock reaches
 * until_at_ms (CLOCK_NEVER_MS: no limit).
 */
void signals_wait(struct pollfd *fds, unsigned count, int64_t until_at_ms);

/* Whether TERM or INT has come, ever. */
bool signals_stop_asked(void);
/* Whether HUP has come since the last call. */
bool signals_take_hangup(void);

#endif /* SIGNALS_H */
