/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs one script once, for the person who writes it (--run): as appvss-hooks
 * would, but without a broker, and shows all of it.
 */
#ifndef TRY_H
#define TRY_H

#include "options.h"

/*
 * operation: "check", "freeze" or "thaw".  The exit status: 0 if the script
 * succeeded, 1 if it failed or was killed, or of sysexits(3) if it was not run.
 */
int try_run(const struct options *options, const char *operation,
    const char *name);

#endif /* TRY_H */
