/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The participants of a transaction as bars on one axis of time.
 */
#ifndef TIMELINE_H
#define TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

struct history_detail;
struct history_event;

/* The last time of the axis. */
int64_t timeline_end(const struct history_detail *detail);
/* The bars, with the progress of each, and who made it slow. */
void timeline_print(const struct history_detail *detail);
/* Whether timeline_print() shows it with a participant. */
bool timeline_has_event(const struct history_detail *detail,
    const struct history_event *event);

#endif /* TIMELINE_H */
