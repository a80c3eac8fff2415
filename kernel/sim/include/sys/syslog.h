/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: the log.  It goes to standard error, whatever its priority.
 */
#ifndef SIM_SYS_SYSLOG_H
#define SIM_SYS_SYSLOG_H

#include_next <sys/syslog.h>

void sim_log(int priority, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The compiler knows another log(). */
#define log sim_log

#endif /* SIM_SYS_SYSLOG_H */
