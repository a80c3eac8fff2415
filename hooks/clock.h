/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines of appvss-hooks and appvss-hold. */
#ifndef CLOCK_H
#define CLOCK_H

#include "kernel/vssdev/clock.h"

#define CLOCK_NEVER_MS INT64_MAX

#endif /* CLOCK_H */
