/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: open flags as a driver's open sees them.
 */
#ifndef SIM_SYS_FCNTL_H
#define SIM_SYS_FCNTL_H

#include_next <sys/fcntl.h>

#ifndef FREAD
#define FREAD  0x0001
#define FWRITE 0x0002
#endif

#endif /* SIM_SYS_FCNTL_H */
