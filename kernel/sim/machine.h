/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine that a script runs on: the simulated kernel, or the FreeBSD that
 * hv_appvss_sim(4) is loaded on.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <stddef.h>
#include <stdint.h>

struct sim_machine {
	/* The driver's sysctls, by their last names.  0 or an errno value. */
	int (*sysctl_get)(const char *name, char *text, size_t size);
	int (*sysctl_set)(const char *name, int value);
	/*
	 * Waits until the count of changes is not seen, or for timeout_ms.  May
	 * end early.
	 */
	uint64_t (*changes)(void);
	void (*wait_change)(uint64_t seen, int timeout_ms);
};

extern const struct sim_machine sim_machine_simulated;
/* On other systems than FreeBSD: every sysctl fails with ENOSYS. */
extern const struct sim_machine sim_machine_kernel;

#endif /* MACHINE_H */
