/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that a command writes: made in memory, then put in place as a whole.
 */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stddef.h>

/*
 * Readers see the old file or the new one, never a part; anybody may read it.
 * A device or a pipe is refused.  EX_OK, or a status after a message.
 */
int output_replace(const char *path, const char *bytes, size_t length);

#endif /* OUTPUT_H */
