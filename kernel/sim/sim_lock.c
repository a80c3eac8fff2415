/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: mutexes, sleep and wakeup, allocation, time.  What a kernel
 * with INVARIANTS asserts is checked here always.
 */
#include <sys/param.h>
#include <sys/systm.h>
#include <sys/malloc.h>
#include <sys/mutex.h>
#include <sys/syslog.h>
#include <sys/time.h>

#include <stdarg.h>
#include <time.h>

#include "sim.h"
#include "sim_event.h"
#include "sim_wait.h"

/* Its address is the mark of a thread. */
static _Thread_local char thread_mark;

static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t sleep_cond = PTHREAD_COND_INITIALIZER;
static uint64_t sleep_wakeups;
static unsigned sleepers;

static int64_t stopped_at_ns = -1; /* atomic */
static size_t allocations;	   /* atomic */
static unsigned log_lines;	   /* atomic */

struct malloc_type M_DEVBUF[1] = { { "devbuf" } };

int
eopnotsupp(void)
{
	return (EOPNOTSUPP);
}

void
sim_log(int priority __unused, const char *format, ...)
{
	va_list arguments;

	__atomic_add_fetch(&log_lines, 1, __ATOMIC_RELAXED);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
}

unsigned
sim_log_count(void)
{
	return (__atomic_load_n(&log_lines, __ATOMIC_RELAXED));
}

void
sim_panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("simulated kernel: panic: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	abort();
}

int64_t
sim_clock_stopped_at_ns(void)
{
	return (__atomic_load_n(&stopped_at_ns, __ATOMIC_ACQUIRE));
}

void
sim_clock_set_ns(int64_t now_ns)
{
	__atomic_store_n(&stopped_at_ns, now_ns, __ATOMIC_RELEASE);
}

int64_t
sim_now_ns(void)
{
	int64_t stopped = sim_clock_stopped_at_ns();
	struct timespec now;

	if (stopped != -1)
		return (stopped);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
}

sbintime_t
sbinuptime(void)
{
	int64_t now_ns = sim_now_ns();

	return (((now_ns / 1000000000) << 32) +
	    (int64_t)(((uint64_t)(now_ns % 1000000000) << 32) / 1000000000));
}

/* The last time is in milliseconds, as the kernel's is in ticks. */
int
ppsratecheck(struct timeval *lasttime, int *curpps, int maxpps)
{
	int64_t now_ms = sim_now_ns() / 1000000;

	if (lasttime->tv_sec == 0 || now_ms - lasttime->tv_sec >= 1000) {
		lasttime->tv_sec = now_ms;
		*curpps = 0;
	}
	(*curpps)++;
	return (maxpps < 0 || *curpps <= maxpps);
}

struct sim_deadline
sim_deadline_after_ms(int timeout_ms)
{
	struct sim_deadline deadline = { -1 };

	if (timeout_ms >= 0)
		deadline.at_ns = sim_now_ns() + (int64_t)timeout_ms * 1000000;
	return (deadline);
}

void
sim_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (pthread_cond_init(cond, &attributes) != 0)
		sim_panic("pthread_cond_init");
	pthread_condattr_destroy(&attributes);
}

int
sim_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
    struct sim_deadline deadline)
{
	struct timespec until;

	if (deadline.at_ns == -1)
		return (pthread_cond_wait(cond, mutex));
	/* Of a clock that stands: it will not come by itself. */
	if (sim_clock_stopped_at_ns() != -1)
		return (ETIMEDOUT);
	until.tv_sec = (time_t)(deadline.at_ns / 1000000000);
	until.tv_nsec = (long)(deadline.at_ns % 1000000000);
	return (pthread_cond_timedwait(cond, mutex, &until));
}

void
mtx_init(struct mtx *mtx, const char *name __unused, const char *type __unused,
    int opts __unused)
{
	pthread_mutex_init(&mtx->lock, NULL);
	__atomic_store_n(&mtx->owner, NULL, __ATOMIC_RELAXED);
}

void
mtx_destroy(struct mtx *mtx)
{
	if (__atomic_load_n(&mtx->owner, __ATOMIC_RELAXED) != NULL)
		sim_panic("mutex destroyed while it is held");
	if (pthread_mutex_destroy(&mtx->lock) != 0)
		sim_panic("mutex destroyed while it is waited for");
}

void
mtx_assert(struct mtx *mtx, int what)
{
	bool owned = __atomic_load_n(&mtx->owner, __ATOMIC_RELAXED) ==
	    &thread_mark;

	if (owned != (what == MA_OWNED))
		sim_panic("mutex is %sowned", owned ? "" : "not ");
}

void
mtx_lock(struct mtx *mtx)
{
	mtx_assert(mtx, MA_NOTOWNED);
	if (pthread_mutex_lock(&mtx->lock) != 0)
		sim_panic("lock of a mutex that is none");
	__atomic_store_n(&mtx->owner, &thread_mark, __ATOMIC_RELAXED);
}

void
mtx_unlock(struct mtx *mtx)
{
	mtx_assert(mtx, MA_OWNED);
	__atomic_store_n(&mtx->owner, NULL, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&mtx->lock);
}

/* Every sleeper wakes at every wakeup: callers look again, as they must. */
int
mtx_sleep(const void *channel __unused, struct mtx *mtx, int priority __unused,
    const char *wmesg __unused, int timo)
{
	uint64_t seen;

	if (timo != 0)
		sim_panic("mtx_sleep with a timeout is not simulated");
	mtx_assert(mtx, MA_OWNED);
	pthread_mutex_lock(&sleep_lock);
	seen = sleep_wakeups;
	sleepers++;
	mtx_unlock(mtx);
	while (sleep_wakeups == seen)
		pthread_cond_wait(&sleep_cond, &sleep_lock);
	sleepers--;
	pthread_mutex_unlock(&sleep_lock);
	mtx_lock(mtx);
	return (0);
}

unsigned
sim_sleepers(void)
{
	unsigned count;

	pthread_mutex_lock(&sleep_lock);
	count = sleepers;
	pthread_mutex_unlock(&sleep_lock);
	return (count);
}

void
wakeup(const void *channel __unused)
{
	pthread_mutex_lock(&sleep_lock);
	sleep_wakeups++;
	pthread_cond_broadcast(&sleep_cond);
	pthread_mutex_unlock(&sleep_lock);
}

/* Not to be caught by the macros of the stand-in header. */
void *
sim_malloc(size_t size, struct malloc_type *type __unused, int flags)
{
	void *p = (malloc)(size);

	if (p == NULL)
		sim_panic("out of memory");
	/* What was not asked to be zero is anything but that. */
	memset(p, (flags & M_ZERO) != 0 ? 0 : 0xa5, size);
	__atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
	return (p);
}

void
sim_free(void *p, struct malloc_type *type __unused)
{
	if (p == NULL)
		return;
	__atomic_sub_fetch(&allocations, 1, __ATOMIC_RELAXED);
	(free)(p);
}

size_t
sim_malloc_count(void)
{
	return (__atomic_load_n(&allocations, __ATOMIC_RELAXED) -
	    sim_filters_kept());
}
