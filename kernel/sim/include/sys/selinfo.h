/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: who waits in poll for a device.
 */
#ifndef SIM_SYS_SELINFO_H
#define SIM_SYS_SELINFO_H

#include <sys/param.h>
#include <sys/event.h>

struct thread;

struct selinfo {
	struct thread *first;
	struct knlist si_note;
};

void selrecord(struct thread *td, struct selinfo *si);
void selwakeup(struct selinfo *si);
void seldrain(struct selinfo *si);

#endif /* SIM_SYS_SELINFO_H */
