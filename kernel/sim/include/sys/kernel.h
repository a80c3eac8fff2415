/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: nothing of it is needed here.
 */
#ifndef SIM_SYS_KERNEL_H
#define SIM_SYS_KERNEL_H

#include <sys/param.h>

#endif /* SIM_SYS_KERNEL_H */
