/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsync(2) for a whole tree: see sync_tree.h.  Used on FreeBSD, built and
 * tested everywhere.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <unistd.h>

#include "sync_tree.h"

static int
sync_file(const char *path, struct why *why)
{
	int error, fd;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 && errno == ENOENT)
		return (0);
	if (fd != -1 && fsync(fd) == 0) {
		(void)close(fd);
		return (0);
	}
	error = errno;
	if (fd != -1)
		(void)close(fd);
	why_set(why, path, "cannot be written out", error);
	return (-1);
}

static int
sync_entry(const FTSENT *entry, struct why *why)
{
	switch (entry->fts_info) {
	case FTS_F:
	case FTS_DP: /* after the files in it */
		return (sync_file(entry->fts_accpath, why));
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		/* Below the top, things may go at any time. */
		if (entry->fts_errno == ENOENT &&
		    entry->fts_level > FTS_ROOTLEVEL)
			return (0);
		why_set(why, entry->fts_path, "cannot be read",
		    entry->fts_errno);
		return (-1);
	}
	return (0);
}

/* The next entry in *entry, NULL at the end.  0, or -1 with why. */
static int
next_entry(FTS *tree, const char *point, const FTSENT **entry, struct why *why)
{
	errno = 0;
	*entry = fts_read(tree);
	if (*entry != NULL || errno == 0)
		return (0);
	why_set(why, point, "cannot be read", errno);
	return (-1);
}

int
sync_tree(const char *point, struct why *why)
{
	char *const paths[] = { (char *)(uintptr_t)point, NULL };
	const FTSENT *entry;
	unsigned count = 0;
	int result;
	FTS *tree;

	tree = fts_open(paths, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	if (tree == NULL) {
		why_set(why, point, "cannot be read", errno);
		return (-1);
	}
	while ((result = next_entry(tree, point, &entry, why)) == 0 &&
	    entry != NULL) {
		result = sync_entry(entry, why);
		if (result == 0 && ++count > SYNC_TREE_FILES_MAX) {
			why_set(why, point, "has too many files to be synced",
			    0);
			result = -1;
		}
		if (result != 0)
			break;
	}
	(void)fts_close(tree);
	return (result);
}
