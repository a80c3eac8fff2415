/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parent process of appvss-hooks.  It speaks to nobody and runs scripts
 * only when the runner has died and left some frozen, so that little can go
 * wrong with it.
 */
#ifndef SUPERVISE_H
#define SUPERVISE_H

#include "options.h"

/*
 * Thaws what an earlier life left, then keeps a runner running until SIGTERM or
 * SIGINT.  Returns the exit status.
 */
int supervise(const struct options *options);

#endif /* SUPERVISE_H */
