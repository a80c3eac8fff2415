/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of scripts that owe a thaw, as a file on tmpfs: what is left of
 * appvss-hooks' memory when it is killed.  A name is on the list from before
 * its freeze is started until its thaw has succeeded, and while a check runs.
 * The file holds names only, never paths: whoever could write to it must not
 * choose what root runs.
 *
 * Only one process has the list loaded at a time.
 */
#ifndef FROZENLIST_H
#define FROZENLIST_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "directive.h"
#include "scan.h"

#define FROZENLIST_MAX	128 /* entries: see SCRIPTS_MAX, HOOKDIR_SCRIPTS_MAX */
#define FROZENLIST_FILE "hooks.frozen"
#define FROZENLIST_PATH 512 /* bytes of the file's path */

/* What was running for the script when the list was written. */
enum frozen_running {
	FROZEN_NOTHING,
	FROZEN_FREEZE,
	FROZEN_THAW,
	FROZEN_CHECK, /* owes no thaw, but must not run on for ever */
};

struct frozen_entry {
	char name[SCAN_NAME_MAX + 1];
	uint64_t transaction;
	enum frozen_running running;
	pid_t pid;			   /* of running */
	uint64_t start_id;		   /* procid_get(pid) */
	int order;			   /* the highest thaws first */
	char user[DIRECTIVE_USER_MAX + 1]; /* that it runs as; "": none */
};

struct frozen_list {
	char path[FROZENLIST_PATH];
	char temporary[FROZENLIST_PATH];
	unsigned count;
	struct frozen_entry entries[FROZENLIST_MAX];
};

/*
 * Reads the list of runtime_dir; a missing file is an empty list.  Lines that
 * make no sense are left out.  0, or -1 with errno.
 */
int frozenlist_load(struct frozen_list *list, const char *runtime_dir);

/*
 * Adds or replaces the entry of its name, and writes the file.  0, or -1 with
 * errno: then the list is as it was.
 */
int frozenlist_put(struct frozen_list *list, const struct frozen_entry *entry);

/* Removes the entry of name, if any, and writes the file.  0, or -1. */
int frozenlist_remove(struct frozen_list *list, const char *name);

/* 1 if the directory lies in memory (tmpfs or ramfs), 0 if not, -1 unknown. */
int frozenlist_is_in_memory(const char *runtime_dir);

#endif /* FROZENLIST_H */
