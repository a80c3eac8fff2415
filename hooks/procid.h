/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells a process from a later one that was given the same number: by the time
 * of its start.  One file for each system.
 */
#ifndef PROCID_H
#define PROCID_H

#include <sys/types.h>

#include <stdint.h>

/*
 * A number that stays the same as long as pid is the same process, 0 when there
 * is no such process (a zombie is none).
 */
uint64_t procid_get(pid_t pid);

#endif /* PROCID_H */
