/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: modules that have an event handler of their own.
 */
#ifndef SIM_SYS_MODULE_H
#define SIM_SYS_MODULE_H

struct sim_module;

typedef struct sim_module *module_t;

enum modeventtype { MOD_LOAD, MOD_UNLOAD, MOD_SHUTDOWN, MOD_QUIESCE };

#define MODULE_VERSION(name, version) \
	_Static_assert((version) > 0, "module version")
#define MODULE_DEPEND(name, on, minimum, preferred, maximum) \
	_Static_assert((minimum) <= (maximum), "module dependency")

#endif /* SIM_SYS_MODULE_H */
