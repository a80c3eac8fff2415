/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the queue: shared by histq.c, which keeps and sends rows, and
 * histq_put.c, which makes them.
 */
#ifndef HISTQ_IMPL_H
#define HISTQ_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct histq;
struct wire_line;

/* The number that the next row has to have. */
uint64_t histq_next_seq(const struct histq *queue);
/*
 * Ends the row and puts it at the end; its number, or 0.  Rows of detail may be
 * dropped to make room.
 */
uint64_t histq_append(struct histq *queue, struct wire_line *line, bool detail);
/* Says in a row what had to be left out, once min_free slots are free. */
void histq_report_dropped(struct histq *queue, size_t min_free);

#endif /* HISTQ_IMPL_H */
