/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks through a configuration before libConfuse reads it, and finds what that
 * swallows or stops at: comments and sections without an end (which it takes
 * for whole), lines miscounted behind comments, ${VARIABLES}, words that are
 * set twice, and everything behind the first mistake.  Pure: no I/O.
 */
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include <stddef.h>

#include "config_mistakes.h"

#define CONFIG_TEXT_MAX 1023 /* bytes of one word or text */

/*
 * Returns a copy, owned and NUL-terminated, in which comments and statements
 * with mistakes are blank, and lines are where they were: what is left is
 * well-formed, and each value is of its word's type, though maybe not within
 * its limits.  lines, of CONFIG_WORDS_MAX, says where each word of the top was
 * set.  NULL when out of memory.
 */
char *config_scan(const char *text, size_t length, unsigned *lines,
    struct config_mistakes *mistakes);

#endif /* CONFIG_SCAN_H */
