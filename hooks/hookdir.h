/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a vss.d directory for scan.h to judge.  Reads only.
 */
#ifndef HOOKDIR_H
#define HOOKDIR_H

#include <limits.h>

#include "scan.h"

#define HOOKDIR_MAX	    256 /* entries looked at; more are an error */
#define HOOKDIR_SCRIPTS_MAX 64	/* those that can take part */

struct hookdir_entry {
	char name[NAME_MAX + 1];
	enum scan_verdict verdict;
};

struct hookdir {
	enum scan_verdict verdict; /* of the directory */
	unsigned count;		   /* in the order of scan_compare */
	struct hookdir_entry entries[HOOKDIR_MAX];
};

/*
 * Reads path.  An entry of a refused directory is refused for the same reason.
 * 0, or -1 with errno (E2BIG: more than HOOKDIR_MAX entries).
 */
int hookdir_read(struct hookdir *directory, const char *path);

/* Judges one file anew.  SCAN_RUN, or the reason; -1 with errno if missing. */
int hookdir_judge(const char *path, const char *name);

/* Whether it is to be a participant, if only one that fails. */
bool hookdir_is_script(const struct hookdir_entry *entry);

/* Prints what each entry is, for --list. */
void hookdir_print(const struct hookdir *directory);

#endif /* HOOKDIR_H */
