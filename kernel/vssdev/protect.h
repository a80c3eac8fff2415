/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps a process that holds a freeze alive and in memory: locks its pages,
 * takes it out of reach of the out-of-memory killer.  Both need root at the
 * time of the call; the caller drops privileges afterwards.  And keeps it from
 * what it may have been started with.
 */
#ifndef PROTECT_H
#define PROTECT_H

/* A sanitizer's runtime traces its own process, opens files and executes. */
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PROTECT_SANITIZED 1
#else
#define PROTECT_SANITIZED 0
#endif

/*
 * Raises RLIMIT_MEMLOCK and locks present and future pages.  0, or -1 with
 * errno (the caller warns and goes on; what there is by now may be locked).
 * Locks are not inherited over fork.
 */
int protect_lock_memory(void);

/* Linux: oom_score_adj -1000; FreeBSD: procctl(PROC_SPROTECT).  0, or -1. */
int protect_from_oom(void);

/*
 * No core file, and no tracing by others of the same user.  A process that dies
 * while the disk is frozen would sleep over its core, and its sockets would
 * stay open: nobody would see that it is dead.  After privileges are dropped,
 * which undoes it.  0, or -1.
 */
int protect_from_dumps(void);

/*
 * Makes sure that descriptors 0 to 2 are something: a file that is opened later
 * must not be taken for standard output.  Before anything is opened.  0, or -1
 * with errno.
 */
int protect_standard_fds(void);

#endif /* PROTECT_H */
