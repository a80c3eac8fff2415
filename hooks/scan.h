/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which files of a vss.d directory are scripts to run, in which order, and why
 * the others are not.  Pure: the caller reads the directory and says what it
 * found; nothing here touches a file.
 */
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_NAME_MAX	   64 /* bytes: a participant's name, see vss.d(7) */
#define SCAN_ORDER_DEFAULT 50 /* of a name without an NN- prefix */

enum scan_kind { SCAN_FILE, SCAN_DIRECTORY, SCAN_SYMLINK, SCAN_OTHER };

/* What lstat(2) said of a directory entry, or of the directory itself. */
struct scan_entry {
	const char *name; /* borrowed */
	enum scan_kind kind;
	uint32_t uid;
	unsigned mode; /* permission bits */
};

enum scan_verdict {
	SCAN_RUN,
	/* Left out without a word: not meant as a script. */
	SCAN_LEFTOVER, /* editor's or package manager's file, README, hidden */
	SCAN_DISABLED, /* not executable */
	/* Refused: meant as a script, but not to be trusted or named. */
	SCAN_REFUSED_NAME,
	SCAN_REFUSED_KIND,
	SCAN_REFUSED_OWNER,
	SCAN_REFUSED_WRITABLE,
	SCAN_REFUSED_CONTENT, /* its directives, see directive.h */
};

/* Whether name is [A-Za-z0-9._-]{1,SCAN_NAME_MAX}. */
bool scan_name_ok(const char *name);

/* The order that a name asks for: 0..99. */
int scan_order(const char *name);

/* Judges one entry; trusted_uid (besides root) may own scripts. */
enum scan_verdict scan_judge(const struct scan_entry *entry,
    uint32_t trusted_uid);

/* The same for the directory: SCAN_RUN, or why nothing in it may run. */
enum scan_verdict scan_judge_directory(const struct scan_entry *directory,
    uint32_t trusted_uid);

/* Whether the verdict is one of the SCAN_REFUSED_ kind. */
bool scan_is_refused(enum scan_verdict verdict);

/* For people: "not executable", ...; of SCAN_RUN "ready". */
const char *scan_verdict_text(enum scan_verdict verdict);

/*
 * Who freezes first: by order (which a directive may have given), then by the
 * bytes of the name.  Less than, equal to or greater than zero, as strcmp(3).
 */
int scan_compare(int left_order, const char *left, int right_order,
    const char *right);

#endif /* SCAN_H */
