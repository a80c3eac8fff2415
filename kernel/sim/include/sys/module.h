/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: the module's own data is not needed here.
 */
#ifndef SIM_SYS_MODULE_H
#define SIM_SYS_MODULE_H

#define MODULE_VERSION(name, version) \
	_Static_assert((version) > 0, "module version")
#define MODULE_DEPEND(name, on, minimum, preferred, maximum) \
	_Static_assert((minimum) <= (maximum), "module dependency")

#endif /* SIM_SYS_MODULE_H */
