/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line of hv_vss_daemon.  Parsing ends the program on a mistake.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>

#include "mounts.h"

enum run_mode {
	RUN_SERVE,
	RUN_THAW,   /* thaw what a killed daemon has left */
	RUN_CHECK,  /* say what would be done */
	RUN_STATUS, /* these ask a running daemon */
	RUN_MOUNTS,
	RUN_DRILL,
};

struct options {
	enum run_mode mode;
	char *config_path; /* these are owned, absolute; NULL: not given */
	char *device;
	char *runtime_dir;
	char *points[MOUNTS_FREEZE_MAX]; /* owned: canonical paths */
	unsigned npoints;
	unsigned limit_ms; /* 0: not given */
	unsigned drill_ms;
	bool json;
	bool debug;
	bool foreground;
	bool no_freeze;
};

void options_parse(struct options *options, int argc, char *argv[]);
void options_fini(struct options *options);

#endif /* DAEMON_OPTIONS_H */
