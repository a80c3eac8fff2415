/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds in the text of FreeBSD's sysctl kern.geom.conftxt whether a provider
 * (a device of a mount) lies on a memory disk, md(4), and on which file, or on
 * a volume of a ZFS pool.  Pure: text in, answer out; built on every system,
 * used on FreeBSD.
 */
#ifndef GEOM_H
#define GEOM_H

#include <stddef.h>

enum geom_found {
	GEOM_NOTHING, /* there is no such occurrence */
	GEOM_DISK,    /* lies on a disk, or on a memory disk without a file */
	GEOM_FILE,    /* lies on a memory disk; the file's name is filled in */
	GEOM_VOLUME,  /* on a volume; its name, POOL/NAME, is filled in */
	GEOM_UNKNOWN, /* on one of these that is not told, or too long */
};

/*
 * The text is a tree: each line begins with its depth, and a provider's users
 * come below it; disks and memory disks are at depth 0.  A provider with
 * several parts below it (a mirror) occurs several times: the caller asks for
 * occurrence 0, 1, ... until GEOM_NOTHING.
 */
enum geom_found geom_find(const char *conftxt, const char *provider,
    unsigned occurrence, char *file, size_t size);

/* Is there any memory disk on a file, or any volume, at all? */
int geom_has_holders(const char *conftxt);

#endif /* GEOM_H */
