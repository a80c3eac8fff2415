/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: the system's own header, and the kernel's words of it that
 * the driver uses.  Every stand-in header declares what the driver uses, under
 * the kernel's names and with the kernel's meaning, and no more.
 */
#ifndef SIM_SYS_PARAM_H
#define SIM_SYS_PARAM_H

#include <sys/types.h>
#include_next <sys/param.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef nitems
#define nitems(x) (sizeof(x) / sizeof((x)[0]))
#endif
#ifndef roundup2
#define roundup2(x, y) (((x) + ((y)-1)) & ~((y)-1))
#endif
#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif
#ifndef __unused
#define __unused __attribute__((__unused__))
#endif

#endif /* SIM_SYS_PARAM_H */
