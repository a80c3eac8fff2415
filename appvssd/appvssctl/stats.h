/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history --stats.
 */
#ifndef STATS_H
#define STATS_H

struct ctl;

/* An exit status, after a message if it is not EX_OK. */
int stats_print(const struct ctl *ctl);

#endif /* STATS_H */
