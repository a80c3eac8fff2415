/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration's limits as those of the transaction machine.
 */
#ifndef TXN_LIMITS_H
#define TXN_LIMITS_H

struct config;
struct txn_limits;

void txn_limits_of(const struct config *config, struct txn_limits *limits);

#endif /* TXN_LIMITS_H */
