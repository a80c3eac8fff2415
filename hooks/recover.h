/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thaws scripts without a broker: what a dead appvss-hooks left on its list,
 * and what is frozen when it is told to stop.  In the order of a thaw: the
 * highest order first, those of one order together.
 */
#ifndef RECOVER_H
#define RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "script.h"

#define RECOVER_TRIES	    3	  /* of a thaw that fails, before the next */
#define RECOVER_PATIENCE_MS 60000 /* with one that runs, before the next */
/*
 * How long file systems can stay frozen when nobody says that they thawed:
 * above hv_vss_daemon's own limit.
 */
#define RECOVER_QUIET_MS 60000

/*
 * Asks those whose turn it is to thaw; call it after each round of script_tick.
 * True when nothing is left to wait for: every script is idle or was given up.
 */
bool recover_step(struct script *const *scripts, unsigned count,
    int64_t now_ms);

/* When recover_step is to be called again if nothing else happens. */
int64_t recover_wake_at_ms(struct script *const *scripts, unsigned count);

/*
 * The supervisor's use: thaws everything on the list of runtime_dir, whose
 * scripts lie in directory.  Sets *foundp to how many there were, and returns
 * how many could not be thawed; those stay on the list.  Waits, but at most
 * RECOVER_PATIENCE_MS for each order.
 */
unsigned recover_all(const char *directory, const char *runtime_dir,
    unsigned *foundp);

#endif /* RECOVER_H */
