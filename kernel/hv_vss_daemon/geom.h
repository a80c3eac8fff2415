/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds in the text of FreeBSD's sysctl kern.geom.conftxt whether a provider
 * (a device of a mount) lies on a memory disk, md(4), and on which file.  Pure:
 * text in, answer out; built on every system, used on FreeBSD.
 */
#ifndef GEOM_H
#define GEOM_H

#include <stddef.h>

enum geom_found {
	GEOM_NOTHING, /* there is no such occurrence */
	GEOM_DISK,    /* lies on a disk, or on a memory disk without a file */
	GEOM_FILE,    /* lies on a memory disk; the file's name is filled in */
	GEOM_UNKNOWN, /* on a memory disk whose file is not told, or too long */
};

/*
 * The text is a tree: each line begins with its depth, and a provider's users
 * come below it; disks and memory disks are at depth 0.  A provider with
 * several parts below it (a mirror) occurs several times: the caller asks for
 * occurrence 0, 1, ... until GEOM_NOTHING.
 */
enum geom_found geom_find(const char *conftxt, const char *provider,
    unsigned occurrence, char *file, size_t size);

/* Is there any memory disk on a file at all? */
int geom_has_files(const char *conftxt);

#endif /* GEOM_H */
