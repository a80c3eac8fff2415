/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel refuses to the broker and to the history process from some
 * point of their start on, whatever they are made to ask for.  One file for
 * each system; neither logs.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

/*
 * For good, and for the calling process, which has one thread.  0, or -1 with
 * errno: ENOTSUP where there is nothing of the kind, or in a sanitizer's build,
 * whose runtime does what is refused here.
 */

/* The broker has all of its descriptors, or is sent them: it opens nothing. */
int sandbox_broker(void);

/* The history process opens files, and nothing else. */
int sandbox_history(void);

#endif /* SANDBOX_H */
