/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a transaction is what it is, in words.
 */
#ifndef WHY_H
#define WHY_H

#include <stdbool.h>

struct history_detail;
struct history_part;
struct history_txn;

/* Of the whole; never NULL. */
const char *why_transaction(const struct history_detail *detail);
/* What this one did not do; NULL: it was ready. */
const char *why_participant(const struct history_part *part);
/* What to do so that the next one is better; NULL: nothing more. */
const char *why_advice(const struct history_detail *detail);
const char *why_part_advice(const struct history_part *part);

#endif /* WHY_H */
