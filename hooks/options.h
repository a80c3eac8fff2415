/* SPDX-License-Identifier: BSD-2-Clause */
/* What appvss-hooks was told on its command line, see appvss-hooks(8). */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdint.h>

struct options {
	const char *directory;	 /* absolute */
	const char *socket;	 /* NULL: the library's own default */
	const char *runtime_dir; /* absolute */
	uint32_t freeze_ms;
	uint32_t thaw_ms;
	int list;
	int json;
	const char *operation; /* of --run; NULL: not asked for */
	const char *name;      /* of its script */
	int foreground;
	int debug;
};

/*
 * Starts the log of this process, empty: on standard error in the foreground,
 * else in the system log.
 */
void options_open_log(const struct options *options);

#endif /* OPTIONS_H */
