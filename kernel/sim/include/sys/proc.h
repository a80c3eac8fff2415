/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: a thread, as far as poll needs one.
 */
#ifndef SIM_SYS_PROC_H
#define SIM_SYS_PROC_H

#include <sys/param.h>

struct selinfo;

struct thread {
	struct selinfo *selinfo; /* recorded there */
	struct thread *next;
	bool pending; /* and woken since */
};

#endif /* SIM_SYS_PROC_H */
