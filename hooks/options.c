/* SPDX-License-Identifier: BSD-2-Clause */
/* See options.h. */
#include <unistd.h>

#include "kernel/vssdev/heldlog.h"
#include "options.h"

void
options_open_log(const struct options *options)
{
	enum heldlog_level level = options->debug ? HELDLOG_DEBUG :
						    HELDLOG_INFO;

	if (options->foreground)
		heldlog_open(STDERR_FILENO, "appvss-hooks", level);
	else
		heldlog_open_syslog("appvss-hooks", level);
}
