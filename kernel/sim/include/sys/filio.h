/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: the ioctls of every file, in FreeBSD's numbers.
 */
#ifndef SIM_SYS_FILIO_H
#define SIM_SYS_FILIO_H

#undef FIONBIO
#undef FIOASYNC
#define FIOASYNC 0x8004667dUL
#define FIONBIO	 0x8004667eUL

#endif /* SIM_SYS_FILIO_H */
