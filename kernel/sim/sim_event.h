/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Below poll and kqueue: what sim_cdev.c needs of sim_event.c.  Private to
 * kernel/sim.
 */
#ifndef SIM_EVENT_H
#define SIM_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim.h"
#include "sim_wait.h"

struct knote;
struct thread;

/* A thread in poll; wait says false at the deadline, and records it nowhere. */
void sim_thread_init(struct thread *td);
bool sim_thread_wait(struct thread *td, const bool *closed,
    struct sim_deadline deadline);
void sim_thread_fini(struct thread *td);

/* A knote whose attach has just succeeded: looks at it for the first time. */
void sim_knote_attached(struct knote *kn);
bool sim_knote_wait(struct knote *kn, struct sim_deadline deadline,
    unsigned *flags, int64_t *data);
void sim_knote_detach(struct knote *kn);

/* Filters that belong to the knotes of cleared lists, for ever. */
size_t sim_filters_kept(void);

#endif /* SIM_EVENT_H */
