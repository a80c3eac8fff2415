/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: variable arguments.
 */
#ifndef SIM_MACHINE_STDARG_H
#define SIM_MACHINE_STDARG_H

#include <stdarg.h>

#endif /* SIM_MACHINE_STDARG_H */
