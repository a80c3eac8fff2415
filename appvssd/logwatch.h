/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the broker's log on when the parent, which was perhaps asleep on a
 * frozen disk, takes lines again.  Costs nothing while no line waits.
 */
#ifndef LOGWATCH_H
#define LOGWATCH_H

struct event_base;
struct logwatch;

/* One for each process, as its log is.  NULL with errno. */
struct logwatch *logwatch_create(struct event_base *base);
void logwatch_destroy(struct logwatch *watch);

#endif /* LOGWATCH_H */
