/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints what a vss.d directory holds, for --list. */
#ifndef LIST_H
#define LIST_H

#include "hookdir.h"

/* One line a file, for people. */
void list_print(const struct hookdir *directory);

/* One JSON object; path is the directory's. */
void list_print_json(const struct hookdir *directory, const char *path);

#endif /* LIST_H */
