/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: nothing of it is needed here.
 */
#ifndef SIM_SYS_LOCK_H
#define SIM_SYS_LOCK_H

#include <sys/param.h>

#endif /* SIM_SYS_LOCK_H */
