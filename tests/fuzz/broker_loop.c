/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the broker uses of libevent, with a clock of its own: see
 * broker_world.h.  What is ready is carried out in turn, the longest ago first.
 */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker_world.h"

#define LOOP_EVENTS_MAX 512
#define LOOP_COMMON_MAX 16
#define LOOP_STEPS_MAX	1000000 /* without that time passes: it spins */
#define LOOP_START_MS	1000000
#define LOOP_WALL_S	1700000000

struct event_base {
	struct timeval common[LOOP_COMMON_MAX];
	size_t ncommon;
};

struct event_config {
	int unused;
};

/* One that waits for something. */
struct loop_entry {
	struct event *event; /* borrows */
	uint64_t at_ms;
	uint64_t fired; /* when it had its last turn */
	short active;	/* by event_active() */
	bool waiting;	/* for its descriptor */
	bool timed;
};

static struct {
	struct event_base base;
	struct event_config config;
	struct loop_entry entries[LOOP_EVENTS_MAX];
	size_t count;
	size_t made; /* by event_new() and not freed */
	uint64_t now_ms;
	uint64_t turns;
	bool over;
} loop;

void
world_require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

void
loop_reset(void)
{
	loop.count = loop.made = 0;
	loop.now_ms = LOOP_START_MS;
	loop.turns = 0;
	loop.over = false;
	loop.base.ncommon = 0;
}

uint64_t
loop_now_ms(void)
{
	return (loop.now_ms);
}

bool
loop_is_over(void)
{
	return (loop.over);
}

size_t
loop_events(void)
{
	return (loop.made);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int
__wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	now->tv_sec = (time_t)(loop.now_ms / 1000);
	now->tv_nsec = (long)(loop.now_ms % 1000 * 1000000);
	if (clock == CLOCK_REALTIME)
		now->tv_sec += LOOP_WALL_S;
	return (0);
}

static void
loop_check(const struct event *event)
{
	world_require(event->ev_base == &loop.base,
	    "an event that was never made");
}

static struct loop_entry *
loop_find(const struct event *event)
{
	size_t i;

	for (i = 0; i < loop.count; i++) {
		if (loop.entries[i].event == event)
			return (&loop.entries[i]);
	}
	return (NULL);
}

static struct loop_entry *
loop_enter(struct event *event)
{
	struct loop_entry *entry = loop_find(event);

	loop_check(event);
	if (entry != NULL)
		return (entry);
	world_require(loop.count < LOOP_EVENTS_MAX, "too many events");
	entry = &loop.entries[loop.count++];
	*entry = (struct loop_entry) { .event = event, .fired = ++loop.turns };
	return (entry);
}

/* --- in place of libevent ------------------------------------------------ */

struct event_config *
event_config_new(void)
{
	return (&loop.config);
}

void
event_config_free(struct event_config *config)
{
	(void)config;
}

int
event_config_avoid_method(struct event_config *config, const char *method)
{
	(void)config;
	(void)method;
	return (0);
}

struct event_base *
event_base_new_with_config(const struct event_config *config)
{
	(void)config;
	return (&loop.base);
}

void
event_base_free(struct event_base *base)
{
	(void)base;
}

/* Only a speed-up of the real one. */
const struct timeval *
event_base_init_common_timeout(struct event_base *base,
    const struct timeval *duration)
{
	size_t i;

	for (i = 0; i < base->ncommon; i++) {
		if (base->common[i].tv_sec == duration->tv_sec &&
		    base->common[i].tv_usec == duration->tv_usec)
			return (&base->common[i]);
	}
	world_require(i < LOOP_COMMON_MAX, "too many timeouts");
	base->common[base->ncommon++] = *duration;
	return (&base->common[i]);
}

int
event_base_dispatch(struct event_base *base)
{
	(void)base;
	fuzz_drive();
	return (0);
}

int
event_base_loopbreak(struct event_base *base)
{
	(void)base;
	loop.over = true;
	return (0);
}

int
event_assign(struct event *event, struct event_base *base, evutil_socket_t fd,
    short what, event_callback_fn callback, void *arg)
{
	world_require(loop_find(event) == NULL, "an event made while it waits");
	memset(event, 0, sizeof(*event));
	event->ev_base = base;
	event->ev_fd = fd;
	event->ev_events = what;
	event->ev_evcallback.evcb_cb_union.evcb_callback = callback;
	event->ev_evcallback.evcb_arg = arg;
	return (0);
}

struct event *
event_new(struct event_base *base, evutil_socket_t fd, short what,
    event_callback_fn callback, void *arg)
{
	struct event *event = calloc(1, sizeof(*event));

	world_require(event != NULL, "no memory");
	(void)event_assign(event, base, fd, what, callback, arg);
	loop.made++;
	return (event);
}

void
event_free(struct event *event)
{
	(void)event_del(event);
	loop.made--;
	free(event);
}

int
event_add(struct event *event, const struct timeval *after)
{
	struct loop_entry *entry = loop_enter(event);

	if ((event->ev_events & (EV_READ | EV_WRITE)) != 0)
		entry->waiting = true;
	if (after == NULL)
		return (0);
	entry->timed = true;
	entry->at_ms = loop.now_ms + (uint64_t)after->tv_sec * 1000 +
	    (uint64_t)after->tv_usec / 1000;
	return (0);
}

int
event_del(struct event *event)
{
	struct loop_entry *entry = loop_find(event);

	loop_check(event);
	if (entry != NULL)
		*entry = loop.entries[--loop.count];
	return (0);
}

void
event_active(struct event *event, int what, short calls)
{
	(void)calls;
	loop_enter(event)->active = (short)what;
}

struct event_base *
event_get_base(const struct event *event)
{
	loop_check(event);
	return (event->ev_base);
}

/* --- turns --------------------------------------------------------------- */

/* Why it is ready, or 0. */
static short
loop_ready(const struct loop_entry *entry)
{
	if (entry->active != 0)
		return (entry->active);
	if (entry->waiting && (entry->event->ev_events & EV_READ) != 0 &&
	    world_readable(entry->event->ev_fd))
		return (EV_READ);
	if (entry->waiting && (entry->event->ev_events & EV_WRITE) != 0 &&
	    world_writable(entry->event->ev_fd))
		return (EV_WRITE);
	return (entry->timed && entry->at_ms <= loop.now_ms ? EV_TIMEOUT : 0);
}

static struct loop_entry *
loop_next(void)
{
	struct loop_entry *entry, *next = NULL;

	for (entry = loop.entries; entry < loop.entries + loop.count; entry++) {
		if (loop_ready(entry) != 0 &&
		    (next == NULL || entry->fired < next->fired))
			next = entry;
	}
	return (next);
}

static void
loop_fire(struct loop_entry *entry)
{
	struct event *event = entry->event;
	short what = loop_ready(entry);

	entry->active = 0;
	entry->fired = ++loop.turns;
	if (what == EV_TIMEOUT)
		entry->timed = false;
	else if ((event->ev_events & EV_PERSIST) == 0)
		entry->waiting = entry->timed = false;
	if (!entry->waiting && !entry->timed)
		(void)event_del(event);
	event->ev_evcallback.evcb_cb_union.evcb_callback(event->ev_fd, what,
	    event->ev_evcallback.evcb_arg);
}

void
loop_settle(void)
{
	struct loop_entry *entry;
	unsigned steps;

	for (steps = 0; !loop.over; steps++) {
		entry = loop_next();
		if (entry == NULL)
			return;
		world_require(steps < LOOP_STEPS_MAX, "the loop spins");
		loop_fire(entry);
	}
}

void
loop_advance(uint64_t ms)
{
	const uint64_t until_ms = loop.now_ms + ms;
	uint64_t next_ms;
	size_t i;

	for (loop_settle(); !loop.over; loop_settle()) {
		next_ms = UINT64_MAX;
		for (i = 0; i < loop.count; i++) {
			if (loop.entries[i].timed &&
			    loop.entries[i].at_ms < next_ms)
				next_ms = loop.entries[i].at_ms;
		}
		if (next_ms > until_ms)
			break;
		loop.now_ms = next_ms;
	}
	if (!loop.over)
		loop.now_ms = until_ms;
}

void
loop_pause(uint64_t ms)
{
	loop.now_ms += ms;
}
