/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: callouts.  One timer thread, started by the first callout,
 * takes what is due and runs it with the callout's mutex, unless it was stopped
 * or armed anew while the thread waited for that mutex: the same race, decided
 * in the same way, as in the kernel.
 *
 * Lock order: a callout's mutex, then timer_lock.
 */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/callout.h>
#include <sys/mutex.h>

#include "sim.h"
#include "sim_wait.h"

static pthread_mutex_t timer_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t timer_cond;
static pthread_once_t timer_once = PTHREAD_ONCE_INIT;
static struct callout *timer_list;

static void
list_remove(struct callout *c)
{
	struct callout **link;

	for (link = &timer_list; *link != NULL; link = &(*link)->next)
		if (*link == c) {
			*link = c->next;
			return;
		}
}

/* The first due callout, or NULL and the nearest due time (0: none). */
static struct callout *
take_due(sbintime_t *nearest)
{
	struct callout *c, *first = NULL;

	for (c = timer_list; c != NULL; c = c->next)
		if (first == NULL || c->due < first->due)
			first = c;
	*nearest = first != NULL ? first->due : 0;
	if (first == NULL || first->due > sbinuptime())
		return (NULL);
	return (first);
}

static void
run(struct callout *c)
{
	void (*func)(void *);
	void *arg;

	c->taken = true;
	pthread_mutex_unlock(&timer_lock);
	mtx_lock(c->mtx);
	pthread_mutex_lock(&timer_lock);
	if (c->armed && c->due <= sbinuptime()) {
		c->armed = false;
		list_remove(c);
		func = c->func;
		arg = c->arg;
		pthread_mutex_unlock(&timer_lock);
		func(arg);
		pthread_mutex_lock(&timer_lock);
	}
	pthread_mutex_unlock(&timer_lock);
	mtx_unlock(c->mtx);
	pthread_mutex_lock(&timer_lock);
	c->taken = false;
	pthread_cond_broadcast(&timer_cond);
}

static void *
timer_thread(void *arg __unused)
{
	struct sim_deadline deadline;
	struct callout *c;
	sbintime_t nearest;

	pthread_mutex_lock(&timer_lock);
	for (;;) {
		c = take_due(&nearest);
		if (c != NULL) {
			run(c);
			continue;
		}
		deadline = sim_deadline_after_ms(-1);
		if (nearest != 0)
			deadline.at_ns = sbttous(nearest) * 1000 + 1000;
		(void)sim_cond_wait(&timer_cond, &timer_lock, deadline);
	}
	return (NULL);
}

static void
timer_start(void)
{
	pthread_t thread;

	sim_cond_init(&timer_cond);
	if (sim_clock_stopped_at_ns() != -1)
		return;
	if (pthread_create(&thread, NULL, timer_thread, NULL) != 0)
		sim_panic("no timer thread");
	pthread_detach(thread);
}

void
sim_clock_stop(void)
{
	/* Not 0, and long ago, so that no deadline is in the future. */
	sim_clock_set_ns(1000000000);
}

void
sim_clock_advance(int ms)
{
	struct callout *c;
	sbintime_t nearest;

	sim_clock_set_ns(sim_now_ns() + (int64_t)ms * 1000000);
	pthread_mutex_lock(&timer_lock);
	while ((c = take_due(&nearest)) != NULL)
		run(c);
	pthread_mutex_unlock(&timer_lock);
}

void
callout_init_mtx(struct callout *c, struct mtx *mtx, int flags)
{
	if (flags != 0)
		sim_panic("callout flags are not simulated");
	memset(c, 0, sizeof(*c));
	c->mtx = mtx;
	pthread_once(&timer_once, timer_start);
}

int
callout_reset_sbt(struct callout *c, sbintime_t sbt,
    sbintime_t precision __unused, void (*func)(void *arg), void *arg,
    int flags __unused)
{
	bool armed;

	mtx_assert(c->mtx, MA_OWNED);
	pthread_mutex_lock(&timer_lock);
	armed = c->armed;
	if (!armed) {
		c->next = timer_list;
		timer_list = c;
	}
	c->armed = true;
	c->due = sbinuptime() + sbt;
	c->func = func;
	c->arg = arg;
	pthread_cond_broadcast(&timer_cond);
	pthread_mutex_unlock(&timer_lock);
	return (armed);
}

static int
cancel(struct callout *c)
{
	bool armed = c->armed;

	if (armed)
		list_remove(c);
	c->armed = false;
	return (armed);
}

int
callout_stop(struct callout *c)
{
	int armed;

	mtx_assert(c->mtx, MA_OWNED);
	pthread_mutex_lock(&timer_lock);
	armed = cancel(c);
	pthread_mutex_unlock(&timer_lock);
	return (armed);
}

int
callout_drain(struct callout *c)
{
	int armed;

	mtx_assert(c->mtx, MA_NOTOWNED);
	pthread_mutex_lock(&timer_lock);
	armed = cancel(c);
	while (c->taken)
		(void)sim_cond_wait(&timer_cond, &timer_lock,
		    sim_deadline_after_ms(-1));
	pthread_mutex_unlock(&timer_lock);
	return (armed);
}
