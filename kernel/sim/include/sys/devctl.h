/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: notifications to devd, kept for the tests.
 */
#ifndef SIM_SYS_DEVCTL_H
#define SIM_SYS_DEVCTL_H

void devctl_notify(const char *system, const char *subsystem, const char *type,
    const char *data);

#endif /* SIM_SYS_DEVCTL_H */
