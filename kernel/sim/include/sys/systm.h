/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated kernel: strings, output, sleeping.
 */
#ifndef SIM_SYS_SYSTM_H
#define SIM_SYS_SYSTM_H

#include <sys/param.h>

#include <stdio.h>
#include <string.h>

struct mtx;

/* Sleeps on channel with mtx released; timo 0 only.  May wake for nothing. */
int mtx_sleep(const void *channel, struct mtx *mtx, int priority,
    const char *wmesg, int timo);
void wakeup(const void *channel);
int eopnotsupp(void);

#endif /* SIM_SYS_SYSTM_H */
