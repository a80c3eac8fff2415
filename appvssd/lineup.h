/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who takes part in one transaction: the arrays that are lent to the machine,
 * and which registry entry is which index.  Grows between transactions only.
 */
#ifndef LINEUP_H
#define LINEUP_H

#include <stddef.h>

#include "txn.h"

struct registry;
struct registry_entry;

struct lineup {
	struct txn_part *parts;
	struct registry_entry **members; /* by index; owned by the registry */
	struct txn_actions actions;
	size_t count;
	size_t max;
};

/* 0, or -1: out of memory. */
int lineup_init(struct lineup *lineup);
void lineup_fini(struct lineup *lineup);

/*
 * Lines up everybody who is known, present or not.  0, or -1: out of memory,
 * and nothing has changed.
 */
int lineup_fill(struct lineup *lineup, struct registry *registry);

/* Leaves the results with the entries, for STATUS. */
void lineup_note_results(const struct lineup *lineup, enum txn_op op);

/* The transaction has ended: its members are the registry's alone. */
void lineup_end(struct lineup *lineup);

#endif /* LINEUP_H */
