/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options of appvssctl: which there are, and what their values are.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "ctl.h"

/* Options of single commands come first: they are bits of a mask. */
enum option_number {
	OPTION_LIMIT,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_OUTCOME,
	OPTION_CONSISTENCY,
	OPTION_APP,
	OPTION_SOURCE,
	OPTION_STATS,
	OPTION_SVG,
	OPTION_CONFIG,
	OPTION_DAEMON_CONFIG,
	OPTION_HOOKS_DIR,
	OPTION_RUNTIME_DIR,
	OPTION_FS,
	OPTION_WARNING,
	OPTION_CRITICAL,
	OPTION_OUTPUT,
	OPTION_LIVE,
	OPTION_HOLD,
	OPTION_REQUIRE,
	OPTION_REPEAT,
	OPTIONS_OF_COMMANDS,
	OPTION_SOCKET = OPTIONS_OF_COMMANDS,
	OPTION_HISTORY,
	OPTION_JSON,
	OPTION_HELP,
	OPTION_VERSION
};

#define OPTION_BIT(number) (1u << (number))

/* What all commands take, for --help. */
extern const char options_help[];

/*
 * Fills ctl, with defaults first, and the mask of options that were given;
 * optind is then the first argument.  EX_OK, or EX_USAGE after a message.
 */
int options_parse(int argc, char *argv[], struct ctl *ctl, unsigned *given);

/* Without "--". */
const char *options_name(enum option_number number);

#endif /* OPTIONS_H */
