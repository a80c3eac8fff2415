/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated kernel as a machine: see machine.h.
 */
#include "machine.h"
#include "sim.h"

const struct sim_machine sim_machine_simulated = {
	.sysctl_get = sim_sysctl_get,
	.sysctl_set = sim_sysctl_set,
	.changes = sim_wakeups,
	.wait_change = sim_wait_wakeup,
};
