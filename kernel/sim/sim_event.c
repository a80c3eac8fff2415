/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: selrecord and knotes, below poll(2) and kqueue(2).
 *
 * Lock order: a driver's mutex, then event_lock.  A knote that somebody works
 * on is in flux and stays on its list, as in the kernel, so that the driver's
 * mutex can be reached through it.
 */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/event.h>
#include <sys/malloc.h>
#include <sys/mutex.h>
#include <sys/proc.h>
#include <sys/selinfo.h>

#include <stdlib.h>

#include "sim_event.h"
#include "sim_wait.h"

static pthread_mutex_t event_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t event_cond;
static pthread_once_t event_once = PTHREAD_ONCE_INIT;
static uint64_t event_wakeups;

/*
 * What a driver leaves to knotes that outlive it: one filter for each list that
 * was cleared of any.  Kept here so that a leak checker finds them.
 */
static struct filterops **filters_kept;
static size_t filters_kept_count;

static void
event_start(void)
{
	sim_cond_init(&event_cond);
}

static void
event_enter(void)
{
	pthread_once(&event_once, event_start);
	pthread_mutex_lock(&event_lock);
}

static void
event_leave(void)
{
	pthread_mutex_unlock(&event_lock);
}

static void
forget(struct thread *td)
{
	struct thread **link;

	if (td->selinfo == NULL)
		return;
	for (link = &td->selinfo->first; *link != NULL; link = &(*link)->next)
		if (*link == td) {
			*link = td->next;
			break;
		}
	td->selinfo = NULL;
}

void
selrecord(struct thread *td, struct selinfo *si)
{
	event_enter();
	if (td->selinfo == NULL && !td->pending) {
		td->selinfo = si;
		td->next = si->first;
		si->first = td;
	}
	event_leave();
}

void
selwakeup(struct selinfo *si)
{
	struct thread *td;

	event_enter();
	while ((td = si->first) != NULL) {
		si->first = td->next;
		td->selinfo = NULL;
		td->pending = true;
	}
	event_wakeups++;
	pthread_cond_broadcast(&event_cond);
	event_leave();
}

void
seldrain(struct selinfo *si)
{
	selwakeup(si);
}

void
sim_notify(void)
{
	event_enter();
	event_wakeups++;
	pthread_cond_broadcast(&event_cond);
	event_leave();
}

uint64_t
sim_wakeups(void)
{
	uint64_t wakeups;

	event_enter();
	wakeups = event_wakeups;
	event_leave();
	return (wakeups);
}

void
sim_wait_wakeup(uint64_t seen, int timeout_ms)
{
	struct sim_deadline deadline = sim_deadline_after_ms(timeout_ms);

	event_enter();
	while (event_wakeups == seen)
		if (sim_cond_wait(&event_cond, &event_lock, deadline) != 0)
			break;
	event_leave();
}

void
sim_thread_init(struct thread *td)
{
	event_enter();
	td->selinfo = NULL;
	td->next = NULL;
	td->pending = false;
	event_leave();
}

bool
sim_thread_wait(struct thread *td, const bool *closed,
    struct sim_deadline deadline)
{
	bool woken = true;

	event_enter();
	while (!td->pending && !__atomic_load_n(closed, __ATOMIC_ACQUIRE))
		if (sim_cond_wait(&event_cond, &event_lock, deadline) != 0) {
			woken = td->pending;
			break;
		}
	forget(td);
	td->pending = false;
	event_leave();
	return (woken);
}

void
sim_thread_fini(struct thread *td)
{
	event_enter();
	forget(td);
	event_leave();
}

void
knlist_init_mtx(struct knlist *list, struct mtx *mtx)
{
	list->mtx = mtx;
	list->first = NULL;
	list->abandoned = false;
}

void
knlist_destroy(struct knlist *list)
{
	if (list->first != NULL)
		sim_panic("knlist destroyed with knotes on it");
}

void
knlist_add(struct knlist *list, struct knote *kn, int islocked)
{
	if (!islocked)
		mtx_lock(list->mtx);
	mtx_assert(list->mtx, MA_OWNED);
	event_enter();
	kn->kn_knlist = list;
	kn->next = list->first;
	list->first = kn;
	event_leave();
	if (!islocked)
		mtx_unlock(list->mtx);
}

static void
unlink_knote(struct knote *kn)
{
	struct knote **link;

	for (link = &kn->kn_knlist->first; *link != NULL; link = &(*link)->next)
		if (*link == kn) {
			*link = kn->next;
			break;
		}
	kn->kn_knlist = NULL;
}

void
knlist_remove(struct knlist *list, struct knote *kn, int islocked)
{
	if (!islocked)
		mtx_lock(list->mtx);
	mtx_assert(list->mtx, MA_OWNED);
	event_enter();
	unlink_knote(kn);
	event_leave();
	if (!islocked)
		mtx_unlock(list->mtx);
}

/* The text of a module may be gone when the kernel asks the filter again. */
static void
keep_filter(struct knlist *list, struct filterops *filterops)
{
	if ((void *)filterops->f_event != (void *)eopnotsupp)
		sim_panic("a knote outlives the filter of its driver");
	if (list->abandoned)
		return;
	list->abandoned = true;
	filters_kept = reallocarray(filters_kept, filters_kept_count + 1,
	    sizeof(filters_kept[0]));
	if (filters_kept == NULL)
		sim_panic("out of memory");
	filters_kept[filters_kept_count++] = filterops;
}

size_t
sim_filters_kept(void)
{
	size_t count;

	event_enter();
	count = filters_kept_count;
	event_leave();
	return (count);
}

void
sim_filters_free(void)
{
	event_enter();
	while (filters_kept_count > 0)
		sim_free(filters_kept[--filters_kept_count], M_DEVBUF);
	(free)(filters_kept);
	filters_kept = NULL;
	event_leave();
}

void
knlist_clear(struct knlist *list, int islocked)
{
	struct knote *kn, *next;

	if (islocked)
		sim_panic("knlist_clear of a locked list is not simulated");
	for (;;) {
		mtx_lock(list->mtx);
		event_enter();
		for (kn = list->first; kn != NULL; kn = next) {
			next = kn->next;
			if (kn->influx != 0)
				continue;
			unlink_knote(kn);
			keep_filter(list, kn->kn_fop);
			kn->kn_flags |= EV_EOF | EV_ONESHOT;
			kn->active = true;
			pthread_cond_broadcast(&event_cond);
		}
		mtx_unlock(list->mtx);
		if (list->first == NULL)
			break;
		(void)sim_cond_wait(&event_cond, &event_lock,
		    sim_deadline_after_ms(-1));
		event_leave();
	}
	event_leave();
}

void
knote(struct knlist *list, long hint, int flags)
{
	struct knote *kn;

	if ((flags & KNF_LISTLOCKED) == 0)
		sim_panic("knote without its lock is not simulated");
	mtx_assert(list->mtx, MA_OWNED);
	for (kn = list->first; kn != NULL; kn = kn->next)
		if (kn->kn_fop->f_event(kn, hint) != 0) {
			event_enter();
			kn->active = true;
			pthread_cond_broadcast(&event_cond);
			event_leave();
		}
}

/*
 * Asks the filter, with event_lock on entry and return.  Flags and data are
 * copied while the driver's mutex guards them.  A knote that was cleared from
 * its list is asked too, as kevent(2) does when it is enabled anew: its filter
 * must not be in a module that may have gone.
 */
static void
evaluate(struct knote *kn, unsigned *flags, int64_t *data)
{
	struct mtx *mtx;

	if (kn->kn_knlist != NULL) {
		mtx = kn->kn_knlist->mtx;
		kn->influx++;
		event_leave();
		mtx_lock(mtx);
		event_enter();
		kn->active = kn->kn_fop->f_event(kn, 0) != 0;
		*flags = kn->kn_flags;
		*data = kn->kn_data;
		mtx_unlock(mtx);
		kn->influx--;
		pthread_cond_broadcast(&event_cond);
	} else {
		kn->active = kn->kn_fop->f_event(kn, 0) != 0;
		*flags = kn->kn_flags;
		*data = kn->kn_data;
	}
}

void
sim_knote_attached(struct knote *kn)
{
	unsigned flags;
	int64_t data;

	event_enter();
	evaluate(kn, &flags, &data);
	event_leave();
}

bool
sim_knote_wait(struct knote *kn, struct sim_deadline deadline, unsigned *flags,
    int64_t *data)
{
	bool found = false;

	event_enter();
	while (!found) {
		while (!kn->active)
			if (sim_cond_wait(&event_cond, &event_lock, deadline) !=
			    0)
				goto out;
		/* What is active may have become quiet again: ask once more. */
		evaluate(kn, flags, data);
		found = kn->active;
	}
out:
	event_leave();
	return (found);
}

void
sim_knote_detach(struct knote *kn)
{
	event_enter();
	if (kn->kn_knlist != NULL) {
		kn->influx++;
		event_leave();
		kn->kn_fop->f_detach(kn);
		event_enter();
		kn->influx--;
		pthread_cond_broadcast(&event_cond);
	}
	event_leave();
}
