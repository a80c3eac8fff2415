/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands on the history say alike of a transaction.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>
#include <stdint.h>

struct history_detail;
struct history_event;
struct history_state;
struct history_txn;
struct text_json;

/* The last state, or "unfinished" while there is none. */
const char *show_outcome(const struct history_txn *txn);

/* The keys of a transaction, into an object that was begun. */
void show_json_txn(struct text_json *json, const struct history_txn *txn);

/* What the host was told, in words. */
const char *show_host(const struct history_state *last);

/* The last time of the axis. */
int64_t timeline_end(const struct history_detail *detail);
/*
 * The participants of a transaction as bars on one axis of time, with their
 * progress, and who made it slow.
 */
void timeline_print(const struct history_detail *detail);
/* Whether timeline_print() shows it with a participant. */
bool timeline_has_event(const struct history_detail *detail,
    const struct history_event *event);

#endif /* SHOW_H */
