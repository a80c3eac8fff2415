/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the transaction machine share: one machine, its
 * participants and its clock.
 */
#ifndef TXN_RIG_H
#define TXN_RIG_H

#include "appvssd/txn.h"

#define TXN_RIG_PARTS 3

extern const struct txn_limits rig_limits;
extern struct txn txn;
/* Optional, of one order, and present. */
extern struct txn_part parts[TXN_RIG_PARTS];
/* Of the last step. */
extern struct txn_action items[TXN_ACTIONS_MAX(TXN_RIG_PARTS)];
extern struct txn_actions actions;
extern uint64_t now_ms;

void rig_setup(void);

/* One event, now. */
void rig_step(struct txn_event event);
void rig_begin(enum txn_event_type type, size_t nparts);
void rig_answer(enum txn_event_type type, size_t part, enum txn_op op);
void rig_commit(void);
void rig_thaw(enum txn_told told);
/* When the next one is due. */
void rig_tick_next(void);

/* How many actions of a type the last step made; *last is the last of them. */
size_t rig_acted(enum txn_action_type type, struct txn_action *last);

/* Freezes nparts participants that are all ready, up to the release. */
void rig_hold(size_t nparts);
/* All of them say that they have thawed: the end. */
void rig_all_thawed(size_t nparts);

#endif /* TXN_RIG_H */
