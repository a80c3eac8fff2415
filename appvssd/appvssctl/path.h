/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who made a transaction slow.  Orders follow one another, so the time until
 * everybody was ready is the sum of the slowest of each order.
 */
#ifndef PATH_H
#define PATH_H

#include <stddef.h>
#include <stdint.h>

struct history_detail;
struct history_part;

struct path_step {
	const struct history_part *part; /* borrows */
	int64_t until_ms;		 /* its answer, or the end of waiting */
	int64_t elapsed_ms;
};

struct path {
	struct path_step *steps; /* owns; in the order of freezing */
	size_t count;
	size_t slowest; /* the step that took longest */
	int64_t total_ms;
};

/* Nobody was asked: no steps. */
void path_find(const struct history_detail *detail, struct path *path);
void path_fini(struct path *path);

#endif /* PATH_H */
