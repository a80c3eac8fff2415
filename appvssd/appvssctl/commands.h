/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of appvssctl: their names, arguments, options and help.
 */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "ctl.h"

struct command {
	const char *name;
	const char *usage;
	const char *summary;
	const char *help; /* more than the summary, or NULL */
	unsigned options; /* OPTION_BIT()s */
	int min, max;	  /* arguments; max -1: any number */
	int (*run)(const struct ctl *ctl, int argc, char *argv[]);
};

/* NULL: there is none of that name. */
const struct command *commands_find(const char *name);

/* NULL: of the whole program. */
void commands_print_help(const struct command *command);

#endif /* COMMANDS_H */
