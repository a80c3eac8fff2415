/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the words of the driver and those of the transaction machine.  Pure.
 */
#ifndef DEVICE_WORDS_H
#define DEVICE_WORDS_H

#include <stdbool.h>

#include "kernel/hv_snapshot.h"
#include "txn.h"

enum hv_vss_op_t device_words_op(enum txn_op op);

/* What a request is to the machine; false: nothing. */
bool device_words_event(enum hv_vss_op_t op, enum txn_event_type *type);

/* What the host was told of a FREEZE, seen from the THAW that follows it. */
enum txn_told device_words_told(enum hv_vss_told told);

#endif /* DEVICE_WORDS_H */
