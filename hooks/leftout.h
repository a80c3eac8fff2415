/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The participant "vss.d": it stands for scripts that cannot be participants of
 * their own, and fails, so that no snapshot counts as complete without them.
 */
#ifndef LEFTOUT_H
#define LEFTOUT_H

#include "sdk/appvss.h"

#define LEFTOUT_NAME "vss.d"

struct leftout {
	struct appvss_participant *participant; /* NULL: nothing is left out */
	char text[APPVSS_TEXT_MAX];
};

/*
 * count files are left out, the first of them name, because of why.  None: it
 * is unregistered.  It must not be called from a callback.
 */
void leftout_set(struct leftout *leftout, struct appvss *handle, unsigned count,
    const char *name, const char *why);

#endif /* LEFTOUT_H */
