/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting on condition variables of the monotonic clock, and the one way in
 * which the simulated kernel panics.  Private to kernel/sim.
 */
#ifndef SIM_WAIT_H
#define SIM_WAIT_H

#include <pthread.h>
#include <stdint.h>

struct sim_deadline {
	int64_t at_ns; /* monotonic; -1: never */
};

struct sim_deadline sim_deadline_after_ms(int timeout_ms);
int64_t sim_now_ns(void);
/* -1: the machine's clock; otherwise the time of one that stands. */
int64_t sim_clock_stopped_at_ns(void);
void sim_clock_set_ns(int64_t now_ns);

void sim_cond_init(pthread_cond_t *cond);
/* 0, or ETIMEDOUT.  May wake for nothing. */
int sim_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
    struct sim_deadline deadline);

/* A misuse of a kernel interface: prints it and aborts. */
__attribute__((noreturn, format(printf, 1, 2))) void
sim_panic(const char *format, ...);

#endif /* SIM_WAIT_H */
