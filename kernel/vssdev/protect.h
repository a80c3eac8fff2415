/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps a process that holds a freeze alive and in memory: locks its pages,
 * takes it out of reach of the out-of-memory killer.  Both need root at the
 * time of the call; the caller drops privileges afterwards.
 */
#ifndef PROTECT_H
#define PROTECT_H

/*
 * Raises RLIMIT_MEMLOCK and locks present and future pages.  0, or -1 with
 * errno (the caller warns and goes on; what there is by now may be locked).
 * Locks are not inherited over fork.
 */
int protect_lock_memory(void);

/* Linux: oom_score_adj -1000; FreeBSD: procctl(PROC_SPROTECT).  0, or -1. */
int protect_from_oom(void);

#endif /* PROTECT_H */
