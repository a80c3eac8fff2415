/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's conversation with the driver, and with people who ask for a
 * drill: reads requests, has the freezer do them, answers each once, and keeps
 * the limit while frozen.  Decides what a THAW is answered; logs all that
 * happens.  Single-threaded: it and the freezer run in the one loop of
 * session_run.
 */
#ifndef SESSION_H
#define SESSION_H

#include <signal.h>

#include "freezer.h"

struct control;
struct vssdev;

struct session_config {
	const char *device;		   /* borrowed; to open it again */
	const struct policy *policy;	   /* borrowed */
	unsigned limit_ms;		   /* while frozen */
	const volatile sig_atomic_t *stop; /* set by a signal handler */
	const sigset_t *waiting_mask;	   /* when signals may come */
};

/*
 * Serves dev (taken) and control (borrowed; NULL: none) until *stop is set or
 * the guardian dies.  Whatever was frozen is thawed when it returns.  Returns a
 * code of sysexits(3).
 */
int session_run(const struct session_config *config, struct freezer *freezer,
    struct vssdev *dev, struct control *control);

#endif /* SESSION_H */
