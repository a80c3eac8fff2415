/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a transaction was worth, for people: why it is no more, who was not
 * ready and since when, and what to do about it.
 */
#ifndef VERDICT_H
#define VERDICT_H

struct history_detail;
struct since;

/* One line: what may be expected of a restore. */
void verdict_print_worth(const struct history_detail *detail);

void verdict_print(const struct history_detail *detail,
    const struct since *since);
/* The same as objects of the kind "why". */
void verdict_print_json(const struct history_detail *detail,
    const struct since *since);

#endif /* VERDICT_H */
