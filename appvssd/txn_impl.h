/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the transaction machine (txn.c, txn_freeze.c,
 * txn_thaw.c, txn_util.c) and nobody else.
 */
#ifndef TXN_IMPL_H
#define TXN_IMPL_H

#include "txn.h"

#define TXN_NOBODY SIZE_MAX

/* txn.c */
void txn_advance(struct txn *txn, uint64_t now_ms, struct txn_actions *actions);

/* txn_util.c */
void txn_set_state(struct txn *txn, enum txn_state state);
struct txn_action *txn_act(struct txn_actions *actions,
    enum txn_action_type type);
uint32_t txn_until(uint64_t at_ms, uint64_t now_ms);
uint64_t txn_min(uint64_t a, uint64_t b);
void txn_answer(struct txn_actions *actions, struct txn_request request,
    enum txn_op op, bool success, enum txn_reason reason);
void txn_answer_begun(struct txn *txn, struct txn_actions *actions,
    bool success);
void txn_blame(struct txn *txn, enum txn_outcome outcome,
    enum txn_reason reason, size_t culprit);
bool txn_is_frozen(const struct txn_part *part);

/* txn_thaw.c */
void txn_finish(struct txn *txn, uint64_t now_ms, struct txn_actions *actions);
void txn_send_thaw(struct txn *txn, size_t index, enum txn_outcome outcome,
    uint64_t now_ms, struct txn_actions *actions);
void txn_thaw_advance(struct txn *txn, uint64_t now_ms,
    struct txn_actions *actions);
void txn_begin_thaw(struct txn *txn, uint64_t now_ms,
    struct txn_actions *actions);
void txn_abort(struct txn *txn, enum txn_reason reason, size_t culprit,
    uint64_t now_ms, struct txn_actions *actions);
void txn_part_thawed(struct txn *txn, size_t index, enum txn_thaw thaw,
    uint64_t now_ms, struct txn_actions *actions);
void txn_expire_thaws(struct txn *txn, uint64_t now_ms,
    struct txn_actions *actions);
void txn_tick_thawing(struct txn *txn, uint64_t now_ms,
    struct txn_actions *actions);

/* txn_freeze.c */
void txn_release(struct txn *txn, uint64_t now_ms, struct txn_actions *actions);
void txn_freeze_advance(struct txn *txn, uint64_t now_ms,
    struct txn_actions *actions);
void txn_check_end(struct txn *txn, uint64_t now_ms,
    struct txn_actions *actions);
void txn_check_advance(struct txn *txn, uint64_t now_ms,
    struct txn_actions *actions);
void txn_begin(struct txn *txn, const struct txn_event *event,
    struct txn_actions *actions);
void txn_part_failed(struct txn *txn, size_t index, enum txn_result result,
    uint64_t now_ms, struct txn_actions *actions);
void txn_tick_asked(struct txn *txn, uint64_t now_ms,
    struct txn_actions *actions);

#endif /* TXN_IMPL_H */
