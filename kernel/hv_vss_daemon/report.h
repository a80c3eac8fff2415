/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hv_vss_daemon --check: tells a person, or a program, what would be done with
 * every mount, why, and whether a snapshot would be possible.  Opens what would
 * be frozen, and freezes nothing.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

#include "policy.h"

/* Writes to standard output.  Returns a code of sysexits(3). */
int report_print(const struct policy *policy, bool json);

#endif /* REPORT_H */
