/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a vss.d directory for scan.h and directive.h to judge.  Reads only.
 */
#ifndef HOOKDIR_H
#define HOOKDIR_H

#include <limits.h>

#include "directive.h"
#include "scan.h"

#define HOOKDIR_MAX	    256 /* entries looked at; more are an error */
#define HOOKDIR_SCRIPTS_MAX 128 /* those that can take part */
#define HOOKDIR_WHY_MAX	    (DIRECTIVE_TEXT_MAX + 64)

/* Differs when the file or its content has changed. */
struct hookdir_stamp {
	uint64_t device;
	uint64_t inode;
	int64_t size;
	int64_t modified_ns;
	int64_t changed_ns;
};

struct hookdir_entry {
	char name[NAME_MAX + 1];
	enum scan_verdict verdict;
	char why[HOOKDIR_WHY_MAX]; /* it does not run; "" if it does */
	struct hookdir_stamp stamp;
	struct directive directive; /* unsaid unless SCAN_RUN */
};

struct hookdir {
	enum scan_verdict verdict; /* of the directory */
	unsigned count;		   /* in the order of freezing, then by name */
	struct hookdir_entry entries[HOOKDIR_MAX];
};

/*
 * Reads path.  An entry of a refused directory is refused for the same reason.
 * 0, or -1 with errno (E2BIG: more than HOOKDIR_MAX entries).
 */
int hookdir_read(struct hookdir *directory, const char *path);

/*
 * Judges the file of entry->name anew; reads it only if its stamp is not that
 * of *entry, which is brought up to date.  0, or -1 with errno if it cannot be
 * looked at.
 */
int hookdir_look(struct hookdir_entry *entry, const char *path);

/*
 * Whether a file is to be trusted, whatever it says of itself.  SCAN_RUN, or
 * why not; -1 with errno if missing.
 */
int hookdir_judge(const char *path, const char *name);

/* Whether it is to be a participant, if only one that fails. */
bool hookdir_is_script(const struct hookdir_entry *entry);

/* What its directive says, or else its name: 0..99. */
int hookdir_order(const struct hookdir_entry *entry);

#endif /* HOOKDIR_H */
