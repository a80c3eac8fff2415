/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: callouts with a mutex, run by one timer thread.
 */
#ifndef SIM_SYS_CALLOUT_H
#define SIM_SYS_CALLOUT_H

#include <sys/param.h>
#include <sys/time.h>

struct mtx;

struct callout {
	struct mtx *mtx;
	struct callout *next; /* in the timer's list, while armed */
	sbintime_t due;
	void (*func)(void *arg);
	void *arg;
	bool armed;
	bool taken; /* the timer thread is about to run it, or runs it */
};

void callout_init_mtx(struct callout *c, struct mtx *mtx, int flags);
/* With the mutex held, as all but drain: what was armed before is dropped. */
int callout_reset_sbt(struct callout *c, sbintime_t sbt, sbintime_t precision,
    void (*func)(void *arg), void *arg, int flags);
int callout_stop(struct callout *c);
int callout_drain(struct callout *c);

#endif /* SIM_SYS_CALLOUT_H */
