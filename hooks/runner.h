/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process of appvss-hooks that speaks to appvssd and runs the scripts.  Its
 * supervisor is the other one.
 */
#ifndef RUNNER_H
#define RUNNER_H

#include "options.h"

/*
 * Runs until it is told to stop (SIGTERM, SIGINT), or until lifeline_fd reads
 * end of file, the supervisor being dead, and nothing is frozen.  Everything is
 * thawed before it returns, or left on the list.  For quiet_ms, file systems
 * may be frozen.  Returns the exit status.
 */
int runner_run(const struct options *options, int lifeline_fd,
    int64_t quiet_ms);

#endif /* RUNNER_H */
