/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is this process fit to freeze: one thread, and nothing open for writing on
 * what it freezes?  UFSSUSPEND refuses with EDEADLK otherwise, and does not say
 * which descriptor it is.  Changes nothing.
 */
#ifndef SELF_H
#define SELF_H

#include "system.h"

/* 0, or -1 with why. */
int self_check(const struct system_table *table,
    const struct freeze_target *targets, unsigned count, struct why *why);

#endif /* SELF_H */
