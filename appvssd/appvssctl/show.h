/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands on the history say alike of a transaction.
 */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>

struct history_detail;
struct history_state;
struct history_txn;
struct text_json;

/* The last state, or "unfinished" while there is none. */
const char *show_outcome(const struct history_txn *txn);

/* Whether it was no snapshot, but a drill. */
bool show_is_drill(const struct history_detail *detail);

/* The keys of a transaction, into an object that was begun. */
void show_json_txn(struct text_json *json, const struct history_txn *txn);

/* What the host was told, in words. */
const char *show_host(const struct history_state *last);

#endif /* SHOW_H */
